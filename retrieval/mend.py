"""Whether the index holds what the catalog serves, and how it comes to. The catalog is the truth."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import or_, select

from ingest.catalog import Catalog
from ingest.catalog_rows import read_chunk
from ingest.errors import IndexUnavailableError
from ingest.items import Chunk
from ingest.ports import NewVersion
from ingest.schema import LIVE, chunks, versions
from ingest.sync import rebuild
from ingest.sync_run import BATCH_CHUNKS, Progress
from retrieval.cache import EmbeddingCache
from retrieval.indexer import ChunkIndexer, cached_texts, passage_text
from retrieval.ports import Embedder, Reranker, SparseVector, Upkeep, VectorIndex

# Dead points from which, and shares of the living above which, an index is made anew: that costs as much as writing
# the living once more, so that a point is written twice on average, and the index is at most about twice too large.
_DEAD_FROM, _DEAD_SHARE = 10_000, 1.0
_NO_UPKEEP = Upkeep(dead=0, wants_tuning=False)
_NO_TERMS = SparseVector((), ())
_SAMPLE_HITS = 10
_SAME = 0.999  # cosine of a chunk's vector with itself, after the engine's rounding


class Room(Protocol):
    """The parts of `retrieval.build.Retrieval` that are looked at."""

    @property
    def embedder(self) -> Embedder: ...

    @property
    def index(self) -> VectorIndex: ...

    @property
    def indexer(self) -> ChunkIndexer: ...

    @property
    def cache(self) -> EmbeddingCache: ...

    @property
    def reranker(self) -> Reranker | None: ...


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How the index compares with the catalog.

    `chunks` are served, in `documents` documents; the index has `points`. `failure`: why it can't be used, "" where
    it can. `stale`: documents that were indexed for another model, other rules or another index. The others are keys
    of versions: `uneven` are served with more or fewer points than chunks, `unknown` have points and are neither
    served nor on their way, `unfinished` were left by a run that was interrupted.
    """

    documents: int = 0
    chunks: int = 0
    points: int = 0
    failure: str = ""
    stale: int = 0
    uneven: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    unfinished: tuple[int, ...] = ()
    upkeep: Upkeep = _NO_UPKEEP

    @property
    def sound(self) -> bool:
        """Whether questions see all that is served, and nothing is left over."""
        return not (self.failure or self.stale or self.uneven or self.unknown or self.unfinished)

    @property
    def needs_rebuild(self) -> bool:
        """Whether mending single versions would not do, or would be more work."""
        lost = self.chunks > 0 and self.points == 0
        wasteful = self.upkeep.dead > _DEAD_FROM + _DEAD_SHARE * self.points
        return bool(self.failure or self.stale) or lost or wasteful


def diagnose(catalog: Catalog, room: Room, *, thorough: bool = False) -> Diagnosis:
    """Compare all of the index with all of the catalog, by versions and their numbers of points.

    `thorough`: also read every file of the index. Raises HomeBusyError, and IndexUnavailableError for the catalog.
    """
    # the index first: what is written meanwhile is known to the catalog before
    try:
        if thorough:
            room.index.probe()
        counts, fingerprint, upkeep = room.index.version_counts(), room.indexer.fingerprint(), room.index.upkeep()
        room.index.query(_NO_TERMS, np.eye(1, room.embedder.dim, dtype=np.float32)[0], limit=1, filters={})
        failure = ""
    except IndexUnavailableError as error:
        counts, fingerprint, upkeep, failure = {}, "", _NO_UPKEEP, error.message
    of_interest = or_(versions.c.state == LIVE, versions.c.indexed.is_(True))
    wanted = select(versions.c.key, versions.c.state, versions.c.chunks, versions.c.fingerprint).where(of_interest)
    with catalog.transaction() as connection:
        rows = connection.execute(wanted).all()
    served = [row for row in rows if row.state == LIVE]
    found = Diagnosis(documents=len(served), chunks=sum(row.chunks for row in served), failure=failure)
    if failure:
        return found
    known = {row.key for row in rows}
    return Diagnosis(
        documents=found.documents,
        chunks=found.chunks,
        points=sum(counts.values()),
        stale=sum(row.fingerprint != fingerprint for row in served),
        uneven=tuple(row.key for row in served if counts.get(row.key, 0) != row.chunks),
        unknown=tuple(sorted(counts.keys() - known)),
        unfinished=tuple(sorted(row.key for row in rows if row.state != LIVE)),
        upkeep=upkeep,
    )


