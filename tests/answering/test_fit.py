from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from answering.ground import fit
from answering.ground.features import FEATURES
from answering.logistic import load

pytest.importorskip("scipy")

SUBJECTS = ("cache", "queue", "index", "pool", "worker", "broker", "ledger", "shard")
VERBS = ("holds", "drops", "keeps", "sends", "locks", "reads")
THINGS = ("rows", "events", "keys", "pages", "tokens", "frames")


def write_set(path: Path, count: int = 120) -> None:
    """Answers that repeat a sentence of their source, or say something else; half of the wrong ones have spans."""
    dice = random.Random(3)  # noqa: S311 (data, not secrets)

    def fact() -> str:
        return f"The {dice.choice(SUBJECTS)} {dice.choice(VERBS)} {dice.randint(2, 99)} {dice.choice(THINGS)}."

    with path.open("w", encoding="utf-8") as out:
        for n in range(count):
            said = [fact() for _ in range(3)]
            wrong = "Bananas ripen in warm weather near harbours."
            answer = said[0] if n % 2 else f"{said[1]} {wrong}"
            start = answer.find(wrong)
            spans = [{"start": start, "end": len(answer)}] if start >= 0 and n % 4 == 0 else []
            row = {"id": str(n), "set": f"toy_{n % 3}", "group": str(n // 4), "answer": answer, "label": n % 2}
            out.write(json.dumps({**row, "sources": [" ".join(said)], "spans": spans}) + "\n")


def test_fitting_is_one_command_and_gives_the_same_weights_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path / "train.jsonl")
    for name in ("one.json", "two.json"):
        fit.main([str(tmp_path / "train.jsonl"), "--alone", "--output", str(tmp_path / name)])
    one = load(tmp_path / "one.json")
    assert one == load(tmp_path / "two.json")
    assert one.fitted_by == f"{fit.COMMAND} --alone"
    assert json.loads(capsys.readouterr().out.splitlines()[0])["threshold"] == one.threshold


def test_fitted_weights_tell_the_sets_apart_and_keep_their_signs(tmp_path: Path) -> None:
    write_set(tmp_path / "train.jsonl")
    examples = fit.read(tmp_path / "train.jsonl")
    model = fit.fit_with_threshold(examples)
    scores = fit.answer_scores(model, examples)
    assert fit.balanced_accuracy(scores, examples, model.threshold) == 1.0
    for name, weight in zip(model.features, model.weights, strict=True):
        assert weight * FEATURES[name] >= 0


class Knowing:
    """Says of every claim whether its evidence holds it word for word."""

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [0.9 if claim in evidence else 0.1 for claim, evidence in pairs]


def test_with_a_verifier_only_what_it_was_not_trained_on_is_weighed(tmp_path: Path) -> None:
    write_set(tmp_path / "train.jsonl", 400)
    examples = fit.read(tmp_path / "train.jsonl", Knowing())
    assert 20 < len(examples) < 200
    assert all(fit.held_out(example.group) for example in examples)
    model = fit.fit(examples)
    assert model.features == tuple(FEATURES)
    assert model.weights[model.features.index("verifier")] > 0
