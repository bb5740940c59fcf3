"""Tables on a page: by their drawn lines, or by words that stand under each other row after row."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.formats.pdf_layout import LEADERS, Table, cells_of, join, rows_of
from ingest.formats.pdf_pages import Box, Page, Piece

_TOUCH = 3.5  # points: drawn lines nearer than this meet, or are one
_MAX_CELL_CHARS = 1_500  # a longer cell is a box around a part of the page
_MAX_COLUMNS = 30
_MAX_RULES = 4_000  # a page with more is a drawing
_MAX_GROUPS = 60  # of drawn lines beside each other
_ALIGNED = 3.0  # points by which the cells of a column may be off
_MIN_ROWS = 3  # of a table without lines
_MAX_ROW_GAP = 3.5  # between the last base line of a row and the first of the next, in units of the size
_LINE_GAP, _WORDY_GAP = 1.9, 2.3  # the same within a cell; where the line below begins with a small letter
_BESIDE = 0.3  # between two cells of a row, at least
_APART = 2.0  # points between two columns, at least
# what stands before a list entry, or a question or an answer, with a gap behind it
_LEAD = re.compile(r"[^\w\s]{1,2}|[(\[]?\w{1,4}[.):\]]{1,2}|(?:question|answer)\s*\d*[.:]?|o", re.I)


def take_ruled(page: Page) -> list[Table]:
    """The tables that drawn lines make. Their pieces are taken from the page."""
    tables: list[Table] = []
    if len(page.rules) > _MAX_RULES:
        return tables
    for rules in _meeting(page.rules):
        box = _around(rules)
        level_rules = [rule for rule in rules if rule.x1 - rule.x0 > rule.y1 - rule.y0]
        # where nothing is drawn around it, or a page ends within a row, the other lines show how far it reaches
        columns = _merged([box.x0, box.x1, *((r.x0 + r.x1) / 2 for r in rules if r.y1 - r.y0 > r.x1 - r.x0)])
        levels = _merged([box.y0, box.y1, *((r.y0 + r.y1) / 2 for r in level_rules)])
        drawn = _merged(rule.y0 for rule in level_rules)  # fewer than three part no rows, at most they set off a head
        if not (3 <= len(columns) <= _MAX_COLUMNS and len(drawn) >= 3):
            continue
        inside = [p for p in page.pieces if not p.turned and _within(p, box)]
        rows = _cells(inside, columns, levels)
        filled = [bool(cell) for row in rows for cell in row]
        if sum(filled) < max(3, 0.4 * len(filled)) or max(map(len, (c for row in rows for c in row))) > _MAX_CELL_CHARS:
            continue
        tables.append(Table(rows, box, min(p.order for p in inside), tuple(columns)))
        gone = {id(piece) for piece in inside}
        page.pieces = [piece for piece in page.pieces if id(piece) not in gone]
    return tables


def _meeting(rules: Sequence[Box]) -> list[list[Box]]:
    """Groups of drawn lines that touch, or stand within the others; none on a page that is a drawing."""
    done: list[list[Box]] = []
    groups: list[tuple[Box, list[Box]]] = []  # those that go on at the height reached, and where they stand
    for rule in sorted(rules, key=lambda rule: rule.y0):
        apart: list[tuple[Box, list[Box]]] = []
        touched: list[tuple[Box, list[Box]]] = []
        for box, members in groups:
            if box.y1 + _TOUCH < rule.y0:
                done.append(members)
            elif box.x0 - _TOUCH <= rule.x1 and rule.x0 <= box.x1 + _TOUCH:
                touched.append((box, members))
            else:
                apart.append((box, members))
        together = touched[0][1] if touched else []
        together += [rule, *(other for _, members in touched[1:] for other in members)]
        groups = [*apart, (_around([rule, *(box for box, _ in touched)]), together)]
        if len(groups) > _MAX_GROUPS:
            return []
    return done + [members for _, members in groups]


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )


def _merged(values: Iterable[float]) -> list[float]:
    """The values in order, those that are nearly equal as one."""
    out: list[float] = []
    for value in sorted(values):
        if not out or value - out[-1] > _TOUCH:
            out.append(value)
    return out


def _within(piece: Piece, box: Box) -> bool:
    middle, height = (piece.x0 + piece.x1) / 2, piece.y - 0.3 * piece.size
    return box.x0 <= middle <= box.x1 and box.y0 <= height <= box.y1


def _cells(pieces: Sequence[Piece], columns: Sequence[float], levels: Sequence[float]) -> list[list[str]]:
    grid: dict[tuple[int, int], list[Piece]] = defaultdict(list)
    for piece in pieces:
        across = bisect_right(columns, piece.x0 + min(0.5 * piece.size, (piece.x1 - piece.x0) / 2)) - 1
        down = bisect_right(levels, piece.y - 0.3 * piece.size) - 1
        grid[max(0, min(down, len(levels) - 2)), max(0, min(across, len(columns) - 2))].append(piece)
    rows = [[_words(grid.get((r, c), [])) for c in range(len(columns) - 1)] for r in range(len(levels) - 1)]
    return [row for row in rows if any(row)]


def _words(pieces: Sequence[Piece]) -> str:
    return " ".join(" ".join(join(row).split()) for row in rows_of(pieces))


def take_aligned(page: Page) -> list[Table]:
    """The tables without drawn lines. Their pieces are taken from the page.

    The file gives a table cell by cell: the lines of one under each other, then, beside them, those of the next. Three
    such rows make a table, or two of three cells, where no cell reaches into the place of another column.
    """
    tables: list[Table] = []
    gone: set[int] = set()
    grid: _Grid | None = None
    for row in [*_cell_rows(page), []]:
        if grid is not None and (grid.takes_row(row) or grid.goes_on(row)):
            continue
        if grid is not None and grid.is_table():
            tables.append(grid.table())
            gone.update(id(piece) for piece in grid.pieces())
        grid = _Grid(row) if len(row) > 1 else None
    page.pieces = [piece for piece in page.pieces if id(piece) not in gone]
    return tables


@dataclass(slots=True)
class _Cell:
    """Lines under each other. `top`, `bottom`: the first base line and the last."""

    pieces: list[Piece]
    x0: float
    x1: float
    top: float
    bottom: float
    size: float

    @classmethod
    def of(cls, strip: list[Piece]) -> _Cell:
        """A cell of one line."""
        size = max(piece.size for piece in strip)
        return cls(strip, strip[0].x0, max(piece.x1 for piece in strip), strip[0].y, strip[0].y, size)

    def takes(self, line: _Cell) -> bool:
        """Whether a line is the next one of this cell; if so, it is added."""
        # they begin at one place, or stand around one middle
        offsets = (line.x0 - self.x0, (line.x0 + line.x1 - self.x0 - self.x1) / 2)
        gap = _WORDY_GAP if line.pieces[0].text[:1].islower() else _LINE_GAP
        near = 0.5 < (line.top - self.bottom) / line.size <= gap and abs(line.size - self.size) < 0.2 * self.size
        if not near or min(map(abs, offsets)) > _ALIGNED:
            return False
        self.add(line)
        return True

    def add(self, other: _Cell) -> None:
        """Adds what stands below."""
        self.pieces += other.pieces
        self.x0, self.x1 = min(self.x0, other.x0), max(self.x1, other.x1)
        self.bottom = max(self.bottom, other.bottom)

    def beside(self, left: _Cell) -> bool:
        """Whether this cell stands to the right of another."""
        level = self.top - self.size < left.bottom and left.top - left.size < self.bottom
        return level and self.x0 - left.x1 > _BESIDE * self.size


def _cell_rows(page: Page) -> list[list[_Cell]]:
    """The text of a page as rows of cells, in the order of the file. What is in no table makes rows of one."""
    rows_on_page = rows_of(piece for piece in page.pieces if not piece.turned)
    strips = [
        strip
        for row in rows_on_page
        for strip in ([row] if LEADERS.search(join(row)) else cells_of(row, by_order=True))
    ]
    cells: list[_Cell] = []
    for strip in sorted(strips, key=lambda strip: min(piece.order for piece in strip)):
        cell = _Cell.of(strip)
        if not cells or not cells[-1].takes(cell):
            cells.append(cell)
    rows: list[list[_Cell]] = []
    for cell in cells:
        if rows and cell.beside(rows[-1][-1]):
            rows[-1].append(cell)
        else:
            rows.append([cell])
    return rows


class _Grid:
    """A table in the making. `columns`: the places that the cells take, which must not overlap."""

    def __init__(self, row: Sequence[_Cell]) -> None:
        self.rows: list[dict[int, _Cell]] = [dict(enumerate(row))]
        self.columns = [(cell.x0, cell.x1) for cell in row]

    def takes_row(self, row: Sequence[_Cell]) -> bool:
        """Whether cells are the next row; if so, they are added."""
        if not 2 <= len(row) <= len(self.columns):
            return False
        bottom, top = max(cell.bottom for cell in self.rows[-1].values()), min(cell.top for cell in row)
        places = range(len(row)) if len(row) == len(self.columns) else [self._place(cell) for cell in row]
        if not 0 < top - bottom <= _MAX_ROW_GAP * row[0].size or len(set(places)) < len(row) or None in places:
            return False
        columns = list(self.columns)
        for place, cell in zip(places, row, strict=True):
            x0, x1 = columns[place or 0]
            columns[place or 0] = (min(x0, cell.x0), max(x1, cell.x1))
        if any(right[0] - left[1] < _APART for left, right in pairwise(columns)):
            return False
        self.rows.append({place or 0: cell for place, cell in zip(places, row, strict=True)})
        self.columns = columns
        return True

    def goes_on(self, row: Sequence[_Cell]) -> bool:
        """Whether this is more of a cell of the last row; if so, it is added."""
        place = self._place(row[0]) if len(row) == 1 else None
        above = self.rows[-1].get(place) if place else None
        if above is None or not 0 < row[0].top - above.bottom <= _LINE_GAP * row[0].size:
            return False
        above.add(row[0])
        return True

    def _place(self, cell: _Cell) -> int | None:
        """The one column that a cell stands in."""
        places = [index for index, (x0, x1) in enumerate(self.columns) if x0 < cell.x1 and cell.x0 < x1]
        return places[0] if len(places) == 1 else None

    def pieces(self) -> list[Piece]:
        """All that stands in it."""
        return [piece for row in self.rows for cell in row.values() for piece in cell.pieces]

    def is_table(self) -> bool:
        """Whether this is a table: not list entries with their numbers, not code with its comments."""
        if len(self.rows) < (_MIN_ROWS if len(self.columns) == 2 else _MIN_ROWS - 1):
            return False
        leads = sum(bool(_LEAD.fullmatch(_words(row[0].pieces))) for row in self.rows if 0 in row)
        if (2 * leads >= len(self.rows) and len(self.columns) == 2) or all(piece.mono for piece in self.pieces()):
            return False
        return all(len(cell) <= _MAX_CELL_CHARS for row in self.table().rows for cell in row)

    def table(self) -> Table:
        """The table."""
        rows = [[_words(row[i].pieces) if i in row else "" for i in range(len(self.columns))] for row in self.rows]
        cells = [cell for row in self.rows for cell in row.values()]
        box = Box(
            min(cell.x0 for cell in cells),
            min(cell.top - cell.size for cell in cells),
            max(cell.x1 for cell in cells),
            max(cell.bottom for cell in cells),
        )
        return Table(rows, box, min(piece.order for piece in self.pieces()), tuple(x0 for x0, _ in self.columns))
