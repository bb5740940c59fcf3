"""Blocks: what a format's reader makes of a file, and all that the shape parsers see of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ingest.items import Meta

NodeKind = Literal["heading", "paragraph", "bullet", "code", "table", "quote", "html", "rule", "empty", "close"]

MAX_BLOCKS = 25_000
"""A document of more blocks is refused, unless they are of some length: see `most_blocks`."""
_CHARS_A_BLOCK = 40  # documents that people wrote have three times as many


def most_blocks(chars: int) -> int:
    """How many blocks a text of that many characters may have: MAX_BLOCKS, in a long one up to four times as many.

    Each takes its time in every step, so that a document of the shortest blocks takes seconds for a megabyte.
    """
    return max(MAX_BLOCKS, min(4 * MAX_BLOCKS, chars // _CHARS_A_BLOCK))


# heading levels past Markdown's six
UNMARKED, BOLD, SUMMARY = 6, 7, 8


@dataclass(slots=True)
class Node:
    """One block. `first`, `last`: its lines, counted from 0, `last` exclusive.

    `text` is the inline Markdown of a heading, a paragraph, or a bullet's first paragraph; `start` is the offset at
    which it begins. `head` is the line after that text, where a bullet's further content begins. `level` is a
    heading's; `depth` counts the lists a node stands in; `number` is an ordered bullet's.
    """

    kind: NodeKind
    first: int
    last: int
    text: str = ""
    start: int = 0
    head: int = 0
    level: int = 0
    depth: int = 0
    number: int | None = None
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterable[Node]:
        """The node and all that it holds, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Flaw:
    """A part of a file that can't be taken, while the rest can: it goes to quarantine. `line`: 1-based, of the text."""

    line: int
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file as its reader gives it to the parser.

    `text` is the canonical text, front matter included; its body starts at `body_line` (1-based). `blocks` are the
    body's, in order. `pages`: for paged formats, the 1-based lines at which the pages begin, the first included.
    """

    text: str
    blocks: list[Node]
    meta: Meta = field(default_factory=Meta)
    body_line: int = 1
    pages: tuple[int, ...] = ()
    flaws: tuple[Flaw, ...] = ()
