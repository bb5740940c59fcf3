"""L2-regularised logistic regression over named features, fitted by Newton's method (IRLS), with cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from answering.logistic import Logistic
from eval.stats import SEED

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS = 5
THRESHOLD_STEP = 0.05
"""A few hundred questions tell no finer thresholds apart: one of 67 unanswerable questions moves its rate by 0.015."""


def fit(rows: Sequence[Mapping[str, float]], labels: Sequence[bool], features: Sequence[str], l2: float) -> Logistic:
    """The model that minimises log loss + l2/2 * |weights|^2 over standardised features; bias and threshold are free.

    The bias carries the share of unanswerable questions in the set it was fitted on: probabilities are calibrated for
    questions of that mix. Raises ValueError when there is only one class.
    """
    import numpy as np

    y = np.asarray(labels, dtype=float)
    positives = y.sum()
    if positives in (0, len(y)):
        raise ValueError("needs answerable and unanswerable questions")
    raw = np.array([[row.get(name, np.nan) for name in features] for row in rows], dtype=float)
    mean = np.nan_to_num(np.nanmean(raw, axis=0)) if raw.size else np.zeros(len(features))
    raw = np.where(np.isnan(raw), mean, raw)
    scale = raw.std(axis=0)
    scale[scale < 1e-9] = 1.0
    x = np.column_stack([(raw - mean) / scale, np.ones(len(y))])
    penalty = np.full(x.shape[1], l2)
    penalty[-1] = 1e-9
    beta = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -60, 60)))
        gradient = x.T @ (p - y) + penalty * beta
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        beta -= step
        if np.abs(step).max() < 1e-9:
            break
    return Logistic(
        tuple(features),
        tuple(float(v) for v in mean),
        tuple(float(v) for v in scale),
        tuple(float(v) for v in beta[:-1]),
        float(beta[-1]),
        threshold=0.5,
        fitted_by="",
    )


def folds(labels: Sequence[bool], count: int = FOLDS, seed: int = SEED) -> list[int]:
    """A fold for each row, both classes spread evenly over the folds, at random."""
    import numpy as np

    rng, assigned = np.random.default_rng(seed), [0] * len(labels)
    for label in (True, False):
        mine = [i for i, value in enumerate(labels) if value is label]
        for place, index in enumerate(rng.permutation(len(mine))):
            assigned[mine[index]] = place % count
    return assigned


def out_of_fold(
    rows: Sequence[Mapping[str, float]], labels: Sequence[bool], features: Sequence[str], l2: float, seed: int = SEED
) -> list[float]:
    """For each row the probability of a model that was fitted without its fold."""
    assigned, predicted = folds(labels, seed=seed), [0.0] * len(labels)
    for fold in sorted(set(assigned)):
        kept = [i for i, f in enumerate(assigned) if f != fold]
        model = fit([rows[i] for i in kept], [labels[i] for i in kept], features, l2)
        for i, f in enumerate(assigned):
            if f == fold:
                predicted[i] = model.probability(rows[i])
    return predicted


def best_penalty(rows: Sequence[Mapping[str, float]], labels: Sequence[bool], features: Sequence[str]) -> float:
    """The penalty with the lowest cross-validated log loss, for what is wanted are probabilities, not an order alone;
    of near equals (within 0.005) the strongest, which goes less astray on questions of another kind."""
    losses = {l2: _cross_validated(rows, labels, features, l2) for l2 in PENALTIES}
    best = min(losses.values())
    return max(l2 for l2, loss in losses.items() if loss <= best + 0.005)


def _cross_validated(
    rows: Sequence[Mapping[str, float]], labels: Sequence[bool], features: Sequence[str], l2: float
) -> float:
    """Log loss of the out-of-fold probabilities, mean of three ways to fold."""
    losses: list[float] = []
    for seed in range(SEED, SEED + 3):
        for p, ok in zip(out_of_fold(rows, labels, features, l2, seed), labels, strict=True):
            losses.append(-math.log(max(1e-12, p if ok else 1 - p)))
    return math.fsum(losses) / len(losses)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold does: the share of answerable questions answered, of unanswerable ones answered all the same."""

    threshold: float
    answered_share: float
    false_answer_rate: float


def operating_point(probabilities: Sequence[float], labels: Sequence[bool], threshold: float) -> OperatingPoint:
    """A question is answered when its probability reaches `threshold`."""
    answerable = [p >= threshold for p, ok in zip(probabilities, labels, strict=True) if ok]
    unanswerable = [p >= threshold for p, ok in zip(probabilities, labels, strict=True) if not ok]
    return OperatingPoint(
        threshold, sum(answerable) / max(1, len(answerable)), sum(unanswerable) / max(1, len(unanswerable))
    )


def choose_threshold(
    probabilities: Sequence[float], labels: Sequence[bool], *, max_false: float = 0.15, min_answered: float = 0.85
) -> OperatingPoint:
    """The threshold for the stated operating point, a multiple of THRESHOLD_STEP.

    Among those that keep both bounds, the middle one (a flat optimum moves least on new questions). Where none does,
    the one whose worse violation is smallest.
    """
    steps = round(1 / THRESHOLD_STEP)
    points = [operating_point(probabilities, labels, step / steps) for step in range(1, steps)]
    good = [p for p in points if p.false_answer_rate <= max_false and p.answered_share >= min_answered]
    if good:
        return good[len(good) // 2]
    return min(points, key=lambda p: max(p.false_answer_rate - max_false, min_answered - p.answered_share))
