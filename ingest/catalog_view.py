"""The catalog as somebody sees it who may not see everything: histories, the feed and the quarantine.

What is hidden is as if it were not there. Where it can't be told whether something may be seen (the bytes of a file
that could not be read, a version that was pruned), candidates don't see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, select

from ingest import catalog_rows as rows
from ingest.catalog import MIN_ID_PREFIX, Catalog
from ingest.catalog_history import history
from ingest.catalog_info import Change, QuarantineEntry, VersionInfo
from ingest.catalog_links import Twin, twins
from ingest.catalog_quarantine import ITEM
from ingest.errors import NotFoundError, UsageError
from ingest.schema import BUILDING, documents, versions
from ingest.view import EVERYTHING, View, is_for_interviewers

_GROUP = 500
_EVERYBODYS = frozenset({"reindexed"})
"""Changes that name no document and no file."""


@dataclass(frozen=True, slots=True)
class CatalogView:
    """What `view` may see of a catalog."""

    catalog: Catalog
    view: View

    def versions(self, document_id: str) -> list[VersionInfo]:
        """The versions of a document, newest first; none where what it serves now, or served last, is hidden.

        A version does not tell how it differs from one that is hidden.
        """
        if self.view == EVERYTHING:
            return self.catalog.versions(document_id)
        with self.catalog.transaction() as connection:
            found = connection.execute(history(document_id).add_columns(documents.c.collection)).all()
        born = [row for row in found if row.state != BUILDING]
        if not born or not self._shows(born[0]):
            return []
        shown = [row for row in born if self._shows(row)]
        keys = {row.key for row in shown}
        told = [(row, rows.read_version_info(row)) for row in shown]
        return [info if row.previous in (None, *keys) else replace(info, changes=None) for row, info in told]

    def twins(self, document_id: str) -> list[Twin]:
        """The items elsewhere that ask what items of this document ask."""
        found = twins(self.catalog, document_id)
        if self.view == EVERYTHING:
            return found
        seen = self.catalog.live_versions(self.view)
        return [twin for twin in found if twin.version_key in seen]

    def quarantine(self, *, dropped: bool = False) -> list[QuarantineEntry]:
        """What was offered and can't be served; for candidates only parts of documents that they see."""
        entries = self.catalog.quarantine(dropped=dropped)
        if self.view == EVERYTHING:
            return entries
        entries = [entry for entry in entries if self.view.has(entry.collection)]
        if self.view.audience == "interviewer":
            return entries
        served = {(info.collection, info.path, info.version) for info in self.catalog.documents(view=self.view)}
        return [e for e in entries if e.scope == ITEM and (e.collection, e.path, e.content) in served]

    def quarantine_entry(self, id_or_prefix: str) -> QuarantineEntry:
        """The entry with this id, or one that begins so; also one that was dropped.

        NotFoundError where there is none that may be seen; UsageError where several are meant.
        """
        if self.view == EVERYTHING:
            return self.catalog.quarantine_entry(id_or_prefix)
        entries = self.quarantine(dropped=True)
        found = [entry for entry in entries if entry.id == id_or_prefix]
        if not found and len(id_or_prefix) >= MIN_ID_PREFIX:
            found = [entry for entry in entries if entry.id.startswith(id_or_prefix)]
        if not found:
            hint = "`cuecard quarantine list` names them all."
            raise NotFoundError(f"Nothing in quarantine has the id {id_or_prefix}.", hint=hint)
        if len(found) > 1:
            names = ", ".join(f"{entry.id} ({entry.path})" for entry in found[:5])
            raise UsageError(f"{id_or_prefix} names several entries: {names}.", hint="Give the whole id.")
        return found[0]

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """At most `limit` changes after the sequence number `since`, oldest first; their numbers may have gaps."""
        if self.view == EVERYTHING:
            return self.catalog.changes(since, limit)
        shown: list[Change] = []
        while len(shown) < limit:
            part = self.catalog.changes(since, _GROUP)
            shown += self._shown(part)
            if len(part) < _GROUP:
                break
            since = part[-1].sequence
        return shown[:limit]

    def hides_path(self, collection: str, path: str) -> bool:
        """Whether a document that may not be seen is served under this path, or below it."""
        if self.view == EVERYTHING:
            return False
        seen = {info.id for info in self.catalog.documents(collection, self.view)}
        hidden = [info.path for info in self.catalog.documents(collection) if info.id not in seen]
        return any(each == path or each.startswith(f"{path}/") for each in hidden)

    def _shown(self, part: Iterable[Change]) -> list[Change]:
        part = [change for change in part if self.view.has(change.collection) or change.kind in _EVERYBODYS]
        if self.view.audience == "interviewer":
            return part
        audiences = self._audiences({change.document_id for change in part if change.document_id})
        before = self._former({(change.collection, change.detail) for change in part if change.kind == "renamed"})
        return [
            replace(change, detail="") if change.kind == "renamed" and not self._told(change, before) else change
            for change in part
            if change.kind in _EVERYBODYS or _may_be_told(change, audiences)
        ]

    def _told(self, change: Change, before: Mapping[tuple[str, str], str]) -> bool:
        """Whether the path that a document had before may be named."""
        former = before.get((change.collection, change.detail))
        said = self._audiences({former})[former] if former else []
        return bool(said) and not any(is_for_interviewers(audience) for _, audience in said)

    def _former(self, places: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The ids of the documents that had these paths."""
        with self.catalog.transaction() as connection:
            found: dict[tuple[str, str], str] = {}
            for collection, path in places:
                mine = (documents.c.collection == collection) & (documents.c.path == path)
                name = connection.execute(select(documents.c.id).where(mine)).scalar()
                if name is not None:
                    found[collection, path] = name
        return found

    def _audiences(self, ids: set[str]) -> dict[str, list[tuple[str, str | None]]]:
        """Version and audience of all that these documents have served, newest first."""
        said: dict[str, list[tuple[str, str | None]]] = {name: [] for name in ids}
        query = select(versions.c.document_id, versions.c.version, versions.c.meta).order_by(versions.c.key.desc())
        with self.catalog.transaction() as connection:
            for row in connection.execute(query.where(versions.c.document_id.in_(ids), versions.c.state != BUILDING)):
                said[row.document_id].append((row.version, rows.read_meta(row.meta).audience))
        return said

    def _shows(self, row: Row[Any]) -> bool:
        return self.view.shows(row.collection, rows.read_meta(row.meta).audience)


def _may_be_told(change: Change, audiences: Mapping[str, list[tuple[str, str | None]]]) -> bool:
    """Whether candidates may hear of it: neither what the document serves now nor that version is hidden."""
    said = audiences.get(change.document_id or "", [])
    if not said or is_for_interviewers(said[0][1]):
        return False
    own = [audience for version, audience in said if version == change.version]
    return bool(own) and not any(is_for_interviewers(audience) for audience in own)