def mend(catalog: Catalog, room: Room, progress: Progress | None = None) -> Diagnosis:
    """Make the index hold what is served, and nothing unknown; what was found. Cheap where there is nothing to do.

    What an interrupted run left unfinished is the next sync's to tidy up. Also keeps the embedding cache from growing
    for ever. Raises HomeBusyError, ModelError, and IndexUnavailableError where the index can't be made anew either.
    """
    found = diagnose(catalog, room)
    if found.needs_rebuild and (found.chunks or found.failure):
        rebuild_index(catalog, room, progress)
    elif found.uneven or found.unknown:
        _put_right(catalog, room, found)
    if room.cache.overgrown():
        prune_cache(catalog, room)
    return found


def rebuild_index(catalog: Catalog, room: Room, progress: Progress | None = None, *, tuned: bool = False) -> None:
    """Make the index anew from the catalog, beside the one there is; cached vectors are used again.

    Interrupted anywhere, the old one stays. Raises what `mend` does.
    """
    with room.index.renewed(tuned_for=sum(info.chunks for info in catalog.documents()) if tuned else 0):
        rebuild(catalog, room.indexer, progress)
        if tuned and progress:
            progress("tuning", 0, 1)
    if tuned and progress:
        progress("tuning", 1, 1)


def prune_cache(catalog: Catalog, room: Room) -> int:
    """Forget the cached vectors that no served chunk has; how many they were."""
    return room.cache.prune(each for chunk in _served_chunks(catalog) for each in _kept(room, chunk))


def _kept(room: Room, chunk: Chunk) -> Iterator[tuple[str, str, str]]:
    """(model, role, text) of all that is kept of a chunk."""
    yield from ((room.embedder.fingerprint, role, text) for role, text in cached_texts(chunk))
    if room.reranker is not None:
        yield from room.reranker.kept(passage_text(chunk))


def lost_in_sample(catalog: Catalog, room: Room, size: int, seed: int | None = None) -> list[str]:
    """Served chunks, of `size` chosen at random, that the index doesn't find by their own vectors: path and line."""
    dice = random.Random(seed)  # noqa: S311 - a sample, not a secret
    served = [info for info in catalog.documents() if info.chunks]
    lost = []
    for info in dice.choices(served, k=size) if served else ():
        chunk = dice.choice(catalog.load(info.version_key).chunks)
        own = {"collection": [info.collection], "document": [info.path]}
        vector = room.indexer.embed_passages([chunk])[0]
        hits = room.index.query(_NO_TERMS, vector, limit=_SAMPLE_HITS, filters=own).arms["dense"]
        same = {(hit.version_key, hit.chunk_id) for hit in hits if hit.score > _SAME}
        # a document may say the same many times over
        if (info.version_key, chunk.id) not in same and len(same) < _SAMPLE_HITS:
            lost.append(f"{info.path}:{chunk.span.line_start}")
    return lost


def _put_right(catalog: Catalog, room: Room, found: Diagnosis) -> None:
    """Drop what is unknown, and put again what is served and uneven."""
    with catalog.writing:
        room.indexer.drop([*found.unknown, *found.uneven])
        # what was retired since it was looked at stays away
        live = catalog.live_versions()
        for batch in batches(catalog, [key for key in found.uneven if key in live]):
            room.indexer.put(batch)


def batches(catalog: Catalog, keys: Iterable[int]) -> Iterator[list[NewVersion]]:
    """Versions as the indexer takes them, so many at once as make some BATCH_CHUNKS chunks."""
    batch: list[NewVersion] = []
    for key in keys:
        batch.append(NewVersion(key, catalog.load(key)))
        if sum(len(new.document.chunks) for new in batch) >= BATCH_CHUNKS:
            yield batch
            batch = []
    if batch:
        yield batch


def _served_chunks(catalog: Catalog) -> Iterator[Chunk]:
    """All chunks that are served, one by one."""
    wanted = select(chunks.c.data, chunks.c.context, chunks.c.text).join(
        versions, versions.c.key == chunks.c.version_key
    )
    with catalog.transaction() as connection:
        rows = connection.execution_options(yield_per=1000).execute(wanted.where(versions.c.state == LIVE))
        for row in rows:
            yield read_chunk(row.data, row.context, row.text)
