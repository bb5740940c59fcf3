"""Several rankings to one. Pure functions: what comes out depends on scores and ranks only, never on input order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from retrieval.hits import ARMS, Arm

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """How much each arm's normalised score counts, and how much the ranks (reciprocal rank fusion) do.

    Only the proportions of `bm25`, `dense` and `question` matter. `rrf` is 0..1: 0 fuses scores only, 1 ranks only.
    """

    bm25: float = 1.0
    dense: float = 1.0
    question: float = 1.0
    rrf: float = 0.3
    rrf_k: int = 60

    def of(self, arm: Arm) -> float:
        """The arm's share, the three adding up to 1."""
        total = self.bm25 + self.dense + self.question
        return {"bm25": self.bm25, "dense": self.dense, "question": self.question}[arm] / total


def ranks(scores: Mapping[_Key, float]) -> dict[_Key, int]:
    """1-based rank of each key; equal scores share the better rank."""
    order = sorted(scores.values(), reverse=True)
    first = {score: at for at, score in reversed(list(enumerate(order, start=1)))}
    return {key: first[score] for key, score in scores.items()}


def reciprocal_ranks(arms: Mapping[Arm, Mapping[_Key, int]], weights: FusionWeights) -> dict[_Key, float]:
    """Weighted reciprocal rank fusion (Cormack, Clarke, Büttcher 2009), 0..1: 1 is first in every arm.

    `arms`: 1-based ranks of what each arm found.
    """
    best = 1.0 / (weights.rrf_k + 1)
    fused: dict[_Key, float] = {}
    for arm in ARMS:
        for key, rank in arms.get(arm, {}).items():
            fused[key] = fused.get(key, 0.0) + weights.of(arm) / (weights.rrf_k + rank) / best
    return {key: min(1.0, value) for key, value in fused.items()}


def combine(arms: Mapping[Arm, Mapping[_Key, float]], weights: FusionWeights) -> dict[_Key, float]:
    """Convex combination of scores in 0..1 (Bruch, Gai, Ingber 2022); what an arm did not find counts 0 there."""
    fused: dict[_Key, float] = {}
    for arm in ARMS:
        for key, score in arms.get(arm, {}).items():
            fused[key] = fused.get(key, 0.0) + weights.of(arm) * min(1.0, max(0.0, score))
    return {key: min(1.0, value) for key, value in fused.items()}


def fuse(
    arms: Mapping[Arm, Mapping[_Key, float]], ceilings: Mapping[Arm, float], weights: FusionWeights
) -> dict[_Key, float]:
    """One score in 0..1 for each key that any arm found.

    `arms`: the arms' own scores. `ceilings`: what an arm's scores are divided by to lie in 0..1; 1 where none is given.
    """
    shares: dict[Arm, dict[_Key, float]] = {}
    for arm, scores in arms.items():
        ceiling = ceilings.get(arm, 1.0)
        shares[arm] = {key: score / ceiling if ceiling > 0 else 0.0 for key, score in scores.items()}
    by_score = combine(shares, weights)
    by_rank = reciprocal_ranks({arm: ranks(scores) for arm, scores in arms.items()}, weights)
    return {key: (1 - weights.rrf) * by_score[key] + weights.rrf * by_rank[key] for key in by_score}
