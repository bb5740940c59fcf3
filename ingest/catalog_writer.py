"""Changing the catalog, in steps that leave it true at every instant. Whoever writes holds `Catalog.writing`.

A version is written beside the one that is served, indexed, and switched in one transaction. `indexed` says that the
index may hold it; it is set before the index hears of it and taken back after the index forgot it, so that whatever
was interrupted can be found and finished.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sqlalchemy import BindParameter, bindparam, delete, exists, func, insert, select, update

from ingest.catalog import Catalog
from ingest.catalog_feed import Entry, change, now, record, take_turn
from ingest.catalog_info import ChangeKind, QuarantineEntry
from ingest.catalog_quarantine import (
    ITEM,
    Refusal,
    document_row,
    enter,
    find_item_rows,
    find_rows,
    release,
)
from ingest.catalog_rows import chunk_rows, item_rows, version_row
from ingest.catalog_switch import Incoming, Known, Switched, move, retire, switch
from ingest.ports import NewVersion
from ingest.schema import BUILDING, LIVE, SUPERSEDED, chunks, documents, items, quarantine, roots, versions


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
        if not incoming:
            return []
        by_id = {each.document.id: each for each in incoming}
        with self._catalog.transaction() as connection:
            there = set(connection.execute(select(documents.c.id).where(documents.c.id.in_(by_id))).scalars())
            places = [_place(each) for name, each in by_id.items() if name not in there]
            if places:
                connection.execute(insert(documents), places)
            made = insert(versions).returning(versions.c.key, sort_by_parameter_order=True)
            keys = connection.execute(made, [_building(each) for each in incoming]).scalars()
            new = [NewVersion(key, each.document) for key, each in zip(keys, incoming, strict=True)]
            for table, rows_of in ((items, item_rows), (chunks, chunk_rows)):
                rows = [row for each in new for row in rows_of(each.key, each.document)]
                if rows:
                    connection.execute(insert(table), rows)
        return new

    def switch(self, batch: Sequence[tuple[NewVersion, Incoming]]) -> list[Switched]:
        """Serve versions in place of what their documents served before, all of them or none.

        HomeBusyError when one is gone: another process writes to this catalog, and took it for left over.
        """
        with self._catalog.transaction() as connection:
            take_turn(connection)
            done, told = switch(connection, batch)
            record(connection, told)
        return done

    def retire(self, collection: str, gone: Sequence[Known]) -> list[int]:
        """Serve these documents no more; the keys of their versions."""
        if not gone:
            return []
        with self._catalog.transaction() as connection:
            take_turn(connection)
            retire(connection, [each.key for each in gone])
            parts = find_item_rows(connection, collection, [each.path for each in gone])
            told = [change("removed", collection, each.path, each.id, each.version) for each in gone]
            record(connection, told + release(connection, parts))
        return [each.key for each in gone]

    def relocate(self, collection: str, moved: Sequence[tuple[Known, str, str]]) -> None:
        """Note the new root and source of documents that are otherwise unchanged."""
        if not moved:
            return
        parts = update(quarantine).where(quarantine.c.collection == collection, quarantine.c.scope == ITEM)
        parts = parts.where(quarantine.c.path == bindparam("known")).values(source=bindparam("to"))
        with self._catalog.transaction() as connection:
            move(connection, [(known.id, root, source) for known, root, source in moved])
            connection.execute(parts, [{"known": known.path, "to": source} for known, _, source in moved])

    def leftovers(self) -> list[int]:
        """Versions that the index may hold although they are not served."""
        query = select(versions.c.key).where(versions.c.indexed.is_(True), versions.c.state != LIVE)
        with self._catalog.transaction() as connection:
            return list(connection.execute(query).scalars())

    def forget(self, keys: Sequence[int]) -> None:
        """Note that the index has dropped these versions. Their chunks are deleted: they can be made from the text.

        Those that were never served are deleted altogether.
        """
        if not keys:
            return
        gone: BindParameter[int] = bindparam("gone")
        parameters = [{"gone": key} for key in keys]
        lives = exists().where(versions.c.key == gone, versions.c.state == LIVE)
        served = exists().where(versions.c.key == gone, versions.c.state != BUILDING)
        with self._catalog.transaction() as connection:
            take_turn(connection)
            connection.execute(update(versions).where(versions.c.key == gone).values(indexed=False), parameters)
            connection.execute(delete(chunks).where(chunks.c.version_key == gone, ~lives), parameters)
            connection.execute(delete(items).where(items.c.version_key == gone, ~served), parameters)
            connection.execute(delete(versions).where(versions.c.key == gone, versions.c.state == BUILDING), parameters)

    def prune(self, keep: int) -> int:
        """Delete versions that are served no more, beyond the newest `keep` of each document; how many went.

        What the index may still hold stays until it was forgotten.
        """
        age = func.row_number().over(partition_by=versions.c.document_id, order_by=versions.c.key.desc())
        columns = (versions.c.key, versions.c.state, versions.c.indexed, age.label("age"))
        aged = select(*columns).where(versions.c.state != BUILDING).subquery()
        old = select(aged.c.key).where(aged.c.age > keep, aged.c.state == SUPERSEDED, aged.c.indexed.is_(False))
        gone: BindParameter[int] = bindparam("gone")
        with self._catalog.transaction() as connection:
            take_turn(connection)
            parameters = [{"gone": key} for key in connection.execute(old).scalars()]
            if parameters:
                connection.execute(delete(chunks).where(chunks.c.version_key == gone), parameters)
                connection.execute(delete(items).where(items.c.version_key == gone), parameters)
                connection.execute(delete(versions).where(versions.c.key == gone), parameters)
        return len(parameters)

    def set_quarantine(
        self, collection: str, refusals: Sequence[Refusal], released: Sequence[QuarantineEntry] = ()
    ) -> None:
        """Enter what can't be taken (once for a source), and let go of entries whose source is good or gone."""
        if not refusals and not released:
            return
        entries = [document_row(collection, refusal) for refusal in refusals]
        with self._catalog.transaction() as connection:
            take_turn(connection)
            told = release(connection, released)
            told += enter(connection, entries, find_rows(connection, [entry["id"] for entry in entries]))
            record(connection, told)

    def put_aside(self, entry: QuarantineEntry, aside: bool) -> None:
        """Drop an entry, or take it back."""
        kind: ChangeKind = "dropped" if aside else "quarantined"
        mine = update(quarantine).where(quarantine.c.id == entry.id)
        with self._catalog.transaction() as connection:
            take_turn(connection)
            connection.execute(mine.values(dropped=aside))
            record(connection, [change(kind, entry.collection, entry.path, detail=entry.reason)])

    def mark_indexed_anew(self, fingerprint: str) -> None:
        """Note that all that is served is in an index of this fingerprint."""
        with self._catalog.transaction() as connection:
            take_turn(connection)
            connection.execute(update(versions).where(versions.c.state == LIVE).values(fingerprint=fingerprint))
            record(connection, [change("reindexed", "", "")])


def is_within(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, by their names."""
    return path != folder and path.startswith(folder.rstrip(os.sep) + os.sep)


def _place(incoming: Incoming) -> Entry:
    document = incoming.document
    row = {"id": document.id, "collection": document.collection, "path": document.path}
    return {**row, "root": incoming.root, "source": incoming.source}


def _building(incoming: Incoming) -> Entry:
    made = {"stamp": incoming.stamp, "fingerprint": incoming.fingerprint, "created_at": now()}
    return {**version_row(incoming.document), **made, "state": BUILDING, "indexed": True}
