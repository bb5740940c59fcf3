"""Systems that rank passages for questions: the home's retriever, and baselines over the same chunks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from eval.cases import Case
from eval.runs import Result, Returned, Run
from ingest.errors import IndexUnavailableError
from ingest.items import Chunk
from retrieval.build import Retrieval
from retrieval.fuse import FusionWeights
from retrieval.hits import ARMS, Arm, SearchResult
from retrieval.ports import ChunkCatalog, SparseVector
from retrieval.retriever import COVERAGE, UNANSWERED, Retriever
from retrieval.terms import tokenize

Search = Callable[[str], Returned]
"""A question -> what comes back."""

STEPS = (*ARMS, "coverage", "unanswered", "rerank")
"""What a search can do without: an arm, the share of the question's words that a chunk holds, the discount of questions
that nobody answered, and the second look."""

RRF_K = 60
"""Cormack, Clarke, Buettcher 2009."""


def run_system(search: Search, cases: Iterable[Case]) -> dict[str, Returned]:
    """Ask everything, timed. A question that fails got nothing, and the run says why.

    A system that says how long it took is believed: one that had to wait for its turn knows better.
    """
    run: dict[str, Returned] = {}
    for case in cases:
        started = time.perf_counter()
        try:
            returned = search(case.query)
        except Exception as error:
            # whatever a system under evaluation does wrong is its result, not ours
            returned = Returned(error=f"{type(error).__name__}: {error}")
        spent = round((time.perf_counter() - started) * 1000, 3)
        said = spent if returned.latency_ms is None else returned.latency_ms
        run[case.id] = Returned(returned.results, said, returned.evidence, returned.error)
    return run


def refuse_degraded(found: SearchResult) -> None:
    """Raises IndexUnavailableError where the library can't be searched as it should: figures would say nothing."""
    if found.degraded:
        hint = "`cuecard doctor` says why; `cuecard ingest` builds the index anew."
        raise IndexUnavailableError("The library's index or embedding model can't be used.", hint=hint)


def returned(found: SearchResult) -> Returned:
    """A search result as a run keeps it; one that some arm had no part in counts as failed."""
    results = tuple(
        Result(h.chunk.document, h.chunk.span.start, h.chunk.span.end, h.chunk.text, h.score, h.chunk.id)
        for h in found.hits
    )
    return Returned(results, evidence=found.evidence, error="degraded" if found.degraded else "")


def only_arms(retrieval: Retrieval, catalog: ChunkCatalog, arms: Collection[Arm]) -> Retriever:
    """The retriever with the other arms switched off: what they find weighs nothing and comes last.

    Everything else stays on (folding, coverage, questions without answers): an ablation, and no baseline.
    """
    shipped = FusionWeights()
    bm25, dense, question = (getattr(shipped, arm) if arm in arms else 0.0 for arm in ARMS)
    weights = replace(shipped, bm25=bm25, dense=dense, question=question)
    return Retriever(catalog, retrieval.index, retrieval.embedder, weights=weights)


def without(parts: Retrieval, catalog: ChunkCatalog, step: str) -> Retriever:
    """The retriever as it is shipped but for one of STEPS: an ablation that tells what the step is worth."""
    shipped = FusionWeights()
    bm25, dense, question = (0.0 if arm == step else getattr(shipped, arm) for arm in ARMS)
    return Retriever(
        catalog,
        parts.index,
        parts.embedder,
        weights=replace(shipped, bm25=bm25, dense=dense, question=question),
        reranker=None if step == "rerank" else parts.reranker,
        coverage=0.0 if step == "coverage" else COVERAGE,
        unanswered=1.0 if step == "unanswered" else UNANSWERED,
    )


def rank_bm25(chunks: Iterable[tuple[str, Chunk]], k: int) -> Search:
    """rank-bm25's BM25Okapi over (path, chunk) pairs, context and text, with the terms of our lexical arm."""
    from rank_bm25 import BM25Okapi

    passages = list(chunks)
    if not passages:
        return lambda _: Returned()
    scorer = BM25Okapi([tokenize(f"{chunk.context}\n{chunk.text}") for _, chunk in passages])

    def search(query: str) -> Returned:
        scores = scorer.get_scores(tokenize(query))
        best = sorted(range(len(passages)), key=lambda i: -scores[i])[:k]
        return Returned(tuple(_result(*passages[i], float(scores[i])) for i in best))

    return search


def dense_only(retrieval: Retrieval, catalog: ChunkCatalog, k: int, collection: str | None) -> Search:
    """The index's chunks by the cosine of the passage, and by nothing else."""
    filters = {"collection": (collection,)} if collection is not None else {}

    def search(query: str) -> Returned:
        vector = retrieval.embedder.embed_queries([query])[0]
        found = retrieval.index.query(SparseVector((), ()), vector, limit=k, filters=filters).arms["dense"]
        chunks = catalog.live_chunks([(hit.version_key, hit.chunk_id) for hit in found])
        live = ((chunks.get((hit.version_key, hit.chunk_id)), hit.score) for hit in found)
        return Returned(
            tuple(
                Result(chunk.document, chunk.span.start, chunk.span.end, chunk.text, score, chunk.id)
                for chunk, score in live
                if chunk is not None
            )
        )

    return search


def reciprocal_rank_fusion(runs: Sequence[Run], k: int, constant: int = RRF_K) -> dict[str, Returned]:
    """Plain RRF of whole runs: the sum of 1 / (constant + rank). Passages are the same when file and span are."""
    fused: dict[str, Returned] = {}
    for query in dict.fromkeys(query for run in runs for query in run):
        scores: dict[str, float] = {}
        kept: dict[str, Result] = {}
        for run in runs:
            for rank, result in enumerate(run.get(query, Returned()).results, 1):
                kept.setdefault(result.doc_id, result)
                scores[result.doc_id] = scores.get(result.doc_id, 0.0) + 1 / (constant + rank)
        best = sorted(scores, key=lambda name: (-scores[name], name))[:k]
        fused[query] = Returned(tuple(_rescored(kept[name], scores[name]) for name in best))
    return fused


def first(run: Mapping[str, Returned], k: int) -> dict[str, Returned]:
    """The run with at most `k` passages a question."""
    return {
        name: Returned(returned.results[:k], returned.latency_ms, returned.evidence, returned.error)
        for name, returned in run.items()
    }


def _result(path: str, chunk: Chunk, score: float) -> Result:
    return Result(path, chunk.span.start, chunk.span.end, chunk.text, score, chunk.id)


def _rescored(result: Result, score: float) -> Result:
    return Result(result.file, result.start, result.end, result.text, score, result.chunk_id)
