"""The embedded index: a Qdrant Edge shard in a folder, owned by one process at a time.

What the engine does, measured on `qdrant-edge-py` 0.9.0: errors are plain `Exception`s, or panics, which are not; a
write goes through a write-ahead log and `flush` makes it durable; queries hold Python's interpreter lock (two threads
with a shard each got no more done than one), and so does `optimize` for its whole run; a query runs over the parts of a
shard side by side. So a large index is cut into parts, and a very large one gets graphs (HNSW), on request only, by a
process of its own, beside the index that is in use. Without graphs, vectors are compared one by one: in 4 bits a
number, the nearest of them whole.
"""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from ingest.errors import IndexUnavailableError
from ingest.view import EVERYTHING, View
from retrieval import points as p
from retrieval.cache import LruCache
from retrieval.edge_folder import IndexFolder, Shard
from retrieval.edge_threads import search_threads
from retrieval.edge_worker import TUNED_FROM
from retrieval.ports import ArmHit, ArmResults, Filters, IndexPoint, SparseVector, Upkeep, Vectors

_WRITTEN_AT_ONCE = 256
_ASKED_AT_ONCE = 64
# Bytes on disk for each number of a point's vectors, and for the rest of it: a point of two vectors of 384 numbers took
# 7.4 KB of index and log with 32 bits a number (16 now: rather too much). Files grow page by page, and a file of each
# kind begins with several.
_BYTES_A_NUMBER, _BYTES_A_POINT = 10, 4096
# So many times the hits asked for are compared whole, of those nearest in 4 bits: of the exact best 50 over 100,000
# points 99.9 % are found with 2, all with 4, in 4.4 and 4.7 ms for both dense arms (25 without). Each whole vector that
# is looked at is a page of memory: over 1,000,000 points 4.4 GB were resident with 4 after 1,500 questions, 4.1 with 2.
_OVERSAMPLING = 2.0
# Terms whose IDF is remembered until the next write: a third of what a question asks of the index at 20,000 points.
_KEPT_IDF = 16_384
_TUNED_SHARE = 0.5  # of the points; where fewer were there when it was tuned, that is of little use
# Candidates that a graph is searched for: over 1,000,000 points the exact best 50 are found to 91 and 72 % (passages,
# questions) with 128, in 5.2 ms, to 92 and 75 % with 256, in 5.9, to 96 and 82 % with 512, in 9.2. (Vectors mixed from
# real ones and noise, of which many are nearly as near as the 50th, in eight parts.)
_GRAPH_CANDIDATES = 256


_RESCORED = qe.SearchParams(
    hnsw_ef=_GRAPH_CANDIDATES, quantization=qe.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING)
)


