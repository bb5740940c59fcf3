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
from retrieval.ports import FILTER_KEYS, ArmResults, Filters, IndexPoint, SparseVector, Vectors

_T = TypeVar("_T")

_SHARD, _CARD = "shard", "index.json"
_WRITTEN_AT_ONCE = 256
# KB of vectors of one kind in a segment from which a graph is worth building: some 40,000 vectors of 384 numbers,
# which two cores compare exactly in about 8 ms.
_GRAPH_FROM_KB = 64_000
_HINT = "Run `cuecard doctor`; `cuecard ingest` builds the index anew from the catalog."


class EdgeIndex:
    """The `VectorIndex` port over a Qdrant Edge shard."""

    def __init__(self, shard: qe.EdgeShard, generation: str, path: Path) -> None:
        self._shard = shard
        self._generation = generation
        self._path = path
        self._writing = threading.Lock()
        self._wrote = False
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, dim: int, fingerprint: str, recreate: bool = False) -> EdgeIndex:
        """Open the index in `path`, or create it where there is none or only half of one.

        Raises HomeBusyError where another process has it open, and IndexUnavailableError where it can't be read or
        was made for other vectors (another `dim` or `fingerprint`) and not to be created anew (`recreate`).
        """
        wanted = {"dim": dim, "fingerprint": fingerprint}
        card = _read_card(path)
        shard_path = path / _SHARD
        if card is not None and (shard_path / "edge_config.json").is_file():
            if {key: card.get(key) for key in wanted} == wanted:
                try:
                    shard = _mapped(path, lambda: qe.EdgeShard.load(str(shard_path), _config(dim)))
                    return cls(shard, str(card["generation"]), path)
                except HomeBusyError:
                    raise
                except IndexUnavailableError:
                    if not recreate:
                        raise
            elif not recreate:
                raise IndexUnavailableError(
                    f"The index in {path} was made for another embedding model or an older cuecard.",
                    hint="Run `cuecard ingest` on your documents again: it builds the index anew.",
                )
        return cls._create(path, wanted)

    @classmethod
    def _create(cls, path: Path, wanted: dict[str, Any]) -> EdgeIndex:
        """A new, empty index. The card is written last: without it a shard counts as half made."""
        shard_path = path / _SHARD
        _refuse_if_open(path)
        generation = uuid.uuid4().hex
        try:
            (path / _CARD).unlink(missing_ok=True)
            if shard_path.exists():
                shutil.rmtree(shard_path)
            shard_path.mkdir(parents=True)
            shard = _mapped(path, lambda: qe.EdgeShard.create(str(shard_path), _config(wanted["dim"])))
            _mapped(path, lambda: _create_payload_indexes(shard))
            scratch = path / f"{_CARD}.new"
            scratch.write_text(json.dumps({**wanted, "generation": generation}), encoding="utf-8")
            os.replace(scratch, path / _CARD)
        except OSError as error:
            raise IndexUnavailableError(f"The index in {path} can't be created: {error}.", hint=_HINT) from error
        return cls(shard, generation, path)

    def generation(self) -> str:
        """Names this very index: changes when it is created anew."""
        return self._generation

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced. Raises IndexUnavailableError."""
        with self._writing:
            for start in range(0, len(points), _WRITTEN_AT_ONCE):
                made = [_point(point) for point in points[start : start + _WRITTEN_AT_ONCE]]
                self._do(lambda made=made: self._shard.update(qe.UpdateOperation.upsert_points(made)))  # type: ignore[misc]
            self._wrote = self._wrote or bool(points)

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored. Raises IndexUnavailableError."""
        if not keys:
            return
        chosen = qe.Filter(must=[qe.FieldCondition(key=p.VERSION_KEY, match=qe.MatchAny([int(key) for key in keys]))])
        with self._writing:
            self._do(lambda: self._shard.update(qe.UpdateOperation.delete_points_by_filter(chosen)))
            self._wrote = True

    def query(self, terms: SparseVector, vector: Vectors | None, *, limit: int, filters: Filters) -> ArmResults:
        """Ask all arms at once, for `limit` hits each. Raises IndexUnavailableError."""
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
        batches = self._do(lambda: self._shard.query_batch(qe.QueryBatchRequest(requests))) if requests else []
        return p.read_results(list(arms), single_terms, batches)

    def count(self) -> int:
        """How many points there are. Raises IndexUnavailableError."""
        return int(self._do(lambda: self._shard.count(qe.CountRequest(exact=True))))

    def flush(self) -> None:
        """Returns when everything written is durable. Raises IndexUnavailableError."""
        with self._writing:
            self._do(self._shard.flush)

    def close(self) -> None:
        """Build the graphs that this process's writes call for, flush, and let go. Closing twice is fine."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            try:
                if self._wrote and self._path.is_dir():
                    self._do(self._shard.optimize)
                    self._do(self._shard.flush)
            finally:
                self._do(self._shard.close)

    def _do(self, work: Callable[[], _T]) -> _T:
        return _mapped(self._path, work)


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
    for key in FILTER_KEYS:
        shard.update(qe.UpdateOperation.create_field_index(key, qe.PayloadSchemaType.Keyword))
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
            qe.FieldCondition(key=key, match=qe.MatchAny([p.fold(key, value) for value in values]))
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


def _refuse_if_open(path: Path) -> None:
    """Raise HomeBusyError where another process works on what is about to be removed."""
    if not (path / _SHARD / "edge_config.json").is_file():
        return
    try:
        _mapped(path, lambda: qe.EdgeShard.load(str(path / _SHARD)).close())
    except HomeBusyError:
        raise
    except IndexUnavailableError:
        return  # damaged, and therefore nobody's


def _mapped(path: Path, work: Callable[[], _T]) -> _T:
    """The one place where the engine's errors become ours."""
    try:
        return work()
    except Exception as error:
        if "WouldBlock" in str(error):
            raise HomeBusyError(
                f"Another process has the index in {path} open.",
                hint="Stop it, or run your command through `cuecard serve` on the same home.",
            ) from error
        raise IndexUnavailableError(f"The index in {path} failed: {error}.", hint=_HINT) from error
