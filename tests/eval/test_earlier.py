"""Changes held against earlier results: --baseline RESULTS --max-regression."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from answering.answers import Answer
from ingest.errors import NotFoundError, UsageError
from tests.eval.conftest import FakeHome
from tests.eval.test_commands import records, run
from tests.eval.test_pages import cells_of, check_page, figures_of


@pytest.fixture
def earlier(home: FakeHome, queries: Path, tmp_path: Path) -> Path:
    """The results of an evaluation of the same library."""
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "main")
    return tmp_path / "main"


def spoil(tmp_path: Path, *lost: str) -> Path:
    """A run like the library's, in which the questions `lost` got nothing relevant."""
    lines = records(tmp_path / "main" / "runs" / "cuecard.jsonl")
    for line in lines:
        if line["id"] in lost:
            line["results"] = []
    path = tmp_path / "spoiled.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def silent(question: str, *, collection: str | None) -> Answer:  # noqa: ARG001 - as an answerer is asked
    """An answerer that never knows."""
    return Answer("id", question, "The library does not cover this.", "abstained")


def edit(path: Path, change: dict[str, Any]) -> None:
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, **change}))


def test_the_same_ranking_does_not_fall(home: FakeHome, queries: Path, tmp_path: Path, earlier: Path) -> None:
    given = ["--baseline", earlier, "--max-regression", "0", "--output", tmp_path / "o"]
    assert run(home, "retrieval", "--queries", queries, *given).exit_code == 0
    summary = home.shown[-1]
    assert list(summary["runs"]) == ["cuecard", "baseline:main"]
    assert summary["runs"]["baseline:main"]["overall"] == summary["runs"]["cuecard"]["overall"]
    (held,) = summary["regressions"]
    assert (held["change"], held["p"], held["questions"], held["fell"]) == (0.0, 1.0, 4, False)
    assert summary["notes"] == []


def test_a_fall_exits_with_3_and_says_by_how_much_and_how_sure(
    home: FakeHome, queries: Path, tmp_path: Path, earlier: Path
) -> None:
    worse = spoil(tmp_path, "s1", "s2")
    given = ["--run", worse, "--baseline", earlier, "--measure", "success@1", "--output", tmp_path / "o"]
    assert run(home, "retrieval", "--queries", queries, *given, "--max-regression", "0.5").exit_code == 0
    result = run(home, "retrieval", "--queries", queries, *given, "--max-regression", "0.1")
    assert result.exit_code == 3
    assert "Success@1 fell by 0.5000 against baseline:main (1.0000 to 0.5000 over 4 questions, p = 0." in result.stderr
    assert "allowed 0.1" in result.stderr
    (held,) = home.shown[-1]["regressions"]
    assert (held["then"], held["now"], held["fell"]) == (1.0, 0.5, True)
    assert held["p"] == pytest.approx(0.5, abs=0.02)  # two questions of four changed: 2 of 4 ways to swap them
    assert "fell by 0.5000" in (tmp_path / "o" / "report.md").read_text()


def test_a_run_file_and_a_system_can_be_the_baseline(
    home: FakeHome, queries: Path, tmp_path: Path, earlier: Path
) -> None:
    for suffix in (".jsonl", ".trec"):
        stored = earlier / "runs" / f"cuecard{suffix}"
        given = ["--baseline", stored, "--baseline", "dense", "--max-regression", "0.01", "--output", tmp_path / "o"]
        assert run(home, "retrieval", "--queries", queries, *given).exit_code == 0
        summary = home.shown[-1]
        assert [held["baseline"] for held in summary["regressions"]] == ["baseline:dense", "baseline:cuecard"]
        assert summary["regressions"][1]["change"] == 0.0
        assert summary["notes"] == ["Whether baseline:cuecard was measured on this corpus is not known."]


def test_results_without_texts_are_enough(home: FakeHome, queries: Path, tmp_path: Path, earlier: Path) -> None:
    (earlier / "runs" / "cuecard.jsonl").unlink()
    given = ["--baseline", earlier, "--max-regression", "0", "--output", tmp_path / "o"]
    assert run(home, "retrieval", "--queries", queries, *given).exit_code == 0
    assert home.shown[-1]["runs"]["baseline:main"]["overall"]["Success@1"] == 1.0


