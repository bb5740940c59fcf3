"""What the numbers are worth: intervals, paired tests, and measures of confidence. Numpy is imported when needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SEED = 20240229


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the same questions, `a` minus `b`.

    `questions`: how many both were asked. `effect`: mean difference over its standard deviation (Cohen's d_z). `p`:
    two-sided, of the paired randomisation test; `p_holm` after Holm's correction for all comparisons made together.
    """

    a: str
    b: str
    questions: int
    difference: float
    effect: float
    wins: int
    losses: int
    ties: int
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Probabilities from `low` to under `high`: how many, their mean, and the share that came true."""

    low: float
    high: float
    n: int
    mean_score: float
    share: float


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, samples: int = 2000, seed: int = SEED
) -> tuple[float, float]:
    """The percentile interval of the mean, resampling questions. The order of the values changes nothing."""
    import numpy as np

    if not values:
        return (math.nan, math.nan)
    data = np.sort(np.asarray(values, dtype=float))
    picks = np.random.default_rng(seed).integers(0, len(data), size=(samples, len(data)))
    low, high = np.quantile(data[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return (float(low), float(high))


def randomisation_test(a: Sequence[float], b: Sequence[float], *, rounds: int = 10_000, seed: int = SEED) -> float:
    """Two-sided p of the paired randomisation test (Fisher's; Smucker et al. 2007).

    How often would swapping the two systems' names at random, question by question, give a difference at least this
    large? Never 0: (1 + how often) / (1 + rounds).
    """
    import numpy as np

    if len(a) != len(b):
        raise ValueError("paired samples must have one length")
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    difference = difference[difference != 0]
    if not len(difference):
        return 1.0
    rng, extreme, left = np.random.default_rng(seed), 0, rounds
    observed = abs(difference.sum()) - 1e-12
    while left:
        block = min(left, 1000)
        signs = rng.integers(0, 2, size=(block, len(difference))) * 2 - 1
        extreme += int((np.abs(signs @ difference) >= observed).sum())
        left -= block
    return (1 + extreme) / (1 + rounds)


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction: adjusted p values, in the order given."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, running = [0.0] * len(ps), 0.0
    for place, index in enumerate(order):
        running = max(running, min(1.0, (len(ps) - place) * ps[index]))
        adjusted[index] = running
    return adjusted


def compare(runs: Mapping[str, Mapping[str, float]], pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Each pair of named runs (name -> question id -> value) on the questions both have, corrected together.

    A pair without a common question is left out.
    """
    common = {(a, b): [query for query in runs[a] if query in runs[b]] for a, b in pairs}
    paired = [
        (a, b, [runs[a][query] for query in queries], [runs[b][query] for query in queries])
        for (a, b), queries in common.items()
        if queries
    ]
    ps = [randomisation_test(ours, theirs) for _, _, ours, theirs in paired]
    return [
        _compared(a, b, [x - y for x, y in zip(ours, theirs, strict=True)], p, adjusted)
        for (a, b, ours, theirs), p, adjusted in zip(paired, ps, holm(ps), strict=True)
    ]


def _compared(a: str, b: str, differences: Sequence[float], p: float, adjusted: float) -> Comparison:
    n = len(differences)
    mean = math.fsum(differences) / n
    spread = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / max(1, n - 1))
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    effect = mean / spread if spread else 0.0
    return Comparison(a, b, n, mean, effect, wins, losses, n - wins - losses, p, adjusted)


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """How often a positive scores above a negative, ties counting half (Mann-Whitney). NaN when one side is empty."""
    if not positives or not negatives:
        return math.nan
    ranked = sorted([(value, 1) for value in positives] + [(value, 0) for value in negatives])
    total, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        total += (start + end + 1) / 2 * sum(label for _, label in ranked[start:end])
        start = end
    n, m = len(positives), len(negatives)
    return (total - n * (n + 1) / 2) / (n * m)


def risk_coverage(confidence: Sequence[float], correct: Sequence[bool]) -> list[tuple[float, float]]:
    """(coverage, risk) when only the most confident are answered: the share answered, the share of those wrong.

    One point for every distinct confidence, so that equal confidences stand or fall together.
    """
    order = sorted(zip(confidence, correct, strict=True), key=lambda pair: -pair[0])
    points, wrong = [], 0
    for place, (value, right) in enumerate(order, 1):
        wrong += not right
        if place == len(order) or order[place][0] != value:
            points.append((place / len(order), wrong / place))
    return points


def area_under_risk(points: Sequence[tuple[float, float]]) -> float:
    """The mean risk over all coverages of a risk-coverage curve (AURC); lower is better. NaN without points."""
    if not points:
        return math.nan
    area, before = 0.0, 0.0
    for coverage, risk in points:
        area += (coverage - before) * risk
        before = coverage
    return area


def reliability_bins(probabilities: Sequence[float], labels: Sequence[bool], *, bins: int = 10) -> list[Bin]:
    """Probabilities (0..1) in bins of equal width, those that are empty left out."""
    sums: dict[int, tuple[int, float, int]] = {}
    for p, label in zip(probabilities, labels, strict=True):
        index = min(int(p * bins), bins - 1)
        n, total, hits = sums.get(index, (0, 0.0, 0))
        sums[index] = (n + 1, total + p, hits + label)
    return [
        Bin(index / bins, (index + 1) / bins, n, total / n, hits / n)
        for index, (n, total, hits) in sorted(sums.items())
    ]


def calibration_error(probabilities: Sequence[float], labels: Sequence[bool], *, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Naeini et al. 2015). NaN for nothing."""
    if not probabilities:
        return math.nan
    found = reliability_bins(probabilities, labels, bins=bins)
    return math.fsum(b.n * abs(b.mean_score - b.share) for b in found) / len(probabilities)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values don't exceed. NaN for nothing."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
