"""Word documents (.docx) → canonical text and blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.docx_lists import Mark, Numbering
from ingest.formats.docx_package import open_docx, read_part
from ingest.formats.docx_runs import Inside, RunReader, visible
from ingest.formats.docx_styles import VAL, Styles, W, child, number, value
from ingest.formats.front_matter import merged
from ingest.formats.grid import write_table
from ingest.formats.inline import slug, to_markdown
from ingest.formats.titles import given_title, keywords
from ingest.formats.writer import BlockWriter
from ingest.items import Meta

_MAX_SPAN = 60  # columns
_MAX_SPANS = 20_000  # columns, all cells of a document together; past it cells that reach over several are taken as one
_MAX_NESTED = 20  # tables, text boxes and notes in one another; deeper ones are read as their paragraphs
_SLACK = 60  # twentieths of a point by which two indentations that are meant to be one may differ
_QUESTION_MARK = re.compile(
    r"[^\W\d]{1,20}[ #-]{0,2}\d{1,4}\W{0,2}"
)  # "Q1:", "Question 3": a label, not a list's number
_EMPTY_LINE = re.compile(r"\n\s*\n")


def read_docx(data: bytes, path: str, folder: Meta) -> SourceText:
    """A Word document. Raises DocumentError.

    Title and keywords are those of its properties. Left out: page headers and footers, tables of contents, comments,
    what tracked changes deleted, hidden text. Notes stand after the paragraph that refers to them, text boxes after
    the one they are anchored at. Pages are known where Word saved where they begin, or the author began them.
    """
    document = open_docx(data, path)
    walk = _Walk(document, path)
    walk.blocks(document.element.body)
    walk.end_code()
    if walk.writer.empty:
        hint = "If it holds pictures of text, add the text; otherwise remove the file."
        raise DocumentError(path, "no text in it", hint=hint)
    said = document.core_properties
    meta = Meta(title=given_title(said.title), tags=keywords(said.keywords))
    return walk.writer.finish(merged(folder, meta))


@dataclass(slots=True)
class _Cell:
    """A cell of a table: its element, None where another one reaches over it, and its own paragraphs."""

    element: Any = None
    paragraphs: list[Inside] = field(default_factory=list)


class _Walk:
    """Goes through the document and says to the writer what it finds."""

    def __init__(self, document: Any, path: str) -> None:
        part, body = document.part, document.element.body
        laid_out = next(body.iter(f"{W}lastRenderedPageBreak"), None) is not None
        self.writer = BlockWriter(path)
        self.styles = Styles(read_part(part, "styles", path))
        self.numbering = Numbering(read_part(part, "numbering", path))
        self.runs = RunReader(self.styles, _anchors(body, self.styles), laid_out=laid_out)
        self.notes = {kind: _by_id(read_part(part, kind, path)) for kind in ("footnotes", "endnotes")}
        self.written: set[tuple[str, str]] = set()  # notes
        self.below_title = any(self.styles.of(p).heading == 0 and _words(p) for p in body.iterfind(f"{W}p"))
        self.lead = ""  # stands before the next paragraph: the name of a column, the sign of a note
        self.code: list[str] = []
        self.code_depth = 0
        self.lists: list[int] = []  # how far each open list entry is indented
        self.hanging: list[Inside] = []  # what was read of a table that is being written
        self.base = 0  # the depth of what hangs on a list entry
        self.nested = 0
        self.spans = _MAX_SPANS
        if laid_out or any(e.get(f"{W}type") == "page" for e in body.iter(f"{W}br")):
            self.writer.page()

    def blocks(self, element: Any) -> None:
        """The paragraphs and tables of the body, a cell, a note or a text box."""
        self.nested += 1
        deep = self.nested > _MAX_NESTED
        for one in element.iter(f"{W}p") if deep else visible(element):
            if one.tag == f"{W}p":
                self.paragraph(one, alone=deep)
            elif one.tag == f"{W}tbl":
                self.table(one)
            elif one.tag == f"{W}altChunk":
                hint = "Open it in Word and save it, so that it becomes part of the text."
                self.writer.flaw("another file is embedded here", hint)
        self.nested -= 1

    def paragraph(self, paragraph: Any, *, alone: bool = False) -> None:
        """One paragraph and, save where it is to be read `alone`, what hangs on it."""
        inside = self.runs.read(paragraph)
        if inside.look.is_contents:
            return
        self._pages(inside.early)
        if not inside.text.strip():
            self.code += [""] if self.code else []
            self._mark(inside)
        elif _is_code(inside):
            self._end_lead()
            self.code_depth = self.code_depth if self.code else self._depth(inside)
            self.code.append(inside.text.replace("\xa0", " "))
        else:
            self.end_code()
            self._write(inside)
        if not alone:
            self._hang(inside)
        self._pages(inside.late)

    def end_code(self) -> None:
        """Writes the lines of code that stand in a row."""
        lines, self.code = self.code, []
        if lines:
            self.writer.code("\n".join(lines).rstrip(), depth=self.code_depth)

    def table(self, table: Any) -> None:
        """A table; what hangs on its cells stands behind it."""
        self.end_code()
        self.lists.clear()
        rows = [cells for row in visible(table) if row.tag == f"{W}tr" if (cells := self._cells(row))]
        outer, self.hanging = self.hanging, []
        if rows:
            write_table(self.writer, self, rows, headed=_is_headed(table), depth=self.base)
        for inside in self.hanging:
            self._hang(inside)
            self._pages(inside.early + inside.late)
        self.hanging = outer

    # -- the cells of a table, as grid.py asks for them

    def words(self, cell: _Cell) -> str:
        """The words of a cell."""
        return "" if cell.element is None else _words(cell.element)

    def text(self, cell: _Cell) -> str:
        """A cell on one line. What hangs on it is kept for later."""
        out = []
        for inside in cell.paragraphs:
            out.append(_shown(self._mark(inside)) + to_markdown(inside.runs))
            self.hanging.append(inside)
        return "\n".join(out)

    def is_rich(self, cell: _Cell) -> bool:
        """Whether a cell has more than one paragraph, code, or a table in it."""
        if cell.element is None:
            return False
        said = [inside for inside in cell.paragraphs if inside.text.strip()]
        return len(said) > 1 or cell.element.find(f".//{W}tbl") is not None or any(_is_code(inside) for inside in said)

    def flow(self, cell: _Cell, name: str, depth: int) -> None:
        """A cell's blocks, after the name of its column."""
        self.lead = f"**{name}:**" if name else ""
        self.base, base = depth, self.base
        self.lists.clear()
        self.blocks(cell.element)
        self.end_code()
        self._end_lead()
        self.base = base

    # -- one paragraph

    def _write(self, inside: Inside) -> None:
        level, mark = inside.look.heading, self._mark(inside)
        if level is not None:
            self._end_lead()
            self.lists.clear()
            words = to_markdown(run._replace(bold=False, italic=False, code=False) for run in inside.runs)
            self.writer.heading(_shown(mark) + words, max(1, level + self.below_title), depth=self.base)
            return
        text = to_markdown(inside.runs)
        if mark is None:
            self._say(text, self._depth(inside))
        elif _QUESTION_MARK.fullmatch(mark.label):
            self.lists.clear()
            self._say(f"{mark.label} {text}", self.base)
        else:
            self._end_lead()
            indents = (inside.look.own_indent, mark.left, inside.look.indent, 0)
            left = next(indent for indent in indents if indent is not None)
            self.lists = [*(other for other in self.lists if other < left - _SLACK), left]
            depth = self.base + len(self.lists)
            self.writer.bullet(depth=depth, number=mark.number)
            self._say(f"{mark.label} {text}", depth)

    def _say(self, text: str, depth: int) -> None:
        """Words as paragraphs: an empty line within one parts it."""
        lead, self.lead = self.lead, ""
        for paragraph in _EMPTY_LINE.split(f"{lead} {text}"):
            self.writer.paragraph(paragraph, depth=depth)

    def _end_lead(self) -> None:
        if self.lead:
            self._say("", self.base)

    def _mark(self, inside: Inside) -> Mark | None:
        place = inside.look.place
        return None if place is None else self.numbering.mark(place)

    def _depth(self, inside: Inside) -> int:
        """The list entries that a paragraph without a mark of its own belongs to, by its indentation."""
        left = inside.look.indent or 0
        self.lists = [other for other in self.lists if 0 < other <= left + _SLACK]
        return self.base + len(self.lists)

    # -- what hangs on it

    def _pages(self, count: int) -> None:
        if count:
            self.end_code()
        for _ in range(count):
            self.writer.page()

    def _hang(self, inside: Inside) -> None:
        if inside.boxes or inside.notes:
            self.end_code()
        base, lists = self.base, self.lists
        self.base, self.lists = base + len(lists), []
        for box in inside.boxes:
            self.blocks(box)
            self.end_code()
        for note in inside.notes:
            element = self.notes[note[0]].get(note[1])
            if element is not None and note not in self.written:
                self.written.add(note)
                self.lead = f"{self.runs.mark(note)}:"
                self.blocks(element)
                self.end_code()
                self._end_lead()
        self.base, self.lists = base, lists

    def _cells(self, row: Any) -> list[_Cell]:
        """The cells of a row; none for a row that was deleted."""
        if child(row, "trPr", "del") is not None:
            return []
        cells = []
        for one in visible(row):
            if one.tag == f"{W}tc":
                merge = child(one, "tcPr", "vMerge")
                above = merge is not None and merge.get(VAL, "continue") == "continue" and not _words(one)
                paragraphs = [] if above else [self.runs.read(p) for p in visible(one) if p.tag == f"{W}p"]
                cells.append(_Cell(None if above else one, paragraphs))
                span = min(number(value(one, "tcPr", "gridSpan"), 1) - 1, _MAX_SPAN, self.spans)
                self.spans -= max(0, span)
                cells += [_Cell()] * span
        return cells


