"""Lines in reading order → blocks: headings, paragraphs, list entries, code, tables, in the words of a BlockWriter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise

from ingest.formats.inline import slug
from ingest.formats.pdf_layout import Line, Table
from ingest.formats.pdf_lines import Manner, Marker, contents_entry, read_marker
from ingest.formats.pdf_words import Words, code_lines
from ingest.formats.writer import BlockWriter

_INDENT = 0.6  # an entry whose mark stands further to the right, in units of the size, is one of a list within
_SLACK = 0.6  # lines of one paragraph begin at the same place, but for this
_FIRST_LINE = 4.0  # a first line's indent, at most
_HEADING_GAP = 2.0  # between the base lines of one heading, at most
_MAX_HEADING_LINES = 4
_MAX_HEADING_CHARS = 300
_MAX_BLANK = 2  # lines left free in code
_ENDS = re.compile(r"[.!?:;…][\"”’')\]]{0,3}$")


@dataclass(slots=True)
class Block:
    """Lines that belong together. `kind`: text, bullet, heading, code, contents, table."""

    kind: str
    page: int
    lines: list[Line] = field(default_factory=list)
    marker: Marker | None = None
    table: Table | None = None

    def pages(self) -> set[int]:
        """The pages on which something of it stands."""
        breaks = self.table.breaks if self.table is not None else []
        return {self.page, *(line.page for line in self.lines), *(page for page, _ in breaks)}


class Blocks:
    """Puts lines together to blocks, one after the other."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.blocks: list[Block] = []

    def add(self, item: Line | Table, page: int) -> None:
        """The next line or table of the document."""
        if isinstance(item, Table):
            self._add_table(item, page)
            return
        kind = self.manner.kind(item)
        block = self.blocks[-1] if self.blocks else None
        marker = read_marker(item) if kind != "contents" else None
        if marker is not None and ((kind == "heading" and not marker.glyph) or (kind == "code" and not marker.strong)):
            marker = None  # a numbered heading, a list in YAML
        if marker is not None and self._is_entry(block, item, marker):
            self.blocks.append(Block("bullet", page, [marker.line], marker))
        elif block is not None and self._joins(block, item, kind):
            block.lines.append(item)
        else:
            self.blocks.append(Block(kind, page, [item]))

    def _add_table(self, table: Table, page: int) -> None:
        before = self.blocks[-1].table if self.blocks else None
        if before is not None and self.blocks[-1].page < page and _same_columns(before, table):
            rows = table.rows[1:] if table.rows[0] == before.rows[0] else table.rows
            if rows and not rows[0][0]:
                # a row that goes over the end of the page
                before.rows[-1] = [
                    f"{above} {below}".strip() for above, below in zip(before.rows[-1], rows.pop(0), strict=True)
                ]
            before.breaks.append((page, len(before.rows)))
            before.rows += rows
        else:
            self.blocks.append(Block("table", page, table=table))

    def _is_entry(self, block: Block | None, line: Line, marker: Marker) -> bool:
        """Whether a line that begins like a list entry is one: not where a paragraph merely wraps before "2. "."""
        if marker.strong or block is None or not block.lines:
            return True
        if block.marker is not None and marker.follows(block.marker):
            return True
        last = block.lines[-1]
        if block.kind not in ("text", "bullet") or not self.manner.wraps(last, line):
            return True
        if last.text.endswith(":") or (not line.opens and self.manner.parted(last, line)):
            return True
        # a dash may begin a line of a sentence that has another before it
        return _ends(last) and not (marker.glyph and abs(line.indent - last.indent) < line.size)

    def _joins(self, block: Block, line: Line, kind: str) -> bool:
        if block.kind in ("table", "contents") or kind == "contents" or line.pieces[0].turned:
            return False
        last = block.lines[-1]
        if block.kind == "code" or kind == "code":
            return self._joins_code(block, last, line, kind)
        if block.kind == "heading" or kind == "heading":
            return block.kind == kind and self._joins_heading(block, last, line)
        if abs(last.size - line.size) > max(1.0, 0.12 * last.size):
            return False
        whole = not _ends(last)
        if line.opens or line.page != last.page:
            begins = line.text[:1]
            return whole and (self.manner.wraps(last, line) or begins.islower())
        if self.manner.parted(last, line) or not self._in_place(block, line):
            return False
        if self.manner.bold(last) != self.manner.bold(line) and (not whole or not self.manner.wraps(last, line)):
            return False
        return self.manner.wraps(last, line) or (whole and line.text[:1].islower())

    def _joins_code(self, block: Block, last: Line, line: Line, kind: str) -> bool:
        if block.kind == kind == "code":
            return line.opens or line.page != last.page or self.manner.blank_lines(last, line) <= _MAX_BLANK
        # a line of a paragraph that happens to hold nothing but code
        if kind == "code" and block.kind in ("text", "bullet") and not line.opens:
            wraps = self.manner.wraps(last, line) and not self.manner.parted(last, line)
            return wraps and last.pieces[-1].mono and not last.pieces[0].mono and self._in_place(block, line)
        return False

    def _joins_heading(self, block: Block, last: Line, line: Line) -> bool:
        if line.opens or abs(last.size - line.size) > 0.3 or line.y - last.y > _HEADING_GAP * line.size:
            return False
        if len(block.lines) >= _MAX_HEADING_LINES:
            return False
        centred = abs((last.x0 + last.x1) - (line.x0 + line.x1)) < line.size and abs(last.x0 - line.x0) > line.size
        return centred or self.manner.wraps(last, line) or line.text[:1].islower()

    def _in_place(self, block: Block, line: Line) -> bool:
        """Whether a line begins where the lines of a block do."""
        slack, last = _SLACK * line.size, block.lines[-1]
        if len(block.lines) > 1:
            return abs(line.indent - last.indent) <= slack
        if block.marker is not None:
            return block.marker.x - slack <= line.indent <= block.marker.text_x + 2 * slack
        # the second line: under the first, or to its left or right where the first is indented, or the others are
        return abs(line.indent - last.indent) <= _FIRST_LINE * line.size


