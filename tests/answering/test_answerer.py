from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from answering.answerer import MAX_QUESTION, Answerer
from answering.answers import Answer, CheckReport, Mode
from answering.build import build_answerer
from answering.confidence import ConfidenceModel
from answering.ground.checker import Checker
from answering.logistic import Logistic, save
from ingest.errors import ModelError, UsageError
from ingest.items import Meta
from tests.answering.shelf import Shelf

DATABASES = """# Databases

## How do you shard a Postgres database?

Pick a key that spreads the load, and move rows in the background.

## How do you vacuum a Postgres table?

To be completed.
"""
SHEET = """# Cheat sheet

## Caching

- **Redis eviction policy:** `volatile-lru` for keys with a TTL, `allkeys-lru` if everything is cacheable.

## Limits

- **Request timeout:** the default request timeout of the gateway is 30 seconds.
"""
DOCUMENTS = {"qa/databases.md": DATABASES, "sheet.md": SHEET}
# says yes where at least half of the question's words stand in one chunk
COVERAGE = Logistic(("coverage_best",), (0.5,), (0.1,), (2.0,), 0.0, 0.5, "a test")


def answerer(shelf: Shelf, *, checker: Checker | None = None, today: date = date(2026, 1, 1)) -> Answerer:
    return Answerer(shelf, shelf, shelf.embedder, checker or Checker(), ConfidenceModel(COVERAGE), today=lambda: today)


def ask(question: str, documents: dict[str, str] | None = None, *, mode: Mode = "auto") -> Answer:
    return answerer(Shelf(documents or DOCUMENTS)).ask(question, mode=mode)


def test_a_held_question_is_answered_verbatim_and_cited_to_its_line() -> None:
    answer = ask("how do you shard a postgres database?")
    assert answer.kind == "model_answer"
    assert answer.answer == "Pick a key that spreads the load, and move rows in the background. [1]"
    (source,) = answer.sources
    assert (source.document, source.line_start, source.line_end) == ("qa/databases.md", 5, 5)
    assert [c.verdict for c in answer.claims] == ["supported"]
    assert not answer.low_confidence
    assert set(answer.timings_ms) == {"embed", "search", "answer", "check"}


def test_anything_else_is_answered_by_an_extract() -> None:
    answer = ask("which redis eviction policy for keys with a TTL")
    assert answer.kind == "extractive"
    assert answer.answer.startswith("**Redis eviction policy:** `volatile-lru`")
    assert answer.sources[0].heading[-1] == "Caching"
    assert answer.reasons == ()


def test_what_the_library_lacks_is_said_by_name() -> None:
    answer = ask("How do I configure Kafka consumer groups in Rust?")
    assert answer.kind == "abstained"
    assert "no document mentions “configure”, “Kafka”, “consumer” or “groups”" in answer.answer
    assert (answer.sources, answer.claims, answer.confidence) == ((), (), 0.0)
    assert answer.low_confidence
    assert answer.reasons == ("no_sources",)


def test_a_question_without_an_answer_is_an_abstention_that_says_so() -> None:
    answer = ask("how do you vacuum a postgres table")
    assert answer.kind == "abstained"
    assert "hold no answer: “How do you vacuum a Postgres table?” (qa/databases.md:7)" in answer.answer
    assert answer.reasons == ("no_sources",)
    assert answer.related[0].question == "How do you vacuum a Postgres table?"


def test_no_document_has_to_use_the_word_that_names_the_kind_of_value() -> None:
    guide = "# Guide\n\n## Evaluation criteria\n\n1. **Knowledge** (40%): depth\n2. **Communication** (15%): clarity\n"
    known = answerer(Shelf({"guide.md": guide})).evidence("what is the weight of communication in the evaluation")
    other = answerer(Shelf({"guide.md": guide})).evidence("how heavy is communication in the evaluation")
    assert known["unknown"] == 0.0 < other["unknown"]


def test_the_same_question_elsewhere_is_named_first_among_the_related() -> None:
    other = "## How do you shard a Postgres database?\n\nBy tenant, with a lookup table.\n"
    answer = ask("how do you shard a postgres database", {"qa/databases.md": DATABASES, "other.md": other})
    assert len(answer.sources) == 1
    assert answer.related[0].document == "other.md"


