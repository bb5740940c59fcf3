"""What a text states about an item: difficulty, level, topic, company, tags.

Read from lines ("**Difficulty:** Medium | **Topic:** Caching", "#http #cache"), from the badges of a heading
("[Hard] …", "… (Senior)", "🟢 …"), from headings over questions ("Junior level") and from the columns of a table.
Difficulty and level have closed vocabularies, so that "Level: 3.3 V" and "(beta)" say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.parse.labels import DECORATION

# word → (difficulty, level): where a word can be both, what it stands behind decides
_SCALE: dict[str, tuple[str | None, str | None]] = {
    **dict.fromkeys(("easy", "simple"), ("easy", None)),
    **dict.fromkeys(("basic", "beginner", "beginners", "novice", "elementary"), ("easy", "junior")),
    "medium": ("medium", None),
    "moderate": ("medium", None),
    "intermediate": ("medium", "mid"),
    **dict.fromkeys(("hard", "difficult", "challenging", "tough"), ("hard", None)),
    **dict.fromkeys(("advanced", "expert"), ("hard", "senior")),
    **dict.fromkeys(("intern", "internship"), (None, "intern")),
    **dict.fromkeys(("junior", "jr", "entry", "graduate", "associate", "fresher", "freshers"), (None, "junior")),
    **dict.fromkeys(("mid", "middle"), (None, "mid")),
    **dict.fromkeys(("senior", "sr"), (None, "senior")),
    **{level: (None, level) for level in ("lead", "staff", "principal")},
}
_LABELS = {
    "difficulty": r"difficulty(?: level| rating)?|complexity|hardness",
    "level": r"(?:target |experience |seniority |candidate |role )?level|seniority|experience",
    "topic": r"(?:main |sub ?)?topics?|categor(?:y|ies)|subject|area|domain",
    "company": r"compan(?:y|ies)|asked (?:at|by|in)|seen at",
    "tags": r"(?:hash ?)?tags?|keywords?",
}
_NAMES = "|".join(rf"(?P<{name}>{words})" for name, words in _LABELS.items())
_MARKS = r"[ \t]*(?:[*_`]{1,3}|</?(?:b|strong|em|i)>)?"
_LABEL = re.compile(rf"(?:{DECORATION})*+{_MARKS}(?:{DECORATION})*+(?:{_NAMES})(?:{_MARKS}[ \t]*:{_MARKS})", re.I)
# a further label on the line begins behind one of these
_NEXT = re.compile(r"[ \t]*[|·•;,/—–][ \t]*|[ \t]{2,}|[ \t]+[-][ \t]+")
_LINE_MARK = re.compile(r"[\s>]*(?:[-*+][ \t]+)?")
_HASHTAGS = re.compile(r"(?:tags?:[ \t]*)?`?#[A-Za-z][\w./+#-]*`?(?:[,\s]+`?#[A-Za-z][\w./+#-]*`?)*", re.I)
_BARE = re.compile(r"[*_`\[\]\"<>⭐]|</?\w+>")
_GLUE = re.compile(r"[ \t]*(?:[/,&+|–—-]|\bto\b|\bor\b|\band\b|\s)[ \t]*")
_FILLER = frozenset({"level", "levels", "engineer", "engineers", "developer", "developers", "candidate", "candidates"})
_OUT_OF = re.compile(r"(\d{1,2})[ \t]*(?:/|out of|of)[ \t]*(\d{1,2})")
_STARS = re.compile(r"(?P<full>[★⭐✭\uFE0F]+)(?P<empty>[☆✩]+)")
_MAX_LINE, _MAX_WORDS, _MAX_TAGS, _MAX_HEADING = 240, 6, 24, 400


@dataclass(frozen=True, slots=True)
class Facets:
    """What is stated about an item; None and empty where nothing is."""

    difficulty: str | None = None
    level: str | None = None
    topic: str | None = None
    company: str | None = None
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.difficulty or self.level or self.topic or self.company or self.tags)

    def over(self, outer: Facets) -> Facets:
        """These, with what they leave open taken from `outer`; tags are those of both."""
        if not self or not outer:
            return self or outer
        return Facets(
            self.difficulty or outer.difficulty,
            self.level or outer.level,
            self.topic or outer.topic,
            self.company or outer.company,
            tuple(dict.fromkeys((*self.tags, *outer.tags))),
        )


NOTHING = Facets()


def facet_of(name: str, value: str) -> Facets:
    """What the value of a label or a column says: ("difficulty", "Medium") → difficulty medium. Maybe nothing."""
    if name in ("difficulty", "level"):
        return _graded(value, prefer=name)
    if name == "tags":
        return Facets(tags=_tags(value))
    words = " ".join(_BARE.sub("", value).split()).strip(" .")
    if not words or len(words) > 80 or (name == "topic" and len(words.split()) > _MAX_WORDS):
        return Facets()
    return Facets(company=words) if name == "company" else Facets(topic=words)


def read_line(line: str) -> Facets:
    """What a line of facets says; nothing where anything else stands on it."""
    if ":" not in line and "#" not in line:
        return Facets()
    text = line[_LINE_MARK.match(line).end() :].strip() if len(line) <= _MAX_LINE else ""  # type: ignore[union-attr]
    if _HASHTAGS.fullmatch(text):
        return Facets(tags=_tags(text))
    first = _LABEL.match(text)
    found = Facets()
    while first is not None:
        following = _following(text, first.end())
        end = following[0] if following else len(text)
        facet = facet_of(first.lastgroup or "", text[first.end() : end])
        if not facet:
            return Facets()
        found = found.over(facet)
        first = following[1] if following else None
    return found


def _following(text: str, start: int) -> tuple[int, re.Match[str]] | None:
    """The next label on a line: where what stands before it ends, and the label."""
    for gap in _NEXT.finditer(text, start):
        label = _LABEL.match(text, gap.end())
        if label is not None:
            return gap.start(), label
    return None


def read_lines(lines: Iterable[str]) -> Facets:
    """What lines of facets say together; nothing where one of them is no such line."""
    found = Facets()
    for line in lines:
        if line.strip():
            facets = read_line(line)
            if not facets:
                return Facets()
            found = found.over(facets)
    return found


def _graded(value: str, *, prefer: str) -> Facets:
    """The difficulty or the level that words of the two scales name; nothing where other words stand among them."""
    grade = _counted(value)
    if grade is not None:
        return Facets(difficulty=grade) if prefer == "difficulty" else Facets()
    words = [w for w in _GLUE.split(re.sub(rf"\([^()]*\)|{DECORATION}", " ", _BARE.sub(" ", value)).strip()) if w]
    words = [w.strip(".:").lower() for w in words]
    known = [_SCALE[w] for w in words if w in _SCALE]
    if not known or len(words) > _MAX_WORDS or any(w not in _SCALE and w not in _FILLER for w in words):
        return Facets()
    difficulty, level = known[0]
    if prefer == "difficulty":
        return Facets(difficulty=difficulty) if difficulty else Facets(level=level)
    return Facets(level=level) if level else Facets(difficulty=difficulty)


def _counted(value: str) -> str | None:
    """A difficulty that is counted and says out of how many: "2/5", "★★☆"."""
    stars, ratio = _STARS.search(value), _OUT_OF.search(value)
    if stars:
        full = stars["full"].replace("\ufe0f", "")
        share = len(full) / (len(full) + len(stars["empty"]))
    elif ratio and 0 < int(ratio[1]) <= int(ratio[2]):
        share = int(ratio[1]) / int(ratio[2])
    else:
        return None
    return "easy" if share <= 1 / 3 else "medium" if share <= 2 / 3 else "hard"


def _tags(value: str) -> tuple[str, ...]:
    value = re.sub(r"^tags?:", "", _BARE.sub(" ", value), flags=re.I)
    parts = re.split(r"[,;|]", value) if re.search(r"[,;|]", value) or "#" not in value else value.split()
    tags = [" ".join(part.split()).strip("#. ") for part in parts]
    return tuple(dict.fromkeys(t for t in tags if t and len(t) <= 40 and len(t.split()) <= 4))[:_MAX_TAGS]


# -- the badges of a heading

_CIRCLES = {"🟢": "easy", "🟡": "medium", "🟠": "medium", "🔴": "hard"}
_BADGE_BEFORE = re.compile(rf"(?:{DECORATION})*+[\[(`](?P<badge>[^\[\]()`]{{2,60}})[\])`](?!\()[ \t]*[:.–—-]?[ \t]*")
_BADGE_BEHIND = re.compile(
    r"[ \t]*(?:(?:(?<=[^\]])[\[(]|(?<=[?.!)\]])[ \t]*`)(?P<badge>[^\[\]()`]{2,60})[\])`]"
    r"|[ \t][-–—|][ \t]*(?P<word>\w+(?:[ -]level)?))"
    rf"[*_]{{0,3}}(?:[ \t]*(?:{DECORATION}))*$"
)
_BADGE_ALONE = re.compile(r"[ \t]*[*_`]{0,3}[\[(`](?P<badge>[^\[\]()`\n]{2,60})[\])`][*_`]{0,3}[ \t]*[:.–—-]?\s*")
_DECORATED_END = re.compile(rf"[ \t]*(?:{DECORATION})++$")
_WAY = re.compile(r"[ \t]*(?:\[[^\w\[\]]{0,8}\]\([^()]*\)|¶)[ \t]*$")  # "[⬆](#top)"
_ASKED_AT = re.compile(r"asked (?:at|by|in) (?P<company>.+)", re.I)


@dataclass(frozen=True, slots=True)
class Badged:
    """A heading's words without its badges: from `start` to `end` of the text, and what the badges say."""

    start: int
    end: int
    facets: Facets


