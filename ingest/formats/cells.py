"""Cells of HTML, as flash cards and learning platforms write them: read as such where their column mostly holds it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ingest.errors import DocumentError
from ingest.formats.records import Record, Value
from ingest.items import Meta

MAX_CELLS = 5_000
"""Each takes some tenths of a millisecond; in a file with more of them they stay as they are."""

_COLUMN_SHARE = 0.3  # from this share of its filled cells on, a column holds HTML and doesn't only speak of it
_BREAK = re.compile(r"<br ?/?>", re.I)
_OPENED, _CLOSED = (re.compile(rf"<{s}(?:p|div|li|ul|ol|pre|h[1-6]|table|blockquote)\b", re.I) for s in ("", "/"))
_MAX_CHARS = 100_000


def read_markup(records: Sequence[Record]) -> Sequence[Record]:
    """The records, with the words of the HTML in their cells as Markdown."""
    filled: Counter[int] = Counter()
    marked: Counter[int] = Counter()
    for record in records:
        for column, value in record.values.items():
            filled[column] += 1
            marked[column] += any(map(_is_markup, value))
    columns = {column for column, count in marked.items() if count > 1 and count >= _COLUMN_SHARE * filled[column]}
    if not columns or sum(marked[column] for column in columns) > MAX_CELLS:
        return records
    return [replace(record, values=_read(record.values, columns)) for record in records]


def _read(values: Mapping[int, Value], columns: set[int]) -> dict[int, Value]:
    return {
        column: tuple(_to_markdown(text) if column in columns and _is_markup(text) else text for text in value)
        for column, value in values.items()
    }


def _is_markup(text: str) -> bool:
    """Whether a text is HTML: Markdown has backticks about the tags it speaks of."""
    if "<" not in text or "`" in text or len(text) > _MAX_CHARS:
        return False
    return bool(_BREAK.search(text) or (_OPENED.search(text) and _CLOSED.search(text)))


def _to_markdown(text: str) -> str:
    from ingest.formats.html import read_html

    try:
        return read_html(text.encode(), "the cell", Meta()).text.strip("\n")
    except DocumentError:
        return text
