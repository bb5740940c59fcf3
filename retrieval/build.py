"""The retrieval room wired from plain arguments.

Nothing is opened before it is needed: the index opens with its first call, and fails that call only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import ModelError
from retrieval.cache import EmbeddingCache
from retrieval.fuse import FusionWeights
from retrieval.indexer import ChunkIndexer, index_fingerprint
from retrieval.ports import ChunkCatalog, Embedder, Reranker, VectorIndex
from retrieval.retriever import Retriever

if TYPE_CHECKING:
    from retrieval.server_options import ServerOptions

INDEX_FOLDER, EMBEDDINGS_FILE = "index", "embeddings.sqlite3"
NO_RERANKER = "none"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The room's parts. `model_remade`: what was kept of the embedding model had to be exported anew.

    `indexing`: the embedder that the indexer has, which keeps what the reranker needs of each passage. `asking`: the
    one that questions go through, which is quicker and rounds.
    """

    embedder: Embedder
    index: VectorIndex
    cache: EmbeddingCache
    indexer: ChunkIndexer
    retriever: Retriever
    model_remade: bool = False
    reranker: Reranker | None = None
    indexing: Embedder | None = None
    asking: Embedder | None = None

    def close(self) -> None:
        """Let go of the index and the cache. Closing twice is fine."""
        try:
            self.indexer.close()
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
    qdrant_options: ServerOptions | None = None,
    weights: FusionWeights | None = None,
    embedder: Embedder | None = None,
    rerank_model: str = "",
) -> Retrieval:
    """Everything that searching and indexing need. Raises ModelError.

    `shared_cache`: the user's folder for exported models. `model`: a sentence-transformers name or path, "" for the
    default; `embedder` takes its place. `rerank_model`: a cross-encoder's name or path, "none" for no reranking, ""
    for late interaction where the embedding model is one that it was made for.
    """
    asking, remade = embedder, False
    if embedder is None or asking is None:
        embedder, asking, remade = _load_embedder(home, shared_cache, model)
    index = build_index(
        home,
        embedder,
        qdrant_url=qdrant_url,
        qdrant_api_key=qdrant_api_key,
        qdrant_collection=qdrant_collection,
        qdrant_options=qdrant_options,
    )
    cache = EmbeddingCache(home / EMBEDDINGS_FILE)
    reranker, keeping = _build_reranker(rerank_model, embedder, asking, cache)
    indexer = ChunkIndexer(keeping, index, cache)
    retriever = Retriever(catalog, index, asking, weights=weights, reranker=reranker)
    return Retrieval(embedder, index, cache, indexer, retriever, remade, reranker, keeping, asking)


def _build_reranker(
    name: str, embedder: Embedder, asking: Embedder, cache: EmbeddingCache
) -> tuple[Reranker | None, Embedder]:
    """The reranker that is asked for, and the embedder that keeps for it what it needs. Raises ModelError."""
    if name == NO_RERANKER:
        return None, embedder
    if name:
        from retrieval.cross import CrossEncoderReranker

        return CrossEncoderReranker(name, asking), embedder
    from retrieval.embed import OnnxEmbedder
    from retrieval.late import HEAD, LateEmbedder, LateHead, LateReranker

    if not isinstance(embedder, OnnxEmbedder) or not isinstance(asking, OnnxEmbedder):
        return None, embedder
    head = LateHead.read(HEAD)
    if head.model != embedder.fingerprint:
        return None, embedder
    return LateReranker(embedder, head, cache, asking=asking), LateEmbedder(embedder, head, cache)


def _load_embedder(home: Path, shared_cache: Path, model: str) -> tuple[Embedder, Embedder, bool]:
    """The embedder, exported first where need be (some 15 s, once for each machine), the same for questions, and
    whether what was kept of it could not be loaded, so that it was exported once more."""
    from retrieval.embed import OnnxEmbedder
    from retrieval.models import ensure_model, forget_model

    folder = ensure_model(model, home, shared_cache)
    try:
        return OnnxEmbedder(folder), OnnxEmbedder(folder, quick=True), False
    except ModelError:
        forget_model(model, home, shared_cache)
        folder = ensure_model(model, home, shared_cache)
        return OnnxEmbedder(folder), OnnxEmbedder(folder, quick=True), True


def build_index(
    home: Path,
    embedder: Embedder,
    *,
    qdrant_url: str = "",
    qdrant_api_key: str = "",
    qdrant_collection: str = "cuecard",
    qdrant_options: ServerOptions | None = None,
) -> VectorIndex:
    """The index for this embedder's vectors: embedded in the home, or a collection of a Qdrant server.

    Version keys are a catalog's own: each catalog needs a collection of its own.
    """
    fingerprint = index_fingerprint(embedder)
    if qdrant_url:
        from retrieval.server import ServerIndex

        return ServerIndex(
            qdrant_url,
            dim=embedder.dim,
            fingerprint=fingerprint,
            api_key=qdrant_api_key,
            collection=qdrant_collection,
            options=qdrant_options,
        )
    from retrieval.edge import EdgeIndex

    return EdgeIndex(home / INDEX_FOLDER, dim=embedder.dim, fingerprint=fingerprint)
