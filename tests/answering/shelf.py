"""A small library in memory: the real parser, a word-overlap retriever, a bag-of-words embedder."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence, Set

import numpy as np

from answering.ports import Filters, Vectors
from ingest.errors import ModelError, NotFoundError
from ingest.formats.markdown import from_markdown
from ingest.items import Chunk, Document, Item, Meta, StoredChunk
from ingest.parse.document import parse_document
from ingest.view import EVERYTHING, View
from retrieval.hits import Arm, Hit, SearchResult
from retrieval.terms import content_terms


class WordEmbedder:
    """A text's vector counts its content words; texts with the same words have cosine 1."""

    dim = 512

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        if self.broken:
            raise ModelError("The model is broken.")
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            for term in content_terms(text):
                row[zlib.crc32(term.encode()) % self.dim] += 1.0
            row /= max(1e-9, float(np.linalg.norm(row)))
        return out

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self.embed_queries(texts)


class Shelf:
    """Documents by path; catalog and retriever in one."""

    def __init__(self, documents: Mapping[str, str], meta: Mapping[str, Meta] | None = None) -> None:
        self.documents: dict[int, Document] = {
            key: parse_document(
                collection="default",
                path=path,
                version=f"sha256:{key}",
                source=from_markdown(text, (meta or {}).get(path)),
            )
            for key, (path, text) in enumerate(documents.items(), 1)
        }
        self.embedder = WordEmbedder()
        self.degraded = False
        self.links: dict[tuple[int, str], Set[tuple[int, str]]] = {}
        self.asked: list[tuple[str, int, str | None, Filters | None]] = []

    def text(self, version_key: int) -> str:
        return self.documents[version_key].text

    def pages(self, version_key: int) -> tuple[int, ...]:
        return self.documents[version_key].pages

    def item(self, version_key: int, item_id: str) -> Item:
        for item in self.documents[version_key].items:
            if item.id == item_id:
                return item
        raise NotFoundError(f"no item {item_id}")

    def twins(self, version_key: int, item_id: str) -> Set[tuple[int, str]]:
        return self.links.get((version_key, item_id), frozenset())

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        collection: str | None = None,
        filters: Filters | None = None,
        view: View = EVERYTHING,  # noqa: ARG002 - a shelf has no secrets
    ) -> SearchResult:
        self.asked.append((query, k, collection, filters))
        if self.degraded:
            return SearchResult(query, (), degraded=True)
        wanted = set(content_terms(query))
        scored = sorted((self._scored(wanted, query, c) for c in self._chunks()), key=lambda s: -s[0])
        found = [s for s in scored if s[0] > 0][:k]
        hits = tuple(Hit(i, score, chunk, {"bm25": i}, near) for i, (score, chunk, near) in enumerate(found, 1))
        held = [_terms(c) for c in self._chunks()]
        unknown = sum(not any(t in h for h in held) for t in wanted) / max(1, len(wanted))
        best = max((len(wanted & h) / max(1, len(wanted)) for h in held), default=0.0)
        dense = max((h.similarities.get("dense", 0.0) for h in hits), default=0.0)
        evidence = {"dense_top": dense, "coverage_best": best, "unknown": unknown}
        evidence |= {"query_terms": float(len(wanted)), "unseen": unknown}
        return SearchResult(query, hits, evidence=evidence)

    def unknown_terms(self, terms: Sequence[str], *, view: View = EVERYTHING) -> Set[str]:  # noqa: ARG002
        held = set[str]().union(*map(_terms, self._chunks()))
        return set() if self.degraded else {term for term in terms if term not in held}

    def _scored(self, wanted: set[str], query: str, chunk: StoredChunk) -> tuple[float, StoredChunk, dict[Arm, float]]:
        overlap = len(wanted & _terms(chunk)) / max(1, len(wanted))
        texts = [f"{chunk.context} {chunk.text}", *chunk.questions]
        cosines = (self.embedder.embed_passages(texts) @ self.embedder.embed_queries([query])[0]).tolist()
        near: dict[Arm, float] = {"dense": cosines[0]}
        if chunk.questions:
            near["question"] = max(cosines[1:])
        return (overlap + max(cosines)) / 2, chunk, near

    def _chunks(self) -> list[StoredChunk]:
        return [_stored(key, d, c) for key, d in self.documents.items() for c in d.chunks]


def _terms(chunk: StoredChunk) -> set[str]:
    return set(content_terms(f"{chunk.context} {chunk.text}"))


def _stored(key: int, document: Document, chunk: Chunk) -> StoredChunk:
    item = next(i for i in document.items if i.id == chunk.item_id)
    return StoredChunk(
        id=chunk.id,
        item_id=chunk.item_id,
        version_key=key,
        ordinal=chunk.ordinal,
        kind=chunk.kind,
        text=chunk.text,
        context=chunk.context,
        span=chunk.span,
        heading=chunk.heading,
        question=chunk.question,
        questions=chunk.questions,
        answer=item.answer,
        talking_points=item.talking_points,
        document_id=document.id,
        document=document.path,
        collection=document.collection,
        version=document.version,
        title=document.title,
        meta=document.meta,
    )
