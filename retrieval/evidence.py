"""How well the hits fit the query, in numbers: what the confidence model decides on. Pure functions.

| feature | meaning | range |
|---|---|---|
| query_terms | content words of the query | 0.. |
| dense_top, question_top | best cosine of the passage and the question arm | -1..1 |
| dense_margin, question_margin | its distance to the second best chunk | 0..2 |
| bm25_top | best BM25 score | 0.. |
| bm25_share | the same as a share of what a perfect match would score | 0..1 |
| score_top, score_margin | fused score of the first hit, and its distance to the second | 0..1 |
| first_dense, first_question | the first hit's own cosines, 0 where the arm did not find it | -1..1 |
| coverage_first, coverage_best, coverage_all | IDF-weighted share of the query's content words that the first hit holds, the best hit holds, all hits hold together | 0..1 |
| unseen | share (by number) of content words that no hit holds | 0..1 |
| unknown | IDF-weighted share of content words that the whole index doesn't hold | 0..1 |
| unanswered_lead | by how much the nearest question without an answer is nearer than all that could answer | 0..1 |
| agreement | share of the arms that found something whose first is the first hit | 0..1 |
"""  # noqa: E501 (a table)

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from retrieval.hits import ARMS, Arm, Hit
from retrieval.terms import Bm25Weights, content_terms, term_id

FEATURES = (
    "query_terms",
    "dense_top",
    "dense_margin",
    "question_top",
    "question_margin",
    "bm25_top",
    "bm25_share",
    "score_top",
    "score_margin",
    "first_dense",
    "first_question",
    "coverage_first",
    "coverage_best",
    "coverage_all",
    "unseen",
    "unknown",
    "unanswered_lead",
    "agreement",
)


def describe(
    query: str,
    hits: Sequence[Hit],
    unanswered: Sequence[Hit],
    held: Mapping[tuple[int, str], frozenset[int]],
    idf: Mapping[int, float],
    bm25_ceiling: float,
    points: int,
) -> dict[str, float]:
    """All FEATURES of one search.

    `unanswered`: hits, among these or not, that ask a question without an answer; they count for `unanswered_lead`
    only. `held`: which of the query's terms, by dimension, each hit has. `idf`: by dimension, 0 for terms that the
    index doesn't hold. `bm25_ceiling`: the score of a perfect match. `points`: how many the index has.
    """
    weights = term_weights(query, idf, points)
    hits = [hit for hit in hits if hit not in unanswered]
    arms: dict[Arm, list[float]] = {
        arm: sorted((hit.similarities[arm] for hit in hits if arm in hit.similarities), reverse=True) for arm in ARMS
    }
    asked = max((hit.similarities.get("question", 0.0) for hit in unanswered), default=0.0)
    terms = [held[hit.chunk.version_key, hit.chunk.id] for hit in hits]
    covered = [_share(weights, ids) for ids in terms] or [0.0]
    everything = frozenset[int]().union(*terms)
    first = hits[0] if hits else None
    found = [arm for arm in ARMS if arms[arm]]
    scores = [hit.score for hit in hits]
    return {
        "query_terms": float(len(weights)),
        "dense_top": _top(arms["dense"]),
        "dense_margin": _margin(arms["dense"]),
        "question_top": _top(arms["question"]),
        "question_margin": _margin(arms["question"]),
        "bm25_top": _top(arms["bm25"]),
        "bm25_share": min(1.0, _top(arms["bm25"]) / bm25_ceiling) if bm25_ceiling > 0 else 0.0,
        "score_top": _top(scores),
        "score_margin": _margin(scores),
        "first_dense": first.similarities.get("dense", 0.0) if first else 0.0,
        "first_question": first.similarities.get("question", 0.0) if first else 0.0,
        "coverage_first": covered[0],
        "coverage_best": max(covered),
        "coverage_all": _share(weights, everything),
        "unseen": sum(term not in everything for term in weights) / len(weights) if weights else 0.0,
        "unknown": _share(weights, {term for term in weights if not idf.get(term)}),
        "unanswered_lead": max(0.0, asked - max(_top(arms["dense"]), _top(arms["question"]))),
        "agreement": sum(first.ranks.get(arm) == 1 for arm in found) / len(found) if first and found else 0.0,
    }


def perfect_bm25(idf: Mapping[int, float], points: int, weights: Bm25Weights) -> float:
    """No chunk can score more: every term of the query, as often as one likes. Unknown terms count as the rarest."""
    return (weights.k1 + 1) * sum(value or _rarest(points) for value in idf.values())


def coverage(weights: Mapping[int, float], held: frozenset[int]) -> float:
    """The share of the query's content words, by weight, that a chunk holds, 0..1. `held`: dimensions."""
    return _share(weights, held)


def term_weights(query: str, idf: Mapping[int, float], points: int) -> dict[int, float]:
    """The IDF of each content word of the query; words that the index doesn't hold weigh as much as the rarest."""
    terms = (term_id(term) for term in content_terms(query))
    return {term: idf[term] or _rarest(points) for term in terms if term in idf}


def _rarest(points: int) -> float:
    """The IDF of a term that no point has."""
    return math.log(1 + (points + 0.5) / 0.5)


def _share(weights: Mapping[int, float], held: frozenset[int] | set[int]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0


def _top(scores: Sequence[float]) -> float:
    return float(scores[0]) if scores else 0.0


def _margin(scores: Sequence[float]) -> float:
    return float(scores[0] - scores[1]) if len(scores) > 1 else _top(scores)
