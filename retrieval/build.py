"""The retrieval room wired from plain arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ingest.errors import IndexUnavailableError
from retrieval.cache import EmbeddingCache
from retrieval.embed import OnnxEmbedder
from retrieval.fuse import FusionWeights
from retrieval.indexer import ChunkIndexer, index_fingerprint
from retrieval.models import ensure_model
from retrieval.ports import ArmResults, ChunkCatalog, Embedder, Filters, IndexPoint, SparseVector, VectorIndex, Vectors
from retrieval.retriever import Retriever

INDEX_FOLDER, EMBEDDINGS_FILE = "index", "embeddings.sqlite3"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The room's parts. `fault` is why the index can't be used, where it can't: searches are degraded then."""

    embedder: Embedder
    index: VectorIndex
    indexer: ChunkIndexer
    retriever: Retriever
    cache: EmbeddingCache
    fault: IndexUnavailableError | None = None

    def close(self) -> None:
        """Let go of the index and the cache. Closing twice is fine."""
        try:
            self.index.close()
        finally:
            self.cache.close()


def build_retrieval(
    home: Path,
    catalog: ChunkCatalog,
    *,
    shared_cache: Path,
    model: str = "",
    qdrant_url: str = "",
    qdrant_api_key: str = "",
    qdrant_collection: str = "cuecard",
    recreate: bool = False,
    weights: FusionWeights | None = None,
    embedder: Embedder | None = None,
) -> Retrieval:
    """Open everything that searching and indexing need.

    `shared_cache`: the user's folder for exported models. `model`: a sentence-transformers name or path, "" for the
    default. `qdrant_url`: "" for the index embedded in `home`. `recreate`: an index that can't be read or was made
    for another model is created anew, for a caller who is going to fill it; without, it is a `fault`.
    Raises ModelError where there is no embedder, and HomeBusyError where another process has the index open.
    """
    embedder = embedder or OnnxEmbedder(ensure_model(model, home, shared_cache))
    wanted = index_fingerprint(embedder)
    fault: IndexUnavailableError | None = None
    index: VectorIndex
    if qdrant_url:
        from retrieval.server import ServerIndex

        index = ServerIndex(
            qdrant_url,
            dim=embedder.dim,
            fingerprint=wanted,
            api_key=qdrant_api_key,
            collection=qdrant_collection,
            recreate=recreate,
        )
    else:
        from retrieval.edge import EdgeIndex

        try:
            index = EdgeIndex.open(home / INDEX_FOLDER, dim=embedder.dim, fingerprint=wanted, recreate=recreate)
        except IndexUnavailableError as error:
            fault = error
            index = UnavailableIndex(error)
    cache = EmbeddingCache(home / EMBEDDINGS_FILE)
    indexer = ChunkIndexer(embedder, index, cache)
    return Retrieval(embedder, index, indexer, Retriever(catalog, index, embedder, weights=weights), cache, fault)


class UnavailableIndex:
    """The `VectorIndex` that stands in for one that can't be opened: everything but closing raises why."""

    def __init__(self, error: IndexUnavailableError) -> None:
        self._error = error

    def generation(self) -> str:
        """Raises."""
        self._refuse()

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Raises."""
        self._refuse()

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Raises."""
        self._refuse()

    def query(self, terms: SparseVector, vector: Vectors | None, *, limit: int, filters: Filters) -> ArmResults:
        """Raises."""
        self._refuse()

    def count(self) -> int:
        """Raises."""
        self._refuse()

    def flush(self) -> None:
        """Raises."""
        self._refuse()

    def close(self) -> None:
        """Nothing is open."""

    def _refuse(self) -> NoReturn:
        raise IndexUnavailableError(self._error.message, hint=self._error.hint)
