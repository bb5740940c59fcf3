"""Mirror files and folders into a collection: catalog and index, the whole story on one screen.

A version goes through `begin` (written, not served), `Indexer.put` (findable), `switch` (served), and the one before
it through `Indexer.drop`. Interrupted anywhere, the old version serves, and the next sync starts by tidying up.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.catalog import Catalog
from ingest.catalog_info import DocumentInfo, QuarantineEntry
from ingest.catalog_quarantine import DOCUMENT, Refusal
from ingest.catalog_writer import CatalogWriter
from ingest.discover import Problem
from ingest.errors import DocumentError, UsageError
from ingest.items import KINDS
from ingest.ports import Indexer, NewVersion
from ingest.sync_plan import Plan, content_of, find_released, find_targets, make_plan, reached, refuse_large_loss
from ingest.sync_run import BATCH_CHUNKS, Parser, Progress, Run, default_parser


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. `items` and `chunks` count what the given paths hold now, unchanged documents included.

    `renamed` documents count as neither added nor removed. `quarantine` is all that stands in quarantine of the given
    paths, whether it came now or before: documents, which may still serve an older version, and parts of documents
    that are served without them.
    """

    added: int
    updated: int
    renamed: int
    unchanged: int
    removed: int
    quarantine: tuple[QuarantineEntry, ...]
    items: dict[str, int]
    chunks: int
    skipped: dict[str, int]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it; `quarantined` counts documents, not parts of them."""
        counts = {name: getattr(self, name) for name in ("added", "updated", "renamed", "unchanged", "removed")}
        return {
            "documents": {**counts, "quarantined": sum(entry.scope == DOCUMENT for entry in self.quarantine)},
            "items": self.items,
            "chunks": self.chunks,
            "seconds": self.seconds,
            "quarantine": [{"path": e.path, "line": e.line, "reason": e.reason} for e in self.quarantine],
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
    """Make `collection` hold what the files and folders `paths` hold: add, update, rename, remove what vanished.

    What can't be read is quarantined and keeps serving its last good version; the rest goes on. A file that comes up
    under a new path with the bytes of one that vanished is the same document, with its history. Raises UsageError
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

        run = Run(writer, indexer, collection, parser or default_parser(), progress, len(plan.jobs), plan.renamed)
        for job in plan.jobs:
            run.take(job)
        run.finish()
        writer.relocate(collection, run.moved)
        gone = plan.gone + [old for old, path in plan.moved if path in run.served]
        run.drop(writer.retire(collection, gone))

        quarantine = _settle_quarantine(catalog, writer, collection, plan, run)
        items, chunks = _count(catalog, collection, {job.found.path for job in plan.jobs})
    return SyncReport(
        added=run.counts["added"],
        updated=run.counts["updated"],
        renamed=run.counts["renamed"],
        unchanged=run.counts["unchanged"],
        removed=len(gone),
        quarantine=quarantine,
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


def prune(catalog: Catalog, keep: int) -> int:
    """Delete the texts and items of old versions, beyond the newest `keep` of each document; how many versions went.

    The version that is served counts among them and never goes; of a document that is served no more the newest
    stays. Raises UsageError for a `keep` below 1. The file of an SQLite catalog doesn't shrink: its pages are used
    again.
    """
    if keep < 1:
        hint = "The newest version of a document is always kept."
        raise UsageError(f"At least 1 version of each document is kept, not {keep}.", hint=hint)
    with catalog.writing:
        return CatalogWriter(catalog).prune(keep)


def _tidy(writer: CatalogWriter, indexer: Indexer) -> None:
    """Finish what an interrupted run left: versions that the index may hold, but that nobody is served."""
    leftovers = writer.leftovers()
    if leftovers:
        indexer.drop(leftovers)
        writer.forget(leftovers)


def _settle_quarantine(
    catalog: Catalog, writer: CatalogWriter, collection: str, plan: Plan, run: Run
) -> tuple[QuarantineEntry, ...]:
    """Enter what could not be taken, let go of what could, and tell what stands now of what was looked at."""
    waiting = Counter(
        os.path.join(job.root, job.found.folder.path) for job in run.held if isinstance(job.found.folder, DocumentError)
    )
    found = {problem.source: _refusal(problem, waiting[problem.source]) for problem in plan.problems}
    found |= {refusal.problem.source: refusal for refusal in run.refused}
    still = found.keys() | {job.found.source for job in run.held}
    entries = [entry for entry in catalog.quarantine(dropped=True) if entry.collection == collection]
    writer.set_quarantine(collection, list(found.values()), find_released(plan, entries, still))
    mine = [entry for entry in catalog.quarantine() if entry.collection == collection]
    return tuple(entry for entry in mine if entry.source in found or reached(plan, entry.source))


def _refusal(problem: Problem, waiting: int) -> Refusal:
    """What the walk could not take, with the number of files that wait for it."""
    if waiting:
        files = "1 file below it stays as it was" if waiting == 1 else f"{waiting} files below it stay as they were"
        problem = replace(problem, hint=f"{problem.hint} Until then {files}.".strip())
    content = content_of(problem.source, problem.path) if os.path.isfile(problem.source) else None
    return Refusal(problem, content)


def _count(catalog: Catalog, collection: str, paths: set[str]) -> tuple[dict[str, int], int]:
    """Items by kind, and chunks, of these documents."""
    mine = [info for info in catalog.documents(collection) if info.path in paths]
    return {kind: sum(info.items[kind] for info in mine) for kind in KINDS}, sum(info.chunks for info in mine)
