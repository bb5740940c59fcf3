"""What values of JSON hold: records in any of the ways in which they are kept, and everything else under its keys.

Records stand in a list of objects, in an object by their ids, in an object of questions and answers, or column by
column; groups of records under a name. An object that is no record gives a heading for each key over a list or an
object, and a list of its other values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.formats.cells import read_markup
from ingest.formats.columns import Roles, is_head, read_roles, says_questions
from ingest.formats.decode import printable
from ingest.formats.json_flat import (
    NAME_KEYS,
    flatten,
    holds_objects,
    is_flat,
    is_scalar,
    key_words,
    leaf,
    own_name,
    texts_of,
)
from ingest.formats.records import Record, RecordWriter, Value, in_words, roles_of, write_broken, write_records
from ingest.items import Meta

Found = tuple[Sequence[Record], Roles]
"""Records, and what their columns hold."""

_RECORD_HEIGHT = 4  # what nests deeper in itself is no record
_TOP = 2  # the level of the headings under the title
# keys that say nothing about the list under them
_LIST_KEYS = frozenset(
    {"questions", "items", "data", "cards", "entries", "faq", "faqs", "records", "results", "rows", "list", "content"}
)
_ASKING_SHARE = 0.5  # from this share of asking keys on, an object holds questions with answers


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a list. `where`: its place in the file, for messages: "line 12"."""

    where: str
    value: Any


