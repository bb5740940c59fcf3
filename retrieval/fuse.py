"""Several rankings to one. Pure functions: what comes out depends on scores and ranks only, never on input order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from retrieval.hits import ARMS, Arm

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """How much each arm counts. Only the proportions of `bm25`, `dense` and `question` matter.

    Passage and question are two views of the same meaning, and most chunks have no question: the better of the two
    counts, so that neither kind of chunk is at a disadvantage. `rrf` is 0..1: how much ranks decide instead of scores.

    Defaults: the middle of a plateau on the development benchmark (nDCG@10 0.77 to 0.78 for bm25 between 0.3 and 0.5
    of the whole; reciprocal ranks of the three arms alone 0.66).
    """

    bm25: float = 0.35
    dense: float = 0.65
    question: float = 0.65
    rrf: float = 0.0
    rrf_k: int = 60

    def of(self, arm: Arm) -> float:
        """The arm's share of the whole: that of `bm25` and of the greater of the other two add up to 1."""
        whole = self.bm25 + max(self.dense, self.question)
        return {"bm25": self.bm25, "dense": self.dense, "question": self.question}[arm] / whole


def ranks(scores: Mapping[_Key, float]) -> dict[_Key, int]:
    """1-based rank of each key; equal scores share the better rank."""
    order = sorted(scores.values(), reverse=True)
    first = {score: at for at, score in reversed(list(enumerate(order, start=1)))}
    return {key: first[score] for key, score in scores.items()}


def reciprocal_ranks(arms: Mapping[Arm, Mapping[_Key, int]], weights: FusionWeights) -> dict[_Key, float]:
    """Weighted reciprocal rank fusion (Cormack, Clarke, Büttcher 2009), 0..1: 1 is first in every arm.

    `arms`: 1-based ranks of what each arm found.
    """
    best = sum(weights.of(arm) for arm in ARMS) / (weights.rrf_k + 1)
    fused: dict[_Key, float] = {}
    for arm in ARMS:
        for key, rank in arms.get(arm, {}).items():
            fused[key] = fused.get(key, 0.0) + weights.of(arm) / (weights.rrf_k + rank) / best
    return {key: min(1.0, value) for key, value in fused.items()}


def combine(arms: Mapping[Arm, Mapping[_Key, float]], weights: FusionWeights) -> dict[_Key, float]:
    """Convex combination of scores in 0..1 (Bruch, Gai, Ingber 2022): the words' share, and the better of the others.

    What an arm did not find counts 0 there.
    """
    weighed: dict[Arm, dict[_Key, float]] = {}
    for arm in ARMS:
        weight = weights.of(arm)
        weighed[arm] = {key: weight * min(1.0, max(0.0, score)) for key, score in arms.get(arm, {}).items()}
    words, passage, question = (weighed[arm] for arm in ARMS)
    return {
        key: min(1.0, words.get(key, 0.0) + max(passage.get(key, 0.0), question.get(key, 0.0)))
        for key in {**words, **passage, **question}
    }


def fuse(
    arms: Mapping[Arm, Mapping[_Key, float]],
    ceilings: Mapping[Arm, float],
    weights: FusionWeights,
    floors: Mapping[Arm, float] | None = None,
) -> dict[_Key, float]:
    """One score in 0..1 for each key that any arm found.

    `arms`: the arms' own scores. `ceilings`: what an arm's scores are divided by to lie in 0..1; 1 where none is given.
    `floors`: the own score that counts for a key which the arm did not find; 0 where none is given.
    """
    keys = dict.fromkeys(key for scores in arms.values() for key in scores)
    shares: dict[Arm, dict[_Key, float]] = {}
    for arm, scores in arms.items():
        ceiling = ceilings.get(arm, 1.0)
        seen = {**dict.fromkeys(keys, (floors or {}).get(arm, 0.0)), **scores}
        shares[arm] = {key: score / ceiling if ceiling > 0 else 0.0 for key, score in seen.items()}
    by_score = combine(shares, weights)
    if not weights.rrf:
        return by_score
    by_rank = reciprocal_ranks({arm: ranks(scores) for arm, scores in arms.items()}, weights)
    return {key: (1 - weights.rrf) * by_score[key] + weights.rrf * by_rank[key] for key in by_score}
