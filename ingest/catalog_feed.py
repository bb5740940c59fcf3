"""The feed of visible changes: numbered in one row, so that numbers rise without gaps in the order of the commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ingest.catalog_info import ChangeKind
from ingest.schema import SEQUENCE, changes, counters

Entry = dict[str, Any]


def take_turn(connection: Connection) -> None:
    """Make other writers wait until this transaction ends. Whoever changes what is visible does this first."""
    _raise_by(connection, 0)


def record(connection: Connection, entries: Sequence[Entry]) -> None:
    """Number changes and write them down."""
    if entries:
        at, first = now(), _raise_by(connection, len(entries)) + 1
        numbered = [{**entry, "sequence": number, "at": at} for number, entry in enumerate(entries, first)]
        connection.execute(insert(changes), numbered)


def change(
    kind: ChangeKind,
    collection: str,
    path: str,
    document_id: str | None = None,
    version: str | None = None,
    detail: str = "",
) -> Entry:
    """A change that has no number yet."""
    return {
        "kind": kind,
        "collection": collection,
        "path": path,
        "document_id": document_id,
        "version": version,
        "detail": detail,
    }


def now() -> str:
    """The time, as the catalog writes it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _raise_by(connection: Connection, count: int) -> int:
    """Raise the counter; what it was before."""
    counter = counters.c.name == SEQUENCE
    connection.execute(update(counters).where(counter).values(value=counters.c.value + count))
    return int(connection.execute(select(counters.c.value).where(counter)).scalar_one()) - count
