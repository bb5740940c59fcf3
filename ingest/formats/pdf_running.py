"""Running headers, running footers and page numbers: what stands in the same place on most pages is no content."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ingest.formats.pdf_layout import cells_of, join, rows_of
from ingest.formats.pdf_pages import Page, Piece

_TOP, _BOTTOM = 0.13, 0.87  # of a page's height: headers stand above, footers below
_OUTER_ROWS = 3
_MANY = 4  # pages: from here on a text must stand on three of them to be a header (chapters have their own)
_APART = 1.8  # times the size of the smaller type, at least: the gap between them and the text
_NEAR = 3.0  # points by which its place may differ
_LARGER = 1.2  # than most of the text: a title, which is kept where it stands first
_SMALLER = 0.95
_MAX_COUNTING = 60  # characters of a line that counts the pages
_PROGRESS = 0.8  # of the numbers go up as the pages do
_PAGE_NUMBER = re.compile(
    r"[^\w#]*(?:(?:page|pg|p|slide|sheet|seite|página|pagina)\b[^\w#]*)?"
    r"#(?:[^\w#]*(?:of|de|von|sur|di)?[^\w#]*#)?(?:[^\w#.)][^\w#]*)?"
)
_LABEL = re.compile(r"\w+\W{0,2}#\W*|#\W*")  # "Question 3", "3."
_ROMAN = re.compile(r"\W*[ivxl]{1,6}\W*")
_COUNTED = re.compile(
    r"\W*(?:(?:page|seite)\s*)?(?P<page>\d{1,4})\s*(?:/|of|von|de)\s*(?P<of>\d{1,4})\W*"
    r"|[-–—]\s*(?P<dashed>\d{1,4})\s*[-–—]|page\s+(?P<named>\d{1,4})",
    re.I,
)
_PRINTED = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?\s+\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:[AP]\.?M\.?)?", re.I)


@dataclass(slots=True)
class _Cell:
    """A cell of one of a page's outer rows. `key`: its words, with # for each number."""

    page: int
    row: list[Piece]
    pieces: list[Piece]
    text: str
    key: str
    y: float
    size: float


def body_size(pages: Sequence[Page]) -> float:
    """The size in which most of the text is set; 0 without text."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for piece in page.pieces:
            sizes[round(2 * piece.size) / 2] += len(piece.text)
    return max(sizes, key=lambda size: (sizes[size], -size), default=0.0)


def drop_running(pages: Sequence[Page], count: int) -> None:
    """Takes running headers, running footers and page numbers off all pages. `count`: how many the file has."""
    body = body_size(pages)
    groups: dict[tuple[bool, str], list[_Cell]] = defaultdict(list)
    gone: set[int] = set()
    for page in pages:
        for top, row in _outer_rows(page):
            for cell in _cells(page, row):
                groups[top, cell.key].append(cell)
                if _stamped(cell, count, body):
                    gone.update(id(piece) for piece in row)
    need = 2 if len(pages) < _MANY else 3
    for (_, key), cells in groups.items():
        middle = median(cell.y for cell in cells)
        cells = [cell for cell in cells if abs(cell.y - middle) <= _NEAR]
        if len({cell.page for cell in cells}) >= need and _runs(key, cells):
            kept = cells[0] if cells[0].size > _LARGER * body else None
            for cell in cells:
                if cell is not kept:
                    small = all(piece.size < _SMALLER * body for piece in cell.row)
                    gone.update(id(piece) for piece in (cell.row if small else cell.pieces))
    for page in pages:
        page.pieces = [piece for piece in page.pieces if id(piece) not in gone]


def _outer_rows(page: Page) -> list[tuple[bool, list[Piece]]]:
    """(whether it is at the top, row) for the rows in which headers and footers stand: apart from what is next."""
    rows = rows_of(piece for piece in page.pieces if not piece.turned)
    cuts = [
        at
        for at, (above, below) in enumerate(pairwise(rows), 1)
        if below[0].y - above[0].y > _APART * min(above[0].size, below[0].size)
    ]
    top, bottom = (rows[: cuts[0]], rows[cuts[-1] :]) if cuts else (rows, rows)
    found: list[tuple[bool, list[Piece]]] = []
    if len(top) <= _OUTER_ROWS:
        found += [(True, row) for row in top if row[0].y < _TOP * page.height]
    if len(bottom) <= _OUTER_ROWS:
        found += [(False, row) for row in bottom if row[0].y > _BOTTOM * page.height]
    return found


def _cells(page: Page, row: list[Piece]) -> list[_Cell]:
    out = []
    for pieces in cells_of(row):
        text = " ".join(join(pieces).split())
        key = re.sub(r"\d+", "#", text.casefold())
        key = "#" if _ROMAN.fullmatch(key) else key
        out.append(_Cell(page.number, row, pieces, text, key, pieces[0].y, max(piece.size for piece in pieces)))
    return out


def _runs(key: str, cells: Sequence[_Cell]) -> bool:
    """Whether cells at one place of several pages are the same text, or count the pages."""
    if len({cell.text for cell in cells}) == 1:
        return True
    if "#" not in key or len(key) > _MAX_COUNTING or (_LABEL.fullmatch(key) and not _PAGE_NUMBER.fullmatch(key)):
        return False
    counted = [(cell.page, [int(n) for n in re.findall(r"\d{1,6}", cell.text)]) for cell in cells]
    counted = [(page, numbers) for page, numbers in counted if numbers]  # front matter may count in Roman numerals
    if not counted:
        return True
    # from one to the next as many as the pages between them; a part of a book may begin to count anew
    steps = [[y - x == b - a for x, y in zip(xs, ys, strict=False)] for (a, xs), (b, ys) in pairwise(counted)]
    return any(sum(column) >= _PROGRESS * len(steps) for column in zip(*steps, strict=False))


def _stamped(cell: _Cell, count: int, body: float) -> bool:
    """Whether one page shows by itself that this is none of its text: "1/3" on the first of three, "- 2 -", a date."""
    match = _COUNTED.fullmatch(cell.text)
    if match:
        page, of = match["page"] or match["dashed"] or match["named"], match["of"] or count
        return (int(page), int(of)) == (cell.page, count)
    return cell.size < _SMALLER * body and _PRINTED.fullmatch(cell.text) is not None