def _is_code(inside: Inside) -> bool:
    """Whether a paragraph is a line of code, by its style or because all its words are in a font for code."""
    look = inside.look
    if look.heading is not None:
        return False
    return look.is_code or (look.place is None and all(run.code for run in inside.runs if run.text.strip()))


def _words(element: Any) -> str:
    """The words of all paragraphs in an element, on one line."""
    paragraphs = ("".join(text.text or "" for text in p.iter(f"{W}t")) for p in element.iter(f"{W}p"))
    return " ".join(" ".join(paragraphs).split())


def _by_id(notes: Any) -> dict[str, Any]:
    return {note.get(f"{W}id"): note for note in (() if notes is None else notes)}


def _anchors(body: Any, styles: Styles) -> dict[str, str]:
    """Bookmark → the anchor of the heading it stands at."""
    found = {}
    for bookmark in body.iter(f"{W}bookmarkStart"):
        paragraph = bookmark.getparent()
        if paragraph.tag == f"{W}p" and styles.of(paragraph).heading is not None:
            found[bookmark.get(f"{W}name") or ""] = slug(_words(paragraph))
    return found


def _is_headed(table: Any) -> bool:
    """Whether the first row is marked as the one that names the columns, by itself or by the table's style."""
    first = table.find(f"{W}tr")
    look = child(table, "tblPr", "tblLook")
    styled = look is not None and (look.get(f"{W}firstRow") == "1" or bool(_hex(look.get(VAL)) & 0x20))
    return styled or child(first, "trPr", "tblHeader") is not None


def _hex(text: str | None) -> int:
    return int(text, 16) if text and re.fullmatch(r"[0-9A-Fa-f]{1,8}", text) else 0


def _shown(mark: Mark | None) -> str:
    """A mark as it stands before words: "3. ", "a) "; nothing for a bullet."""
    if mark is None or (mark.number is None and not mark.label):
        return ""
    return f"{mark.label} " if mark.number is None else f"{mark.number}. "
