"""Changing the catalog, in steps that leave it true at every instant. Whoever writes holds `Catalog.writing`.

A version is written beside the one that is served, indexed, and switched in one transaction. `indexed` says that the
index may hold it; it is set before the index hears of it and taken back after the index forgot it, so that whatever
was interrupted can be found and finished.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, update

from ingest.catalog import Catalog
from ingest.catalog_info import ChangeKind, QuarantineEntry
from ingest.catalog_rows import chunk_rows, item_rows, version_row
from ingest.discover import Problem
from ingest.errors import HomeBusyError
from ingest.items import Document
from ingest.ports import NewVersion
from ingest.schema import (
    BUILDING,
    LIVE,
    SEQUENCE,
    SUPERSEDED,
    changes,
    chunks,
    counters,
    documents,
    items,
    quarantine,
    roots,
    versions,
)


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
    """A parsed document on its way in. `stamp` and `fingerprint` name what it was made from, and for which index."""

    document: Document
    root: str
    source: str
    stamp: str
    fingerprint: str


class CatalogWriter:
    """The writing side of an open catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def known(self, collection: str) -> dict[str, Known]:
        """What is served of a collection, by path."""
        query = select(
            documents.c.id,
            documents.c.path,
            documents.c.root,
            documents.c.source,
            versions.c.key,
            versions.c.version,
            versions.c.stamp,
            versions.c.fingerprint,
        ).join_from(documents, versions, versions.c.document_id == documents.c.id)
        query = query.where(documents.c.collection == collection, versions.c.state == LIVE)
        with self._catalog.transaction() as connection:
            return {row.path: Known(*row) for row in connection.execute(query)}

    def roots(self, collection: str) -> list[str]:
        """The folders that were ingested as such."""
        with self._catalog.transaction() as connection:
            return list(connection.execute(select(roots.c.path).where(roots.c.collection == collection)).scalars())

    def adopt_root(self, collection: str, path: str) -> None:
        """Remember a folder as a root. Roots inside it are roots no more."""
        inside = [root for root in self.roots(collection) if root == path or is_within(root, path)]
        with self._catalog.transaction() as connection:
            mine = roots.c.collection == collection
            connection.execute(delete(roots).where(mine, roots.c.path.in_(inside)))
            connection.execute(insert(roots), [{"collection": collection, "path": path}])

    def begin(self, incoming: Sequence[Incoming]) -> list[NewVersion]:
        """Write versions that are not served yet."""
        with self._catalog.transaction() as connection:
            return [_begin(connection, each) for each in incoming]

    def switch(self, new: NewVersion, incoming: Incoming) -> list[int]:
        """Serve a version in place of what its document served before; the keys of that.

        HomeBusyError when the version is gone: another process writes to this catalog, and took it for left over.
        """
        document = new.document
        with self._catalog.transaction() as connection:
            number = _claim(connection, 1)
            live = select(versions.c.key).where(versions.c.document_id == document.id, versions.c.state == LIVE)
            old = list(connection.execute(live).scalars())
            _retire(connection, old)
            wanted = update(versions).where(versions.c.key == new.key, versions.c.state == BUILDING)
            if connection.execute(wanted.values(state=LIVE, live_at=_now())).rowcount != 1:
                raise HomeBusyError("Another process writes to this catalog.", hint="Ingest again when it has ended.")
            place = update(documents).where(documents.c.id == document.id)
            connection.execute(place.values(root=incoming.root, source=incoming.source))
            kind: ChangeKind = "updated" if old else "added"
            change = _change(kind, document.collection, document.path, document.id, document.version)
            _record(connection, number, [change])
        return old

    def retire(self, collection: str, gone: Sequence[Known]) -> list[int]:
        """Serve these documents no more; the keys of their versions."""
        if not gone:
            return []
        with self._catalog.transaction() as connection:
            number = _claim(connection, len(gone))
            _retire(connection, [each.key for each in gone])
            removed = [_change("removed", collection, each.path, each.id, each.version) for each in gone]
            _record(connection, number, removed)
        return [each.key for each in gone]

    def relocate(self, moved: Sequence[tuple[Known, str, str]]) -> None:
        """Note the new root and source of documents that are otherwise unchanged."""
        if moved:
            place = update(documents).where(documents.c.id == bindparam("known"))
            values = [{"known": known.id, "root": root, "source": source} for known, root, source in moved]
            with self._catalog.transaction() as connection:
                connection.execute(place, values)

    def leftovers(self) -> list[int]:
        """Versions that the index may hold although they are not served."""
        query = select(versions.c.key).where(versions.c.indexed.is_(True), versions.c.state != LIVE)
        with self._catalog.transaction() as connection:
            return list(connection.execute(query).scalars())

    def forget(self, keys: Sequence[int]) -> None:
        """Note that the index has dropped these versions. Those that were never served are deleted."""
        if not keys:
            return
        gone: BindParameter[int] = bindparam("gone")
        with self._catalog.transaction() as connection:
            unborn = connection.execute(select(versions.c.key).where(versions.c.state == BUILDING)).scalars()
            unserved = [{"gone": key} for key in set(unborn) & set(keys)]
            dropped = update(versions).where(versions.c.key == gone).values(indexed=False)
            connection.execute(dropped, [{"gone": key} for key in keys])
            if unserved:
                connection.execute(delete(chunks).where(chunks.c.version_key == gone), unserved)
                connection.execute(delete(items).where(items.c.version_key == gone), unserved)
                connection.execute(delete(versions).where(versions.c.key == gone), unserved)

    def set_quarantine(self, collection: str, problems: Sequence[Problem], released: Sequence[QuarantineEntry]) -> None:
        """Enter problems (one for a source), and let go of entries whose source is good or gone."""
        known = {entry.id: entry for entry in self._catalog.quarantine()}
        entries = [_entry(collection, problem) for problem in problems]
        new = [e for e in entries if e["id"] not in known or known[e["id"]].reason != e["reason"]]
        out = [_change("released", entry.collection, entry.path) for entry in released]
        out += [_change("quarantined", collection, e["path"], detail=e["reason"]) for e in new]
        if not out:
            return
        ids = [{"gone": entry.id} for entry in released] + [{"gone": entry["id"]} for entry in new]
        with self._catalog.transaction() as connection:
            number = _claim(connection, len(out))
            connection.execute(delete(quarantine).where(quarantine.c.id == bindparam("gone")), ids)
            if new:
                connection.execute(insert(quarantine), new)
            _record(connection, number, out)

    def mark_indexed_anew(self, fingerprint: str) -> None:
        """Note that all that is served is in an index of this fingerprint."""
        with self._catalog.transaction() as connection:
            number = _claim(connection, 1)
            connection.execute(update(versions).where(versions.c.state == LIVE).values(fingerprint=fingerprint))
            _record(connection, number, [_change("reindexed", "", "")])


