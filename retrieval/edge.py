"""The embedded index: a Qdrant Edge shard in a folder, owned by one process at a time.

What the engine does, measured on `qdrant-edge-py` 0.9.0: every error is a plain `Exception`; a folder in use is
refused while opening; writes go through a write-ahead log and `flush` makes the segments durable; queries release
Python's interpreter lock, but `optimize` holds it for its whole run. So HNSW graphs are built when the index is closed
and never while questions are waiting; until then vectors are compared one by one, exactly.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as qe

from ingest.errors import HomeBusyError, IndexUnavailableError
from retrieval import points as p
from retrieval.ports import ArmResults, Filters, IndexPoint, SparseVector, Vectors

_T = TypeVar("_T")

_SHARD, _CARD = "shard", "index.json"
_SHARD_CARD = "edge_config.json"  # the engine's own
_WRITTEN_AT_ONCE = 256
# KB of vectors of one kind in a segment from which a graph is worth building: some 40,000 vectors of 384 numbers,
# which two cores compare exactly in about 8 ms.
_GRAPH_FROM_KB = 64_000
_HINT = "Run `cuecard doctor`; `cuecard ingest` builds the index anew from the catalog."


class EdgeIndex:
    """The `VectorIndex` port over a Qdrant Edge shard. The folder is opened with the first call that needs it.

    Every call raises HomeBusyError where another process has the folder open, and IndexUnavailableError where it
    can't be read or was made for other vectors.
    """

    def __init__(self, path: Path, *, dim: int, fingerprint: str) -> None:
        """`path`: the index's own folder, created where there is none. `fingerprint`: what vectors it must hold."""
        self._path = path
        self._wanted: dict[str, Any] = {"dim": dim, "fingerprint": fingerprint}
        self._generation = ""
        self._opened: qe.EdgeShard | None = None
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._wrote = False
        self._closed = False

    def generation(self) -> str:
        """Names this very index: changes when it is created anew."""
        self._shard()
        return self._generation

    def recreate(self) -> None:
        """Remove what there is, and begin with an empty index."""
        with self._writing, self._opening:
            self._refuse_if_closed()
            if self._opened is not None:
                self._do(self._opened.close)
                self._opened = None
            self._opened = self._create()

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced."""
        with self._writing:
            for start in range(0, len(points), _WRITTEN_AT_ONCE):
                made = [_point(point) for point in points[start : start + _WRITTEN_AT_ONCE]]
                self._update(qe.UpdateOperation.upsert_points(made))

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored."""
        if not keys:
            return
        chosen = qe.Filter(must=[qe.FieldCondition(key=p.VERSION_KEY, match=qe.MatchAny([int(key) for key in keys]))])
        with self._writing:
            self._update(qe.UpdateOperation.delete_points_by_filter(chosen))

    def query(self, terms: SparseVector, vector: Vectors | None, *, limit: int, filters: Filters) -> ArmResults:
        """Ask all arms at once, for `limit` hits each."""
        chosen = _filter(filters)
        arms = p.arms_asked(terms, vector)
        single_terms = terms.indices[: p.MOST_IDF_TERMS]
        requests = [
            qe.QueryRequest(
                query=qe.Query.Nearest(_sparse(asked) if arm == "bm25" else asked, using=p.VECTOR_OF_ARM[arm]),
                filter=chosen,
                limit=limit,
                with_payload=p.IDENTITY,
            )
            for arm, asked in arms.items()
        ]
        requests += [
            qe.QueryRequest(
                query=qe.Query.Nearest(_sparse(SparseVector((term,), (1.0,))), using=p.TERMS),
                limit=1,
                with_vector=[p.TERMS],
                with_payload=False,
            )
            for term in single_terms
        ]
        shard = self._shard()
        batches = self._do(lambda: shard.query_batch(qe.QueryBatchRequest(requests))) if requests else []
        return p.read_results(list(arms), single_terms, batches)

    def count(self) -> int:
        """How many points there are."""
        shard = self._shard()
        return int(self._do(shard.info).points_count)

    def flush(self) -> None:
        """Returns when everything written is durable."""
        with self._writing:
            self._do(self._shard().flush)

    def close(self) -> None:
        """Build the graphs that this process's writes call for, flush, and let go. Closing twice is fine."""
        with self._writing, self._opening:
            shard, self._opened, self._closed = self._opened, None, True
            if shard is None:
                return
            try:
                if self._wrote and self._path.is_dir():
                    self._do(shard.optimize)
                    self._do(shard.flush)
            finally:
                self._do(shard.close)

    def _shard(self) -> qe.EdgeShard:
        with self._opening:
            self._refuse_if_closed()
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise IndexUnavailableError(f"The index in {self._path} is closed.")

    def _open(self) -> qe.EdgeShard:
        """The shard of the folder; a new one where there is none, or only half of one."""
        card = _read_card(self._path)
        shard_path = self._path / _SHARD
        if card is None or not (shard_path / _SHARD_CARD).is_file():
            return self._create()
        if {key: card.get(key) for key in self._wanted} != self._wanted:
            raise IndexUnavailableError(
                f"The index in {self._path} was made for another embedding model or by another cuecard.",
                hint="Run `cuecard ingest` on your documents again: it builds the index anew.",
            )
        shard = self._do(lambda: qe.EdgeShard.load(str(shard_path), _config(self._wanted["dim"])))
        self._generation = str(card["generation"])
        return shard

    def _create(self) -> qe.EdgeShard:
        """A new, empty shard. The card is written last: without it a shard counts as half made."""
        shard_path = self._path / _SHARD
        self._refuse_if_open()
        generation = uuid.uuid4().hex
        try:
            (self._path / _CARD).unlink(missing_ok=True)
            if shard_path.exists():
                shutil.rmtree(shard_path)
            shard_path.mkdir(parents=True)
            shard = self._do(lambda: qe.EdgeShard.create(str(shard_path), _config(self._wanted["dim"])))
            self._do(lambda: _create_payload_indexes(shard))
            scratch = self._path / f"{_CARD}.new"
            scratch.write_text(json.dumps({**self._wanted, "generation": generation}), encoding="utf-8")
            os.replace(scratch, self._path / _CARD)
        except OSError as error:
            raise IndexUnavailableError(f"The index in {self._path} can't be created: {error}.", hint=_HINT) from error
        self._generation = generation
        return shard

    def _refuse_if_open(self) -> None:
        """Raise HomeBusyError where another process works on what is about to be removed."""
        if not (self._path / _SHARD / _SHARD_CARD).is_file():
            return
        try:
            self._do(lambda: qe.EdgeShard.load(str(self._path / _SHARD)).close())
        except IndexUnavailableError:
            return  # damaged, and therefore nobody's

    def _update(self, operation: qe.UpdateOperation) -> None:
        shard = self._shard()
        self._wrote = True
        self._do(lambda: shard.update(operation))

    def _do(self, work: Callable[[], _T]) -> _T:
        """The one place where the engine's errors become ours."""
        try:
            return work()
        except Exception as error:
            if "WouldBlock" in str(error):
                raise HomeBusyError(
                    f"Another process has the index in {self._path} open.",
                    hint="Stop it, or run your command through `cuecard serve` on the same home.",
                ) from error
            raise IndexUnavailableError(f"The index in {self._path} failed: {error}.", hint=_HINT) from error


