"""Edits of a sentence: those that change one fact, and those that change none.

Each takes a sentence, a random source and what else the library holds, and gives the sentence anew with the stretch
that was changed, or None where it has nothing to change. Words in code spans and links are left alone, but by the edit
of identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from eval.perturb_words import Exchanges, exchanges, reversed_exchanges, words

_KEPT = re.compile(r"``[^\n]+?``|`[^`\n]+`|\]\([^)\n]*\)|https?://\S+|<[^>\n]*>")
_NUMBER = re.compile(
    r"(?<![\w.,/:#-])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?=(?:%|[a-zA-Z]{1,4})?(?:[\s,;:)*_]|[.!?]\s|[.!?]?$))"
)
_MARKER = re.compile(r"\s*(?:[-*+•]|\(?\d{1,3}[.)])\s+")
_CODE = re.compile(r"`([^`\n]{2,40})`")
_IDENTIFIER = re.compile(
    r"(?<![\w`/.])([A-Za-z]+(?:_[A-Za-z0-9]+)+|[a-z]+[A-Z][A-Za-z0-9]*|[A-Za-z_]\w*\(\))(?![\w`/])"
)
_NAME = re.compile(r"(?<=[a-z,:(] )([A-Z][A-Za-z0-9+#.]*[A-Za-z0-9+#](?: [A-Z][A-Za-z0-9+#]*[A-Za-z0-9+#])?)(?![\w`])")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|will|should|must|may|could|would)\b(?! not\b|n't| never\b| only\b)", re.IGNORECASE
)
_DENIAL = re.compile(
    r"\b(?:(is|are|was|were|can|will|should|must|may|could|would|has|have) not|(does|do|did) not"
    r"|(is|are|was|were|does|do|did|has|have|should|would|could)n['’]t|cannot|can['’]t|never)\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"\b([a-z][a-z-]{2,18})( (?:and|or) )([a-z][a-z-]{2,18})(?=[,.;:)]|$| (?:of|in|for|to|from|with|by|is|are))"
)
_LIST = re.compile(r"\b([A-Za-z][\w-]{2,18}), ([A-Za-z][\w-]{2,18}),? (and|or) ([A-Za-z][\w-]{2,18})\b")
_FINAL_CLAUSE = re.compile(
    r"^([A-Z][^,;:()]{12,120}?) (when|if|because|while|although|since|unless) ([^,;:()]{8,120}?)([.!]?)$"
)
_FIRST_CLAUSE = re.compile(
    r"^(When|If|Because|While|Although|Since|Unless) ([^,;:()]{8,120}?), ([^,;:]{8,160}?)([.!]?)$"
)
# ends that a sentence can't have: the condition that followed was a part of something
_DANGLING = re.compile(
    r"\b(?:and|or|but|even|only|just|especially|particularly|usually|often|except|for example|e\.g\.?|as|than)$",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1")
# words that begin a sentence as they would stand within it, where they are no names
_LOWERED = re.compile(
    r"^(?:The|A|An|It|This|That|These|Those|You|We|They|There|Each|Every|All|Some|Most|Use|Your|Its)\b"
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A sentence anew; `text[start:end]` is what was changed (where something was left out, what stands around it)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Material:
    """What an edit may put in. `names`, `code`: of the library; `strange`: sentences of other documents."""

    names: Sequence[str]
    code: Sequence[str]
    strange: Sequence[str]
    part: int | None = None


Editor = Callable[[str, Random, Material], Edit | None]


def number(text: str, random: Random, _: Material) -> Edit | None:
    """Another number."""
    begin = _body(text)
    found = [m for m in _NUMBER.finditer(text) if m.start() >= begin and not _kept(text, m.start())]
    written = _matches(text, exchanges("counts"))
    if written and (not found or random.random() < 0.4):
        m = random.choice(written)
        other = random.choice([w for w in exchanges("counts").others if w != m[1].lower()])
        return _put(text, m.start(1), m.end(1), other)
    if not found:
        return None
    m = random.choice(found)
    old = m[1].replace(",", "")
    if "." in old:
        new = f"{float(old) * random.choice((0.5, 2, 3)) + 0.1:.{len(old.partition('.')[2])}f}"
    else:
        value = int(old)
        near = [value + d for d in (1, 2, 3, -1) if value + d > 0]
        far = [value * 2, value * 10, value + 10, value // 2, value * 5]
        new = str(
            random.choice([v for v in (near + far if value < 1900 or value > 2100 else near) if v not in (value, 0)])
        )
        new = f"{int(new):,}" if "," in m[1] else new
    return _put(text, m.start(1), m.end(1), new) if new != old else None


def unit(text: str, random: Random, _: Material) -> Edit | None:
    """Another unit of the same kind, after a number."""
    known = exchanges("units")
    found = [
        m
        for m in re.finditer(r"(?:\d|\b(?:one|two|three|four|five|six|ten|few|several|a|an)\b)[ -]?([A-Za-z%]+)", text)
        if (m[1] in known.others) and not _kept(text, m.start())
    ]
    if not found:
        return None
    m = random.choice(found)
    return _put(text, m.start(1), m.end(1), random.choice(known.others[m[1]]))


def negation(text: str, random: Random, _: Material) -> Edit | None:
    """A denial put in, or taken out."""
    denied = [m for m in _DENIAL.finditer(text) if not _kept(text, m.start())]
    if denied and random.random() < 0.7:
        m = random.choice(denied)
        said = m[0].lower()
        if said == "never":
            return _put(text, m.start(), m.end(), "always")
        verb = m[1] or m[2] or m[3] or "can"
        return _put(text, m.start(), m.end(), f"{verb}" if said.split()[0] not in ("do", "does", "did") else verb)
    open_ = [m for m in _AUXILIARY.finditer(text) if not _kept(text, m.start()) and m.start() > 0]
    if not open_:
        return None
    m = random.choice(open_)
    put = "cannot" if m[1].lower() == "can" else f"{m[1]} {random.choice(('not', 'not', 'never'))}"
    return _put(text, m.start(), m.end(), put)


def identifier(text: str, random: Random, material: Material) -> Edit | None:
    """Another name of the library's code in the place of one."""
    found = [*_CODE.finditer(text), *(m for m in _IDENTIFIER.finditer(text) if not _kept(text, m.start()))]
    if not found:
        return None
    m = random.choice(found)
    others = [
        c
        for c in material.code
        if c not in text and c.lower() != m[1].lower() and c.endswith(")") == m[1].endswith(")")
    ]
    return _put(text, m.start(1), m.end(1), random.choice(others)) if others else None