@pytest.mark.parametrize(
    ("mode", "kind", "reasons"),
    [
        ("auto", "abstained", ("weak_match",)),
        ("model_answer", "abstained", ("weak_match",)),
        ("extractive", "extractive", ("weak_match",)),
        ("llm", "abstained", ("llm_unavailable", "weak_match")),
    ],
)
def test_modes_on_a_weak_match(mode: Mode, kind: str, reasons: tuple[str, ...]) -> None:
    answer = ask("redis zookeeper quorum election protocol", mode=mode)
    assert (answer.kind, answer.reasons) == (kind, reasons)
    assert answer.low_confidence


def test_without_a_model_the_llm_mode_falls_back_to_an_extract() -> None:
    answer = ask("which redis eviction policy for keys with a TTL", mode="llm")
    assert (answer.kind, answer.reasons, answer.low_confidence) == ("extractive", ("llm_unavailable",), True)


def test_expired_and_not_yet_valid_documents_are_marked() -> None:
    for meta, stale in (
        (Meta(expires="2025-12-31"), True),
        (Meta(effective_date="2026-02-01"), True),
        (Meta(expires="2026-01-01", effective_date="2026-01-01"), False),
    ):
        shelf = Shelf({"sheet.md": SHEET}, {"sheet.md": meta})
        answer = answerer(shelf).ask("which redis eviction policy for keys with a TTL")
        assert ("stale_source" in answer.reasons) is stale
        assert answer.low_confidence is stale
        assert answer.sources[0].effective_date == meta.effective_date


def test_sources_that_disagree_are_shown() -> None:
    other = "# Other\n\n## Gateway\n\n- **Timeouts:** the default request timeout of the gateway is 60 seconds.\n"
    answer = ask("default request timeout of the gateway", {"sheet.md": SHEET, "other.md": other})
    assert {s.document for s in answer.sources} == {"sheet.md", "other.md"}
    assert answer.conflicts[0].sources == (1, 2)
    assert "conflicting_sources" in answer.reasons


def test_an_index_that_fails_is_admitted() -> None:
    shelf = Shelf(DOCUMENTS)
    shelf.degraded = True
    answer = answerer(shelf).ask("which redis eviction policy")
    assert (answer.kind, answer.reasons) == ("abstained", ("no_sources", "index_degraded"))


def test_without_a_working_checker_nothing_looks_certain() -> None:
    class Broken(Checker):
        def check_cited(self, *args: object, **named: object) -> tuple[()]:
            raise ModelError(f"no model for {len(args) + len(named)} things")

    shelf = Shelf(DOCUMENTS)
    sure = answerer(shelf).ask("which redis eviction policy for keys with a TTL")
    unsure = answerer(shelf, checker=Broken()).ask("which redis eviction policy for keys with a TTL")
    assert unsure.reasons == ("checker_unavailable",)
    assert unsure.low_confidence
    assert unsure.confidence < sure.confidence


def test_a_citation_that_does_not_hold_never_leaves() -> None:
    class Moved(Shelf):
        def text(self, version_key: int) -> str:
            return "Moved.\n" + super().text(version_key)

    answer = answerer(Moved(DOCUMENTS)).ask("which redis eviction policy for keys with a TTL")
    assert (answer.kind, answer.sources) == ("abstained", ())
    assert "invalid_citation" in answer.reasons


@pytest.mark.parametrize("question", ["", "  \n", "x" * (MAX_QUESTION + 1)])
def test_input_that_makes_no_sense_is_refused(question: str) -> None:
    with pytest.raises(UsageError, match="question"):
        ask(question)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="mode"):
        ask("why", mode="magic")  # type: ignore[arg-type]


def test_k_and_filters_reach_the_search() -> None:
    shelf = Shelf(DOCUMENTS)
    answerer(shelf).ask("redis", collection="team", filters={"level": "senior"}, k=3)
    assert shelf.asked[0] == ("redis", 3, "team", {"level": "senior"})


def test_the_answer_is_ready_for_json() -> None:
    body = ask("how do you shard a postgres database?").to_dict()
    assert body["sources"][0]["quote"] == "Pick a key that spreads the load, and move rows in the background."
    assert body["claims"][0]["verdict"] == "supported"


def test_the_room_builds_from_plain_arguments(tmp_path: Path) -> None:
    save(tmp_path / "confidence.json", COVERAGE)
    shelf = Shelf(DOCUMENTS)
    built = build_answerer(shelf, shelf, confidence=tmp_path / "confidence.json")
    answer = built.ask("how do you shard a postgres database?")
    assert answer.kind == "model_answer"
    assert isinstance(Checker().check("x", []), CheckReport)
