from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.perturb import KINDS, answers_of, pairs
from eval.perturb_edits import HARMFUL, HARMLESS, Material
from eval.perturb_words import exchanges
from ingest.errors import UsageError
from tests.eval.conftest import FakeHome
from tests.eval.test_commands import run

CORPUS = Path(__file__).parents[2] / "corpus"
MATERIAL = Material(["Redis", "Kafka"], ["expire()", "max_age"], ["Elsewhere it rains."])
SENTENCES = {
    "number": "A pool holds 20 connections by default.",
    "unit": "The timeout is 30 seconds for every call.",
    "negation": "The default policy is safe for most caches.",
    "identifier": "Set `maxmemory_policy` before the first write.",
    "entity": "In production we keep sessions in Memcached, Kafka and files.",
    "comparison": "A B-tree is faster than a scan of the table.",
    "condition": "Evict the least recently used keys when the memory is full.",
    "addition": "A queue smooths bursts of work.",
    "synonyms": "A queue helps to keep bursts of work from the database.",
    "order": "The worker retries when the broker is gone for a while.",
    "tense": "The client sends the token with each request.",
    "spelling": "It doesn't need **three** replicas.",
}


@pytest.mark.parametrize("kind", [*HARMFUL, *HARMLESS])
def test_each_edit_changes_what_it_says_and_marks_it(kind: str) -> None:
    text = SENTENCES[kind]
    edit = {**HARMFUL, **HARMLESS}[kind](text, Random(1), MATERIAL)  # noqa: S311
    assert edit is not None
    assert edit.text != text
    assert 0 <= edit.start <= edit.end <= len(edit.text)
    # what stands before the changed stretch is as it was, but for clauses that changed places and several words
    assert kind in ("order", "condition", "synonyms") or edit.text[: edit.start].strip() == text[: edit.start].strip()


@given(st.text(max_size=300), st.integers(0, 99))
def test_any_text_can_be_offered(text: str, seed: int) -> None:
    for editor in (*HARMFUL.values(), *HARMLESS.values()):
        edit = editor(text, Random(seed), MATERIAL)  # noqa: S311
        assert edit is None or 0 <= edit.start <= edit.end <= len(edit.text)


def test_code_and_links_are_left_alone() -> None:
    text = "See `retry_after 30 seconds` and https://example.org/is/30 there."
    for kind in ("number", "negation", "unit", "comparison", "synonyms"):
        assert {**HARMFUL, **HARMLESS}[kind](text, Random(3), MATERIAL) is None  # noqa: S311


def test_the_corpus_gives_every_kind_and_the_same_pairs_each_time() -> None:
    answers = answers_of([CORPUS])
    made = list(pairs(answers, 90, seed=4))
    assert {pair["type"] for pair in made} >= set(KINDS) - {"prose"}
    assert made == list(pairs(answers, 90, seed=4))
    assert made != list(pairs(answers, 90, seed=5))
    for pair in made:
        changed = pair["answer"] != pair["sources"][0]
        assert changed
        assert pair["label"] == (pair["type"] not in (*HARMFUL, "swap"))
        assert bool(pair["spans"]) == (pair["label"] == 0)
        assert all(0 <= s["start"] <= s["end"] <= len(pair["answer"]) for s in pair["spans"])


def test_half_of_the_words_are_kept_from_training() -> None:
    both = exchanges("synonyms").others
    seen, unseen = (exchanges("synonyms", part).others for part in (0, 1))
    assert seen.keys() | unseen.keys() == both.keys()
    assert not seen.keys() & unseen.keys() - {w for w in both if w in seen and w in unseen}
    assert min(len(seen), len(unseen)) > len(both) / 3


def test_the_command_writes_a_set_that_can_be_measured(tmp_path: Path) -> None:
    out, home = tmp_path / "pairs.jsonl", FakeHome(None)
    run(home, "perturb", CORPUS / "qa", "--count", 9, "--output", out)
    assert home.shown[-1]["pairs"] == len(out.read_text(encoding="utf-8").splitlines()) > 12
    run(home, "grounding", "--pairs", out, "--output", tmp_path / "results")
    assert set(home.shown[-1]["facets"]["type"]) <= set(KINDS)


def test_documents_without_answers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Notes\n\nnothing asked\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no answers"):
        run(FakeHome(None), "perturb", tmp_path, "--output", tmp_path / "p.jsonl")