class EdgeIndex:
    """The `VectorIndex` port over a Qdrant Edge shard. The folder is opened with the first call that needs it.

    Every call raises HomeBusyError where another process has the folder open, and IndexUnavailableError where it
    can't be read or was made for other vectors.
    """

    def __init__(self, path: Path, *, dim: int, fingerprint: str) -> None:
        """`path`: the index's own folder, created where there is none. `fingerprint`: what vectors it must hold."""
        self._folder = IndexFolder(path, dim=dim, fingerprint=fingerprint)
        self._opened: Shard | None = None
        self._next: Shard | None = None
        self._part = 0
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self._written = 0
        self._idf: LruCache[tuple[int, View, int], float] = LruCache(_KEPT_IDF)

    @property
    def closed(self) -> bool:
        """Whether it was closed for good."""
        return self._closed

    def generation(self) -> str:
        """Names this very index: changes when it is made anew. Within `renewed`, the one being made."""
        return self._target().generation

    @contextmanager
    def renewed(self, *, tuned_for: int = 0) -> Iterator[None]:
        """An empty index to write to in the block; when it ends, that takes the place of what there was.

        Until then questions are answered by what there was, and where the block raises, nothing has changed.
        """
        with self._writing, self._opening:
            self._refuse_if_closed()
            self._next = made = self._folder.create()
        self._part = math.ceil(tuned_for / search_threads()) if tuned_for >= TUNED_FROM else 0
        try:
            yield
            if self._part:
                self._folder.tune(made)
            self._folder.do(made.engine.flush)
        except BaseException:
            with self._writing:
                self._next, self._part = None, 0
                self._folder.discard(made)
            raise
        with self._writing, self._opening:
            # whoever still asks the old one keeps it open
            self._opened, self._next, self._part = made, None, 0
            self._written += 1
            self._folder.adopt(made)

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced."""
        with self._writing:
            target = self._target()
            for start in range(0, len(points), _WRITTEN_AT_ONCE):
                part = points[start : start + _WRITTEN_AT_ONCE]
                self._folder.make_room(sum(_size(point) for point in part))
                self._update(target, qe.UpdateOperation.upsert_points([_point(point) for point in part]), len(part))
                if target is self._next and self._part and self._count(target) - target.tuned >= self._part:
                    self._folder.tune(target, whole=False)

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored."""
        if not keys:
            return
        chosen = qe.Filter(must=[qe.FieldCondition(key=p.VERSION_KEY, match=qe.MatchAny([int(key) for key in keys]))])
        with self._writing:
            self._update(self._target(), qe.UpdateOperation.delete_points_by_filter(chosen), 0)

    def query(
        self,
        terms: SparseVector,
        vector: Vectors | None,
        *,
        limit: int,
        filters: Filters,
        view: View = EVERYTHING,
    ) -> ArmResults:
        """Ask all arms at once, for `limit` hits each, of what `view` may see."""
        chosen, visible = _filter(filters, view), _filter({}, view)
        arms = p.arms_asked(terms, vector)
        single_terms = terms.indices[: p.MOST_IDF_TERMS]
        state, shard = self._written, self._shard()  # in this order: what an old index says is never kept for a new one
        known = {term: idf for term in single_terms if (idf := self._idf.get((state, view, term))) is not None}
        asked_terms = [term for term in single_terms if term not in known]
        requests = [
            qe.QueryRequest(
                query=qe.Query.Nearest(_sparse(asked) if arm == "bm25" else asked, using=p.VECTOR_OF_ARM[arm]),
                filter=chosen,
                params=None if arm == "bm25" else _RESCORED,
                limit=limit,
                with_payload=False,
            )
            for arm, asked in arms.items()
        ]
        requests += [
            qe.QueryRequest(
                query=qe.Query.Nearest(_sparse(SparseVector((term,), (1.0,))), using=p.TERMS),
                filter=visible,
                limit=1,
                with_vector=[p.TERMS],
                with_payload=False,
            )
            for term in asked_terms
        ]
        engine = shard.engine
        batches = self._folder.do(lambda: engine.query_batch(qe.QueryBatchRequest(requests))) if requests else []
        found = p.read_results(list(arms), asked_terms, batches)
        for term, idf in found.idf.items():
            self._idf.put((state, view, term), idf)
        # in the order of the question: sums over them come out the same, asked or known
        return replace(found, idf={term: known.get(term, found.idf.get(term, 0.0)) for term in single_terms})

    def nearest_questions(self, vectors: Vectors, *, limit: int, filters: Filters) -> list[list[ArmHit]]:
        """For each of float32 [n, d], the `limit` points whose questions come nearest, best first."""
        chosen, engine = _filter(filters), self._shard().engine
        found: list[list[ArmHit]] = []
        for start in range(0, len(vectors), _ASKED_AT_ONCE):
            requests = [
                qe.QueryRequest(
                    query=qe.Query.Nearest([vector.tolist()], using=p.QUESTION),
                    filter=chosen,
                    params=_RESCORED,
                    limit=limit,
                    with_payload=False,
                )
                for vector in vectors[start : start + _ASKED_AT_ONCE]
            ]
            asked = qe.QueryBatchRequest(requests)
            found += [p.read_hits(batch) for batch in self._folder.do(lambda asked=asked: engine.query_batch(asked))]  # type: ignore[misc]
        return found

    def stored_vectors(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], tuple[Vectors, Vectors]]:
        """float32 [d] and [n, d]: the passage's vector and the questions' of (version key, chunk id) pairs."""
        engine = self._shard().engine
        wanted: list[int | uuid.UUID | str] = [p.point_id(*key) for key in keys]
        found = self._folder.do(
            lambda: engine.retrieve(wanted, with_payload=False, with_vector=[p.PASSAGE, p.QUESTION])
        )
        return {p.key_of(record.id): p.read_vectors(record) for record in found}

    def held_terms(self, keys: Sequence[tuple[int, str]], terms: Set[int]) -> dict[tuple[int, str], frozenset[int]]:
        """Which of these terms each of (version key, chunk id) pairs has."""
        engine = self._shard().engine
        wanted: list[int | uuid.UUID | str] = [p.point_id(*key) for key in keys]
        found = self._folder.do(lambda: engine.retrieve(wanted, with_payload=False, with_vector=[p.TERMS]))
        return p.read_held(found, terms)

    def count(self) -> int:
        """How many points there are."""
        return self._count(self._shard())

    def version_counts(self) -> dict[int, int]:
        """How many points each version has."""
        engine = self._shard().engine
        request = qe.FacetRequest(p.VERSION_KEY, limit=max(1, self.count()), exact=True)
        return {int(hit.value): hit.count for hit in self._folder.do(lambda: engine.facet(request)) if hit.count}

    def upkeep(self) -> Upkeep:
        """What it drags along, and whether tuning would make it faster."""
        shard = self._shard()
        points = self._count(shard)
        large = points >= TUNED_FROM
        return Upkeep(dead=shard.dead, wants_tuning=large and shard.tuned < _TUNED_SHARE * points)

    def probe(self) -> None:
        """Read all there is, in a process of its own where the index isn't open yet: damage can end a process."""
        with self._writing, self._opening:
            self._refuse_if_closed()
            if self._opened is None:
                self._folder.probe()

    def flush(self) -> None:
        """Returns when everything written is durable."""
        with self._writing:
            self._folder.do(self._target().engine.flush)

    def close(self) -> None:
        """Flush, and let go. Closing twice is fine."""
        with self._writing, self._opening:
            shard, self._opened, self._closed = self._opened, None, True
            try:
                if shard is not None and shard.wrote and shard.path.is_dir():
                    self._folder.do(shard.engine.flush)
                    self._folder.note(shard)
            finally:
                try:
                    if shard is not None:
                        self._folder.do(shard.engine.close)
                finally:
                    self._folder.release()

    def _shard(self) -> Shard:
        """What questions are put to."""
        with self._opening:
            self._refuse_if_closed()
            if self._opened is None:
                self._opened = self._folder.open()
            return self._opened

    def _target(self) -> Shard:
        """What is written to."""
        return self._next or self._shard()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise IndexUnavailableError(f"The index in {self._folder.path} is closed.")

    def _update(self, shard: Shard, operation: qe.UpdateOperation, added: int) -> None:
        """`added`: points that come; so many fewer than these there are afterwards were replaced or dropped."""
        before = self._count(shard)
        shard.wrote = True
        try:
            self._folder.do(lambda: shard.engine.update(operation))
        finally:
            self._written += 1  # one that failed may have written
        shard.dead += before + added - self._count(shard)

    def _count(self, shard: Shard) -> int:
        return int(self._folder.do(shard.engine.info).points_count)


