"""The quarantine's rows: what enters it, what stays put aside, and what is let go.

There is one entry of scope `document` for a file or folder, named by where it lies, and one of scope `item` for each
part of a served document that could not be taken, named by path, line and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, bindparam, delete, insert, select

from ingest.blocks import Flaw
from ingest.catalog_feed import Entry, change, now
from ingest.catalog_info import QuarantineEntry
from ingest.discover import Problem
from ingest.items import Document
from ingest.schema import quarantine

MAX_FLAWS = 100
"""Of one document so many parts are entered one by one; a last entry counts the others."""

DOCUMENT, ITEM = "document", "item"

_GROUP = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that can't be taken. `content`: `sha256:` and the hash of its bytes, None where they can't be read."""

    problem: Problem
    content: str | None = None


def document_row(collection: str, refusal: Refusal) -> Entry:
    """The entry of a file or folder."""
    problem = refusal.problem
    return {
        "id": _id(collection, problem.source),
        "collection": collection,
        "path": problem.path,
        "source": problem.source,
        "line": problem.line,
        "reason": problem.reason,
        "hint": problem.hint,
        "since": now(),
        "scope": DOCUMENT,
        "content": refusal.content,
        "dropped": False,
    }


def flaw_rows(document: Document, source: str, flaws: Sequence[Flaw]) -> list[Entry]:
    """The entries of a served document's flaws."""
    told = list(dict.fromkeys(flaws))
    if len(told) > MAX_FLAWS:
        reason = f"{len(told) - MAX_FLAWS} more parts from here on can't be taken"
        told[MAX_FLAWS:] = [Flaw(told[MAX_FLAWS].line, reason, "Correct those before it first.")]
    return [
        {
            "id": _id(document.collection, document.path, str(flaw.line), flaw.reason),
            "collection": document.collection,
            "path": document.path,
            "source": source,
            "line": flaw.line,
            "reason": flaw.reason,
            "hint": flaw.hint,
            "since": now(),
            "scope": ITEM,
            "content": document.version,
            "dropped": False,
        }
        for flaw in told
    ]


def find_rows(connection: Connection, ids: Sequence[str]) -> list[Row[Any]]:
    """The entries with these ids, as far as there are any."""
    return _in_groups(connection, select(quarantine), quarantine.c.id, ids)


def find_item_rows(connection: Connection, collection: str, paths: Sequence[str]) -> list[Row[Any]]:
    """The entries of parts of these documents."""
    query = select(quarantine).where(quarantine.c.collection == collection, quarantine.c.scope == ITEM)
    return _in_groups(connection, query, quarantine.c.path, paths)


def enter(connection: Connection, entries: Sequence[Entry], known: Sequence[Row[Any]]) -> list[Entry]:
    """Write entries over those that are known. The changes to record.

    One that was put aside stays so while the bytes (where they can't be read: the reason) are the same.
    """
    before = {row.id: row for row in known}
    written: list[Entry] = []
    told: list[Entry] = []
    for entry in {entry["id"]: entry for entry in entries}.values():
        was = before.get(entry["id"])
        if was is None or not _stands(was, entry):
            told.append(change("quarantined", entry["collection"], entry["path"], detail=entry["reason"]))
            written.append(entry)
        elif not was.dropped and {**entry, "since": was.since} != was._asdict():
            written.append({**entry, "since": was.since})
    if written:
        old = delete(quarantine).where(quarantine.c.id == bindparam("old"))
        connection.execute(old, [{"old": entry["id"]} for entry in written])
        connection.execute(insert(quarantine), written)
    return told


def release(connection: Connection, entries: Sequence[Row[Any] | QuarantineEntry]) -> list[Entry]:
    """Let go of entries. The changes to record."""
    if not entries:
        return []
    gone = delete(quarantine).where(quarantine.c.id == bindparam("gone"))
    connection.execute(gone, [{"gone": entry.id} for entry in entries])
    return [change("released", entry.collection, entry.path, detail=entry.reason) for entry in entries]


def _in_groups(
    connection: Connection, query: Select[Any], column: Column[Any], values: Sequence[str]
) -> list[Row[Any]]:
    """The rows whose column has one of these values; asked for in groups, since a statement takes only so many."""
    found: list[Row[Any]] = []
    for start in range(0, len(values), _GROUP):
        found += connection.execute(query.where(column.in_(values[start : start + _GROUP]))).all()
    return found


def _stands(was: Row[Any], entry: Entry) -> bool:
    """Whether an entry says nothing new."""
    if was.dropped and was.content is not None and entry["content"] is not None:
        return bool(was.content == entry["content"])
    return bool(was.reason == entry["reason"])


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
