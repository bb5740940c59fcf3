"""The rows of an HTML table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.formats.html_tree import Element

_SECTIONS = frozenset(["thead", "tbody", "tfoot"])
_RICH = frozenset(["pre", "table", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "details"])
_MAX_SPAN = 100
_MAX_SPANNED = 20_000  # cells that rowspans add to one table; past it they are taken as given

_NOTHING = Element("td")


@dataclass(slots=True)
class Table:
    """`rows` of cells, those that others span over filled with empty ones; `around`: what else stands in the table.

    `headed`: the first row is marked as the one that names the columns.
    """

    rows: list[list[Element]] = field(default_factory=list)
    around: list[str | Element] = field(default_factory=list)
    headed: bool = False


def read_table(element: Element) -> Table:
    """The table's own rows; those of tables within its cells are the cells' matter."""
    table = Table()
    below: dict[int, int] = {}  # column → for how many more rows the cell above reaches down
    spanned = 0
    for row in _rows(element, table.around):
        cells: list[Element] = []
        for cell in _cells(row, table.around):
            spanned += _fill(cells, below)
            if spanned < _MAX_SPANNED and (down := _span(cell)) > 1:
                below[len(cells)] = down - 1
            cells.append(cell)
        spanned += _fill(cells, below)
        if cells:
            table.rows.append(cells)
    table.headed = all(cell.tag == "th" for row in table.rows[:1] for cell in row)
    return table


def _rows(element: Element, around: list[str | Element]) -> Iterator[Element]:
    for kid in element.kids:
        if isinstance(kid, Element) and kid.tag in _SECTIONS:
            yield from _rows(kid, around)
        elif isinstance(kid, Element) and kid.tag == "tr":
            yield kid
        elif isinstance(kid, Element) and kid.tag in ("td", "th"):
            yield Element("tr", kids=[kid])
        else:
            around.append(kid)


def _cells(row: Element, around: list[str | Element]) -> Iterator[Element]:
    for kid in row.kids:
        if isinstance(kid, Element) and kid.tag in ("td", "th"):
            yield kid
        else:
            around.append(kid)


def _fill(cells: list[Element], below: dict[int, int]) -> int:
    """Adds empty cells where cells from above reach down; returns how many."""
    count = 0
    while len(cells) in below:
        column = len(cells)
        below[column] -= 1
        if not below[column]:
            del below[column]
        cells.append(_NOTHING)
        count += 1
    return count


def _span(cell: Element) -> int:
    span = cell.attrs.get("rowspan", "1")
    return min(int(span), _MAX_SPAN) if span.isdecimal() and len(span) < 9 else 1


def is_rich(cell: Element) -> bool:
    """Whether a cell holds what one line can't show."""
    paragraphs = 0
    for inner in cell.walk():
        paragraphs += inner.tag == "p"
        if paragraphs > 1 or (inner.tag in _RICH):
            return True
    return False
