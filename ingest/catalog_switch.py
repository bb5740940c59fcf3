"""Serving new versions in place of old ones: what is compared, what is retired, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from ingest.blocks import Flaw
from ingest.catalog_feed import Entry, change, now
from ingest.catalog_history import load
from ingest.catalog_info import ChangeKind
from ingest.catalog_quarantine import enter, find_item_rows, flaw_rows, release
from ingest.catalog_rows import diff_row, first_diff_row
from ingest.diff import item_changes
from ingest.errors import HomeBusyError
from ingest.items import Document
from ingest.ports import NewVersion
from ingest.schema import BUILDING, LIVE, SUPERSEDED, documents, versions


@dataclass(frozen=True, slots=True)
class Known:
    """A document that is served, as sync compares it. `root` and `source` tell where its file lies."""

    id: str
    path: str
    root: str
    source: str
    key: int
    version: str
    stamp: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A parsed document on its way in. `stamp` and `fingerprint` name what it was made from, and for which index.

    `renamed`: the document whose file it was before that got this path. `flaws`: its parts that can't be taken.
    """

    document: Document
    root: str
    source: str
    stamp: str
    fingerprint: str
    renamed: Known | None = None
    flaws: tuple[Flaw, ...] = ()


class Switched(NamedTuple):
    """What serving a version was (added, updated or renamed), and the keys of the versions that it replaced."""

    kind: ChangeKind
    replaced: tuple[int, ...]


def switch(connection: Connection, batch: Sequence[tuple[NewVersion, Incoming]]) -> tuple[list[Switched], list[Entry]]:
    """Serve versions in place of what their documents served before: what that was, and the changes to record.

    HomeBusyError when one is gone: another process writes to this catalog, and took it for left over.
    """
    _check_unborn(connection, [new.key for new, _ in batch])
    before = _served_before(connection, [new.document.id for new, _ in batch])
    steps = [_step(connection, new, incoming, before.get(new.document.id, [])) for new, incoming in batch]
    retire(connection, [key for step in steps for key in step.switched.replaced])
    _serve(connection, [step.row for step in steps])
    again = [incoming for new, incoming in batch if new.document.id in before]
    move(connection, [(each.document.id, each.root, each.source) for each in again])
    told = [step.told for step in steps] + _set_flaws(connection, [incoming for _, incoming in batch])
    return [step.switched for step in steps], told


def retire(connection: Connection, keys: Iterable[int]) -> None:
    """Serve these versions no more."""
    parameters = [{"old": key} for key in keys]
    if parameters:
        old = update(versions).where(versions.c.key == bindparam("old"))
        connection.execute(old.values(state=SUPERSEDED, retired_at=now()), parameters)


def move(connection: Connection, places: Sequence[tuple[str, str, str]]) -> None:
    """Note where the files of documents lie: ids, roots and sources."""
    if places:
        place = update(documents).where(documents.c.id == bindparam("known"))
        values = [{"known": name, "root": root, "source": source} for name, root, source in places]
        connection.execute(place, values)


class _Step(NamedTuple):
    """How one version goes live: what it does, the new values of its row, and the change to record."""

    switched: Switched
    row: Entry
    told: Entry


def _step(connection: Connection, new: NewVersion, incoming: Incoming, before: Sequence[tuple[int, str]]) -> _Step:
    """`before`: key and state of the versions that the document has served, newest first."""
    document, renamed = new.document, incoming.renamed
    replaced = [key for key, state in before if state == LIVE]
    kind: ChangeKind = "updated" if replaced else "renamed" if renamed else "added"
    if renamed:
        replaced.append(renamed.key)
    previous = replaced[0] if replaced else before[0][0] if before else None
    diff = diff_row(item_changes(load(connection, previous), document)) if previous else first_diff_row(document)
    detail = renamed.path if renamed and kind == "renamed" else ""
    told = change(kind, document.collection, document.path, document.id, document.version, detail)
    return _Step(Switched(kind, tuple(replaced)), {"new": new.key, "after": previous, "changed": diff}, told)


def _check_unborn(connection: Connection, keys: Sequence[int]) -> None:
    """Raises HomeBusyError unless all of these versions are still being built."""
    unborn = select(func.count()).where(versions.c.key.in_(keys), versions.c.state == BUILDING)
    if connection.execute(unborn).scalar() != len(keys):
        raise HomeBusyError("Another process writes to this catalog.", hint="Ingest again when it has ended.")


def _served_before(connection: Connection, document_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
    """Key and state of the versions that these documents have served, newest first."""
    query = select(versions.c.document_id, versions.c.key, versions.c.state)
    query = query.where(versions.c.document_id.in_(document_ids), versions.c.state != BUILDING)
    found: dict[str, list[tuple[int, str]]] = {}
    for document_id, key, state in connection.execute(query.order_by(versions.c.key.desc())):
        found.setdefault(document_id, []).append((key, state))
    return found


def _serve(connection: Connection, rows: Sequence[Entry]) -> None:
    live = update(versions).where(versions.c.key == bindparam("new"))
    values = {"state": LIVE, "live_at": now(), "previous": bindparam("after"), "diff": bindparam("changed")}
    connection.execute(live.values(values), rows)


def _set_flaws(connection: Connection, batch: Sequence[Incoming]) -> list[Entry]:
    """Enter the parts of these documents that can't be taken, in place of those of the versions before."""
    told: list[Entry] = []
    for collection in sorted({each.document.collection for each in batch}):
        mine = [each for each in batch if each.document.collection == collection]
        former = [each.renamed.path for each in mine if each.renamed]
        known = find_item_rows(connection, collection, [*(each.document.path for each in mine), *former])
        rows = [row for each in mine for row in flaw_rows(each.document, each.source, each.flaws)]
        still = {row["id"] for row in rows}
        told += release(connection, [row for row in known if row.id not in still])
        told += enter(connection, rows, known)
    return told
