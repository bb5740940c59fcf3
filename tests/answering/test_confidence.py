from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import confidence
from answering.confidence import ConfidenceModel
from answering.ground import checker
from answering.ground.features import FEATURES
from answering.logistic import Logistic, load, save
from ingest.errors import ModelError

MODEL = Logistic(("a", "b"), (1.0, 0.0), (2.0, 1.0), (3.0, -1.0), 0.5, 0.4, "a test")


def test_the_probability_is_the_logistic_of_the_weighted_sum() -> None:
    assert MODEL.probability({"a": 3.0, "b": 2.0}) == pytest.approx(1 / (1 + 2.718281828 ** -(0.5 + 3.0 - 2.0)))


def test_a_missing_feature_counts_as_its_mean() -> None:
    assert MODEL.probability({}) == MODEL.probability({"a": 1.0, "b": 0.0})


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_probabilities_stay_in_their_range(a: float, b: float) -> None:
    assert 0.0 <= MODEL.probability({"a": a, "b": b}) <= 1.0


def test_a_saved_model_reads_the_same(tmp_path: Path) -> None:
    save(tmp_path / "m.json", MODEL)
    assert load(tmp_path / "m.json") == MODEL


@pytest.mark.parametrize(
    "change",
    [{"weights": [1.0]}, {"scale": [0.0, 1.0]}, {"threshold": 2}, {"bias": "x"}, {"mean": [1, float("nan")]}],
)
def test_a_damaged_model_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "m.json"
    save(path, MODEL)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=r"m\.json"):
        load(path)
    with pytest.raises(ModelError, match="can't be used"):
        load(tmp_path / "missing.json")


def test_the_models_that_ship_are_usable() -> None:
    assert load(checker.WEIGHTS).features == tuple(FEATURES)
    shipped = load(confidence.MODEL)
    assert 0 < shipped.threshold < 1
    assert shipped.fitted_by


def test_no_evidence_is_no_confidence() -> None:
    model = ConfidenceModel(MODEL)
    assert model.answerable({}) == 0.0
    assert model.of_answer(0.8, 0.5) == pytest.approx(0.4)


def test_answering_imports_no_training_library() -> None:
    slow = ("sklearn", "scipy", "torch", "transformers", "llama_index", "fastapi", "pydantic", "sentence_transformers")
    code = f"import sys, answering.build; print([m for m in {slow} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
