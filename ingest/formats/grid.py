"""Tables of formats that aren't text: as a grid where every cell fits on a line, else cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from ingest.formats.writer import BlockWriter

_MAX_NAME = 40  # characters of what may name a column where the file doesn't mark it

Cell = TypeVar("Cell")
Cell_contra = TypeVar("Cell_contra", contravariant=True)


class Cells(Protocol[Cell_contra]):
    """What a reader can say of its cells."""

    def words(self, cell: Cell_contra) -> str:
        """The cell's words; empty where it has none."""

    def text(self, cell: Cell_contra) -> str:
        """The cell as inline Markdown."""

    def is_rich(self, cell: Cell_contra) -> bool:
        """Whether the cell holds what one line can't show: several paragraphs, a list, code."""

    def flow(self, cell: Cell_contra, name: str, depth: int) -> None:
        """Writes the cell's blocks; the name of its column, where there is one, stands before the first."""


def write_table(
    writer: BlockWriter, cells: Cells[Cell], rows: Sequence[Sequence[Cell]], *, headed: bool, depth: int
) -> None:
    """Writes a table. `headed`: its first row is marked as the one that names the columns.

    A table of one row or column only places things on the page: what is in it is written in order. So it is where
    cells hold blocks, and each block is then written under the name of its column.
    """
    if len(rows) < 2 or max(map(len, rows)) < 2:
        _flow(cells, rows, [], depth)
    elif not any(cells.is_rich(cell) for row in rows for cell in row):
        writer.table([[cells.text(cell) for cell in row] for row in rows], depth=depth)
    elif headed or all(_could_name(cells, cell) for cell in rows[0]):
        used = [
            any(column < len(row) and cells.words(row[column]) for row in rows[1:]) for column in range(len(rows[0]))
        ]
        _flow(cells, [[cell for cell, said in zip(rows[0], used, strict=True) if not said]], [], depth)
        _flow(cells, rows[1:], [cells.words(cell).rstrip(" :") for cell in rows[0]], depth)
    else:
        _flow(cells, rows, [], depth)


def _flow(cells: Cells[Cell], rows: Sequence[Sequence[Cell]], names: Sequence[str], depth: int) -> None:
    for row in rows:
        for column, cell in enumerate(row):
            if cells.words(cell):
                cells.flow(cell, names[column] if column < len(names) else "", depth)


def _could_name(cells: Cells[Cell], cell: Cell) -> bool:
    return not cells.is_rich(cell) and 0 < len(cells.words(cell)) <= _MAX_NAME
