"""What a line says of itself: "Q7:", "**Answer**:", "Talking Point:", "Red flags:", a bold lead, a number.

The word lists are the field's own terms for the parts of interview material; they name no document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.parse.wording import says_nothing as says_nothing
from ingest.text import plain

LabelKind = Literal["question", "answer", "talking_point", "aside"]
"""What a label announces. An aside belongs to its question and is no answer to it: follow-ups, red flags."""

# pictures and arrows before the words of a heading or label, and their names as GitHub writes them (":pushpin:")
DECORATION = (
    r"(?:[\U0001F000-\U0001FAFF\u2190-\u21FF\u2300-\u23FF\u2460-\u24FF\u25A0-\u27BF\u2900-\u297F\u2B00-\u2BFF]"
    r"[\uFE0E\uFE0F\u200D\u20E3]*+|[0-9]\uFE0F?\u20E3|:[a-z][a-z0-9_+-]{1,40}+:)[ \t]*+"
)
_BOLD = r"\*{1,3}|_{1,3}|<(?:b|strong|em|i|u)>"
_UNBOLD = r"\*{1,3}|_{1,3}|</(?:b|strong|em|i|u)>"
_OPEN = rf"(?:{DECORATION})*+(?P<open>{_BOLD})?(?:{DECORATION})*+"
_CLOSE = rf"(?P<close>{_UNBOLD})?"

_QUESTION_WORDS = r"(?:(?:interview|sample|example|mock|behaviou?ral|technical|coding) )?question|ques|q"
# after these an answer begins, whatever stood before them
_ANSWER_WORDS = (
    r"(?:model|sample|example|expected|suggested|ideal|good|great|strong|short|quick|long|full|best|possible|correct"
    r"|recommended|reference|detailed|my|your)[ -]answers?|answer(?: framework| outline| key| in short)?|ans"
)
# these may also stand in the middle of one
_REPLY_WORDS = (
    r"(?:model|sample|example|expected|suggested|ideal|good|strong|short|long|best|possible|detailed|correct)[ -]"
    r"(?:response|solution|explanation)|how to answer|response|reply|solution|explanation"
)
_POINT_WORDS = (
    r"(?:key |main )?talking points?|key points?|points? to (?:cover|mention|make)|what to (?:say|mention|cover)"
    r"|hints?|(?:what )?(?:they're|they are|we're|we are|i'm|i am|you're|you are|(?:the )?interviewers? (?:is|are))"
    r"(?: really)? (?:looking|listening) for|what (?:to|(?:the )?interviewers?) (?:look|listen)s?(?:ing)? for"
    r"|look for|listen for|looking for|what (?:a )?(?:good|great|strong) (?:answers?|candidates?)"
    r" (?:looks? like|includes?|covers?|mentions?|says?|sounds? like)"
    r"|(?:good|great|strong) (?:answers?|candidates?) (?:will )?(?:include|cover|mention|say)s?|green flags?"
)
_ASIDE_WORDS = (
    r"(?:possible |sample |likely |common |optional )?follow[- ]?ups?(?: (?:questions?|prompts?))?|probing questions?"
    r"|(?:red|yellow) flags?|(?:bad|weak|poor|wrong)(?: or \w+)?[ -](?:answers?|responses?)"
)
_NUMBER = r"(?:[ #.-]{0,2}(?P<number>\d{1,4}))?"


@dataclass(frozen=True, slots=True)
class Label:
    """A label at the start of a text. `rest`: where what it labels begins, an index into the text.

    `strict`: an answer's label after which an answer begins, whatever stood before it.
    """

    kind: LabelKind
    number: int | None
    rest: int
    closes_bold: bool
    strict: bool = False


_LABELS: tuple[tuple[LabelKind, bool, str], ...] = (
    ("question", False, _QUESTION_WORDS),
    ("answer", True, _ANSWER_WORDS + "|a"),
    ("answer", False, _REPLY_WORDS),
    ("talking_point", False, _POINT_WORDS),
    ("aside", False, _ASIDE_WORDS),
)
_PATTERNS = [
    (
        kind,
        strict,
        re.compile(
            rf"(?:{_OPEN}(?:{words}){_NUMBER}[ \t]*(?P<inside>[:.)–—-])?[ \t]*{_CLOSE}"
            rf"[ \t]*(?P<outside>[:.)–—-])?)(?=[ \t\n*_\"“`<]|$)[ \t]*",
            re.I,
        ),
    )
    for kind, strict, words in _LABELS
]
# most texts have no label: one look tells
_ANY = re.compile(rf"{_OPEN}(?:{'|'.join(words for _, _, words in _LABELS)})", re.I)


def read_label(text: str) -> Label | None:
    """The label at the start of an inline Markdown text, if there is one.

    A label needs a mark that sets it off: a colon (or `.`, `)`, a dash after a number or a bold word), or it is the
    whole text in bold. "A heap is …" and "Answer the phone" are no labels.
    """
    if not _ANY.match(text):
        return None
    for kind, strict, pattern in _PATTERNS:
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
        strong = strong or (bool(closed) and alone) or (alone and mark == ".") or text.startswith("Q. ")
        if not strong:
            continue
        number = int(match["number"]) if match["number"] else None
        return Label(kind, number, match.end(), closes_bold=bool(opened and not closed), strict=strict)
    return None


_ASIDE = re.compile(r"\s*\([^()]{1,20}\)\s*$")
_LEADING = re.compile(rf"(?:{DECORATION})++")


def read_label_heading(text: str) -> Label | None:
    """The label that a heading is: "Question", "Answer (EN)", "Solution: D", "Show answer", "Question 4"."""
    label = read_label(text)
    if label is not None:
        return label
    words = _SHOW.sub("", _ASIDE.sub("", _LEADING.sub("", plain(text))))
    label = read_label(words + ":") if len(words) < 40 else None
    if label is None or label.rest <= len(words):
        return None
    return Label(label.kind, label.number, len(text), closes_bold=False, strict=label.strict)


_SHOW = re.compile(
    r"^(?:(?:show|see|view|reveal|click (?:here )?(?:to|for)(?: (?:show|see|view|reveal))?) (?:the )?)", re.I
)
_LETTERED = re.compile(r"[\s>]*(?:[-*+]\s+)?[*_`]{0,3}(?P<letter>[A-DST])[*_`]{0,3}[ ]?(?:[:.)]|[–—-](?=\s))")


def is_lettered(lines: Sequence[str], at: int) -> bool:
    """Whether the "A:" of line `at` is a letter among letters: the first of options, or the action of a STAR story."""
    first = _LETTERED.match(lines[at])
    if first is None or first["letter"] != "A":
        return False
    for line in lines[at + 1 : at + 8]:
        following = _LETTERED.match(line)
        if following is not None:
            if following["letter"] == "B":
                return True
            break
    before = (match for line in lines[max(0, at - 8) : at] if (match := _LETTERED.match(line)))
    return any(match["letter"] in "ST" for match in before)


# "1. ", "12) ", "Q3. ", "Question 4 - " before the words of a heading
_NUMBERING = re.compile(
    rf"(?:{DECORATION})*+(?:{_BOLD})?(?:(?:q|question|answer|a)[ #.-]{{0,2}})?(?P<number>\d{{1,4}})(?:\.\d+)*"
    r"(?:[.):]|[ \t]+[-–—])[*_]{0,3}[ \t]+",
    re.I,
)


def numbering(text: str) -> tuple[int | None, str]:
    """The number before a heading's words and the words without it: "3. Caching" → (3, "Caching")."""
    match = _NUMBERING.match(text)
    if match:
        return int(match["number"]), text[match.end() :]
    return None, _LEADING.sub("", text, count=1) if _LEADING.match(text) else text


