"""Blocks for formats that aren't text: each is written into a canonical text as Markdown shows it, and noted as read.

A reader walks its file and says what it finds: `heading`, `paragraph`, `bullet`, `code`, `table`. Nothing is parsed
again, so that words which happen to look like Markdown stay words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NoReturn

from ingest.blocks import SUMMARY, Flaw, Node, SourceText, most_blocks
from ingest.errors import DocumentError
from ingest.formats.markdown import read_blocks
from ingest.items import Meta
from ingest.text import Text

MAX_DEPTH = 10
"""Lists and quotes nested deeper are written at this depth: nobody reads on at a deeper indentation."""

_MAX_LINES = 200_000  # as of Markdown
_MAX_PADDED_CELLS = 200_000  # a wider or longer table is written as it is: filling its rows up would blow it up
_NEWLINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_LANGUAGE = re.compile(r"[^\w+#.-]")


@dataclass(slots=True)
class _Container:
    """An open list entry or quote. `mark` stands before its first line, `rest` before the others, as wide.

    It is `written` with the first block in it; one that stays empty leaves nothing behind.
    """

    node: Node
    mark: str
    rest: str
    written: bool = False


class BlockWriter:
    """A canonical text in the making. `depth`: how many entries and quotes a block stands in; 0 is outside of any.

    `path`: for messages. Every method that writes raises DocumentError where that is more than one document may have.
    """

    def __init__(self, path: str = "the text") -> None:
        self._path = path
        self._count = 0
        self._lines: list[str] = []
        self._starts: list[int] = [0]
        self._blocks: list[Node] = []
        self._open: list[_Container] = []
        self._pages: list[int] = []
        self._flaws: list[Flaw] = []

    @property
    def line(self) -> int:
        """The 1-based line on which the next block will stand."""
        return len(self._lines) + 1 + bool(self._lines)

    @property
    def empty(self) -> bool:
        """Whether no word was written."""
        return not any(sign.isalnum() for line in self._lines for sign in line)

    def heading(self, text: str, level: int, *, depth: int = 0) -> None:
        """A heading of level 1 to 6. Its line breaks become spaces."""
        words = _one_line(text)
        mark = "#" * min(max(level, 1), 6) + " "
        if words:
            self._add(Node("heading", 0, 0, words, len(mark), level=len(mark) - 1), [mark + words], depth)

    def summary(self, text: str, *, depth: int = 0) -> None:
        """The words under which something is folded away: a heading until `close`. Written bold.

        In an entry that has begun it is a paragraph: there, only an entry's own first words can be a heading.
        """
        words = _one_line(text).replace("**", "")
        if words:
            words = f"**{words}**"
            begun = any(container.written for container in self._open[: max(depth, 0)][-1:])
            self._add(
                Node("paragraph" if begun else "heading", 0, 0, words, level=0 if begun else SUMMARY), [words], depth
            )

    def close(self, *, depth: int = 0) -> None:
        """What was folded away under the last `summary` ends here."""
        if self._lines:
            del self._open[max(depth, 0) :]
            at = len(self._lines)
            self._attach(Node("close", at, at, start=self._starts[-1], level=SUMMARY, depth=self._lists()))

    def paragraph(self, text: str, *, depth: int = 0) -> None:
        """Words, with the line breaks they have."""
        lines = _lines(text)
        if lines:
            self._add(Node("paragraph", 0, 0, "\n".join(lines)), lines, depth)

    def bullet(self, text: str = "", *, depth: int = 1, number: int | None = None) -> None:
        """A list entry of the list at `depth`. What is written after it with a depth of as much belongs to it.

        Without a text, the entry begins with what is written next; if nothing is, there is no entry.
        """
        mark = "- " if number is None else f"{number}. "
        self._contain(Node("bullet", 0, 0, number=number), mark, " " * len(mark), depth)
        self.paragraph(text, depth=len(self._open))

    def quote(self, text: str = "", *, depth: int = 1) -> None:
        """A quoted passage at `depth`. What is written after it with a depth of as much is quoted too."""
        self._contain(Node("quote", 0, 0), "> ", "> ", depth)
        self.paragraph(text, depth=len(self._open))

    def code(self, text: str, language: str = "", *, depth: int = 0) -> None:
        """A block of code, between fences."""
        lines = _clean(text).expandtabs(4).strip("\n").split("\n")
        fence = "`" * max(3, 1 + max((len(line) - len(line.lstrip("`")) for line in map(str.lstrip, lines)), default=0))
        if any(line.strip() for line in lines):
            self._add(Node("code", 0, 0), [fence + _LANGUAGE.sub("", language)[:20], *lines, fence], depth)

    def table(self, rows: Sequence[Sequence[str]], *, depth: int = 0) -> None:
        """A table whose first row is its head. Shorter rows are filled up with empty cells."""
        cells = [[_one_line(cell).replace("|", "\\|") for cell in row] for row in rows]
        if not any(cell for row in cells for cell in row):
            return
        width = max(len(row) for row in cells)
        if width * len(cells) <= _MAX_PADDED_CELLS:
            cells = [[*row, *[""] * (width - len(row))] for row in cells]
        lines = [f"| {' | '.join(row)} |" for row in cells]
        lines.insert(1, "|" + " --- |" * width)
        self._add(Node("table", 0, 0), lines, depth)

    def rule(self) -> None:
        """A thematic break."""
        self._add(Node("rule", 0, 0), ["---"], 0)

    def markdown(self, text: str) -> None:
        """Text that is Markdown in its source too: a notebook's cell. It is read as such."""
        lines = _clean(text).strip("\n").split("\n")
        if not any(line.strip() for line in lines):
            return
        self._open.clear()
        self._gap(tight=False)
        first, offset = len(self._lines), self._starts[-1]
        blocks = read_blocks(Text("\n".join(lines)), path=self._path)
        for node in [inner for block in blocks for inner in block.walk()]:
            self._count += 1
            node.first, node.last, node.head = node.first + first, node.last + first, node.head + first
            node.start += offset
        self._append(lines)
        self._blocks += blocks

    def page(self) -> None:
        """A new page begins here. Where there are pages, the first one is announced too."""
        self._pages.append(self.line)

    def flaw(self, reason: str, hint: str = "") -> None:
        """Something that should stand here can't be taken."""
        self._flaws.append(Flaw(max(1, len(self._lines)), reason, hint))

    def finish(self, meta: Meta) -> SourceText:
        """All of it."""
        pages = tuple(min(page, max(1, len(self._lines))) for page in self._pages)
        nodes = [node for block in self._blocks for node in block.walk()]
        for node in reversed(nodes):
            if node.kind == "quote":
                node.text = " ".join(child.text for child in node.children if child.text)
        return SourceText("\n".join(self._lines) + "\n", self._blocks, meta, 1, pages, tuple(self._flaws))

    def _contain(self, node: Node, mark: str, rest: str, depth: int) -> None:
        """Opens a container at `depth`; those at that depth and below it end."""
        del self._open[min(max(depth, 1), MAX_DEPTH) - 1 :]
        node.depth = self._lists()
        self._open.append(_Container(node, mark, rest))

    def _lists(self) -> int:
        return sum(container.node.kind == "bullet" for container in self._open)

    def _add(self, node: Node, lines: list[str], depth: int) -> None:
        """Writes a block into the container that is open at `depth`, or outside of any."""
        del self._open[max(depth, 0) :]
        begins = [container for container in self._open if not container.written]
        self._gap(tight=bool(begins))
        line, offset = len(self._lines), self._starts[-1]
        mark = "".join(container.rest if container.written else container.mark for container in self._open)
        rest = "".join(container.rest for container in self._open)
        node.first, node.start, node.depth = line, offset + len(mark) + node.start, self._lists()
        node.last = node.head = line + len(lines)
        self._begin(line, offset)
        if begins and node.kind == "paragraph" and begins[-1].node.kind == "bullet":
            entry = begins[-1].node
            entry.text, entry.start, entry.head = node.text, node.start, node.head
        else:
            self._attach(node)
        for container in self._open:
            container.node.last = node.last
        self._append([mark + lines[0], *((rest + text) if text else rest.rstrip() for text in lines[1:])])

    def _begin(self, line: int, offset: int) -> None:
        """Puts the containers that begin with the next block into the tree."""
        open_ones, self._open = self._open, []
        for container in open_ones:
            offset += len(container.mark)
            if not container.written:
                container.written = True
                container.node.first = container.node.head = line
                container.node.start = offset
                self._attach(container.node)
            self._open.append(container)

    def _attach(self, node: Node) -> None:
        """Puts a node into the innermost container that has been written."""
        self._count += 1
        above = next((container.node for container in reversed(self._open) if container.written), None)
        (self._blocks if above is None else above.children).append(node)

    def _gap(self, *, tight: bool) -> None:
        """An empty line between blocks, save between list entries. `tight`: the next block begins a container."""
        if not self._lines or (tight and self._last_is_bullet() and self.line not in self._pages[-1:]):
            return
        goes_on = takewhile(lambda container: container.written, self._open)
        self._append(["".join(container.rest for container in goes_on).rstrip()])

    def _last_is_bullet(self) -> bool:
        last = self._blocks[-1] if self._blocks else None
        while last is not None and last.kind == "bullet" and last.children:
            last = last.children[-1]
        return last is not None and last.kind == "bullet"

    def _append(self, lines: list[str]) -> None:
        if self._count > (most := most_blocks(self._starts[-1])):
            self._refuse(f"more than {most:,} headings, paragraphs, list entries, and the like")
        if len(self._lines) + len(lines) > _MAX_LINES:
            self._refuse(f"more than {_MAX_LINES:,} lines")
        for line in lines:
            self._lines.append(line)
            self._starts.append(self._starts[-1] + len(line) + 1)

    def _refuse(self, reason: str) -> NoReturn:
        raise DocumentError(self._path, reason, hint="Split it into several files.")


def _clean(text: str) -> str:
    """Newlines of one kind; no control characters, no halves of surrogate pairs."""
    return _UNPRINTABLE.sub("", _NEWLINES.sub("\n", text))


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _lines(text: str) -> list[str]:
    """Lines without white space at either end; empty ones are left out, a paragraph has none."""
    return [stripped for line in _clean(text).split("\n") if (stripped := " ".join(line.split()))]
