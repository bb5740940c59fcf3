"""What a line says of itself: "Q7:", "**Answer**:", "Talking Point:", a bold lead, a question.

The word lists are the field's own terms for the parts of interview material; they name no document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ingest.parse.text import plain

LabelKind = Literal["question", "answer", "talking_point"]

_QUESTION_WORDS = r"interview question|sample question|example question|question|ques|q"
_ANSWER_WORDS = (
    r"(?:model|sample|example|expected|suggested|ideal|good|strong|short|long|best|possible|detailed|correct)[ -]"
    r"(?:answers?|response|solution|explanation)|answer (?:framework|outline|key)|how to answer"
    r"|answer|ans|response|reply|solution|explanation"
)
_POINT_WORDS = (
    r"(?:key |main )?talking points?|key points?|points? to (?:cover|mention|make)|what to (?:say|mention|cover)"
    r"|hints?|what (?:they're|they are|we're|we are|i'm|to) look(?:ing)? for|look for|listen for"
)
_NUMBER = r"(?:[ #.-]{0,2}(?P<number>\d{1,4}))?"


@dataclass(frozen=True, slots=True)
class Label:
    """A label at the start of a text. `rest`: where what it labels begins, an index into the text."""

    kind: LabelKind
    number: int | None
    rest: int
    closes_bold: bool


_LABELS: tuple[tuple[LabelKind, str], ...] = (
    ("question", _QUESTION_WORDS),
    ("answer", _ANSWER_WORDS + "|a"),
    ("talking_point", _POINT_WORDS),
)
_OPEN = r"(?P<open>\*{1,3}|_{1,3})?"
_PATTERNS = [
    (
        kind,
        re.compile(
            rf"(?:{_OPEN}(?:{words}){_NUMBER}[ \t]*(?P<inside>[:.)–—-])?[ \t]*(?P<close>\*{{1,3}}|_{{1,3}})?"
            rf"[ \t]*(?P<outside>[:.)–—-])?)(?=[ \t\n*_\"“`]|$)[ \t]*",
            re.I,
        ),
    )
    for kind, words in _LABELS
]


def read_label(text: str) -> Label | None:
    """The question, answer or talking-point label at the start of an inline Markdown text, if there is one.

    A label needs a mark that sets it off: a colon (or `.`, `)`, a dash after a number or a bold word), or it is the
    whole text in bold. "A heap is …" and "Answer the phone" are no labels.
    """
    for kind, pattern in _PATTERNS:
        match = pattern.match(text)
        if not match or match.end() == 0:
            continue
        opened, closed = match["open"], match["close"]
        if closed and not opened:
            continue
        mark = match["inside"] or match["outside"]
        alone = not text[match.end() :].strip(" *_")
        strong = mark == ":" or (mark in (".", ")") and (match["number"] is not None or closed))
        strong = strong or (mark in ("-", "–", "—") and (match["number"] is not None or bool(closed)))
        strong = strong or (bool(closed) and alone) or (alone and mark == ".")
        if not strong:
            continue
        number = int(match["number"]) if match["number"] else None
        return Label(kind, number, match.end(), closes_bold=bool(opened and not closed))
    return None


_ASIDE = re.compile(r"\s*\([^()]{1,20}\)\s*$")


def read_label_heading(text: str) -> Label | None:
    """The label that a heading is: "Question", "Answer (EN)", "Solution: D", "Show answer"."""
    label = read_label(text)
    if label is not None:
        return label
    words = _SHOW.sub("", _ASIDE.sub("", plain(text)))
    label = read_label(words + ":") if len(words) < 40 else None
    return (
        Label(label.kind, label.number, len(text), closes_bold=False)
        if label is not None and label.rest > len(words)
        else None
    )


_SHOW = re.compile(
    r"^(?:(?:show|see|view|reveal|click (?:here )?(?:to|for)(?: (?:show|see|view|reveal))?) (?:the )?)", re.I
)


# "1. ", "12) ", "Q3. ", "Question 4 - " before the words of a heading
_NUMBERING = re.compile(
    r"(?:[*_]{1,3})?(?:(?:q|question|answer|a)[ #.-]{0,2})?(?P<number>\d{1,4})(?:\.\d+)*"
    r"(?:[.):]|[ \t]+[-–—])[*_]{0,3}[ \t]+",
    re.I,
)


def numbering(text: str) -> tuple[int | None, str]:
    """The number before a heading's words and the words without it: "3. Caching" → (3, "Caching")."""
    match = _NUMBERING.match(text)
    if not match:
        return None, text
    return int(match["number"]), text[match.end() :]


# such as: Q7 Response:  Answer 3  Response to question 12  A4.
_Q = r"q(?:uestion)?[ #.-]{0,2}"
_ANSWER_HEADING = re.compile(
    rf"(?:{_Q}(?P<a>\d{{1,4}})[ \t:.–—-]*(?:{_ANSWER_WORDS})\b"
    rf"|(?:{_ANSWER_WORDS}|a(?=[ #.-]{{0,2}}q?\d))(?:[ \t]+(?:to|for)[ \t]+)?[ #.-]{{0,2}}(?:{_Q})?(?P<b>\d{{1,4}}))"
    r"[ \t]*[:.)–—-]?[ \t]*",
    re.I,
)


def answer_heading(text: str) -> tuple[int, str] | None:
    """(number, what follows) of a heading that announces the answer to a numbered question, else None."""
    match = _ANSWER_HEADING.match(text)
    if not match:
        return None
    rest = text[match.end() :]
    if rest and not rest[0].isspace() and text[match.end() - 1].isalnum():
        return None
    return int(match["a"] or match["b"]), rest.strip()


