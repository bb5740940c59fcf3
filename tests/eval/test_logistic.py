"""Logistic regression against scikit-learn, and the choice of an operating point."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.logistic import Logistic
from eval.logistic import best_penalty, choose_threshold, fit, folds, operating_point, out_of_fold
from eval.stats import auroc


def made_up(n: int = 200, seed: int = 3) -> tuple[list[dict[str, float]], list[bool]]:
    chance = random.Random(seed)  # noqa: S311
    labels = [chance.random() < 0.8 for _ in range(n)]
    rows = [{"signal": ok + chance.gauss(0, 0.6), "noise": 5 * chance.gauss(0, 1), "still": 7.0} for ok in labels]
    return rows, labels


def test_the_fit_is_that_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")
    rows, labels = made_up()
    features = ["signal", "noise"]
    ours = fit(rows, labels, features, l2=2.0)
    x = np.array([[(r[f] - m) / s for f, m, s in zip(features, ours.mean, ours.scale, strict=True)] for r in rows])
    theirs = sklearn.LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=1000).fit(x, labels)
    assert ours.weights == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert ours.bias == pytest.approx(theirs.intercept_[0], abs=1e-4)
    assert [ours.probability(r) for r in rows[:5]] == pytest.approx(theirs.predict_proba(x[:5])[:, 1], abs=1e-4)


def test_a_missing_feature_counts_as_its_mean_and_a_constant_one_as_nothing() -> None:
    model = Logistic(("a", "b"), (2.0, 0.0), (1.0, 4.0), (3.0, -1.0), 0.0, 0.5, "by hand")
    assert model.probability({}) == 0.5
    assert model.probability({"a": 2.0, "b": 4.0}) == pytest.approx(1 / (1 + np.e))
    rows, labels = made_up()
    assert fit(rows, labels, ["still"], 1.0).weights == pytest.approx([0.0])


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="answerable and unanswerable"):
        fit([{"a": 1.0}], [True], ["a"], 1.0)


@given(st.lists(st.booleans(), min_size=20, max_size=60))
def test_folds_are_even_in_both_classes(labels: list[bool]) -> None:
    assigned = folds(labels, 4)
    for label in (True, False):
        sizes = [
            sum(f == fold and value is label for f, value in zip(assigned, labels, strict=True)) for fold in range(4)
        ]
        assert max(sizes) - min(sizes) <= 1


def test_cross_validation_does_not_flatter_noise() -> None:
    rows, labels = made_up()
    noise = [{f"n{i}": random.Random(1000 * i + j).gauss(0, 1) for i in range(30)} for j in range(len(rows))]  # noqa: S311
    features = sorted(noise[0])
    inside = [fit(noise, labels, features, 0.1).probability(r) for r in noise]
    outside = out_of_fold(noise, labels, features, 0.1)

    def separates(p: list[float]) -> float:
        return auroc(
            [v for v, ok in zip(p, labels, strict=True) if ok], [v for v, ok in zip(p, labels, strict=True) if not ok]
        )

    assert separates(inside) > 0.75
    assert separates(outside) < 0.6
    assert separates(out_of_fold(rows, labels, ["signal"], 1.0)) > 0.8
    assert best_penalty(noise, labels, features) >= 10.0


def test_the_threshold_keeps_both_bounds_where_it_can() -> None:
    chosen = choose_threshold([0.9] * 9 + [0.2] + [0.8] + [0.1] * 9, [True] * 10 + [False] * 10)
    assert 0.2 < chosen.threshold < 0.9
    assert chosen.answered_share == 0.9
    assert chosen.false_answer_rate <= 0.15


def test_where_it_can_not_the_worse_violation_is_smallest() -> None:
    chosen = choose_threshold([0.5, 0.5, 0.5, 0.5], [True, True, False, False])
    assert {chosen.answered_share, chosen.false_answer_rate} <= {0.0, 1.0}
    assert operating_point([0.3, 0.7], [True, False], 0.5).false_answer_rate == 1.0
