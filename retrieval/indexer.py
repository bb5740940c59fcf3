"""Chunks into the index: the `Indexer` that ingest asks for."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ingest.errors import ModelError
from ingest.items import Chunk, Document, StoredChunk
from ingest.ports import NewVersion
from retrieval.cache import EmbeddingCache
from retrieval.points import LAYOUT
from retrieval.ports import Embedder, IndexPoint, VectorIndex, Vectors
from retrieval.terms import BM25_WEIGHTS, TERMS_VERSION, Bm25Weights, document_vector

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_Vectors = tuple[Vectors, Vectors]

_CHUNKS_AT_ONCE = 128  # some two seconds of work, after which an interrupt is heard


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
        self._ahead: deque[tuple[list[Document], Future[_Vectors]]] = deque()
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False
        self.embedded = 0
        """How many chunks were embedded; those whose vectors were known already don't count."""

    def expect(self, documents: Sequence[Document]) -> None:
        """These will be put soon, together, in the order of the calls: their embedding begins, in a thread of its own.

        The thread holds Python's interpreter lock for a small part of the time only.
        """
        from concurrent.futures import ThreadPoolExecutor

        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "embedding")
        chunks = [chunk for document in documents for chunk in document.chunks]
        self._ahead.append((list(documents), self._thread.submit(self._vectors, chunks)))

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Make all chunks of these versions findable. Returns when they are durable.

        Raises ModelError and IndexUnavailableError.
        """
        chunks = [(new.key, new.document, chunk) for new in versions for chunk in new.document.chunks]
        coming = self._expected([new.document for new in versions])
        passages, questions = coming.result() if coming else self._vectors([chunk for _, _, chunk in chunks])
        taken = 0
        points = []
        for (key, document, chunk), passage in zip(chunks, passages, strict=True):
            own = questions[taken : taken + len(chunk.questions)]
            taken += len(chunk.questions)
            fields = ((chunk.context, self._weights.context), (chunk.text, 1.0))
            terms = document_vector(fields, self._weights)
            points.append(IndexPoint(key, chunk.id, filter_values(document, chunk), passage, own, terms))
        self._index.upsert(points)
        self._index.flush()

    def drop(self, keys: Sequence[int]) -> None:
        """Forget these versions. Unknown keys are ignored. Raises IndexUnavailableError."""
        self._index.drop_versions(keys)
        self._index.flush()

    def embed_passages(self, chunks: Sequence[Chunk]) -> Vectors:
        """float32 [n, d]: chunks as the index has them, from the cache where they are known. Raises ModelError."""
        return self._embed("passage", [passage_text(chunk) for chunk in chunks])

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, d]: questions as the index has them, from the cache where they are known. Raises ModelError."""
        return self._embed("query", list(texts))

    def fingerprint(self) -> str:
        """Names model, term rules, layout and this very index: when it changes, documents are indexed anew.

        Raises IndexUnavailableError.
        """
        parts = (index_fingerprint(self._embedder), repr(self._weights), self._index.generation())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def close(self) -> None:
        """Stop what was begun ahead."""
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def _expected(self, documents: list[Document]) -> Future[_Vectors] | None:
        """The vectors of these documents, where they are on their way. What was expected before them never came."""
        at = next((at for at, (coming, _) in enumerate(self._ahead) if coming == documents), None)
        if at is None:
            return None
        for _ in range(at):
            self._ahead.popleft()[1].cancel()
        return self._ahead.popleft()[1]

    def _vectors(self, chunks: Sequence[Chunk]) -> _Vectors:
        """The vectors of all passages, and of all questions in the order of their chunks."""
        passages = self._in_parts("passage", [passage_text(chunk) for chunk in chunks])
        # a stored question is compared with asked ones: both are queries
        return passages, self._in_parts("query", [question for chunk in chunks for question in chunk.questions])

    def _in_parts(self, role: str, texts: Sequence[str]) -> Vectors:
        """Texts of like length together, which costs least padding."""
        vectors = np.zeros((len(texts), self._embedder.dim), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        for start in range(0, len(order), _CHUNKS_AT_ONCE):
            if self._closed:
                raise ModelError("The indexer is closed.")
            part = order[start : start + _CHUNKS_AT_ONCE]
            vectors[part] = self._embed(role, [texts[at] for at in part])
        return vectors

    def _embed(self, role: str, texts: list[str]) -> Vectors:
        if self._cache is None:
            return self._embed_anew(role, texts)
        model, dim = self._embedder.fingerprint, self._embedder.dim
        return self._cache.embed(model, role, texts, dim, lambda missing: self._embed_anew(role, missing))

    def _embed_anew(self, role: str, texts: list[str]) -> Vectors:
        if role == "query":
            return self._embedder.embed_queries(texts)
        vectors = self._embedder.embed_passages(texts)
        self.embedded += len(texts)
        return vectors


def cached_texts(chunk: Chunk) -> Iterator[tuple[str, str]]:
    """(role, text) of every vector of a chunk."""
    yield "passage", passage_text(chunk)
    for question in chunk.questions:
        yield "query", question


def index_fingerprint(embedder: Embedder) -> str:
    """Names what an index must have been made for, so that it can be searched with this embedder."""
    return f"{LAYOUT} {TERMS_VERSION} {embedder.fingerprint}"


def passage_text(chunk: Chunk | StoredChunk) -> str:
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
        "difficulty": chunk.difficulty,
        "company": chunk.company or meta.company,
        "candidate": meta.candidate,
        "audience": meta.audience,
        "trust": meta.trust,
    }
    values = {key: (value,) for key, value in single.items() if value}
    topics = tuple(dict.fromkeys(topic for topic in (chunk.topic, meta.topic, *chunk.heading) if topic))
    tags = tuple(dict.fromkeys((*meta.tags, *chunk.tags)))
    return values | ({"topic": topics} if topics else {}) | ({"tags": tags} if tags else {})