def _size(point: IndexPoint) -> int:
    """About what a point takes on disk, log included, in bytes; rather too much."""
    return _BYTES_A_POINT + _BYTES_A_NUMBER * (point.passage.size + point.questions.size)


def _point(point: IndexPoint) -> qe.Point:
    vector: dict[str, Any] = {p.PASSAGE: point.passage.tolist()}
    if len(point.questions):
        vector[p.QUESTION] = point.questions.tolist()
    if point.terms.indices:
        vector[p.TERMS] = _sparse(point.terms)
    return qe.Point(id=p.point_id(point.version_key, point.chunk_id), vector=vector, payload=p.payload_of(point))


def _filter(filters: Filters, view: View = EVERYTHING) -> qe.Filter | None:
    shown, hidden = p.visible_facets(view)
    wanted = [p.facets_of(key, values) for key, values in filters.items()] + ([] if shown is None else [shown])
    if not wanted and not hidden:
        return None
    return qe.Filter(
        must=[qe.FieldCondition(key=p.FACETS, match=qe.MatchAny(facets)) for facets in wanted],
        must_not=[qe.FieldCondition(key=p.FACETS, match=qe.MatchAny(hidden))] if hidden else None,
    )


def _sparse(vector: SparseVector) -> qe.SparseVector:
    return qe.SparseVector(indices=list(vector.indices), values=list(vector.values))
