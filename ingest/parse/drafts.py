"""Items in the making: what the shape parsers fill in before spans and ids are settled."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingest.items import Kind
from ingest.parse.facets import NOTHING, Facets
from ingest.parse.wording import says_nothing
from ingest.text import Text, plain


@dataclass(slots=True)
class Stretch:
    """A stretch of text in the making: offsets into the canonical text, end exclusive."""

    start: int
    end: int

    def grow(self, end: int) -> None:
        """Reaches at least to `end`."""
        self.end = max(self.end, end)


@dataclass(slots=True)
class Draft:
    """An item in the making.

    `level`: the heading level at which the stream leaves it. `depth`: that of its node. `asides`: what belongs to it
    and answers nothing. `apart`: whether the answer stands elsewhere than the question. `explicit`: whether a label
    said where the answer begins.
    """

    kind: Kind
    title: str
    path: tuple[str, ...]
    start: int
    level: int = 9
    depth: int = 0
    number: int | None = None
    question: str | None = None
    asked: Stretch | None = None
    answer: Stretch | None = None
    points: list[Stretch] = field(default_factory=list)
    asides: list[Stretch] = field(default_factory=list)
    end: int = 0
    apart: bool = False
    explicit: bool = False
    facets: Facets = NOTHING
    leftover: bool = False

    def replied(self) -> bool:
        """Whether anything stands in reply to the question."""
        return self.answer is not None or bool(self.points)


@dataclass(slots=True)
class Reply:
    """An answer that stands away from its question: its number, or the question's words, and where it is."""

    number: int | None
    key: str
    path: tuple[str, ...]
    answer: Stretch | None = None
    points: list[Stretch] = field(default_factory=list)
    asides: list[Stretch] = field(default_factory=list)
    level: int = 9
    depth: int = 0
    start: int = 0
    explicit: bool = False
    facets: Facets = NOTHING


_BEFORE = re.compile(r"(?:<a\s[^<>]*>\s*</a\s*>|<br\s*/?>|\s)++", re.I)
_BREAKS = re.compile(r"(?:<br\s*/?>|\s)+\Z", re.I)
_MAX_TAIL = 200


def trimmed(source: Text, start: int, end: int) -> Stretch:
    """A stretch without the anchors, line breaks and white space at its ends."""
    before = _BEFORE.match(source.text, start, end)
    first = before.end() if before else start
    tail = source.text[max(first, end - _MAX_TAIL) : end]
    behind = _BREAKS.search(tail)
    return Stretch(first, end - len(tail) + behind.start() if behind else end)


def settle(source: Text, draft: Draft | Reply) -> None:
    """Takes back an answer that only says there is none ("TBD"), and trims what is left."""
    if draft.answer is not None:
        answer = trimmed(source, draft.answer.start, draft.answer.end)
        draft.answer = None if says_nothing(source.text[answer.start : answer.end]) else answer
    draft.points = [p for p in draft.points if plain(source.text[p.start : p.end])]
