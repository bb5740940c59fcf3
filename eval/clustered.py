"""Intervals where answers to one source hang together: whole groups are drawn, not single answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eval.stats import SEED

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Interval = tuple[float, float]

MEASURES = ("auroc", "balanced_accuracy", "f1", "ece")
_AT_ONCE = 100
_BINS = 10  # as `eval.stats.calibration_error`


def grounding_intervals(
    scores: Sequence[float],
    passed: Sequence[bool],
    labels: Sequence[bool],
    groups: Sequence[str],
    *,
    level: float = 0.95,
    samples: int = 1000,
    seed: int = SEED,
) -> dict[str, Interval]:
    """Percentile intervals of `auroc`, `balanced_accuracy`, `f1` and `ece`, resampling groups (Field and Welsh 2007).

    That of `ece` lies high: a sample is never better calibrated than what it is drawn from, mostly worse. The order of
    the answers changes nothing. NaN where there is one group only, or one label only.
    """
    import numpy as np

    nothing = dict.fromkeys(MEASURES, (math.nan, math.nan))
    names = sorted(set(groups))
    if len(names) < 2 or len(set(labels)) < 2:
        return nothing
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    score = np.array([scores[i] for i in order])
    label = np.array([labels[i] for i in order], dtype=bool)
    right = np.array([passed[i] == labels[i] for i in order], dtype=bool)
    place = {name: at for at, name in enumerate(names)}
    member = np.array([place[groups[i]] for i in order])
    rng, found = np.random.default_rng(seed), []
    for start in range(0, samples, _AT_ONCE):
        size = min(_AT_ONCE, samples - start)
        drawn = rng.multinomial(len(names), [1 / len(names)] * len(names), size=size)
        weight = drawn[:, member].astype(float)
        decided = [_balanced(right, label, weight), _f1(right, label, weight)]
        found.append(np.stack([_auroc(score, label, weight), *decided, _ece(score, label, weight)]))
    ends = [(1 - level) / 2, (1 + level) / 2]
    quantiles = [np.quantile(row[~np.isnan(row)], ends) for row in np.concatenate(found, axis=1)]
    return {name: (float(low), float(high)) for name, (low, high) in zip(nothing, quantiles, strict=True)}


def _auroc(score: Floats, label: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """AUROC under each row of weights [samples, n], of scores in ascending order; ties count half."""
    import numpy as np

    starts = np.flatnonzero(np.concatenate([[True], score[1:] != score[:-1]]))
    positive = np.add.reduceat(weight * label, starts, axis=1)
    negative = np.add.reduceat(weight * ~label, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.asarray((positive * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan))


def _balanced(right: npt.NDArray[np.bool_], label: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    import numpy as np

    sides = []
    for side in (label, ~label):
        total = (weight * side).sum(axis=1)
        sides.append((weight * (side & right)).sum(axis=1) / np.where(total > 0, total, np.nan))
    return np.asarray((sides[0] + sides[1]) / 2)


def _f1(right: npt.NDArray[np.bool_], label: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """F1 of calling an answer supported."""
    import numpy as np

    found = 2 * (weight * (label & right)).sum(axis=1)
    total = found + (weight * ~right).sum(axis=1)
    return np.asarray(found / np.where(total > 0, total, np.nan))


def _ece(score: Floats, label: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """Expected calibration error: in each bin how far the scores' sum is from the number supported, of all."""
    import numpy as np

    place = np.minimum((score * _BINS).astype(int), _BINS - 1)
    apart = weight * (score - label)
    gaps = [np.abs(apart[:, place == bin_].sum(axis=1)) for bin_ in range(_BINS)]
    return np.asarray(np.sum(gaps, axis=0) / weight.sum(axis=1))
