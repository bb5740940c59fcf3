"""What the verifier is trained on, and that training, export and loading hang together; on a tiny encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from answering.ground.fit import held_out
from answering.ground.verifier import OnnxVerifier, read_card
from eval.perturb import Given, answers_of
from eval.verifier_data import balanced, edited, known, labelled
from ingest.errors import ModelError
from tests.eval.conftest import FakeHome
from tests.eval.encoders import write_encoder
from tests.eval.test_commands import run

CORPUS = Path(__file__).parents[2] / "corpus"
SOURCE = "The pool holds 20 connections. It closes idle ones after 30 seconds. Waiting callers get an error."
ROWS = [
    {"id": "r", "set": "ragtruth_x", "group": "a", "label": 0, "answer": "It holds 20 connections. It rains.",
     "sources": [SOURCE], "spans": [{"start": 25, "end": 34}]},
    {"id": "s1", "set": "summedits_x", "group": "b", "label": 1, "answer": "It has 20 connections. Idle ones close.",
     "sources": [SOURCE]},
    {"id": "s2", "set": "summedits_x", "group": "b", "label": 0, "answer": "It has 20 connections. Idle ones stay.",
     "sources": [SOURCE]},
    {"id": "s3", "set": "summedits_x", "group": "b", "label": 0, "answer": "It has 9 connections. Idle ones stay.",
     "sources": [SOURCE]},
    {"id": "b", "set": "begin_x", "group": "c", "label": 0, "answer": "The pool is blue. I like that a lot.",
     "sources": [SOURCE]},
]  # fmt: skip


def write_rows(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_claims_get_the_labels_that_can_be_known(tmp_path: Path) -> None:
    found = [(c.answer, c.claim, c.supported) for c in labelled(write_rows(tmp_path / "set.jsonl"))]
    assert found == [
        ("r", "It holds 20 connections.", True),
        ("r", "It rains.", False),
        ("s1", "It has 20 connections.", True),
        ("s1", "Idle ones close.", True),
        ("s2", "It has 20 connections.", True),
        ("s2", "Idle ones stay.", False),
        ("s3", "It has 9 connections.", None),
        ("s3", "Idle ones stay.", None),
        ("b", "The pool is blue. I like that a lot.", False),
    ]


def test_edited_sentences_are_half_and_half_and_stand_beside_their_source() -> None:
    answers = answers_of([CORPUS / "qa"])
    made = list(edited(answers, 60, 1, "interview"))
    assert [c.supported for c in made] == [True, False] * 30
    assert made == list(edited(answers, 60, 1, "interview"))
    texts = {given.group: "" for given in answers}
    for given in answers:
        texts[given.group] += given.text
    assert all(c.evidence for c in made)
    assert sum(c.claim in c.evidence for c in made if not c.supported) == 0


def test_both_labels_of_a_set_weigh_the_same() -> None:
    made = list(edited([Given("g", "", SOURCE * 3)], 10, 1, "x"))
    uneven = [made[0], *(c for c in made if not c.supported)]
    weights = balanced(uneven, {"x": 2.0}, most=100)
    assert sum(w for w, c in zip(weights, uneven, strict=True) if c.supported) == pytest.approx(
        sum(w for w, c in zip(weights, uneven, strict=True) if not c.supported)
    )


def test_what_is_held_out_is_never_trained_on(tmp_path: Path) -> None:
    groups = [f"g{n}" for n in range(60)]
    rows = [{**ROWS[0], "id": group, "group": group, "sources": [SOURCE * 4]} for group in groups]
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    taken, counts = known([path], [CORPUS / "qa"], 4, 4)
    assert {c.group for c in taken} & {g for g in groups if held_out(g)} == set()
    assert {g for g in groups if not held_out(g)} <= {c.group for c in taken}
    assert counts["interview_edited"] == counts["general_edited"] == 4
    assert 0 < sum(map(held_out, groups)) < 30


def test_one_command_trains_and_what_it_writes_loads(tmp_path: Path) -> None:
    encoder = write_encoder(tmp_path / "encoder")
    home, folder = FakeHome(None), tmp_path / "verifier"
    documents = ["--documents", CORPUS / "qa", "--edited", 40, "--general", 0, "--encoder", encoder]
    run(home, "fit-verifier", "--grounding", write_rows(tmp_path / "set.jsonl"), *documents, "--output", folder)
    card = read_card(folder)
    assert card["parity"]["mean_difference"] <= 0.05
    assert card["examples"]["interview_edited"] == 40
    verifier = OnnxVerifier(folder)
    pairs = [("a pool holds 20", SOURCE), ("x" * 900, "y " * 900), ("", "")]
    together = verifier.probabilities(pairs)
    assert all(0 <= p <= 1 for p in together)
    # what stands beside a claim in a batch changes nothing but the scale of its bytes
    assert together == pytest.approx([verifier.probabilities([pair])[0] for pair in pairs], abs=0.05)
    assert verifier.probabilities([]) == []


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be loaded"):
        OnnxVerifier(tmp_path).probabilities([("a", "b")])