def entity(text: str, random: Random, material: Material) -> Edit | None:
    """Another capitalised name in the place of one."""
    found = [m for m in _NAME.finditer(text) if not _kept(text, m.start()) and m[1] in material.names]
    others = [n for n in material.names if n not in text]
    if not found or not others:
        return None
    m = random.choice(found)
    return _put(text, m.start(1), m.end(1), random.choice(others))


def comparison(text: str, random: Random, material: Material) -> Edit | None:
    """A word exchanged for its opposite."""
    return _exchange(text, random, exchanges("opposites", material.part))


def condition(text: str, _random: Random, _: Material) -> Edit | None:
    """A circumstance left out: what held sometimes is said to hold always."""
    said = "|".join(map(re.escape, sorted(words("conditions"), key=len, reverse=True)))
    begin = _body(text)
    leading = re.match(rf"(?:{said})\b[^,;:()]{{8,120}}, (?=\w)", text[begin:], re.IGNORECASE)
    if leading:
        rest = text[begin + leading.end() :]
        return Edit(text[:begin] + rest[:1].upper() + rest[1:], begin, begin + min(len(rest), 20))
    trailing = re.search(rf",? (?:{said}) [^,;:()]{{8,140}}?(?=[.!;]?\s*$)", text)
    if trailing is None or trailing.start() < begin + 20 or _kept(text, trailing.start()):
        return None
    cut = text[: trailing.start()]
    if _DANGLING.search(cut):
        return None
    return Edit(cut + text[trailing.end() :], max(begin, len(cut) - 20), len(cut))


def addition(text: str, random: Random, material: Material) -> Edit | None:
    """A sentence of elsewhere behind this one."""
    if not material.strange:
        return None
    other = random.choice(material.strange)
    return Edit(f"{text} {other}", len(text) + 1, len(text) + 1 + len(other))