_REPLIES = rf"{_ANSWER_WORDS}|{_REPLY_WORDS}"
# such as: Q7 Response:  Answer 3  Response to question 12  A4.
_Q = r"q(?:uestion)?[ #.-]{0,2}"
_ANSWER_HEADING = re.compile(
    rf"(?:{_Q}(?P<a>\d{{1,4}})[ \t:.–—-]*(?:{_REPLIES})\b"
    rf"|(?:{_REPLIES}|a(?=[ #.-]{{0,2}}q?\d))(?:[ \t]+(?:to|for)[ \t]+)?[ #.-]{{0,2}}(?:{_Q})?(?P<b>\d{{1,4}}))"
    r"[ \t]*[:.)–—-]?[ \t]*",
    re.I,
)


def answer_heading(text: str) -> tuple[int, str] | None:
    """(number, what follows) of a heading that announces the answer to a numbered question, else None."""
    text = _LEADING.sub("", text, count=1)
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


# A bold lead: "**Rate limiting:** …", "**Rate limiting**: …", "**Why X?** …", "__Lead__ – …"
_BOLD_LEAD = re.compile(
    rf"(?:{DECORATION})*+(?:(?P<open>\*\*|__)(?P<lead>(?:(?!(?P=open)).){{1,160}}?)(?P=open)"
    r"|<(?P<tag>b|strong)>(?P<tagged>[^<>]{1,160})</(?P=tag)>)"
    r"[ \t]*(?P<mark>[:–—-](?=[ \t\n]|$))?[ \t]*",
    re.S,
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
    lead = plain(match["lead"] or match["tagged"])
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
