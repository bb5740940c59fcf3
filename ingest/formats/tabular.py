"""CSV and TSV: the delimiter is found by trying, the head by what it says, and every row is a record."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest.blocks import SourceText, most_blocks
from ingest.errors import DocumentError
from ingest.formats.cells import read_markup
from ingest.formats.columns import is_head, tells
from ingest.formats.decode import MAX_FILE_BYTES, decode
from ingest.formats.records import Record, RecordWriter, in_words, roles_of, write_records
from ingest.items import Meta

_LEVEL = 2
_DELIMITERS = ",;\t|"
_NO_DELIMITER = "\x1f"
_END = "\x1e"
_SAMPLE_LINES = 200
_SAMPLE_CHARS = 100_000
_LEAST_SHARE = 0.5  # of the rows of a sample have as many cells, if a delimiter is one
_MAX_OPEN_QUOTES = 20
_DOUBLED = re.compile(r"""[^\\,;\t|\n"]""(?!")""")
_SEP = re.compile(r"sep=(?P<delimiter>.)\s*", re.I)


class _Row(NamedTuple):
    """A row of cells, and the line of the file on which it begins, from 1. `broken`: what is wrong with it."""

    line: int
    cells: list[str]
    broken: str = ""


def read_csv(data: bytes, path: str, folder: Meta) -> SourceText:
    """A table of questions with answers, of terms with what they mean, or of anything. Raises DocumentError."""
    text = decode(data, path)
    if '\\"' in text and not _DOUBLED.search(text):
        text = text.replace('\\"', '""')  # how databases write quotes
    lines = text.split("\n")
    first, delimiter = 0, _sniff(lines, tabs_first=path.lower().endswith(".tsv"))
    if said := _SEP.fullmatch(lines[0]):
        first, delimiter = 1, said["delimiter"]
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FILE_BYTES))
    rows: list[_Row] = []
    most = most_blocks(len(text))
    for row in _rows(lines, first, delimiter):
        if len(rows) == most:
            raise DocumentError(path, f"more than {most:,} rows", line=row.line, hint="Split it into several files.")
        if any(cell.strip() for cell in row.cells):
            rows.append(row)
    if not rows:
        raise DocumentError(path, "the table is empty", hint="Write a row into it, or remove it.")
    below = [row.cells for row in rows[1 : _SAMPLE_LINES + 1]]
    names = rows.pop(0).cells if is_head(rows[0].cells, below, folder.columns) else []
    if not any(c.isalnum() for row in rows for cell in row.cells for c in cell):
        reason = "there are no rows below the head" if names else "the table is empty"
        raise DocumentError(path, reason, hint="Write one, or remove the file.")
    # without a head, a row of more cells than most has its delimiter in a text
    widths = Counter(len(row.cells) for row in rows)
    width = len(names) or max(widths, key=lambda width: (widths[width], -width))
    records = read_markup([_record(row, width, delimiter) for row in rows if row.cells != names])
    names = [" ".join(name.split()) for name in names] or [""] * width
    out = RecordWriter(path)
    roles = roles_of(names, records, folder)
    if not roles.asking:
        out.heading(in_words(path), _LEVEL - 1)
    write_records(out, records, roles, _LEVEL)
    return out.finish(folder)


def _sniff(lines: Sequence[str], *, tabs_first: bool) -> str:
    """The delimiter: one with which the head says what its columns are, or most rows have as many cells."""
    sample: list[str] = []
    size = 0
    for line in lines[:_SAMPLE_LINES]:
        size += len(line)
        if size > _SAMPLE_CHARS and sample:
            break
        sample.append(line[:_SAMPLE_CHARS])
    best, most = _NO_DELIMITER, (False, _LEAST_SHARE, 0)
    for delimiter in _DELIMITERS:
        rows = [row for row in csv.reader(sample, delimiter=delimiter) if any(cell.strip() for cell in row)]
        widths = Counter(len(row) for row in rows)
        width, count = max(widths.items(), key=lambda each: (each[0] > 1, each[1]), default=(0, 0))
        told = bool(rows) and len(rows[0]) > 1 and any(tells(cell) for cell in rows[0])
        score = (told, count / len(rows) + (tabs_first and delimiter == "\t") if rows else 0.0, width)
        if width > 1 and score > most:
            best, most = delimiter, score
    return best


def _rows(lines: Sequence[str], first: int, delimiter: str) -> Iterator[_Row]:
    """The rows from line `first` (from 0) on. A quote that is never closed takes no more than its own line."""
    width = 0
    for _ in range(_MAX_OPEN_QUOTES):
        broken = -1
        reader = csv.reader(_with_end(lines, first), delimiter=delimiter)
        begin, offset = first, first
        for cells in reader:
            end = offset + reader.line_num
            if end > len(lines):
                broken = -1 if cells == [_END] else begin
                break
            if end - begin > 1 and _is_open(lines[begin:end], delimiter, width):
                broken = begin
                break
            width = width or len(cells)
            yield _Row(begin + 1, cells)
            begin = end
        if broken < 0:
            return
        yield _Row(broken + 1, _unquoted(lines[broken], delimiter), "a quote is opened and not closed")
        first = broken + 1
    for line in range(first, len(lines)):
        yield _Row(line + 1, _unquoted(lines[line], delimiter))


def _is_open(lines: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether a row over several lines is one only because a quote in its first line, a row by itself, isn't closed."""
    try:
        next(csv.reader([line + "\n" for line in lines], delimiter=delimiter, strict=True))
    except csv.Error:
        return len(_unquoted(lines[0], delimiter)) == width
    return False


def _with_end(lines: Sequence[str], first: int) -> Iterator[str]:
    """The lines, and a last one that is a row of its own unless a quote is open before it."""
    for line in range(first, len(lines)):
        yield lines[line] + "\n"
    yield _END


def _unquoted(line: str, delimiter: str) -> list[str]:
    cells = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    return [cell.strip().removeprefix('"') if cell.count('"') == 1 else cell for cell in cells]


def _record(row: _Row, width: int, delimiter: str) -> Record:
    """A row as a record. Cells past the last column are the rest of a text that held the delimiter."""
    cells = row.cells
    if len(cells) > width:
        cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :]).rstrip(delimiter)]
    values = {index: (cell,) for index, cell in enumerate(cells) if cell.strip()}
    return Record(f"line {row.line}", values, row.broken)
