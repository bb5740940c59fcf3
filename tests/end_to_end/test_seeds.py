"""From a folder of real documents to grounded answers, where the seed documents are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import ROOT, Run

SEEDS = ROOT.parent / "shared" / "corpora" / "seeds"
pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents (../shared/corpora/seeds) are not here")
CHEAT_SHEET = "production_backend_cheat_sheet.md"


@pytest.fixture(scope="module")
def home(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the seeds."""
    folder = tmp_path_factory.mktemp("seeds") / "home"
    done = run("ingest", SEEDS, "--home", folder, "--json")
    assert done.code == 0
    report = done.json
    assert report["documents"]["quarantined"] == 0
    assert report["quarantine"] == []
    assert report["items"]["qa"] == 14 + 21 + 8 + 5
    return folder


def ask(run: Run, home: Path, question: str) -> dict[str, Any]:
    answer: dict[str, Any] = run("ask", question, "--home", home, "--json").json
    for source in answer["sources"]:
        text = run("docs", "show", source["document"], "--text", "--home", home).out
        assert text[source["start"] : source["end"]] == source["quote"]
    assert answer["low_confidence"] == bool(answer["reasons"]) or answer["confidence"] < 0.5
    return answer


def test_a_question_in_other_words_gets_its_model_answer(run: Run, home: Path) -> None:
    answer = ask(run, home, "How do you deal with Lambda cold starts?")
    assert answer["kind"] == "model_answer"
    source = answer["sources"][0]
    assert (source["document"], source["line_start"], source["line_end"]) == (
        "senior_python_technical_interview.md",
        90,
        90,
    )
    assert "provisioned concurrency" in answer["answer"]
    assert not answer["low_confidence"]


@pytest.mark.parametrize(
    ("question", "line", "words"),
    [
        ("which redis eviction policy and why", 92, "allkeys-lru"),
        ("how is confidence in a legal answer protected against hallucination", 110, "grounding checker"),
    ],
)
def test_a_cheat_sheet_answers_with_its_bullet(run: Run, home: Path, question: str, line: int, words: str) -> None:
    answer = ask(run, home, question)
    first = answer["sources"][0]
    assert (first["document"], first["line_start"]) == (CHEAT_SHEET, line)
    assert words in answer["answer"]
    assert not answer["low_confidence"]
    assert {claim["verdict"] for claim in answer["claims"]} <= {"supported", "not_a_claim"}


def test_a_value_is_answered_by_the_line_that_holds_it(run: Run, home: Path) -> None:
    answer = ask(run, home, "what is the weight of communication in the evaluation")
    assert "Communication" in answer["answer"]
    assert "15%" in answer["answer"].replace(" ", "")
    assert answer["sources"][0]["document"] == "sophia_fastapi_interviewer_guide.md"


def test_what_the_seeds_do_not_hold_is_not_answered(run: Run, home: Path) -> None:
    answer = ask(run, home, "How do I configure Kafka consumer groups in Rust?")
    assert answer["kind"] == "abstained"
    assert answer["low_confidence"]
    assert answer["reasons"]
    assert answer["sources"] == []
