"""Intervals, paired tests and measures of confidence."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.stats import (
    area_under_risk,
    auroc,
    bootstrap_interval,
    calibration_error,
    compare,
    holm,
    percentile,
    randomisation_test,
    reliability_bins,
    risk_coverage,
)

unit = st.floats(0, 1, width=16)


@given(st.lists(unit, min_size=1, max_size=30), st.randoms())
def test_the_interval_is_seeded_holds_the_mean_and_knows_no_order(values: list[float], shuffle: random.Random) -> None:
    low, high = bootstrap_interval(values, samples=300)
    shuffled = list(values)
    shuffle.shuffle(shuffled)
    assert bootstrap_interval(shuffled, samples=300) == (low, high)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_the_interval_narrows_with_more_questions() -> None:
    few, many = bootstrap_interval([0.0, 1.0] * 10), bootstrap_interval([0.0, 1.0] * 500)
    assert many[1] - many[0] < (few[1] - few[0]) / 3
    assert few[0] < 0.5 < few[1]
    assert all(math.isnan(x) for x in bootstrap_interval([]))


def test_the_randomisation_test_agrees_with_counting_all_swaps() -> None:
    a, b = [0.9, 0.8, 0.7, 0.9, 0.6], [0.1, 0.2, 0.6, 0.3, 0.5]
    d = [x - y for x, y in zip(a, b, strict=True)]
    swaps = [sum(x if bits >> i & 1 else -x for i, x in enumerate(d)) for bits in range(32)]
    exact = sum(abs(s) >= abs(sum(d)) - 1e-12 for s in swaps) / 32
    assert randomisation_test(a, b) == pytest.approx(exact, abs=0.01)
    assert randomisation_test(a, a) == 1.0
    assert randomisation_test(a, b) == randomisation_test(b, a)
    with pytest.raises(ValueError, match="one length"):
        randomisation_test(a, b[:2])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_comparison_counts_wins_losses_and_ties() -> None:
    new, old = [0.9, 0.9, 0.2, 0.5, 1.0], [0.5, 0.5, 0.4, 0.5]
    runs = {"new": dict(zip("abcde", new, strict=True)), "old": dict(zip("abcd", old, strict=True)), "other": {}}
    (found,) = compare(runs, [("new", "old"), ("new", "other")])
    assert found.questions == 4
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)
    assert found.difference == pytest.approx(0.15)
    assert found.effect == pytest.approx(0.15 / 0.3)
    assert found.p == found.p_holm


def test_auroc_by_hand_with_ties() -> None:
    assert auroc([3, 2], [1, 0]) == 1.0
    assert auroc([0], [1]) == 0.0
    assert auroc([1, 1], [1]) == 0.5
    assert auroc([2, 1], [1]) == 0.75
    assert math.isnan(auroc([], [1]))


@given(st.lists(unit, min_size=1, max_size=12), st.lists(unit, min_size=1, max_size=12))
def test_auroc_is_the_share_of_pairs_in_order(positives: list[float], negatives: list[float]) -> None:
    pairs = [(p > n) + 0.5 * (p == n) for p in positives for n in negatives]
    assert auroc(positives, negatives) == pytest.approx(sum(pairs) / len(pairs))


def test_risk_over_coverage_by_hand() -> None:
    points = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    assert [c for c, _ in points] == [0.25, 0.75, 1.0]
    assert [risk for _, risk in points] == pytest.approx([0.0, 1 / 3, 0.5])
    assert area_under_risk(points) == pytest.approx(0.5 / 3 + 0.25 * 0.5)
    assert math.isnan(area_under_risk([]))


@given(st.lists(st.tuples(unit, st.booleans()), min_size=1, max_size=20))
def test_the_whole_coverage_has_the_base_risk(pairs: list[tuple[float, bool]]) -> None:
    points = risk_coverage([c for c, _ in pairs], [ok for _, ok in pairs])
    assert points[-1][0] == 1.0
    assert points[-1][1] == pytest.approx(sum(not ok for _, ok in pairs) / len(pairs))
    assert [c for c, _ in points] == sorted({c for c, _ in points})


def test_calibration_error_by_hand() -> None:
    assert calibration_error([0.5, 0.5], [True, False]) == 0.0
    assert calibration_error([1.0, 1.0, 0.0], [True, False, False]) == pytest.approx(1 / 3)
    assert math.isnan(calibration_error([], []))


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert percentile([5, 1, 4, 2, 3], 0.95) == 5
    assert math.isnan(percentile([], 0.5))


@given(st.lists(st.tuples(unit, st.booleans()), min_size=1, max_size=40), st.integers(1, 20))
def test_reliability_bins_hold_everything_once_and_give_the_calibration_error(
    pairs: list[tuple[float, bool]], count: int
) -> None:
    scores, labels = [p for p, _ in pairs], [ok for _, ok in pairs]
    bins = reliability_bins(scores, labels, bins=count)
    assert sum(b.n for b in bins) == len(pairs)
    assert sum(b.n * b.mean_score for b in bins) == pytest.approx(sum(scores))
    assert sum(b.n * b.share for b in bins) == pytest.approx(sum(labels))
    assert all(b.low - 1e-9 <= b.mean_score <= b.high + 1e-9 for b in bins)
    error = sum(b.n * abs(b.mean_score - b.share) for b in bins) / len(pairs)
    assert calibration_error(scores, labels, bins=count) == pytest.approx(error)
