"""An opened home measured in this process: each stage of a question, cached and not, alone and several at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.ports import Parts
from eval.stats import percentile
from eval.systems import refuse_degraded
from retrieval.ports import Embedder, Vectors
from retrieval.retriever import Retriever

BLOCK = 50
"""So many questions are asked before the same ones are asked again, cached: fewer than any cache keeps."""

_ASK_ROUNDS = 2  # an answer takes many times as long as a search


@dataclass
class Samples:
    """Milliseconds by stage, each with the question it was of; and how many a second when several asked at once."""

    taken: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    cpu_ms: dict[str, float] = field(default_factory=dict)
    """Of the whole process for one question, in the mean: unlike the others it hardly grows where others work too."""
    at_once: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, question: int, ms: float) -> None:
        """One more of a stage."""
        self.taken.setdefault(stage, []).append((question, ms))

    def stages(self) -> dict[str, dict[str, float]]:
        """By stage its `figures`, and how many a second several at once had done."""
        told = {stage: figures(taken) for stage, taken in self.taken.items()}
        for name, known in (("cpu_ms", self.cpu_ms), ("per_s_at_once", self.at_once)):
            for stage, value in known.items():
                told[stage][name] = value
        return told

    def records(self, queries: Sequence[str]) -> Iterator[dict[str, Any]]:
        """One record a question, with all its samples by stage."""
        for number, query in enumerate(queries):
            own = {stage: [round(ms, 4) for at, ms in taken if at == number] for stage, taken in self.taken.items()}
            yield {"query": query, "ms": own}


class Given:
    """An embedder whose vectors are there already: those of the queries, in any `variant`."""

    def __init__(self, queries: Sequence[str], model: Embedder) -> None:
        self.dim, self.fingerprint, self.max_tokens = model.dim, model.fingerprint, model.max_tokens
        vectors = model.embed_queries(list(queries))
        self._known = {_bare(query): vector for query, vector in zip(queries, vectors, strict=True)}

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As the port says, for these queries."""
        return np.stack([self._known[_bare(text)] for text in texts])

    embed_passages = embed_queries


def figures(taken: Sequence[tuple[int, float]]) -> dict[str, float]:
    """The figures of some (question, ms), of which there has to be one.

    p50, p95, p99 and mean in ms; `best_p50_ms` and `best_p95_ms` over the questions, each by its fastest time, which
    is what an idle machine would rather show; `n` times were taken; `per_s` go in a second, one after another.
    """
    ms = [each for _, each in taken]
    fastest: dict[int, float] = {}
    for question, each in taken:
        fastest[question] = min(each, fastest.get(question, each))
    best = list(fastest.values())
    mean = sum(ms) / len(ms)
    return {
        **{f"p{share}_ms": percentile(ms, share / 100) for share in (50, 95, 99)},
        **{f"best_p{share}_ms": percentile(best, share / 100) for share in (50, 95)},
        "mean_ms": mean,
        "n": len(ms),
        "per_s": 1000 / mean if mean else 0.0,
    }


def variant(query: str, number: int) -> str:
    """The query as no cache has seen it: other marks at its end, the same words."""
    return f"{_bare(query)}{'?' * (number + 1)}"


def _bare(query: str) -> str:
    return query.rstrip("?.! ")


def rounds_of(count: int, rounds: int, seed: int = 0) -> Iterator[tuple[int, list[int]]]:
    """(round, questions) blocks: every question once a round, each round in an order of its own."""
    shuffled = random.Random(seed)  # noqa: S311 - an order, no secret
    for number in range(rounds):
        order = list(range(count))
        shuffled.shuffle(order)
        for start in range(0, count, BLOCK):
            yield number, order[start : start + BLOCK]


