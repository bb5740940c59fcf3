from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuse import FusionWeights, combine, fuse, ranks, reciprocal_ranks
from retrieval.hits import ARMS, Arm

KEYS = st.sampled_from("abcdef")
SCORES = st.dictionaries(KEYS, st.floats(0, 1), max_size=6)
ARM_SCORES = st.fixed_dictionaries(dict.fromkeys(ARMS, SCORES))
SHARES = st.floats(0.01, 10)
WEIGHTS = st.builds(
    FusionWeights, bm25=SHARES, dense=SHARES, question=SHARES, rrf=st.floats(0, 1), rrf_k=st.integers(0, 100)
)


def test_ranks_begin_at_one_and_equals_share_the_better() -> None:
    assert ranks({"a": 0.5, "b": 0.9, "c": 0.5, "d": 0.1}) == {"b": 1, "a": 2, "c": 2, "d": 4}


def test_reciprocal_ranks_as_published() -> None:
    """Up to a constant: the sum of 1 / (60 + rank) over the arms."""
    arms: dict[Arm, dict[str, int]] = {"bm25": {"a": 1, "b": 2}, "dense": {"b": 1, "c": 2}, "question": {}}
    fused = reciprocal_ranks(arms, FusionWeights(1, 1, 1))
    published = {"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 62}
    scale = fused["a"] / published["a"]
    assert fused == {key: pytest.approx(value * scale) for key, value in published.items()}
    everywhere = reciprocal_ranks({arm: {"a": 1} for arm in ARMS}, FusionWeights())
    assert everywhere["a"] == pytest.approx(1.0)


def test_the_words_and_the_better_of_passage_and_question_add_up() -> None:
    weights = FusionWeights(bm25=1, dense=3, question=3)
    arms: dict[Arm, dict[str, float]] = {
        "bm25": {"a": 1.0, "c": 0.5},
        "dense": {"a": 0.5, "b": 0.2},
        "question": {"b": 1.0, "a": 0.4},
    }
    expected = {"a": 0.25 + 0.75 * 0.5, "b": 0.75 * 1.0, "c": 0.25 * 0.5}
    assert combine(arms, weights) == {key: pytest.approx(value) for key, value in expected.items()}


def test_an_arm_can_be_switched_off() -> None:
    arms: dict[Arm, dict[str, float]] = {"bm25": {"a": 0.8}, "dense": {"b": 0.9}, "question": {"c": 0.7}}
    only = {
        "bm25": combine(arms, FusionWeights(1, 0, 0)),
        "dense": combine(arms, FusionWeights(0, 1, 0)),
        "question": combine(arms, FusionWeights(0, 0, 1)),
    }
    assert only["bm25"] == {"a": pytest.approx(0.8), "b": 0.0, "c": 0.0}
    assert only["dense"] == {"a": 0.0, "b": pytest.approx(0.9), "c": 0.0}
    assert only["question"] == {"a": 0.0, "b": 0.0, "c": pytest.approx(0.7)}


def test_ceilings_bring_scores_into_range() -> None:
    weights = FusionWeights(bm25=1, dense=1, question=1)
    assert fuse({"bm25": {"a": 6.0}}, {"bm25": 12.0}, weights) == {"a": pytest.approx(0.25)}
    assert fuse({"bm25": {"a": 6.0}}, {"bm25": 0.0}, weights) == {"a": 0.0}


def test_what_an_arm_did_not_find_counts_as_its_floor() -> None:
    weights = FusionWeights(bm25=1, dense=1, question=0)
    arms: dict[Arm, dict[str, float]] = {"bm25": {"a": 6.0}, "dense": {"b": 0.5}}
    fused = fuse(arms, {"bm25": 12.0}, weights, {"dense": 0.3, "bm25": 3.0})
    assert fused == {"a": pytest.approx((0.5 + 0.3) / 2), "b": pytest.approx((0.25 + 0.5) / 2)}


@given(ARM_SCORES, WEIGHTS)
def test_scores_lie_between_zero_and_one(arms: dict[Arm, dict[str, float]], weights: FusionWeights) -> None:
    fused = fuse(arms, {}, weights)
    assert set(fused) == {key for scores in arms.values() for key in scores}
    assert all(0.0 <= score <= 1.0 for score in fused.values())


@given(ARM_SCORES, WEIGHTS, st.randoms())
def test_input_order_does_not_matter(arms: dict[Arm, dict[str, float]], weights: FusionWeights, random: Random) -> None:
    shuffled: dict[Arm, dict[str, float]] = {}
    for arm in random.sample(list(arms), len(arms)):
        shuffled[arm] = dict(random.sample(list(arms[arm].items()), len(arms[arm])))
    assert fuse(arms, {}, weights) == fuse(shuffled, {}, weights)


@given(ARM_SCORES, WEIGHTS, st.sampled_from(ARMS), KEYS, st.floats(0, 1))
def test_a_better_score_in_one_arm_never_costs(
    arms: dict[Arm, dict[str, float]], weights: FusionWeights, arm: Arm, key: str, better: float
) -> None:
    better = max(better, arms[arm].get(key, 0.0))
    improved = {**arms, arm: {**arms[arm], key: better}}
    before, after = fuse(arms, {}, weights), fuse(improved, {}, weights)
    assert after[key] >= before.get(key, 0.0)
    others = (other for other in before if other != key)
    assert all(after[other] <= before[other] for other in others), "another's rank can only suffer"