def test_another_corpus_is_told_and_its_figures_are_those_measured_then(
    home: FakeHome, queries: Path, tmp_path: Path, earlier: Path
) -> None:
    edit(earlier / "summary.json", {"corpus": {"fingerprint": "sha256:" + "0" * 64}})
    lines = records(earlier / "runs" / "cuecard.jsonl")
    moved = [{**line, "results": [{**r, "start": 0, "end": 1} for r in line["results"]]} for line in lines]
    (earlier / "runs" / "cuecard.jsonl").write_text("\n".join(map(json.dumps, moved)))
    given = ["--queries", queries, "--baseline", earlier, "--output", tmp_path / "o"]
    assert run(home, "retrieval", *given, "--max-regression", "0").exit_code == 0
    summary = home.shown[-1]
    assert summary["notes"][0].startswith("The corpus changed since baseline:main (sha256:000000000000 then, sha256:")
    assert summary["runs"]["baseline:main"]["overall"] == summary["runs"]["cuecard"]["overall"]
    assert summary["runs"]["baseline:main"]["types"] == summary["runs"]["cuecard"]["types"]
    with pytest.raises(UsageError, match=r"'nDCG@3' was not measured there"):
        run(home, "retrieval", *given, "--measure", "ndcg@3")


def test_only_questions_of_both_are_compared(home: FakeHome, queries: Path, tmp_path: Path, earlier: Path) -> None:
    lines = [json.loads(line) for line in queries.read_text().splitlines()]
    kept = [line for line in lines if line["id"] != "s1"]
    new = {**lines[1], "id": "new", "query": "what of zebras?"}
    queries.write_text("\n".join(map(json.dumps, [*kept, new])))
    given = ["--baseline", earlier, "--max-regression", "0", "--measure", "success@1", "--output", tmp_path / "o"]
    assert run(home, "retrieval", "--queries", queries, *given).exit_code == 0
    summary = home.shown[-1]
    assert summary["notes"] == [
        "New since baseline:main and not compared with it: 1.",
        "Of baseline:main, not asked any more: 1.",
    ]
    assert summary["regressions"][0]["questions"] == 3
    assert summary["comparisons"][0]["questions"] == 3


def test_what_is_no_baseline_is_refused(home: FakeHome, queries: Path, tmp_path: Path, earlier: Path) -> None:
    (tmp_path / "empty").mkdir()
    given = ["--queries", queries, "--output", tmp_path / "o", "--baseline"]
    with pytest.raises(NotFoundError, match="no summary"):
        run(home, "retrieval", *given, tmp_path / "empty")
    with pytest.raises(UsageError, match="one name"):
        run(home, "retrieval", *given, earlier, "--baseline", earlier)
    (tmp_path / "other.jsonl").write_text('{"id": "zz", "results": []}')
    with pytest.raises(UsageError, match="none of these questions"):
        run(home, "retrieval", *given, tmp_path / "other.jsonl")
    for wrong in ("{}", "[]", '{"runs": {}}', "{"):
        (earlier / "summary.json").write_text(wrong)
        with pytest.raises(UsageError, match="is no results folder"):
            run(home, "retrieval", *given, earlier)


def test_answers_are_held_against_earlier_ones(
    home: FakeHome, queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.parts is not None
    run(home, "answers", "--queries", queries, "--output", tmp_path / "main")
    given = ["answers", "--queries", queries, "--baseline", tmp_path / "main", "--output", tmp_path / "o"]
    assert run(home, *given, "--max-regression", "0").exit_code == 0
    (held,) = home.shown[-1]["regressions"]
    assert (held["measure"], held["questions"], held["change"], held["then"]) == ("citation_recall", 4, 0.0, 1.0)
    monkeypatch.setattr(home.parts.answerer, "ask", silent)
    result = run(home, *given, "--max-regression", "0.2")
    assert result.exit_code == 3
    assert "citation_recall fell by 1.0000 against baseline:main (1.0000 to 0.0000" in result.stderr
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert len(check_page(page).find_all("svg")) == 5
    assert figures_of(page) == cells_of((tmp_path / "o" / "report.md").read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="Name a --baseline"):
        run(home, "answers", "--queries", queries, "--max-regression", "0.1")


def test_what_can_not_be_compared_falls_short(home: FakeHome, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "u", "query": "which colour suits a garden fence"}')
    given = ["--queries", path, "--baseline", "bm25", "--max-regression", "0.5", "--output", tmp_path / "o"]
    result = run(home, "retrieval", *given)
    assert result.exit_code == 3
    assert "nothing can be compared with baseline:bm25" in result.stderr
    assert home.shown[-1]["runs"]["cuecard"]["overall"] == {}
    check_page((tmp_path / "o" / "report.html").read_text(encoding="utf-8"))
