"""Chunks into the index: the `Indexer` that ingest asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ingest.errors import IndexUnavailableError
from ingest.items import Chunk, Document
from ingest.ports import NewVersion
from retrieval.cache import EmbeddingCache
from retrieval.points import LAYOUT
from retrieval.ports import Embedder, IndexPoint, VectorIndex, Vectors
from retrieval.terms import BM25_WEIGHTS, TERMS_VERSION, Bm25Weights, document_vector

_CHUNKS_AT_ONCE = 512


class ChunkIndexer:
    """Embeds what is new and writes it to the index. Idempotent; safe to call from several threads."""

    def __init__(
        self,
        embedder: Embedder,
        index: VectorIndex,
        cache: EmbeddingCache | None = None,
        *,
        weights: Bm25Weights = BM25_WEIGHTS,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._cache = cache
        self._weights = weights

    def prepare(self) -> bool:
        """Make the index usable: create it anew where it is damaged or was made for another model.

        True where that was done, or the index has no points: what the catalog serves has to be put again then.
        Raises IndexUnavailableError where it can't be created either, and HomeBusyError.
        """
        try:
            return self._index.count() == 0
        except IndexUnavailableError:
            self._index.recreate()
            return True

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Make all chunks of these versions findable. Returns when they are durable.

        Raises ModelError and IndexUnavailableError.
        """
        chunks = [(new.key, new.document, chunk) for new in versions for chunk in new.document.chunks]
        for start in range(0, len(chunks), _CHUNKS_AT_ONCE):
            self._index.upsert(self._points(chunks[start : start + _CHUNKS_AT_ONCE]))
        self._index.flush()

    def drop(self, keys: Sequence[int]) -> None:
        """Forget these versions. Unknown keys are ignored. Raises IndexUnavailableError."""
        self._index.drop_versions(keys)
        self._index.flush()

    def fingerprint(self) -> str:
        """Names model, term rules, layout and this very index: when it changes, documents are indexed anew.

        Raises IndexUnavailableError.
        """
        parts = (index_fingerprint(self._embedder), repr(self._weights), self._index.generation())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _points(self, chunks: Sequence[tuple[int, Document, Chunk]]) -> list[IndexPoint]:
        passages = self._embed("passage", [passage_text(chunk) for _, _, chunk in chunks])
        asked = [question for _, _, chunk in chunks for question in chunk.questions]
        questions = self._embed("query", asked)  # a stored question is compared with asked ones: both are queries
        points = []
        taken = 0
        for (key, document, chunk), passage in zip(chunks, passages, strict=True):
            own = questions[taken : taken + len(chunk.questions)]
            taken += len(chunk.questions)
            fields = ((chunk.context, self._weights.context), (chunk.text, 1.0))
            terms = document_vector(fields, self._weights)
            points.append(IndexPoint(key, chunk.id, filter_values(document, chunk), passage, own, terms))
        return points

    def _embed(self, role: str, texts: list[str]) -> Vectors:
        embed = self._embedder.embed_queries if role == "query" else self._embedder.embed_passages
        if self._cache is None:
            return embed(texts)
        return self._cache.embed(self._embedder.fingerprint, role, texts, self._embedder.dim, embed)


def index_fingerprint(embedder: Embedder) -> str:
    """Names what an index must have been made for, so that it can be searched with this embedder."""
    return f"{LAYOUT} {TERMS_VERSION} {embedder.fingerprint}"


def passage_text(chunk: Chunk) -> str:
    """What is embedded of a chunk: its context, then its text."""
    return f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text


def filter_values(document: Document, chunk: Chunk) -> dict[str, tuple[str, ...]]:
    """What a search can filter the chunk by. Its headings are topics too."""
    meta = document.meta
    single = {
        "collection": document.collection,
        "kind": chunk.kind,
        "document": document.path,
        "level": chunk.level or meta.level,
        "role": meta.role,
        "company": meta.company,
        "candidate": meta.candidate,
        "audience": meta.audience,
        "trust": meta.trust,
    }
    values = {key: (value,) for key, value in single.items() if value}
    topics = tuple(dict.fromkeys(topic for topic in (meta.topic, *chunk.heading) if topic))
    tags = tuple(dict.fromkeys((*meta.tags, *chunk.tags)))
    return values | ({"topic": topics} if topics else {}) | ({"tags": tags} if tags else {})
