"""A question's way to its hits: embed, ask all arms at once, fuse, load what is live."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ingest.errors import IndexUnavailableError, ModelError, UsageError
from ingest.items import StoredChunk
from ingest.view import EVERYTHING, View
from retrieval.cache import LruCache
from retrieval.evidence import coverage, describe, perfect_bm25, term_weights
from retrieval.fuse import FusionWeights, fuse
from retrieval.hits import ARMS, Arm, Hit, SearchResult
from retrieval.indexer import passage_text
from retrieval.ports import (
    FILTER_KEYS,
    ArmResults,
    ChunkCatalog,
    Embedder,
    Filters,
    Reranker,
    SparseVector,
    VectorIndex,
    Vectors,
)
from retrieval.terms import BM25_WEIGHTS, Bm25Weights, query_vector, term_id, term_ids, tokenize

Key = tuple[int, str]
Question = tuple[Vectors, Any]
"""A question's vector, and what the reranker wants to know of it."""

_DEPTH = 50  # hits asked of each arm; deeper ones hardly ever come first
_DEEPER = 8  # times that, once, where most of what was found is not live
_EVIDENCE_HITS = 10  # evidence looks at so many hits, whatever k is
# A question that the library asks and does not answer counts so much of its score: it fits any question like it and
# answers none. nDCG@10 on the development benchmark 0.782 without, 0.789 at 0.8, 0.792 at 0.5 (before the two below; a
# trial outside the project that scored every chunk, so that only the differences carry over).
UNANSWERED = 0.5
# What the share of the query's words that a chunk holds adds to its fused score (1 + this is then 1 again): BM25 alone
# lets one rare word stand for several missing ones. nDCG@10 on the development benchmark and the bundled corpus: 0.839
# and 0.727 without, 0.830 and 0.738 at 0.06, 0.833 and 0.743 at 0.1, 0.835 and 0.743 here, 0.834 and 0.743 at 0.15,
# 0.829 and 0.743 at 0.2. Conceptual questions: 0.547, 0.517, 0.515, 0.510, 0.502, 0.481 and 0.430 to 0.438.
COVERAGE = 0.12
_WHOLE: tuple[Arm, ...] = ("bm25", "dense")  # arms that take in every chunk; only some have questions
_DUPLICATES = 10  # so many more are loaded, because exact duplicates are folded
_MOST_TERMS = 256  # distinct terms of a query that are matched; more is a pasted document
_KEPT_QUESTIONS, _KEPT_RESULTS, _KEPT_VIEWS = 1024, 256, 16
# What `fuse` takes falls from 2.8 to 1.8 ms where other questions led to the same chunks; some 3 KB each.
_KEPT_CHUNKS = 8192


@dataclass(slots=True)
class _Scored:
    """A chunk on its way to become a hit. `terms`: those of the query that it has. `rerank`: what the reranker said."""

    key: Key
    chunk: StoredChunk
    terms: frozenset[int]
    score: float
    rerank: float | None = None