def is_within(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, by their names."""
    return path != folder and path.startswith(folder.rstrip(os.sep) + os.sep)


def _begin(connection: Connection, incoming: Incoming) -> NewVersion:
    document = incoming.document
    if connection.execute(select(documents.c.id).where(documents.c.id == document.id)).scalar() is None:
        row = {"id": document.id, "collection": document.collection, "path": document.path}
        connection.execute(insert(documents), [{**row, "root": incoming.root, "source": incoming.source}])
    made = {"stamp": incoming.stamp, "fingerprint": incoming.fingerprint, "created_at": _now()}
    values = {**version_row(document), **made, "state": BUILDING, "indexed": True}
    key = connection.execute(insert(versions).values(values).returning(versions.c.key)).scalar_one()
    for table, rows in ((items, item_rows(key, document)), (chunks, chunk_rows(key, document))):
        if rows:
            connection.execute(insert(table), rows)
    return NewVersion(key, document)


def _retire(connection: Connection, keys: Iterable[int]) -> None:
    parameters = [{"old": key} for key in keys]
    if parameters:
        old = update(versions).where(versions.c.key == bindparam("old"))
        connection.execute(old.values(state=SUPERSEDED, retired_at=_now()), parameters)


def _claim(connection: Connection, count: int) -> int:
    """Raise the sequence by `count`; the first of the numbers. Also makes other writers wait for this transaction."""
    counter = counters.c.name == SEQUENCE
    connection.execute(update(counters).where(counter).values(value=counters.c.value + count))
    return int(connection.execute(select(counters.c.value).where(counter)).scalar_one()) - count + 1


def _record(connection: Connection, first: int, entries: Sequence[dict[str, Any]]) -> None:
    at = _now()
    numbered = [{**entry, "sequence": number, "at": at} for number, entry in enumerate(entries, first)]
    connection.execute(insert(changes), numbered)


def _change(
    kind: ChangeKind,
    collection: str,
    path: str,
    document_id: str | None = None,
    version: str | None = None,
    detail: str = "",
) -> dict[str, Any]:
    return {
        "kind": kind,
        "collection": collection,
        "path": path,
        "document_id": document_id,
        "version": version,
        "detail": detail,
    }


def _entry(collection: str, problem: Problem) -> dict[str, Any]:
    return {
        "id": hashlib.sha256(f"{collection}\0{problem.source}".encode()).hexdigest()[:16],
        "collection": collection,
        "path": problem.path,
        "source": problem.source,
        "line": problem.line,
        "reason": problem.reason,
        "hint": problem.hint,
        "since": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
