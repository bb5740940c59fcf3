"""Tables: their cells with their places, and what their columns hold.

A table of questions is one item a row; so is one of terms or commands with what they mean. Any other table belongs to
the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.blocks import Node
from ingest.formats.columns import read_roles
from ingest.parse.facets import NOTHING, Facets, facet_of
from ingest.parse.labels import LabelKind, read_label
from ingest.parse.wording import asks
from ingest.text import Text, fold, plain

_FACETS = ("difficulty", "level", "topic", "company", "tags")
# columns of these names hold questions and answers; under others ("Problem", "Use") at least half of the cells must ask
_QUESTIONS = frozenset({"question", "questions", "interview question", "interview questions", "q", "ques"})
_ANSWERS = frozenset({"a", "ans", "response", "responses"})  # and whatever holds the word "answer"
_ASKING_CELLS = 0.5
_MIN_TERMS = 4  # a shorter table of terms stays whole
_MAX_TERM_COLUMNS = 3
_CODE_CELLS = 0.7  # from this share of cells in code on, a first column holds commands


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its raw text, and where that stands in the canonical text."""

    text: str
    start: int
    end: int

    @property
    def words(self) -> str:
        """The text as a reader sees it."""
        return plain(self.text)


Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's head and rows, each with its line (from 0), and the columns (from 0) by the part of an item they hold.

    `mapped`: whether the document says itself which column holds what.
    """

    line: int
    head: Row
    rows: Sequence[tuple[int, Row]]
    parts: Mapping[str, Sequence[int]]
    mapped: bool = False

    def cells(self, row: Row, *parts: str) -> list[Cell]:
        """The cells of a row in which a part stands, empty ones left out."""
        columns = [column for part in parts for column in self.parts.get(part, ())]
        return [row[column] for column in columns if column < len(row) and row[column].words]

    def cell(self, row: Row, part: str) -> Cell | None:
        """The first of them."""
        return next(iter(self.cells(row, part)), None)

    def facets(self, row: Row) -> Facets:
        """What a row's columns of facets say."""
        found = NOTHING
        for name in _FACETS:
            for cell in self.cells(row, name):
                found = found.over(facet_of(name, cell.words))
        return found

    @property
    def names_questions(self) -> bool:
        """Whether the head, or the document, says that the rows are questions with answers."""
        asked = any(fold(self.head[column].words) in _QUESTIONS for column in self.parts.get("question", ()))
        names = [fold(self.head[column].words) for column in self.parts.get("answer", ())]
        return bool(names) and (self.mapped or (asked and any(n in _ANSWERS or "answer" in n for n in names)))

    @property
    def has_questions(self) -> bool:
        """Whether the rows are questions, with answers or hints or a column for them."""
        if "question" not in self.parts or not ("answer" in self.parts or "talking_points" in self.parts):
            return False
        cells = [cell for _, row in self.rows for cell in self.cells(row, "question")]
        return self.names_questions or sum(asks(cell.text) for cell in cells) >= _ASKING_CELLS * max(1, len(cells))

    @property
    def has_terms(self) -> bool:
        """Whether the rows are terms or commands, each with what it means: each says something by itself."""
        text = [column for column in range(len(self.head)) if not self._beside(column)]
        if len(self.rows) < _MIN_TERMS or not 2 <= len(text) <= _MAX_TERM_COLUMNS:
            return False
        first = [row[text[0]].text for _, row in self.rows if text[0] < len(row) and row[text[0]].words]
        code = sum(cell.startswith(("`", "<kbd>", "<code>")) for cell in first) >= _CODE_CELLS * max(1, len(first))
        # what would define a term does, whatever the column before it is called
        defines = read_roles(("term", self.head[text[1]].words), ()).defining
        return defines or (code and len(text) == 2)

    def _beside(self, column: int) -> bool:
        return any(column in self.parts.get(part, ()) for part in ("id", *_FACETS))


def read_table(source: Text, node: Node, columns: Sequence[tuple[str, str]] = ()) -> Table | None:
    """The cells of a table block; None where it has no row. `columns`: see `Meta`."""
    lines = [line for line in range(node.first, node.last) if not source.blank(line)]
    if len(lines) < 3:
        return None
    head = _cells(source, lines[0], None)
    rows = [(line, _cells(source, line, len(head))) for line in lines[2:]]
    words = [{i: cell.words for i, cell in enumerate(row) if cell.words and i < len(head)} for _, row in rows]
    roles = read_roles([cell.words for cell in head], words, columns)
    mapped = bool(columns) and not roles.missing
    return Table(lines[0], head, rows, roles.parts, mapped)


def labelled_cells(table: Table) -> list[tuple[LabelKind, Cell]]:
    """(label, cell) of a table whose first column says what stands in the second: "| **Question** | What is X? |".

    Empty where a row has no label.
    """
    head = [(table.line, table.head)] if any(cell.words for cell in table.head) else []
    out: list[tuple[LabelKind, Cell]] = []
    for _, row in [*head, *table.rows]:
        words = row[0].words.rstrip(":") if len(row) == 2 else ""
        label = read_label(words + ":")
        if not words or label is None or label.rest <= len(words):
            return []
        out.append((label.kind, row[1]))
    return out


_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_MAX_CODE_LINE = 4_000  # in a longer line, pipes are not looked for in code
_LEADING = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?\|?")


def _cells(source: Text, line: int, width: int | None) -> list[Cell]:
    """The cells of one line. Where pipes in code make too many, those count as text."""
    raw = source.lines[line].rstrip()
    begin = _LEADING.match(raw).end()  # type: ignore[union-attr]
    pipes = [i for i in range(begin, len(raw)) if raw[i] == "|" and not _escaped(raw, i)]
    found = len(pipes) + 1 - (bool(pipes) and pipes[-1] == len(raw) - 1)
    if width is not None and found > width and len(raw) <= _MAX_CODE_LINE:
        code = {i for match in _CODE.finditer(raw, begin) for i in range(match.start(), match.end())}
        outside = [i for i in pipes if i not in code]
        if len(outside) >= width - 1:
            pipes = outside
    if not pipes or pipes[-1] != len(raw) - 1:
        pipes.append(len(raw))
    cells, start = [], begin
    for pipe in pipes:
        text = raw[start:pipe]
        lead = len(text) - len(text.lstrip())
        at = source.starts[line] + start + lead
        cells.append(Cell(text.strip(), at, at + len(text.strip())))
        start = pipe + 1
    return cells


def _escaped(text: str, at: int) -> bool:
    backslashes = 0
    while at > backslashes and text[at - backslashes - 1] == "\\":
        backslashes += 1
    return backslashes % 2 == 1