class Retriever:
    """Search over what the catalog serves. Thread-safe."""

    def __init__(
        self,
        catalog: ChunkCatalog,
        index: VectorIndex,
        embedder: Embedder,
        *,
        weights: FusionWeights | None = None,
        bm25: Bm25Weights = BM25_WEIGHTS,
        reranker: Reranker | None = None,
        coverage: float = COVERAGE,
        unanswered: float = UNANSWERED,
    ) -> None:
        """`coverage`: what the share of the query's words that a chunk holds adds to its score, at most. `unanswered`:
        what is left of the score of a question without an answer, 0..1."""
        self._catalog = catalog
        self._index = index
        self._embedder = embedder
        self._weights = weights or FusionWeights()
        self._bm25 = bm25
        self._reranker = reranker
        self._coverage = coverage
        self._unanswered = unanswered
        self._read: LruCache[str, Question] = LruCache(_KEPT_QUESTIONS)
        self._results: LruCache[tuple[object, ...], SearchResult] = LruCache(_KEPT_RESULTS)
        self._live: LruCache[tuple[int, View], set[int]] = LruCache(_KEPT_VIEWS)
        self._chunks: LruCache[tuple[int, Key], StoredChunk] = LruCache(_KEPT_CHUNKS)

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        collection: str | None = None,
        filters: Mapping[str, str | Sequence[str]] | None = None,
        view: View = EVERYTHING,
    ) -> SearchResult:
        """The best `k` hits; of hits with the same question and text only the best.

        `filters`: FILTER_KEYS with one value or several, of which a chunk has to have one. An index or a model that
        can't be used gives a `degraded` result, never an exception. What `view` hides has no part in it, but for how
        rare words are in the whole index. Raises UsageError for an unknown filter or k < 1.
        """
        chosen = checked_filters(filters, collection)
        if k < 1:
            raise UsageError(f"k is {k}.", hint="Ask for at least one hit.")
        started = time.perf_counter()
        remembered = (query, k, tuple(chosen.items()), view, self._catalog.sequence())
        kept = self._results.get(remembered)
        if kept is not None:
            return replace(kept, timings_ms={"embed": 0.0, "search": 0.0, "fuse": _ms(started)})
        result = self._search(query, k, chosen, view)
        if not result.degraded:
            self._results.put(remembered, result)
        return result

    def cache_counts(self) -> dict[str, tuple[int, int]]:
        """By cache: how often what was asked for was there, and how often not."""
        return {
            "embeddings": (self._read.hits, self._read.misses),
            "results": (self._results.hits, self._results.misses),
        }

    def _search(self, query: str, k: int, filters: Filters, view: View) -> SearchResult:
        started = time.perf_counter()
        terms = query_vector(tokenize(query)[:_MOST_TERMS])
        if not terms.indices and not any(character.isalnum() for character in query):
            return SearchResult(query, (), evidence=describe(query, (), (), {}, idf={}, bm25_ceiling=0.0, points=0))
        question = self._embed(query)
        vector = None if question is None else question[0]
        timings = {"embed": _ms(started)}
        started = time.perf_counter()
        try:
            found = self._ask(terms, vector, max(k, _EVIDENCE_HITS), filters, view)
            points = self._index.count()
        except IndexUnavailableError:
            return SearchResult(query, (), timings_ms=timings, degraded=True)
        timings["search"] = _ms(started)
        started = time.perf_counter()
        ceiling = perfect_bm25(found.idf, points, self._bm25)
        words = term_weights(query, found.idf, points)
        scores = _by_key(found)
        try:
            scored = self._fuse(scores, found.floors, ceiling, words, max(k, _EVIDENCE_HITS) + _DUPLICATES)
        except IndexUnavailableError:
            return SearchResult(query, (), timings_ms=timings, degraded=True)
        looking = time.perf_counter()
        reranked = self._rerank(question, scored)
        spent = _ms(looking)
        for each in scored:
            each.score *= self._unanswered if _is_unanswered(each.chunk) else 1.0
        hits = _ranked(scored, scores, max(k, _EVIDENCE_HITS) + _DUPLICATES)
        hits, unanswered = hits[: max(k, _EVIDENCE_HITS)], tuple(hit for hit in hits if _is_unanswered(hit.chunk))
        held = {each.key: each.terms for each in scored}
        evidence = describe(query, hits, unanswered, held, idf=found.idf, bm25_ceiling=ceiling, points=points)
        timings["fuse"] = round(_ms(started) - spent, 3)
        if self._reranker is not None:
            timings["rerank"] = spent
        # an empty index under a library that is not was lost, and has to be built anew
        lost = points == 0 and bool(self._live_versions(view))
        degraded = vector is None or lost or not reranked
        return SearchResult(query, tuple(hits[:k]), unanswered, timings, evidence, degraded)

    def vector(self, query: str) -> Vectors:
        """The question's vector, float32 [dim]; the last ones asked are remembered. Raises ModelError."""
        question = self._embed(query)
        return self._embedder.embed_queries([query])[0] if question is None else question[0]

    def unknown_terms(self, terms: Sequence[str], *, view: View = EVERYTHING) -> set[str]:
        """Of these index terms those that nothing which `view` may see has; none where the index can't be asked."""
        try:
            found = self._index.query(query_vector(terms), None, limit=1, filters={}, view=view)
        except IndexUnavailableError:
            return set()
        return {term for term in terms if found.idf.get(term_id(term)) == 0.0}

    def _embed(self, query: str) -> Question | None:
        """What the models make of the query; None where they fail: the lexical arm is left then."""
        question = self._read.get(query)
        if question is None:
            try:
                if self._reranker is None:
                    question = self._embedder.embed_queries([query])[0], None
                else:
                    question = self._reranker.read(query)
            except ModelError:
                return None
            self._read.put(query, question)
        return question

    def _ask(
        self, terms: SparseVector, vector: Vectors | None, wanted: int, filters: Filters, view: View
    ) -> ArmResults:
        """What the arms found of live versions; asked once more, deeper, where that is too little.

        The index leaves out what `view` hides, so that there are hits enough; the catalog has the last word.
        """
        live = self._live_versions(view)
        found = ArmResults()
        for depth in (max(_DEPTH, 2 * wanted), max(_DEPTH, 2 * wanted) * _DEEPER):
            found = self._index.query(terms, vector, limit=depth, filters=filters, view=view)
            alive = {arm: [hit for hit in hits if hit.version_key in live] for arm, hits in found.arms.items()}
            short = any(
                len(hits) == depth and len(alive[arm]) < wanted + _DUPLICATES for arm, hits in found.arms.items()
            )
            floors = {arm: found.arms[arm][-1].score for arm in _WHOLE if len(found.arms.get(arm, ())) == depth}
            found = ArmResults(alive, found.idf, floors)
            if not short:
                break
        return found

    def _fuse(
        self,
        scores: Mapping[Arm, Mapping[Key, float]],
        floors: Mapping[Arm, float],
        ceiling: float,
        words: Mapping[int, float],
        wanted: int,
    ) -> list[_Scored]:
        """The chunks that come first by what the arms found, at least `wanted` where there are so many; in no order."""
        fused = fuse(scores, {"bm25": ceiling}, self._weights, floors)
        order = sorted(fused, key=lambda key: (-fused[key], key))
        # 30 for ten hits, and these are reranked: with 50 nDCG@10 is 0.833 and not 0.834 on the development benchmark,
        # 0.747 and not 0.745 on the bundled corpus, and it takes longer
        chunks = self._load(order[: wanted + _DUPLICATES])
        held = self._index.held_terms(list(chunks), words.keys())
        scored = []
        for key, chunk in chunks.items():
            # one that the index dropped just now is read again
            terms = held[key] if key in held else term_ids(passage_text(chunk)) & words.keys()
            score = (fused[key] + self._coverage * coverage(words, terms)) / (1 + self._coverage)
            scored.append(_Scored(key, chunk, terms, score))
        return scored

    def _load(self, keys: Sequence[Key]) -> dict[Key, StoredChunk]:
        """The chunks that are live, those that other questions led to from memory, in no order."""
        number = self._catalog.sequence()  # before they are read: a change meanwhile is read again
        known = {key: chunk for key in keys if (chunk := self._chunks.get((number, key))) is not None}
        missing = [key for key in keys if key not in known]
        found = self._catalog.live_chunks(missing) if missing else {}
        for key, chunk in found.items():
            self._chunks.put((number, key), chunk)
        return {**known, **found}

    def _rerank(self, question: Question | None, scored: Sequence[_Scored]) -> bool:
        """Let the reranker have its say; whether it could, where there is one."""
        if self._reranker is None or question is None:
            return True
        try:
            said = self._reranker.scores(question[1], [passage_text(each.chunk) for each in scored])
        except ModelError:
            return False
        weight = self._reranker.weight
        for each, score in zip(scored, said, strict=True):
            each.rerank = score
            each.score = (each.score + weight * score) / (1 + weight)
        return True

    def _live_versions(self, view: View) -> set[int]:
        remembered = (self._catalog.sequence(), view)
        live = self._live.get(remembered)
        if live is None:
            live = self._catalog.live_versions(view)
            self._live.put(remembered, live)
        return live


