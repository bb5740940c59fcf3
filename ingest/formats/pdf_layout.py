"""Pieces of text on a page → rows, and columns in the order they are read. All of it is geometry; nothing is lost.

Positions are points from the top left; other distances are in units of the size of the type.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from ingest.formats.pdf_pages import Box, Page, Piece

_ROW = 0.25  # base lines of one row differ by less
_RAISED = 0.6  # a small piece that stands higher or lower by less belongs to the row: an exponent, a footnote mark
_GAP = 1.0  # a wider gap parts the cells of a row, and two columns
_NARROW = 0.35  # a gap as wide as a space
_STRETCHED, _EVEN = 2.0, 0.1  # gaps between words that fill a line: how wide they get, and how much they differ
_MIN_COLUMN = 0.15  # of the width of the text: a narrower column is none
_MIN_LINES = 3  # in each of two columns
_MAX_DEPTH = 4  # columns are looked for in columns this often
_MAX_CUTS = 8  # places at which a cut into columns is tried
_ALIGNED = 3.0  # points by which the left ends of a column's lines differ
_MARK_REACH = 3.0  # how far left of its line a drawn list mark stands, at most
_MAX_PAIRS = 2_000
_MAX_STRIPS = 3_000  # a page with more is no text in columns


LEADERS = re.compile(r"(?:[.·…] ?){5,}|…{2,}")
"""The dots between a title and its page in a table of contents."""


@dataclass(slots=True)
class Table:
    """Rows of cells that stand in for the pieces they were made of. `order`: where those came in the file.

    `columns`: where they begin. `breaks`: (page, row from 0) where a table goes over the end of a page.
    """

    rows: list[list[str]]
    box: Box
    order: int
    columns: tuple[float, ...]
    breaks: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """One line of a column. `left`, `right`: where the text of the column begins and ends; `columns`: of the page.

    `text`: its words. `mark`: where a drawn list mark stands. `opens`: whether it is the first line of its column, so
    that nothing is known of the gap above it.
    """

    page: int
    pieces: list[Piece]
    left: float = 0.0
    right: float = 0.0
    columns: int = 1
    mark: float | None = None
    opens: bool = False
    size: float = field(init=False)
    y: float = field(init=False)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.pieces.sort(key=lambda piece: piece.x0)
        self.text = " ".join(join(self.pieces).split())
        sizes: Counter[float] = Counter()
        for piece in self.pieces:
            sizes[piece.size] += len(piece.text)
        self.size = max(sizes, key=lambda size: (sizes[size], size))
        self.y = next(piece.y for piece in self.pieces if piece.size == self.size)

    @property
    def x0(self) -> float:
        """Where it begins."""
        return self.pieces[0].x0

    @property
    def indent(self) -> float:
        """How far from the left edge of its column it begins."""
        return self.x0 - self.left

    @property
    def x1(self) -> float:
        """Where it ends."""
        return max(piece.x1 for piece in self.pieces)


def join(pieces: Sequence[Piece]) -> str:
    """The text of the pieces of a row, with a space where there is room for one."""
    out = [pieces[0].text]
    out += [f" {after.text}" if parted(before, after) else after.text for before, after in pairwise(pieces)]
    return "".join(out)


def parted(before: Piece, after: Piece) -> bool:
    """Whether there is room for a space between two pieces of a row."""
    return after.x0 - before.x1 > 0.18 * min(before.size, after.size)


def rows_of(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """The pieces by the line they stand on, from the top; exponents and footnote marks with the words beside them."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (piece.y, piece.x0)):
        row = rows[-1] if rows else None
        if row is not None and piece.y - row[0].y <= _ROW * max(piece.size, row[0].size):
            row.append(piece)
        else:
            rows.append([piece])
    for index, row in enumerate(rows):
        beside = [host for host in rows[max(0, index - 1) : index + 2] if host is not row and _raised(row, host)]
        if beside:
            min(beside, key=lambda host: abs(host[0].y - row[0].y)).extend(row)
            row.clear()
    return [sorted(row, key=lambda piece: piece.x0) for row in rows if row]


