"""Mirror files and folders into a collection: catalog and index, the whole story on one screen.

A version goes through `begin` (written, not served), `Indexer.put` (findable), `switch` (served), and the one before
it through `Indexer.drop`. Interrupted anywhere, the old version serves, and the next sync starts by tidying up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.catalog import Catalog
from ingest.catalog_info import DocumentInfo
from ingest.catalog_writer import CatalogWriter
from ingest.discover import Problem
from ingest.items import KINDS
from ingest.ports import Indexer, NewVersion
from ingest.sync_plan import find_released, find_targets, make_plan, refuse_large_loss
from ingest.sync_run import BATCH_CHUNKS, Parser, Progress, Run, default_parser


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. `items` and `chunks` count what the given paths hold now, unchanged documents included.

    `quarantine` is everything that could not be taken this time; a document in it may still serve an older version.
    """

    added: int
    updated: int
    unchanged: int
    removed: int
    quarantine: tuple[Problem, ...]
    items: dict[str, int]
    chunks: int
    skipped: dict[str, int]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        counts = {name: getattr(self, name) for name in ("added", "updated", "unchanged", "removed")}
        return {
            "documents": {**counts, "quarantined": len(self.quarantine)},
            "items": self.items,
            "chunks": self.chunks,
            "seconds": self.seconds,
            "quarantine": [{"path": p.path, "line": p.line, "reason": p.reason} for p in self.quarantine],
            "skipped": self.skipped,
        }


def sync(
    catalog: Catalog,
    indexer: Indexer,
    paths: Sequence[str | os.PathLike[str]],
    *,
    collection: str = "default",
    yes: bool = False,
    progress: Progress | None = None,
    parser: Parser | None = None,
) -> SyncReport:
    """Make `collection` hold what the files and folders `paths` hold: add, update, remove what vanished.

    What can't be read is quarantined and keeps serving its last good version; the rest goes on. Raises UsageError
    where a path is missing and RefusedError where more than half of the collection would go without `yes`, both
    before anything is changed. What the indexer raises goes through; documents switched before it stay.
    """
    started = time.monotonic()
    with catalog.writing:
        writer = CatalogWriter(catalog)
        known = writer.known(collection)
        targets = find_targets(paths, writer.roots(collection))
        plan = make_plan(targets, known)
        if not yes:
            refuse_large_loss(plan, known, collection)
        _tidy(writer, indexer)
        for target in targets:
            if target.whole and target.root not in plan.blind:
                writer.adopt_root(collection, target.root)

        run = Run(writer, indexer, collection, parser or default_parser(), progress, len(plan.jobs))
        for job in plan.jobs:
            run.take(job)
        run.flush()
        writer.relocate(run.moved)
        gone = plan.gone + [old for old, path in plan.moved if path in run.served]
        run.drop(writer.retire(collection, gone))

        found = {problem.source: problem for problem in plan.problems + run.problems}
        problems = sorted(found.values(), key=lambda problem: (problem.path, problem.source))
        entries = [entry for entry in catalog.quarantine() if entry.collection == collection]
        writer.set_quarantine(collection, problems, find_released(plan, entries, problems))
        items, chunks = _count(catalog, collection, {job.found.path for job in plan.jobs})
    return SyncReport(
        added=run.counts["added"],
        updated=run.counts["updated"],
        unchanged=run.counts["unchanged"],
        removed=len(gone),
        quarantine=tuple(problems),
        items=items,
        chunks=chunks,
        skipped=plan.skipped,
        seconds=round(time.monotonic() - started, 3),
    )


def delete(catalog: Catalog, indexer: Indexer, id_or_path: str, collection: str | None = None) -> DocumentInfo:
    """Serve a document no more; its file stays, and comes back with the next sync. The document as it was.

    Raises what `Catalog.document` raises.
    """
    with catalog.writing:
        info = catalog.document(id_or_path, collection)
        writer = CatalogWriter(catalog)
        known = writer.known(info.collection)[info.path]
        keys = writer.retire(info.collection, [known])
        indexer.drop(keys)
        writer.forget(keys)
    return info


def rebuild(catalog: Catalog, indexer: Indexer, progress: Progress | None = None) -> None:
    """Put everything that is served into the index again, in batches."""
    with catalog.writing:
        writer = CatalogWriter(catalog)
        _tidy(writer, indexer)
        live = catalog.documents()
        total = sum(info.chunks for info in live)
        done, batch, size = 0, [], 0
        for number, info in enumerate(live, 1):
            batch.append(NewVersion(info.version_key, catalog.load(info.version_key)))
            size += info.chunks
            if size >= BATCH_CHUNKS or number == len(live):
                indexer.put(batch)
                done, batch, size = done + size, [], 0
                if progress:
                    progress("index", done, total)
        writer.mark_indexed_anew(indexer.fingerprint())


def _tidy(writer: CatalogWriter, indexer: Indexer) -> None:
    """Finish what an interrupted run left: versions that the index may hold, but that nobody is served."""
    leftovers = writer.leftovers()
    if leftovers:
        indexer.drop(leftovers)
        writer.forget(leftovers)


def _count(catalog: Catalog, collection: str, paths: set[str]) -> tuple[dict[str, int], int]:
    """Items by kind, and chunks, of these documents."""
    mine = [info for info in catalog.documents(collection) if info.path in paths]
    return {kind: sum(info.items[kind] for info in mine) for kind in KINDS}, sum(info.chunks for info in mine)