def _config(dim: int) -> qe.EdgeConfig:
    best_of_several = qe.MultiVectorConfig(comparator=qe.MultiVectorComparator.MaxSim)
    return qe.EdgeConfig(
        vectors={
            p.PASSAGE: qe.EdgeVectorParams(dim, qe.Distance.Cosine),
            p.QUESTION: qe.EdgeVectorParams(dim, qe.Distance.Cosine, multivector_config=best_of_several),
        },
        sparse_vectors={p.TERMS: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=_GRAPH_FROM_KB),
    )


def _create_payload_indexes(shard: qe.EdgeShard) -> None:
    shard.update(qe.UpdateOperation.create_field_index(p.VERSION_KEY, qe.PayloadSchemaType.Integer))
    shard.update(qe.UpdateOperation.create_field_index(p.FACETS, qe.PayloadSchemaType.Keyword))
    shard.flush()


def _point(point: IndexPoint) -> qe.Point:
    vector: dict[str, Any] = {p.PASSAGE: point.passage.tolist()}
    if len(point.questions):
        vector[p.QUESTION] = point.questions.tolist()
    if point.terms.indices:
        vector[p.TERMS] = _sparse(point.terms)
    return qe.Point(id=p.point_id(point.version_key, point.chunk_id), vector=vector, payload=p.payload_of(point))


def _filter(filters: Filters) -> qe.Filter | None:
    if not filters:
        return None
    return qe.Filter(
        must=[
            qe.FieldCondition(key=p.FACETS, match=qe.MatchAny(p.facets_of(key, values)))
            for key, values in filters.items()
        ]
    )


def _sparse(vector: SparseVector) -> qe.SparseVector:
    return qe.SparseVector(indices=list(vector.indices), values=list(vector.values))


def _read_card(path: Path) -> dict[str, Any] | None:
    try:
        card = json.loads((path / _CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) and "generation" in card else None