def _raised(row: Sequence[Piece], host: Sequence[Piece]) -> bool:
    """Whether a row is but small type in the gaps of the row above or below it."""
    if not host or not row or len(row) * len(host) > _MAX_PAIRS:
        return False
    size = max(piece.size for piece in host)
    if max(piece.size for piece in row) > 0.85 * size or abs(row[0].y - host[0].y) > _RAISED * size:
        return False
    left, right = min(piece.x0 for piece in host) - size, max(piece.x1 for piece in host) + size
    free = all(min(p.x1, h.x1) - max(p.x0, h.x0) < 0.3 * p.size for p in row for h in host)
    return free and all(left <= piece.x0 and piece.x1 <= right for piece in row)


def cells_of(row: Sequence[Piece], *, by_order: bool = False) -> list[list[Piece]]:
    """A row, parted where there is a wide gap; `by_order`: also at a narrow one, where the file goes elsewhere."""
    ends = list(accumulate((piece.x1 for piece in row), max))
    # in units of the size
    gaps = [(p.x0 - end) / max(p.size, b.size) for b, p, end in zip(row, row[1:], ends, strict=False)]
    cells = [[row[0]]]
    for at, (before, piece) in enumerate(pairwise(row)):
        elsewhere = by_order and piece.order != before.order + 1
        wide = gaps[at] > (_NARROW if elsewhere else _GAP)
        # words set apart so that they fill the line have the same gap between any two
        even = any(abs(gap - gaps[at]) < _EVEN for gap in (gaps[at - 1 : at] + gaps[at + 1 : at + 2]))
        if wide and (elsewhere or not (even and gaps[at] < _STRETCHED)):
            cells.append([piece])
        else:
            cells[-1].append(piece)
    return cells


@dataclass(slots=True)
class _Strip:
    """What is moved as one when columns are sorted out: a cell of a row, or a table."""

    x0: float
    x1: float
    y: float
    size: float
    order: int
    content: list[Piece] | Table


def read_page(page: Page, tables: Sequence[Table]) -> list[Line | Table]:
    """The lines and tables of a page in reading order. What doesn't stand upright comes last."""
    strips = [_Strip(t.box.x0, t.box.x1, t.box.y0, 1.0, t.order, t) for t in tables]
    for row in rows_of(piece for piece in page.pieces if not piece.turned):
        for cell in cells_of(row):
            main = max(cell, key=lambda piece: len(piece.text))
            first = min(piece.order for piece in cell)
            strips.append(_Strip(cell[0].x0, max(p.x1 for p in cell), main.y, main.size, first, cell))
    columns = list(_columns(sorted(strips, key=lambda strip: (strip.y, strip.x0)), _MAX_DEPTH))
    out: list[Line | Table] = []
    for column in columns:
        out += _lines(page, column, len(columns))
    turned = [Line(page.number, [piece], piece.x0, piece.x1, opens=True) for piece in page.pieces if piece.turned]
    return [*out, *turned]


def _columns(strips: list[_Strip], depth: int) -> Iterator[list[_Strip]]:
    """Parts a stretch of a page, sorted from the top, into columns, each of them in turn."""
    cut = _best_cut(strips) if depth and 2 * _MIN_LINES <= len(strips) <= _MAX_STRIPS else None
    if cut is None:
        if strips:
            yield strips
        return
    for whole, band in _bands(strips, cut):
        if whole or not _side_by_side(band, cut):
            yield from _columns(band, depth - 1)
        else:
            for side in _sides(band, cut):
                yield from _columns(side, depth - 1)