def measure_parts(parts: Parts, queries: Sequence[str], *, rounds: int, threads: int, k: int = 10) -> Samples:
    """Everything asked `rounds` times in other orders, uncached and then cached, after a warm-up.

    Stages are those of `SearchResult.timings_ms` and `Answer.timings_ms`; `hybrid` is a search by vectors that are
    there already, without a reranker; `search` is one with embedding; `search_reranked` is one with the reranker too,
    where the home has one. Raises IndexUnavailableError where the home can't be searched as it should.
    """
    samples = Samples()
    retriever, answerer = parts.retriever, parts.answerer

    embedder = parts.retrieval.asking or parts.retrieval.embedder
    not_reranked = Retriever(parts.catalog, parts.retrieval.index, embedder)

    def search(text: str) -> Mapping[str, float]:
        found = not_reranked.search(text, k=k)
        refuse_degraded(found)
        return found.timings_ms

    def search_reranked(text: str) -> Mapping[str, float]:
        found = retriever.search(text, k=k, collection=None)
        refuse_degraded(found)
        return found.timings_ms

    def ask(text: str) -> Mapping[str, float]:
        return answerer.ask(text, collection=None).timings_ms

    last = 2 * rounds
    for query in queries:
        search(variant(query, last))
        search_reranked(variant(query, last))
        ask(variant(query, last + 1))
    cpu = {"embed": _cpu_ms(lambda text: embedder.embed_queries([text]), queries)}
    cpu["search"] = _cpu_ms(search, [variant(query, last + 4) for query in queries])
    cpu["ask"] = _cpu_ms(ask, [variant(query, last + 5) for query in queries])
    given = Given(queries, embedder)
    after_embedding = Retriever(parts.catalog, parts.retrieval.index, given)

    def hybrid(text: str) -> None:
        after_embedding.search(text, k=k)

    cpu["hybrid"] = _cpu_ms(hybrid, [variant(query, last + 4) for query in queries])
    samples.cpu_ms = cpu
    for number, block in rounds_of(len(queries), rounds):
        texts = [variant(query, number) for query in queries]
        _measure_searches(samples, search, search_reranked, block, texts)
        for at in block:
            samples.add("hybrid", at, timed(hybrid, texts[at])[0])
        if number < _ASK_ROUNDS:
            _measure_asking(samples, ask, block, [variant(query, rounds + number) for query in queries])
    samples.at_once["search"] = at_once(search, [variant(query, last + 2) for query in queries], threads)
    samples.at_once["ask"] = at_once(ask, [variant(query, last + 3) for query in queries], threads)
    return samples


def _measure_searches(
    samples: Samples,
    search: Callable[[str], Mapping[str, float]],
    search_reranked: Callable[[str], Mapping[str, float]],
    block: Sequence[int],
    texts: Sequence[str],
) -> None:
    """A block of questions searched for, without and with the home's reranker, and then again: that is cached."""
    for at in block:
        ms, stages = timed(search, texts[at])
        samples.add("search", at, ms)
        for stage, spent in stages.items():
            samples.add({"search": "index"}.get(stage, stage), at, spent)
    for at in block:
        ms, stages = timed(search_reranked, texts[at])
        if "rerank" in stages:
            samples.add("search_reranked", at, ms)
            samples.add("rerank", at, stages["rerank"])
    for at in reversed(block):
        ms, stages = timed(search_reranked, texts[at])
        if not stages.get("embed"):
            samples.add("cached", at, ms)


def _measure_asking(
    samples: Samples, ask: Callable[[str], Mapping[str, float]], block: Sequence[int], texts: Sequence[str]
) -> None:
    """A block of questions answered, each twice: the second time its search is cached."""
    for at in block:
        ms, stages = timed(ask, texts[at])
        samples.add("ask", at, ms)
        for stage in stages.keys() - {"embed", "search", "rerank"}:
            samples.add(stage, at, stages[stage])
    for at in reversed(block):
        samples.add("ask_cached", at, timed(ask, texts[at])[0])


def timed(work: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    started = time.perf_counter()
    done = work(*arguments, **named)
    return (time.perf_counter() - started) * 1000, done


def at_once(work: Callable[[str], object], texts: Sequence[str], threads: int) -> float:
    """How many of `texts` are done in a second by several threads."""
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        for _ in pool.map(work, texts):
            pass
        return len(texts) / (time.perf_counter() - started)


def _cpu_ms(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """Milliseconds of processor time that one of `texts` takes in the mean, of all threads of this process."""
    started = time.process_time()
    for text in texts:
        work(text)
    return (time.process_time() - started) * 1000 / len(texts)


def size_of(parts: Parts) -> dict[str, int]:
    """How many documents and chunks the home serves."""
    documents = parts.catalog.documents()
    return {"documents": len(documents), "chunks": sum(document.chunks for document in documents)}
