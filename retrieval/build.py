"""The retrieval room wired from plain arguments.

Nothing is opened before it is needed: the index opens with its first call, and fails that call only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retrieval.cache import EmbeddingCache
from retrieval.fuse import FusionWeights
from retrieval.indexer import ChunkIndexer, index_fingerprint
from retrieval.ports import ChunkCatalog, Embedder, VectorIndex
from retrieval.retriever import Retriever

INDEX_FOLDER, EMBEDDINGS_FILE = "index", "embeddings.sqlite3"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The room's parts."""

    embedder: Embedder
    index: VectorIndex
    cache: EmbeddingCache
    indexer: ChunkIndexer
    retriever: Retriever

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
    weights: FusionWeights | None = None,
    embedder: Embedder | None = None,
) -> Retrieval:
    """Everything that searching and indexing need. `embedder` takes the place of `model`. Raises ModelError."""
    embedder = embedder or build_embedder(home, shared_cache=shared_cache, model=model)
    index = build_index(
        home, embedder, qdrant_url=qdrant_url, qdrant_api_key=qdrant_api_key, qdrant_collection=qdrant_collection
    )
    cache = EmbeddingCache(home / EMBEDDINGS_FILE)
    indexer = ChunkIndexer(embedder, index, cache)
    return Retrieval(embedder, index, cache, indexer, Retriever(catalog, index, embedder, weights=weights))


def build_embedder(home: Path, *, shared_cache: Path, model: str = "") -> Embedder:
    """The embedding model, exported first where need be (some 15 s, once for each machine). Raises ModelError.

    `shared_cache`: the user's folder for exported models. `model`: a sentence-transformers name or path, "" for the
    default.
    """
    from retrieval.embed import OnnxEmbedder
    from retrieval.models import ensure_model

    return OnnxEmbedder(ensure_model(model, home, shared_cache))


def build_index(
    home: Path,
    embedder: Embedder,
    *,
    qdrant_url: str = "",
    qdrant_api_key: str = "",
    qdrant_collection: str = "cuecard",
) -> VectorIndex:
    """The index for this embedder's vectors: embedded in the home, or a collection of a Qdrant server.

    Version keys are a catalog's own: each catalog needs a collection of its own.
    """
    fingerprint = index_fingerprint(embedder)
    if qdrant_url:
        from retrieval.server import ServerIndex

        return ServerIndex(
            qdrant_url, dim=embedder.dim, fingerprint=fingerprint, api_key=qdrant_api_key, collection=qdrant_collection
        )
    from retrieval.edge import EdgeIndex

    return EdgeIndex(home / INDEX_FOLDER, dim=embedder.dim, fingerprint=fingerprint)