def _best_cut(strips: Sequence[_Strip]) -> float | None:
    """The left end of a right column, where there is one: the cut that has most text in columns."""
    left, right = min(strip.x0 for strip in strips), max(strip.x1 for strip in strips)
    width = right - left
    starts = sorted(s.x0 for s in strips if left + _MIN_COLUMN * width < s.x0 < right - _MIN_COLUMN * width)
    groups: list[list[float]] = []
    for x in starts:
        if groups and x - groups[-1][0] <= _ALIGNED:
            groups[-1].append(x)
        else:
            groups.append([x])
    groups = sorted((group for group in groups if len(group) > 1), key=len, reverse=True)[:_MAX_CUTS]
    best, most = None, 0.0
    for cut in sorted({cut for group in groups for cut in (group[0], _moved_left(strips, group[0]))}):
        bands = [band for whole, band in _bands(strips, cut) if not whole and _side_by_side(band, cut)]
        text = sum(strip.x1 - strip.x0 for band in bands for strip in band)
        if text > most:
            best, most = cut, text
    return best


def _moved_left(strips: Sequence[_Strip], cut: float) -> float:
    """A cut moved to where the column really begins: its headings stand left of its list entries."""
    ends = max((strip.x1 for strip in strips if strip.x1 < cut), default=cut)
    return min((strip.x0 for strip in strips if strip.x0 > ends), default=cut)


def _bands(strips: Sequence[_Strip], cut: float) -> Iterator[tuple[bool, list[_Strip]]]:
    """Stretches from the top: (True, strips that cross the cut) and (False, strips that don't), in turns."""
    band: list[_Strip] = []
    crossing = False
    for strip in strips:
        crosses = strip.x0 < cut - _ALIGNED and strip.x1 > cut - 0.5 * _GAP * strip.size
        if band and crosses != crossing:
            yield crossing, band
            band = []
        band.append(strip)
        crossing = crosses
    if band:
        yield crossing, band


def _sides(band: Sequence[_Strip], cut: float) -> tuple[list[_Strip], list[_Strip]]:
    return [s for s in band if s.x0 < cut - _ALIGNED], [s for s in band if s.x0 >= cut - _ALIGNED]


def _side_by_side(band: Sequence[_Strip], cut: float) -> bool:
    """Whether a band is two columns: the file gives one whole side before the other. A table's rows it gives in turns.

    One line that comes late (a page number, a list mark) is no counterexample.
    """
    left, right = _sides(band, cut)
    if min(len(left), len(right)) < _MIN_LINES:
        return False
    size = max(strip.size for strip in left)
    if max(s.x1 for s in left) > cut - 0.5 * size or max(s.x1 for s in right) - cut < 0.3 * (cut - left[0].x0):
        return False
    if min(s.y for s in right) > max(s.y for s in left) or min(s.y for s in left) > max(s.y for s in right):
        return False
    sides = [strip.x0 < cut - _ALIGNED for strip in sorted(band, key=lambda strip: strip.order)]
    turns = sum(a != b for a, b in pairwise(sides))
    return turns <= 1 + 0.1 * min(len(left), len(right))


def _lines(page: Page, strips: Sequence[_Strip], columns: int) -> list[Line | Table]:
    """The lines of one column from the top."""
    pieces = [piece for strip in strips if not isinstance(strip.content, Table) for piece in strip.content]
    lines = [Line(page.number, row) for row in rows_of(pieces)]
    if lines:
        left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
        for line in lines:
            line.left, line.right, line.columns = left, right, columns
        _set_marks(page.marks, lines)
    tables = [strip.content for strip in strips if isinstance(strip.content, Table)]
    height: Callable[[Line | Table], float] = lambda x: x.y if isinstance(x, Line) else x.box.y1  # noqa: E731
    out: list[Line | Table] = sorted([*lines, *tables], key=height)
    for before, after in pairwise([None, *out]):
        if isinstance(after, Line):
            after.opens = not isinstance(before, Line)
    return out


def _set_marks(marks: Sequence[Box], lines: Sequence[Line]) -> None:
    """Gives each line the drawn list mark that stands before it. `lines`: from the top."""
    heights = [line.y for line in lines]
    for mark in marks:
        middle = (mark.y0 + mark.y1) / 2
        below = bisect_left(heights, middle)
        for line in lines[max(0, below - 1) : below + 2]:
            level = line.y - 0.9 * line.size < middle < line.y + 0.15 * line.size
            if level and 0 <= line.x0 - mark.x1 <= _MARK_REACH * line.size:
                line.mark = mark.x0
                break