class SearchedQuestions:
    """A retriever's embedder, without another pass through the model for questions that were just searched."""

    def __init__(self, retriever: Retriever, embedder: Embedder) -> None:
        self._retriever = retriever
        self.embed_passages = embedder.embed_passages

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError."""
        return np.stack([self._retriever.vector(text) for text in texts])


def checked_filters(
    filters: Mapping[str, str | Sequence[str]] | None, collection: str | None
) -> dict[str, tuple[str, ...]]:
    """Filters in their one form, sorted by key, the collection among them. Raises UsageError."""
    chosen: dict[str, tuple[str, ...]] = {}
    for key, value in sorted((filters or {}).items()):
        if key not in FILTER_KEYS:
            raise UsageError(f"There is no filter {key!r}.", hint=f"Filters are: {', '.join(FILTER_KEYS)}.")
        values = (value,) if isinstance(value, str) else tuple(value)
        if not values or not all(isinstance(each, str) and each.strip() for each in values):
            raise UsageError(f"The filter {key!r} has no value.", hint="Give it one or several, none of them empty.")
        chosen[key] = values
    if collection is not None:
        if collection not in chosen.get("collection", (collection,)):
            raise UsageError(f"The collection {collection!r} is asked for, and filtered out.", hint="Name it once.")
        chosen["collection"] = (collection,)
    return chosen


def _by_key(found: ArmResults) -> dict[Arm, dict[Key, float]]:
    """What each arm found, best first."""
    return {arm: {(hit.version_key, hit.chunk_id): hit.score for hit in found.arms.get(arm, ())} for arm in ARMS}


def _ranked(scored: Sequence[_Scored], scores: Mapping[Arm, Mapping[Key, float]], wanted: int) -> list[Hit]:
    """The best of them, with what each arm said; exact duplicates are folded."""
    ranks: dict[Arm, dict[Key, int]] = {arm: {key: at for at, key in enumerate(scores[arm], 1)} for arm in ARMS}
    same: dict[tuple[str | None, str], list[_Scored]] = {}
    for each in sorted(scored, key=lambda each: (-each.score, each.key)):
        same.setdefault(_twin(each.chunk), []).append(each)
    hits: list[Hit] = []
    for best, *copies in list(same.values())[:wanted]:
        own_ranks = {arm: ranks[arm][best.key] for arm in ARMS if best.key in ranks[arm]}
        own_scores = {arm: scores[arm][best.key] for arm in ARMS if best.key in scores[arm]}
        twins = tuple(copy.chunk for copy in copies)
        hits.append(Hit(len(hits) + 1, best.score, best.chunk, own_ranks, own_scores, twins, best.rerank))
    return hits


def _is_unanswered(chunk: StoredChunk) -> bool:
    return chunk.kind == "qa" and chunk.answer is None and not chunk.talking_points


def _twin(chunk: StoredChunk) -> tuple[str | None, str]:
    return chunk.question, chunk.text.strip()


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
