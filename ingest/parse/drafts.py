"""Items in the making: what the shape parsers fill in before spans and ids are settled."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.items import Kind
from ingest.parse.labels import says_nothing
from ingest.parse.text import Text, plain


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
    """An item in the making. `level`: the heading level at which the stream leaves it. `depth`: that of its node."""

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
    end: int = 0
    apart: bool = False
    item_level: str | None = None
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
    level: int = 9
    depth: int = 0
    start: int = 0


def settle(source: Text, draft: Draft | Reply) -> None:
    """Takes back an answer that only says there is none ("TBD"), and trims what is left."""
    if draft.answer is not None:
        span = source.span(draft.answer.start, draft.answer.end)
        text = source.slice(span)
        if says_nothing(text):
            draft.answer = None
        else:
            draft.answer = Stretch(span.start, span.end)
    draft.points = [p for p in draft.points if plain(source.text[p.start : p.end])]