def synonyms(text: str, random: Random, material: Material) -> Edit | None:
    """One to three words exchanged for others that mean the same."""
    edit = _exchange(text, random, exchanges("synonyms", material.part))
    for _ in range(random.randrange(3)):
        more = None if edit is None else _exchange(edit.text, random, exchanges("synonyms", material.part))
        edit = more or edit
    return edit


def order(text: str, random: Random, _: Material) -> Edit | None:
    """Clauses, or the members of a list, in another order."""
    begin = _body(text)
    body = text[begin:]
    m = _FINAL_CLAUSE.match(body)
    if m and (_LOWERED.match(m[1]) or m[1][0].islower()) and random.random() < 0.8:
        new = f"{m[2].capitalize()} {m[3]}, {m[1][0].lower()}{m[1][1:]}{m[4]}"
        return Edit(text[:begin] + new, begin, begin + len(new))
    m = _FIRST_CLAUSE.match(body)
    if m and random.random() < 0.8:
        new = f"{m[3][0].upper()}{m[3][1:]} {m[1].lower()} {m[2]}{m[4]}"
        return Edit(text[:begin] + new, begin, begin + len(new))
    lists = [m for m in _LIST.finditer(text) if not _kept(text, m.start())]
    if lists:
        m = random.choice(lists)
        a, b, c = random.choice(((m[2], m[4], m[1]), (m[4], m[1], m[2]), (m[4], m[2], m[1])))
        return _put(text, m.start(), m.end(), f"{a}, {b} {m[3]} {c}")
    pairs = [m for m in _PAIR.finditer(text) if not _kept(text, m.start())]
    if not pairs:
        return None
    m = random.choice(pairs)
    return _put(text, m.start(), m.end(), f"{m[3]}{m[2]}{m[1]}")


def tense(text: str, random: Random, _: Material) -> Edit | None:
    """A verb in another tense."""
    return _exchange(text, random, exchanges("tenses"))


def spelling(text: str, random: Random, _: Material) -> Edit | None:
    """The same things written otherwise: figures as words, short and long units, contractions, without markup."""
    ways: list[Callable[[], Edit | None]] = [
        lambda: _exchange(text, random, exchanges("contractions")),
        lambda: _exchange(text, random, reversed_exchanges("contractions")),
        lambda: _exchange(text, random, exchanges("counts")),
        lambda: _units(text, random),
        lambda: _plain(text),
    ]
    random.shuffle(ways)
    return next((edit for way in ways if (edit := way()) is not None), None)


HARMFUL: Mapping[str, Editor] = {
    "number": number,
    "unit": unit,
    "negation": negation,
    "identifier": identifier,
    "entity": entity,
    "comparison": comparison,
    "condition": condition,
    "addition": addition,
}
HARMLESS: Mapping[str, Editor] = {"synonyms": synonyms, "order": order, "tense": tense, "spelling": spelling}


def _units(text: str, random: Random) -> Edit | None:
    known = exchanges("spelled")
    found = [m for m in re.finditer(r"\d ?([A-Za-z%]+)", text) if m[1] in known.others and not _kept(text, m.start())]
    if not found:
        return None
    m = random.choice(found)
    space = "" if text[m.start(1) - 1] == " " else " "
    return _put(text, m.start(1), m.end(1), space + known.others[m[1]][0])


def _plain(text: str) -> Edit | None:
    new = _MARKUP.sub(r"\2", text)
    return Edit(new, 0, len(new)) if new != text else None


def _exchange(text: str, random: Random, known: Exchanges) -> Edit | None:
    found = _matches(text, known)
    if not found:
        return None
    m = random.choice(found)
    new = random.choice(known.others[m[1].lower() if m[1].lower() in known.others else m[1]])
    return _put(text, m.start(1), m.end(1), new[0].upper() + new[1:] if m[1][0].isupper() else new)


def _matches(text: str, known: Exchanges) -> list[re.Match[str]]:
    if not known.others:
        return []
    inside = ((m, m[1]) for m in known.pattern.finditer(text) if not _kept(text, m.start()))
    return [m for m, word in inside if word in known.others or word.lower() in known.others]


def _put(text: str, start: int, end: int, new: str) -> Edit:
    return Edit(text[:start] + new + text[end:], start, start + len(new))


def _body(text: str) -> int:
    m = _MARKER.match(text)
    return m.end() if m else 0


def _kept(text: str, at: int) -> bool:
    return any(m.start() <= at < m.end() for m in _KEPT.finditer(text))
