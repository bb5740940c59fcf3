"""What a person does about the quarantine: put an entry aside, or try its file again."""

from __future__ import annotations

import os

from ingest.catalog import Catalog
from ingest.catalog_info import QuarantineEntry
from ingest.catalog_writer import CatalogWriter
from ingest.errors import NotFoundError
from ingest.formats.front_matter import FOLDER_META
from ingest.ports import Indexer
from ingest.sync import SyncReport, sync
from ingest.sync_plan import lineage
from ingest.sync_run import Parser, Progress


def drop(catalog: Catalog, entry_id: str) -> QuarantineEntry:
    """Put an entry aside, named by its id or the beginning of it: no list and no sync tells of it any more.

    It comes back when the file's bytes change and it still can't be taken; where its bytes can't be read, when the
    reason does. The entry as it is then; one that was dropped before stays so. Raises what `Catalog.quarantine_entry`
    raises.
    """
    with catalog.writing:
        entry = catalog.quarantine_entry(entry_id)
        if not entry.dropped:
            CatalogWriter(catalog).put_aside(entry, True)
    return catalog.quarantine_entry(entry.id)


def retry(
    catalog: Catalog,
    indexer: Indexer,
    entry_id: str,
    progress: Progress | None = None,
    *,
    parser: Parser | None = None,
) -> SyncReport:
    """Sync the file of an entry alone, in its collection. One that was dropped is open again.

    Raises what `Catalog.quarantine_entry` and `sync` raise, and NotFoundError where the file is gone.
    """
    entry = catalog.quarantine_entry(entry_id)
    path = _to_sync(entry.source)
    if path is None:
        hint = "Ingest its folder again: that lets go of the entry."
        raise NotFoundError(f"{entry.source} is not there any more.", hint=hint)
    if entry.dropped:
        with catalog.writing:
            CatalogWriter(catalog).put_aside(entry, False)
    return sync(catalog, indexer, [path], collection=entry.collection, progress=progress, parser=parser)


def _to_sync(source: str) -> str | None:
    """The path to sync for a source: itself, the archive it lies in, or the folder that a meta file speaks for."""
    if os.path.basename(source) == FOLDER_META:
        source = os.path.dirname(source)
    if os.path.lexists(source):
        return source
    nearest = next(place for place in lineage(source) if os.path.lexists(place))
    return nearest if os.path.isfile(nearest) else None
