"""`cuecard eval ...` against a real home, through its commands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from answering.answers import Answer
from answering.logistic import load
from eval.cli import command
from eval.formats import read_beir, read_trec_qrels, read_trec_run
from eval.runs import read_run
from ingest.errors import CuecardError, IndexUnavailableError, UsageError
from ingest.items import Chunk
from retrieval.hits import SearchResult
from tests.eval.conftest import QUERIES, FakeHome, FakeParts

RESULTS = {"config.json", "environment.json", "summary.json", "per_query.jsonl", "report.md", "report.html", "runs"}


def run(home: FakeHome, *arguments: object) -> Result:
    """Run a command as the command line does; errors of cuecard come out as they are."""
    result = CliRunner().invoke(command, [str(a) for a in arguments], obj=home)
    if isinstance(result.exception, CuecardError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_retrieval_is_measured_beside_baselines_and_single_arms(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    beside = ["--baseline", "bm25", "--baseline", "dense", "--baseline", "rrf", "--arms", "question", "-k", "3"]
    assert run(home, "retrieval", "--queries", queries, "--output", out, *beside).exit_code == 0
    (summary,) = home.shown
    assert list(summary["runs"]) == ["cuecard", "arms:question", "baseline:bm25", "baseline:dense", "baseline:rrf"]
    counts = summary["runs"]["cuecard"]["counts"]
    assert (counts["questions"], counts["judged"], counts["unanswerable"], counts["quotes_not_found"]) == (6, 4, 2, 0)
    assert summary["runs"]["cuecard"]["overall"]["nDCG@10"] > 0.9
    assert summary["runs"]["cuecard"]["types"]["keyword"]["n"] == 2
    assert summary["corpus"]["documents"] == 2
    assert len(summary["comparisons"]) == 4
    assert {path.name for path in out.iterdir()} == RESULTS
    assert json.loads((out / "summary.json").read_text()) == summary
    assert json.loads((out / "config.json").read_text())["k"] == 3
    assert json.loads((out / "environment.json").read_text())["packages"]["numpy"]
    assert [r["id"] for r in records(out / "per_query.jsonl")] == ["s1", "s2", "s3", "s4", "u1", "u2"]
    assert "| cuecard" in home.texts[0]
    assert "# Retrieval evaluation" in (out / "report.md").read_text()
    assert all(len(r.results) <= 3 for r in read_run(out / "runs" / "cuecard.jsonl").values())


def test_the_runs_in_the_results_score_the_same_again(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "a")
    stored = tmp_path / "a" / "runs" / "cuecard.jsonl"
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "b", "--run", stored)
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "c", "--run", stored.with_suffix(".trec"))
    overall = [shown["runs"]["cuecard"]["overall"] for shown in home.shown]
    assert overall[0] == overall[1] == overall[2]
    assert set(read_trec_run(stored.with_suffix(".trec"))) == {"s1", "s2", "s3", "s4", "u1", "u2"}


def test_a_run_is_scored_without_a_home_by_the_judges_spans_or_a_folder(queries: Path, tmp_path: Path) -> None:
    line = {"id": "s1", "results": [{"file": "qa/caching.md", "start": 30, "end": 400, "score": 1.0}]}
    (tmp_path / "r.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "corpus" / "qa").mkdir(parents=True)
    filler = "x" * 200
    (tmp_path / "corpus" / "qa" / "caching.md").write_text(
        f"{filler} A short lock per key lets one request do the work"
    )
    nobody = FakeHome(None)
    arguments = ["retrieval", "--queries", queries, "--run", tmp_path / "r.jsonl", "--output", tmp_path / "o"]
    run(nobody, *arguments, "--corpus", tmp_path / "corpus")
    run(nobody, *arguments)
    assert [shown["runs"]["r"]["overall"]["Success@1"] for shown in nobody.shown] == [0.25, 0.0]
    assert nobody.shown[1]["runs"]["r"]["counts"]["quotes_not_found"] == 4


def test_the_dense_baseline_ranks_by_cosine_alone(
    home: FakeHome, parts: FakeParts, queries: Path, tmp_path: Path
) -> None:
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", "--baseline", "dense")
    for case, returned in read_run(tmp_path / "o" / "runs" / "baseline_dense.jsonl").items():
        query = next(q for name, q, *_ in QUERIES if name == case)
        vector = parts.retrieval.embedder.embed_queries([query])[0]
        texts = [f"{chunk.context}\n{chunk.text}" for chunk in chunks_of(parts)]
        cosines = sorted((float(v @ vector) for v in parts.retrieval.embedder.embed_passages(texts)), reverse=True)
        assert [r.score for r in returned.results] == pytest.approx(cosines, abs=2**-11)


def chunks_of(parts: FakeParts) -> list[Chunk]:
    return [chunk for info in parts.catalog.documents() for chunk in parts.catalog.load(info.version_key).chunks]


def test_a_switched_off_arm_is_found_and_identical_runs_are_not_called_different(
    home: FakeHome, queries: Path, tmp_path: Path
) -> None:
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", "--arms", "bm25,dense,question")
    (compared,) = home.shown[0]["comparisons"]
    assert (compared["p"], compared["wins"], compared["losses"]) == (1.0, 0, 0)


def test_each_step_of_a_search_can_be_left_out(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    steps = ["bm25", "dense", "question", "coverage", "unanswered", "rerank"]
    options = [word for step in steps for word in ("--without", step)]
    assert run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", *options).exit_code == 0
    assert list(home.shown[0]["runs"]) == ["cuecard", *(f"without:{step}" for step in steps)]
    scores = {
        step: {case: [result.score for result in got.results] for case, got in read_run(path).items()}
        for step in ["cuecard", *steps]
        for path in [tmp_path / "o" / "runs" / f"{step if step == 'cuecard' else f'without_{step}'}.jsonl"]
    }
    same = [step for step in steps if scores[step] == scores["cuecard"]]
    assert set(same) <= {"unanswered", "rerank"}, "this library has no open question, and no reranker"


def test_falling_short_exits_with_3_and_says_by_how_much(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    arguments = ["retrieval", "--queries", queries, "--output", tmp_path / "o", "--fail-under", "ndcg@10=0.5"]
    assert run(home, *arguments).exit_code == 0
    result = run(home, *arguments, "--fail-under", "auroc=1.01", "--fail-under", "ndcg@10:keyword=0.1")
    assert result.exit_code == 3
    assert "auroc is 1.0000, wanted 1.01" in result.stderr
    assert "auroc" in home.texts[-1]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (["--fail-under", "ndcg@10"], "names no bound"),
        (["--fail-under", "speed=3"], "not measured here"),
        (["--fail-under", "ndcg@10:poetic=0.5"], "no questions of type"),
        (["--fail-under", "beauty@10=0.5"], "not a measure"),
        (["--measure", "beauty@10"], "not a measure"),
        (["--arms", "bm25,sparse"], "'sparse' is no arm|sparse is no arm"),
        (["--arms", ","], "nothing is no arm"),
        (["--run", "absent.jsonl"], "can't be read"),
        (["--baseline", "tfidf"], "neither a system nor there as results"),
        (["--max-regression", "0.01"], "Name a --baseline"),
        (["--system", "retriever"], "names no factory"),
        (["--system", "no.such.module:make"], "No module named"),
        (["--system", "json:nothing"], "has no attribute"),
        (["--system", "eval.metrics:MEASURES"], "is a tuple, not a function"),
        (["--system", "builtins:dict"], "doesn't say what it wants"),
        (["--system", "json:loads"], "nobody can give it 's'"),
        (["--system", "tests.eval.factories:from_folder"], "reads a folder"),
        (["--system", "tests.eval.factories:broken"], "fails with ZeroDivisionError"),
        (["--system", "tests.eval.factories:no_retriever"], "made a dict, which is no llama-index"),
        (["--system", "tests.eval.factories:nameless"], "doesn't say which file"),
        (["--url", "localhost:8000"], "is no address"),
        (["--key-env", "HOME"], "goes with --url"),
    ],
)
def test_wrong_usage_is_refused_with_a_reason(
    home: FakeHome, queries: Path, tmp_path: Path, bad: list[str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", *bad)


def test_questions_about_another_library_are_refused(home: FakeHome, tmp_path: Path) -> None:
    relevant = [{"file": "elsewhere.md", "quote": "q", "grade": 1}]
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": "1", "query": "a", "relevant": relevant}))
    for name in ("retrieval", "answers"):
        with pytest.raises(UsageError, match="none of the 1 documents"):
            run(home, name, "--queries", tmp_path / "q.jsonl", "--output", tmp_path / "o")


def test_a_run_for_other_questions_is_refused(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"id": "zz", "results": []}')
    with pytest.raises(UsageError, match="'zz'"):
        run(home, "retrieval", "--queries", queries, "--run", tmp_path / "r.jsonl", "--output", tmp_path / "o")


def test_qrels_over_whole_documents_replace_the_judgments(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("s1 0 qa/caching.md 1\ns3 0 qa/caching.md 1\n")
    given = ["--queries", queries, "--qrels", tmp_path / "qrels", "--output", tmp_path / "o"]
    run(home, "retrieval", *given, "--measure", "success@1")
    assert home.shown[0]["runs"]["cuecard"]["overall"] == {"Success@1": 0.5}
    (tmp_path / "qrels").write_text("zz 0 qa/caching.md 1\n")
    with pytest.raises(UsageError, match="'zz'"):
        run(home, "retrieval", *given)


def test_a_question_that_fails_scores_0_and_is_counted(
    parts: FakeParts, queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = parts.retriever.search

    def failing(query: str, **options: Any) -> Any:
        if "twice" in query:
            raise RuntimeError("out of order")
        return search(query, **options)

    monkeypatch.setattr(parts.retriever, "search", failing)
    home = FakeHome(parts)
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o")
    result = home.shown[0]["runs"]["cuecard"]
    assert result["counts"]["failed"] == 1
    assert result["overall"]["Success@1"] == 0.75
    failed = next(r for r in records(tmp_path / "o" / "per_query.jsonl") if r["id"] == "s3")
    assert "out of order" in failed["runs"]["cuecard"]["error"]


@pytest.mark.parametrize("name", ["retrieval", "answers", "fit-confidence"])
def test_a_library_that_can_not_be_searched_is_not_measured(
    parts: FakeParts, queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def degraded(query: str, **_: Any) -> SearchResult:
        return SearchResult(query, (), degraded=True)

    monkeypatch.setattr(parts.retriever, "search", degraded)
    with pytest.raises(IndexUnavailableError, match="cuecard ingest"):
        run(FakeHome(parts), name, "--queries", queries, "--output", tmp_path / "o")


def test_answers_are_measured(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    given = ["answers", "--queries", queries, "--output", out]
    assert run(home, *given, "--fail-under", "citation_validity=1").exit_code == 0
    overall = home.shown[0]["overall"]
    assert (overall["answered_share"], overall["false_answer_rate"], overall["accuracy"]) == (1.0, 0.0, 1.0)
    assert (overall["citation_validity"], overall["citation_precision"], overall["citation_recall"]) == (1.0, 1.0, 1.0)
    assert overall["dangling_markers"] == 0
    assert overall["auroc"] == 1.0
    assert overall["kinds"] == {"abstained": pytest.approx(1 / 3), "extractive": pytest.approx(2 / 3)}
    assert {path.name for path in out.iterdir()} >= {"summary.json", "per_query.jsonl", "report.md"}
    assert "Answered, though nothing answers it: 0" in (out / "report.md").read_text()
    assert run(home, *given, "--fail-under", "p95=0").exit_code == 3


def test_answers_that_fail_or_cite_wrongly_are_counted(
    parts: FakeParts, queries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = parts.answerer.ask

    def spoiled(question: str, *, collection: str | None) -> Answer:
        if "twice" in question:
            raise RuntimeError("out of order")
        answer = ask(question, collection=collection)
        if "stampede" in question:
            source = replace(answer.sources[0], quote="made up")
            return replace(
                answer, sources=(source,), answer="made up [1] and more [7], unlike `a[3]` and\n```\nb[4]\n```"
            )
        return answer

    monkeypatch.setattr(parts.answerer, "ask", spoiled)
    home = FakeHome(parts)
    run(home, "answers", "--queries", queries, "--output", tmp_path / "o")
    overall = home.shown[0]["overall"]
    assert overall["failed"] == 1
    assert overall["citation_validity"] == pytest.approx(2 / 3)
    assert overall["dangling_markers"] == 1
    assert overall["citation_recall"] == 0.75


def test_the_confidence_model_is_fitted_and_can_be_loaded(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    more = [json.loads(line) for line in queries.read_text().splitlines()]
    copies = [{**record, "id": f"{record['id']}-{i}"} for record in more for i in range(5)]
    (tmp_path / "many.jsonl").write_text("\n".join(map(json.dumps, copies)))
    features = ["--feature", "coverage_first", "--feature", "dense_top"]
    run(home, "fit-confidence", "--queries", tmp_path / "many.jsonl", "--output", tmp_path / "model.json", *features)
    model = load(tmp_path / "model.json")
    assert model.features == ("coverage_first", "dense_top")
    assert model.probability({"coverage_first": 1.0, "dense_top": 0.9}) > model.threshold
    assert model.probability({"coverage_first": 0.0, "dense_top": 0.0}) < model.threshold
    assert "auroc_cross_validated" in model.fitted_by
    assert home.shown[0]["auroc_cross_validated"] == 1.0
    assert home.shown[0]["false_answer_rate_cross_validated"] == 0.0


def test_evidence_of_several_libraries_makes_one_model(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    run(home, "fit-confidence", "--queries", queries, "--keep", kept)
    assert home.shown[0] == {"kept": str(kept), "questions": len(queries.read_text().splitlines())}
    twice = ["--evidence", kept, "--evidence", kept, "--feature", "coverage_first"]
    run(home, "fit-confidence", *twice, "--output", tmp_path / "model.json")
    assert home.shown[1]["answerable"] + home.shown[1]["unanswerable"] == 2 * home.shown[0]["questions"]
    assert load(tmp_path / "model.json").features == ("coverage_first",)
    kept.write_text('{"answerable": true}')
    with pytest.raises(UsageError, match=r"kept\.jsonl:1"):
        run(home, "fit-confidence", "--evidence", kept, "--output", tmp_path / "model.json")
    with pytest.raises(UsageError, match="nothing to write"):
        run(home, "fit-confidence", "--queries", queries)


def test_a_confidence_model_needs_both_classes_and_known_features(
    home: FakeHome, queries: Path, tmp_path: Path
) -> None:
    arguments = ["fit-confidence", "--output", tmp_path / "m.json", "--queries"]
    with pytest.raises(UsageError, match="'charm'"):
        run(home, *arguments, queries, "--feature", "charm")
    (tmp_path / "one.jsonl").write_text('{"id": "1", "query": "a", "answerable": true}')
    with pytest.raises(UsageError, match="answerable and unanswerable"):
        run(home, *arguments, tmp_path / "one.jsonl")


def test_the_export_is_a_beir_folder_whose_judgments_are_chunks(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    run(home, "export", "--queries", queries, "--output", tmp_path / "beir")
    passages, cases = read_beir(tmp_path / "beir")
    assert home.shown[0] == {
        "passages": 4,
        "questions": 6,
        "judgments": 4,
        "output": str(tmp_path / "beir"),
    }
    texts = {passage.id: passage.text for passage in passages}
    answering = {case.id: [texts[j.file] for j in case.relevant] for case in cases}
    assert "short lock per key" in answering["s1"][0]
    assert set(read_trec_qrels(tmp_path / "beir" / "qrels.trec")) == {"s1", "s2", "s3", "s4"}