class ValueWriter(RecordWriter):
    """Writes values of JSON that `refuse_extremes` has let pass. Raises what BlockWriter raises."""

    def __init__(self, path: str, meta: Meta) -> None:
        super().__init__(path)
        self.path = path
        self.meta = meta
        self._heights: dict[int, int] = {}

    def document(self, value: Any) -> None:
        """The one value of a file."""
        if isinstance(value, dict):
            name = own_name(value)
            self.heading(name or in_words(self.path), _TOP - 1)
            self.value(value, _TOP, skip=name)
        elif isinstance(value, list):
            self.entries(_entries(value))
        else:
            self.heading(in_words(self.path), _TOP - 1)
            self.passage(leaf(value))

    def entries(self, entries: Sequence[Entry]) -> None:
        """The values of a file that is a list."""
        found = self.as_records(entries) or self.as_rows(entries)
        if found is None or not found[1].asking:
            self.heading(in_words(self.path), _TOP - 1)
        self.sequence(entries, _TOP, found)

    def broken(self, where: str, text: str, reason: str, hint: str) -> None:
        """A part of the file that is no JSON."""
        write_broken(self, where, printable(text), reason, hint, _TOP)

    def value(self, value: Any, level: int, skip: str = "", *, asked: bool = False) -> None:
        """Any value, under a heading that has been written.

        `skip`: the name that heading was made of. `asked`: its key says that there are questions in it.
        """
        if isinstance(value, dict):
            self.mapping(value, level, skip)
        elif isinstance(value, list):
            entries = _entries(value)
            self.sequence(entries, level, self.as_records(entries, asked=asked) or self.as_rows(entries))
        else:
            self.passage(leaf(value))

    def sequence(self, entries: Sequence[Entry], level: int, found: Found | None) -> None:
        """A list: of the records that were found in it, or of anything."""
        if found is not None:
            write_records(self, *found, level)
            return
        for entry in entries:
            if isinstance(entry.value, dict):
                name = own_name(entry.value, or_first=True)
                self.heading(name or entry.where[:1].upper() + entry.where[1:], level)
                self.value(entry.value, level + 1, skip=name)
            elif isinstance(entry.value, list):
                self.value(entry.value, level)
            else:
                self.bullet(leaf(entry.value))

    def mapping(self, value: Mapping[str, Any], level: int, skip: str) -> None:
        """An object: records in one of their ways, or keys over values."""
        found = self.as_record(value) or self.as_columns(value) or self.as_answers(value) or self.as_named(value)
        if found is not None:
            write_records(self, *found, level)
            return
        skipped = not skip
        for key, inner in value.items():
            if not is_scalar(inner):
                continue
            if not skipped and key in NAME_KEYS and leaf(inner) == skip:
                skipped = True
            elif key.isascii() and key.isdigit() and len(key) <= 4:
                self.bullet(leaf(inner), number=int(key))
            elif text := leaf(inner):
                self.bullet(f"**{key_words(key)}**: {text}")
        nested = [(key, inner) for key, inner in value.items() if not is_scalar(inner) and inner]
        for key, inner in nested:
            if len(nested) == 1 and key.casefold() in _LIST_KEYS:
                self.value(inner, level, asked=says_questions(key))
            else:
                # a letter alone would read like the label of an answer
                self.heading(f'"{key}"' if len(key) == 1 and key.isalnum() else key_words(key), level)
                self.value(inner, level + 1, asked=says_questions(key))

    # -- records, in the ways they are kept

    def as_records(self, entries: Sequence[Entry], *, asked: bool = False) -> Found | None:
        """A list of objects that ask or define, or that hold nothing but texts."""
        if not entries or not all(
            isinstance(e.value, dict) and self.height(e.value) <= _RECORD_HEIGHT for e in entries
        ):
            return None
        records, roles = self._records(((entry.where, flatten(entry.value)) for entry in entries), asked=asked)
        if roles.asking:
            # "questions": [{…}, …] is a group, not a question
            key = roles.names[roles.first("question")]
            grouped = any(holds_objects(entry.value.get(key)) for entry in entries)
            return None if grouped else ([each for record in records for each in _parted(record, roles)], roles)
        flat = all(self.height(entry.value) <= 2 and not holds_objects(entry.value) for entry in entries)
        return (records, roles) if roles.defining or flat else None

    def as_record(self, value: Mapping[str, Any]) -> Found | None:
        """One object that asks, by the names of its keys."""
        if len(value) < 2 or self.height(value) > _RECORD_HEIGHT:
            return None
        flat = flatten(value)
        names = list(flat)
        asked = read_roles(names, [], self.meta.columns).first("question")
        if asked < 0 or not is_scalar(value.get(names[asked], "")):
            return None
        return self._records([("the object", flat)])

    def as_columns(self, value: Mapping[str, Any]) -> Found | None:
        """Lists of equal length, or objects with the same keys, that are the columns of a table."""
        if self.height(value) != 2:
            return None
        columns = [list(c.values()) if isinstance(c, dict) else c for c in value.values()]
        if len(columns) < 2 or not all(isinstance(c, list) and len(c) == len(columns[0]) > 0 for c in columns):
            return None
        roles = read_roles(list(value), [], self.meta.columns)
        if not roles.asking and not roles.defining:
            return None
        rows = zip(*columns, strict=True)
        return self._records(
            (f"entry {number}", flatten(dict(zip(value, row, strict=True)))) for number, row in enumerate(rows, 1)
        )

    def as_answers(self, value: Mapping[str, Any]) -> Found | None:
        """An object whose keys are questions."""
        pairs = {key: inner for key, inner in value.items() if is_flat(inner)}
        asking = sum(key.rstrip().endswith("?") for key in pairs)
        if not pairs or len(pairs) < len(value) or asking < _ASKING_SHARE * len(pairs):
            return None
        named = ((f"entry {number}", key, inner) for number, (key, inner) in enumerate(pairs.items(), 1))
        return self._records(
            (where, {"question": (printable(key),), "answer": texts_of(it)}) for where, key, it in named
        )

    def as_named(self, value: Mapping[str, Any]) -> Found | None:
        """An object of objects that ask, by their ids."""
        if len(value) < 2 or self.height(value) > _RECORD_HEIGHT + 1:
            return None
        if not all(isinstance(inner, dict) and inner for inner in value.values()):
            return None
        entries = [Entry(key_words(key), {"id": key, **inner}) for key, inner in value.items()]
        found = self.as_records(entries)
        return found if found is not None and found[1].asking else None

    def as_rows(self, entries: Sequence[Entry]) -> Found | None:
        """A list of lists of texts: the rows of a table."""
        rows = [[leaf(cell) for cell in e.value] for e in entries if isinstance(e.value, list) and is_flat(e.value)]
        if len(rows) < 2 or len(rows) < len(entries) or max(map(len, rows)) < 2:
            return None
        if not any(cell.strip() for row in rows[1:] for cell in row):
            return None  # a head over nothing would be lost
        head = rows[0] if is_head(rows[0], rows[1:200], self.meta.columns) else []
        names = head + [""] * (max(map(len, rows)) - len(head))
        records = [
            Record(entry.where, {index: (cell,) for index, cell in enumerate(row) if cell.strip()})
            for entry, row in zip(entries, rows, strict=True)
        ][bool(head) :]
        return records, roles_of(names, records, self.meta)

    def height(self, value: Any) -> int:
        """How many lists and objects are nested in a value, itself included; 0 for a text."""
        if is_scalar(value):
            return 0
        known = self._heights.get(id(value))
        if known is None:
            inner = value.values() if isinstance(value, dict) else value
            known = self._heights[id(value)] = 1 + max(map(self.height, inner), default=0)
        return known

    def _records(self, objects: Iterable[tuple[str, Mapping[str, Value]]], *, asked: bool = False) -> Found:
        columns: dict[str, int] = {}
        records: list[Record] = []
        for where, flat in objects:
            values = {columns.setdefault(name, len(columns)): value for name, value in flat.items() if any(value)}
            records.append(Record(where, values))
        told = read_markup(records)
        return told, roles_of(list(columns), told, self.meta, asked=asked)


def _entries(values: Iterable[Any]) -> list[Entry]:
    return [Entry(f"entry {number}", value) for number, value in enumerate(values, 1)]


def _parted(record: Record, roles: Roles) -> list[Record]:
    """A record of several questions, each with its own answer or none, as so many records."""
    column = roles.first("question")
    asked = record.values.get(column, ())
    answers = record.values.get(roles.first("answer"), ())
    if len(asked) < 2 or (answers and len(answers) != len(asked)):
        return [record]
    each = [{**record.values, column: (question,)} for question in asked]
    if answers:
        each = [{**values, roles.first("answer"): (it,)} for values, it in zip(each, answers, strict=True)]
    return [Record(record.where, values) for values in each]