class Scribe:
    """Writes blocks, in order. It knows the lists that are open, and on which lines the pages begin."""

    def __init__(self, manner: Manner, words: Words, writer: BlockWriter) -> None:
        self.manner = manner
        self.words = words
        self.writer = writer
        self.lists: list[Marker] = []
        self.pages: list[int] = []

    def turn(self, page: int) -> None:
        """Turns the pages up to one."""
        while len(self.pages) < page:
            self.writer.page()
            self.pages.append(self.writer.line)

    def write(self, block: Block) -> None:
        """The next block, which begins on the last page that was turned."""
        if block.table is not None:
            self.lists.clear()
            self.writer.table(block.table.rows)
            self._turned_within(block.table.breaks, len(block.table.rows))
        elif block.kind == "code":
            self._code(block.lines)
        elif block.kind == "contents":
            self._contents(block.lines[0].text)
        elif block.kind == "heading":
            self._heading(block)
        elif block.marker is not None:
            self._entry(block, block.marker)
        else:
            self._paragraph(block, self.words.marked(block.lines), depth=self._depth(block.lines))

    def _turned_within(self, breaks: Sequence[tuple[int, int]], count: int) -> None:
        """Notes the pages that begin within what was written last: (page, line), of `count` lines."""
        for page, line in breaks:
            while len(self.pages) < page:
                self.pages.append(self.writer.line - 1 - (count - line))

    def _paragraph(self, block: Block, text: str, *, depth: int) -> None:
        self.writer.paragraph(text, depth=depth)
        self._words_turned(block, text)

    def _words_turned(self, block: Block, text: str) -> None:
        pages = [line.page for above, line in pairwise(block.lines) if line.page != above.page]
        lines = len(text.strip().split("\n"))
        self._turned_within(list(zip(pages, range(1, lines), strict=False)), lines)

    def _code(self, lines: Sequence[Line]) -> None:
        blanks = [0, *(self.manner.blank_lines(a, b) for a, b in pairwise(lines))]
        text = code_lines(lines, blanks)
        self.writer.code("\n".join(text), depth=self._depth(lines))
        places = accumulate(1 + blank for blank in blanks)  # from 1, the line of the opening fence before them
        breaks = [
            (b.page, at) for (a, b), at in zip(pairwise(lines), islice(places, 1, None), strict=True) if a.page < b.page
        ]
        self._turned_within(breaks, len(text) + 2)

    def _contents(self, text: str) -> None:
        """An entry of a table of contents, as Markdown writes it: a link to its heading."""
        self.lists.clear()
        title, page = contents_entry(text) or (text, "")
        self.writer.bullet(f"[{title}](#{slug(title)}) {page}")

    def _heading(self, block: Block) -> None:
        self.lists.clear()
        text = self.words.plain(block.lines)
        if len(text) > _MAX_HEADING_CHARS:
            self._paragraph(block, text, depth=0)
        else:
            self.writer.heading(text, self.manner.level(block.lines[0]))

    def _entry(self, block: Block, marker: Marker) -> None:
        if marker.number is not None and all(self.manner.bold(line) for line in block.lines):
            # a numbered line in bold is a heading
            self.lists.clear()
            words = " ".join(self.words.plain(block.lines).split())
            self.writer.paragraph(f"**{marker.number}. {words}**")
            return
        slack = _INDENT * marker.line.size
        while self.lists and marker.x < self.lists[-1].x - slack:
            self.lists.pop()
        if self.lists and marker.x <= self.lists[-1].x + slack:
            self.lists.pop()
        self.lists.append(marker)
        text = self.words.marked(block.lines)
        self.writer.bullet(text, depth=len(self.lists), number=marker.number)
        self._words_turned(block, text)

    def _depth(self, lines: Sequence[Line]) -> int:
        """In how many of the open lists a block stands, by its indent; the others are closed."""
        indent = min(line.indent for line in lines)
        while self.lists and indent < self.lists[-1].text_x - _INDENT * lines[0].size:
            self.lists.pop()
        return len(self.lists)


def _ends(line: Line) -> bool:
    """Whether a line ends as a sentence does."""
    return _ENDS.search(line.text[-4:]) is not None


def _same_columns(one: Table, other: Table) -> bool:
    pairs = zip(one.columns, other.columns, strict=False)
    return len(one.columns) == len(other.columns) and all(abs(a - b) < 6 for a, b in pairs)
