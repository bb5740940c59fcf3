"""The committed questions over the bundled corpus stay true to it, and no change answers them worse unnoticed.

`eval/data/baseline` holds what the shipped configuration made of every question: two results folders, written by
`make baseline`. The figures are compared on the same questions, so which questions were chosen is no source of noise,
and small losses add up against the baseline until somebody remakes it knowingly. What is left is measured:

- Another machine's arithmetic: query vectors disturbed by 0.001 of their length change not one question, and by 0.01
  two at the most.
- Settings that are as good: fusion weights a step beside the shipped ones (bm25 0.30 to 0.40, question 0.55 to 0.70)
  cost up to 0.006 nDCG@10 and 0.014 Success@1; they move 0.007 of the answered share and no false answer.
- Real damage: the question arm switched off, the least of the three, costs 0.017 and 0.035.

So the bounds of the ranking lie between the second and the third; those of answering allow a few questions more than
the second moved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from eval.cases import read_cases
from tests.end_to_end.conftest import ROOT, Run, run  # noqa: F401 - a fixture

QUERIES = ROOT / "eval" / "data" / "corpus_queries.jsonl"
BASELINE = ROOT / "eval" / "data" / "baseline"
CASES = read_cases(QUERIES)

BOUNDS = {"nDCG@10": 0.01, "Success@1": 0.025, "answered": 0.03, "abstained": 0.04}
"""How far each figure may fall. `answered`: the share of answerable questions that get an answer; `abstained`: of
unanswerable ones that get none, so that 0.04 are two of the fifty."""
WEAKENED = "arms:bm25+question"
"""The run in which a change has lost the passages' vectors."""

Figures = Mapping[str, Mapping[str, float]]
"""Figure -> question id -> its value there, 0..1, higher is better. The figure is the mean."""