def read_badges(text: str) -> Badged:
    """Takes badges off both ends of a heading: "[Hard] Why? (asked at Initech)". A long text has none."""
    start, end, found = 0, len(text.rstrip()), Facets()
    if len(text) > _MAX_HEADING:
        return Badged(start, end, found)
    while (match := _BADGE_BEFORE.match(text, start, end)) and (facets := _badge(match["badge"])):
        start, found = match.end(), found.over(facets)
    while True:
        match = _BADGE_BEHIND.search(text, start, end)
        facets = _badge(match["badge"] or match["word"]) if match else Facets()
        if match is None or not facets or match.start() <= start:
            break
        end, found = match.start(), found.over(facets)
    for pattern in (_WAY, _DECORATED_END):
        behind = pattern.search(text, start, end)
        if behind and behind.start() > start:
            end = behind.start()
    return Badged(start, end, found)


def badge_at(text: str) -> tuple[int, Facets]:
    """A badge at the start of a text, where a question in bold ends: how long it is, and what it says."""
    match = _BADGE_ALONE.match(text)
    facets = _badge(match["badge"]) if match else NOTHING
    return (match.end(), facets) if match and facets else (0, NOTHING)


def _badge(text: str) -> Facets:
    asked = _ASKED_AT.match(text.strip())
    if asked:
        return facet_of("company", asked["company"])
    return read_line(text) or _graded(text, prefer="difficulty")