_ANSWERS_PART = re.compile(
    r"(?:the )?(?:(?:model|sample|example|suggested|expected|full|short|detailed|all)[ -])?"
    r"(?:answers?|responses?|solutions?|answer key)(?: (?:key|section|part|to the questions|and explanations))?",
    re.I,
)


def is_answers_part(heading: str) -> bool:
    """Whether a heading opens the part of a document that holds the answers: "Answers", "Example Responses"."""
    return bool(_ANSWERS_PART.fullmatch(heading.strip(" :.")))


_INTERROGATIVE = re.compile(
    r"(?:what|what's|whats|how|how's|why|when|where|which|who|whom|whose|is|are|was|were|can|could|do|does|did|should"
    r"|would|will|have|has|in what|in which|at what|for what|to what|on what|under what)\b",
    re.I,
)
_IMPERATIVE = re.compile(
    r"(?:explain|describe|compare|contrast|discuss|define|tell me|tell us|walk me|walk us|talk about|talk me|give|name"
    r"|list|outline|design|implement|write|show|share|summari[sz]e|differentiate|distinguish|justify|suppose|imagine"
    r"|you're|you are given|you have|you need|you notice)\b",
    re.I,
)


_ASKS = re.compile(r"\?[\"”’')*_\]]*(?:\s|$)")


def asks(text: str) -> bool:
    """Whether a short text holds a sentence with a question mark: "What is a CLI? Name three." asks too."""
    return bool(_ASKS.search(plain(text)))


_BEHIND = re.compile(r"\?[\"”’')*_\]]*(?P<dash>[ \t]*[-–—:→]+)?[ \t]+(?=\S)")


def answer_behind(line: str) -> tuple[int, int] | None:
    """Where question and answer part on one line, as in "What is a TTL? — A time to live.": (end, start).

    None where nothing stands behind the question, or what does asks on without a dash ("…? Explain your choice.").
    """
    matches = list(_BEHIND.finditer(line))
    if not matches or (not matches[-1]["dash"] and is_request(line[matches[-1].end() :])):
        return None
    return matches[-1].start() + 1, matches[-1].end()


def is_question(text: str) -> bool:
    """Whether a short text asks: with a question mark, or because it starts as a question does and has some length."""
    words = plain(text)
    if asks(words):
        return True
    return bool(_INTERROGATIVE.match(words)) and 3 <= len(words.split()) <= 40 and not words.endswith((".", ":", ";"))


def is_request(text: str) -> bool:
    """Whether a short text asks without a question mark: "Explain …", "Walk me through …"."""
    words = plain(text)
    return bool(_IMPERATIVE.match(words)) and len(words.split()) >= 3


_LINK = re.compile(r"!?\[[^\[\]]*\]\([^()]*\)|<?https?://\S+|</?[A-Za-z][^<>]*>")
_PLACEHOLDER = re.compile(
    r"\b(?:(?:to|will) be (?:completed|done|added|answered|written|filled(?: in)?|continued|determined|announced)"
    r"|coming soon|work in progress|not (?:yet )?(?:answered|available|written)(?: yet)?|no answer(?: yet)?"
    r"|(?:answer )?pending"
    r"|todo|to do|tbd|tba|tbc|wip|n/a|x{3,}"
    r"|(?:useful|further|additional|related|more|other)?\s*(?:resources?|references?|reading|links?|sources?|see also)"
    r"|back to top|answer|solution)\b",
    re.I,
)


def says_nothing(text: str) -> bool:
    """Whether a text is only a placeholder ("to be completed"), a list of links, or marks: no answer to anything."""
    rest = _PLACEHOLDER.sub(" ", _LINK.sub(" ", text).replace("_", " "))
    return not re.search(r"\w", rest)


# A bold lead: "**Rate limiting:** …", "**Rate limiting**: …", "**Why X?** …", "__Lead__ – …"
_BOLD_LEAD = re.compile(
    r"(?P<open>\*\*|__)(?P<lead>(?:(?!(?P=open)).){1,160}?)(?P=open)[ \t]*(?P<mark>[:–—-](?=[ \t\n]|$))?[ \t]*", re.S
)
# "Gaps to fill: …": up to eight words and a colon, the first one capitalised or code-like
_PLAIN_LEAD = re.compile(r"(?P<lead>[A-Z0-9`][^:.?!\n]{0,70}?)[ \t]*:(?=[ \t]+\S|$)[ \t]*")


@dataclass(frozen=True, slots=True)
class Lead:
    """The words that name a bullet or a line, and where its body begins (an index into the text)."""

    text: str
    rest: int


def bold_lead(text: str) -> Lead | None:
    """The bold lead of a bullet: bold words at its start that end in a colon, a question mark, a dash or the line."""
    match = _BOLD_LEAD.match(text)
    if not match:
        return None
    lead = plain(match["lead"])
    ends = lead.rstrip().endswith((":", "?", ".", "!"))
    whole = not text[match.end() :].strip()
    if not lead or not (ends or match["mark"] or whole):
        return None
    return Lead(lead.rstrip(" :"), match.end())


def plain_lead(text: str) -> Lead | None:
    """The lead of a `Lead: text` line without bold."""
    match = _PLAIN_LEAD.match(text)
    if not match or len(match["lead"].split()) > 8:
        return None
    return Lead(plain(match["lead"]), match.end())