@pytest.fixture(scope="module")
def results(run: Run, corpus_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811 - the fixture
    """The results folders of the baseline, made anew; beside the shipped ranking one without an arm."""
    folder = tmp_path_factory.mktemp("results")
    asked = ("--home", corpus_home, "--queries", QUERIES, "--json")
    assert run("eval", "retrieval", *asked, "--output", folder / "retrieval", "--arms", "bm25,question").code == 0
    assert run("eval", "answers", *asked, "--output", folder / "answers").code == 0
    return folder


def test_every_quote_still_stands_in_the_corpus() -> None:
    gone = [
        f"{case.id}: {judgment.file}: {judgment.quote[:60]}"
        for case in CASES
        for judgment in case.relevant
        if judgment.quote not in (ROOT / "corpus" / judgment.file).read_text(encoding="utf-8")
    ]
    assert not gone


def test_the_set_is_a_fair_mixture() -> None:
    types = Counter(case.type for case in CASES if case.answerable)
    assert len(CASES) >= 155
    assert {"paraphrase", "keyword", "identifier", "conceptual", "scenario"} <= set(types)
    assert min(types.values()) >= 25
    assert sum(not case.answerable for case in CASES) >= 42
    assert all(any(j.grade == 2 for j in case.relevant) and case.reference for case in CASES if case.answerable)
    assert len({case.query.lower() for case in CASES}) == len(CASES)


def test_every_document_is_asked_about() -> None:
    asked = Counter(file for case in CASES for file in {judgment.file for judgment in case.relevant})
    documents = {p.relative_to(ROOT / "corpus").as_posix() for p in (ROOT / "corpus").glob("*/*") if p.is_file()}
    assert {file for file in documents if asked[file] < 3} == set()


def test_the_baseline_is_of_these_questions() -> None:
    for name in ("retrieval", "answers"):
        asked = [(each["id"], each["query"]) for each in lines(BASELINE / name / "per_query.jsonl")]
        assert asked == [(case.id, case.query) for case in CASES], "the questions changed: run `make baseline`"


@pytest.mark.parametrize("figure", ["nDCG@10", "Success@1"])
def test_the_ranking_is_no_worse_than_the_baseline(results: Path, figure: str) -> None:
    if complaint := worse(figure, ranking(BASELINE), ranking(results)):
        pytest.fail(complaint, pytrace=False)


@pytest.mark.parametrize("figure", ["answered", "abstained"])
def test_answering_is_no_worse_than_the_baseline(results: Path, figure: str) -> None:
    if complaint := worse(figure, answering(BASELINE), answering(results)):
        pytest.fail(complaint, pytrace=False)


def test_every_citation_reproduces_its_span(results: Path) -> None:
    answers = lines(results / "answers" / "per_query.jsonl")
    assert [each["id"] for each in answers if each["valid"] != each["cited"] or each["dangling"]] == []
    assert sum(each["cited"] for each in answers) >= 100
    assert json.loads((results / "answers" / "summary.json").read_text())["overall"]["citation_validity"] == 1.0


@pytest.mark.parametrize("figure", ["nDCG@10", "Success@1"])
def test_a_lost_arm_is_noticed_and_the_questions_named(results: Path, figure: str) -> None:
    complaint = worse(figure, ranking(results), ranking(results, WEAKENED))
    assert f"{figure} fell from" in complaint
    named = [line.split()[0] for line in complaint.splitlines() if line.startswith("  ")]
    assert len(named) >= 10
    assert {case.id for case in CASES if case.judged} >= set(named)


def test_three_more_false_answers_are_noticed() -> None:
    before = answering(BASELINE)
    silent = [query for query, value in before["abstained"].items() if value]
    assert not worse("abstained", before, {"abstained": {**before["abstained"], **dict.fromkeys(silent[:2], 0.0)}})
    complaint = worse("abstained", before, {"abstained": {**before["abstained"], **dict.fromkeys(silent[:3], 0.0)}})
    assert all(query in complaint for query in silent[:3])


def lines(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ranking(folder: Path, system: str = "cuecard") -> Figures:
    """What one run of a results folder made of the questions that something answers."""
    found = {each["id"]: each["runs"][system] for each in lines(folder / "retrieval" / "per_query.jsonl")}
    judged = [case.id for case in CASES if case.judged]
    return {name: {query: found[query][name] for query in judged} for name in ("nDCG@10", "Success@1")}


def answering(folder: Path) -> Figures:
    """Which questions got what they deserve: an answer, or none. One that failed got neither."""
    kinds = {each["id"]: each["kind"] for each in lines(folder / "answers" / "per_query.jsonl")}
    answered = {case.id: float(kinds[case.id] not in ("abstained", "failed")) for case in CASES if case.answerable}
    abstained = {case.id: float(kinds[case.id] == "abstained") for case in CASES if not case.answerable}
    return {"answered": answered, "abstained": abstained}


def worse(figure: str, before: Figures, now: Figures) -> str:
    """Nothing while the figure fell by no more than its bound; else by how much, at which questions, and what to do."""
    was, got = before[figure], now[figure]
    mean_was, mean_got = sum(was.values()) / len(was), sum(got.values()) / len(got)
    if mean_was - mean_got <= BOUNDS[figure] + 1e-9:
        return ""
    lost = sorted(
        (case for case in CASES if case.id in was and got[case.id] < was[case.id] - 1e-9),
        key=lambda c: got[c.id] - was[c.id],
    )
    better = sum(got[query] > was[query] + 1e-9 for query in was)
    return "\n".join(
        [
            f"{figure} fell from {mean_was:.4f} to {mean_got:.4f} over {len(was)} questions, by more than the "
            f"{BOUNDS[figure]:g} that noise explains. Worse ({len(lost)}; {better} got better):",
            *(f"  {c.id} {was[c.id]:.2f} -> {got[c.id]:.2f} ({c.type}) {c.query}" for c in lost),
            "If the change is worth it, say so where you commit it, and run `make baseline`.",
        ]
    )