def circle(text: str) -> str | None:
    """The coloured circle at either end of a heading, None without one."""
    if text.isascii():
        return None
    found = [mark for mark in _CIRCLES if text.strip().startswith(mark) or text.strip().endswith(mark)]
    return found[0] if found else None


def graded_circles(headings: Sequence[str]) -> dict[str, str]:
    """Circle → difficulty, where a document's headings bear at least two colours: one colour alone is decoration."""
    used = {mark for text in headings if (mark := circle(text))}
    return {mark: _CIRCLES[mark] for mark in used} if len(used) > 1 else {}


# -- headings over questions

_SECTION = re.compile(
    r"(?:level[ ]?\d?[:.)–—-]?[ ]*)?(?P<words>[a-z]+?(?:[ /-][a-z]+?)??)(?:[ -]?level)?"
    r"(?:[ ](?:interview[ ])?(?:questions?|problems?|engineers?|developers?|candidates?))?[ ]*"
    r"(?:\(.{0,40}\)|[:–—-].{0,40})?",
    re.I,
)


def section_facets(title: str) -> Facets:
    """What a heading says about all that stands under it: "Junior Level (0-2 years)", "Hard questions", "Advanced"."""
    words = re.sub(rf"^(?:{DECORATION})++|^\d+[.)][ \t]+", "", title.strip())
    match = _SECTION.fullmatch(words.strip())
    return _graded(match["words"], prefer="level") if match else Facets()
