"""Query files, BEIR folders, TREC files and run files: read, written, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cases import Case, Judgment, read_cases, write_cases
from eval.formats import (
    Passage,
    read_beir,
    read_trec_qrels,
    read_trec_run,
    write_beir,
    write_trec_qrels,
    write_trec_run,
)
from eval.runs import Result, Returned, read_run, write_run
from ingest.errors import NotFoundError, UsageError

words = st.text(min_size=1, max_size=12).filter(lambda s: s.strip() and "\ud800" not in s and s.isprintable())
scores = st.floats(allow_nan=False, allow_infinity=False, width=32)
results = st.builds(
    Result, file=words.filter(lambda s: not s.startswith("./")), start=st.integers(0, 99), end=st.integers(100, 999),
    text=words, score=scores, chunk_id=st.none() | words,
)  # fmt: skip
runs = st.dictionaries(
    words, st.builds(Returned, st.lists(results, max_size=4).map(tuple), st.none() | scores), max_size=4
)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_query_file_is_read_in_order_with_its_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path / "q.jsonl",
        '{"id": "1", "query": "a?", "relevant": [{"file": "./x.md", "quote": "q", "grade": 2, "extra": 1}]}',
        "",
        '{"id": "2", "query": "b?", "type": "keyword"}',
    )
    first, second = read_cases(path)
    assert first == Case("1", "a?", True, "untyped", (Judgment("x.md", "q", 2, "#1"),))
    assert (second.answerable, second.type, second.judged) == (False, "keyword", False)


def test_cases_are_given_back_unchanged(tmp_path: Path) -> None:
    judgments = (Judgment("a b.md", "quoté\n", 2, "g", ((3, 9),)), Judgment("c.md", "", 0, "h"))
    cases = [Case("1", "a?", True, "scenario", judgments, "because"), Case("2", "b?", False)]
    write_cases(tmp_path / "q.jsonl", cases)
    assert read_cases(tmp_path / "q.jsonl") == cases


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "not a JSON object"),
        ('{"query": "a"}', '"id" must be'),
        ('{"id": "1", "query": "a \\ud800"}', "surrogates not allowed"),
        ('{"id": true, "query": "a"}', '"id" must be'),
        ('{"id": "1", "query": " "}', '"query" must be'),
        ('{"id": "1", "query": "a", "relevant": {}}', '"relevant" must be'),
        ('{"id": "1", "query": "a", "relevant": [{"file": "x", "quote": "y"}]}', '"grade"'),
        ('{"id": "1", "query": "a", "relevant": [{"file": "x", "quote": "y", "grade": true}]}', '"grade"'),
        ('{"id": "1", "query": "a", "relevant": [{"file": "x", "grade": 1}]}', '"quote"'),
        ('{"id": "1", "query": "a", "relevant": [{"file": "x", "quote": "y", "grade": 1, "spans": [3]}]}', '"spans"'),
        ('{"id": "1", "query": "a", "answerable": "no"}', '"answerable"'),
        ('{"id": "1", "query": "a", "answerable": false, "relevant": [{"file": "x", "quote": "y", "grade": 1}]}', "f"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_query_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path / "q.jsonl", '{"id": "0", "query": "fine"}', line)
    with pytest.raises(UsageError, match=reason) as refused:
        read_cases(path)
    assert f"{path}:2:" in str(refused.value)


def test_files_that_hold_no_queries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no queries"):
        read_cases(write(tmp_path / "empty.jsonl"))
    with pytest.raises(UsageError, match="twice"):
        read_cases(write(tmp_path / "twice.jsonl", '{"id": "1", "query": "a"}', '{"id": "1", "query": "b"}'))
    with pytest.raises(NotFoundError, match="can't be read"):
        read_cases(tmp_path / "absent.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xff"}')
    with pytest.raises(UsageError, match="UTF-8"):
        read_cases(tmp_path / "latin.jsonl")


@given(runs)
def test_run_files_round_trip(tmp_path_factory: pytest.TempPathFactory, run: dict[str, Returned]) -> None:
    path = tmp_path_factory.mktemp("run") / "run.jsonl"
    write_run(path, run)
    assert read_run(path) == run


def test_a_run_keeps_failures_and_evidence(tmp_path: Path) -> None:
    run = {"1": Returned(error="timed out"), "2": Returned((Result("a.md", text="t"),), 1.5, {"cosine": 0.5})}
    write_run(tmp_path / "run.jsonl", run)
    assert read_run(tmp_path / "run.jsonl") == run


@pytest.mark.parametrize(
    "line",
    ['{"id": "1"}', '{"id": "1", "results": [{}]}', '{"id": "1", "results": [{"file": "a", "score": "high"}]}'],
)
def test_a_line_that_is_no_result_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match=r"run\.jsonl:1: "):
        read_run(write(tmp_path / "run.jsonl", line))


def test_a_run_answers_each_question_once(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "results": []})
    with pytest.raises(UsageError, match="twice"):
        read_run(write(tmp_path / "run.jsonl", line, line))


def test_trec_runs_keep_order_files_and_spans(tmp_path: Path) -> None:
    run = {
        "q1": Returned((Result("a b#1-2.md", 3, 40), Result("100%.md"), Result("c.md", 0, 9))),
        "q2": Returned(),
    }
    write_trec_run(tmp_path / "run.trec", run)
    back = read_trec_run(tmp_path / "run.trec")
    assert [(r.file, r.start, r.end) for r in back["q1"].results] == [
        ("a b#1-2.md", 3, 40),
        ("100%.md", None, None),
        ("c.md", 0, 9),
    ]
    assert "q2" not in back


def test_a_trec_run_is_ordered_by_score(tmp_path: Path) -> None:
    path = write(tmp_path / "run.trec", "q Q0 low 1 0.1 tag", "q Q0 high 2 0.9 tag")
    assert [r.file for r in read_trec_run(path)["q"].results] == ["high", "low"]


names = st.text(min_size=1, max_size=8).filter(lambda s: s.strip() == s)
places = st.builds(
    lambda file, start, size: Result(file, start, start and start + size),
    names.filter(lambda s: not s.startswith("./")), st.none() | st.integers(1, 99), st.integers(1, 99),
)  # fmt: skip


@given(st.dictionaries(names, st.lists(places, min_size=1, max_size=4, unique_by=lambda r: r.doc_id), max_size=4))
def test_trec_runs_round_trip(tmp_path_factory: pytest.TempPathFactory, found: dict[str, list[Result]]) -> None:
    path = tmp_path_factory.mktemp("run") / "run.trec"
    write_trec_run(path, {query: Returned(tuple(results)) for query, results in found.items()})
    back = read_trec_run(path)
    assert {query: [(r.file, r.start, r.end) for r in returned.results] for query, returned in back.items()} == {
        query: [(r.file, r.start, r.end) for r in results] for query, results in found.items()
    }


@given(st.dictionaries(names, st.dictionaries(names, st.integers(-1, 3), min_size=1, max_size=3), max_size=4))
def test_any_qrels_round_trip(tmp_path_factory: pytest.TempPathFactory, qrels: dict[str, dict[str, int]]) -> None:
    path = tmp_path_factory.mktemp("qrels") / "qrels"
    write_trec_qrels(path, qrels)
    assert read_trec_qrels(path) == qrels


def test_trec_qrels_round_trip(tmp_path: Path) -> None:
    qrels = {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}
    write_trec_qrels(tmp_path / "qrels", qrels)
    assert read_trec_qrels(tmp_path / "qrels") == qrels


@pytest.mark.parametrize("line", ["q 0 d", "q 0 d high"])
def test_broken_trec_lines_are_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="qrels:1: "):
        read_trec_qrels(write(tmp_path / "qrels", line))


def test_beir_folders_round_trip(tmp_path: Path) -> None:
    passages = [Passage("d1", "T", "text one"), Passage("d2", "", "text two")]
    qrels = {"q1": {"d1": 2, "d2": 0}}
    write_beir(tmp_path, passages, [Case("q1", "why?", True)], qrels)
    back, cases = read_beir(tmp_path)
    assert back == passages
    assert cases == [Case("q1", "why?", True, "untyped", (Judgment("d1", "", 2, "d1"), Judgment("d2", "", 0, "d2")))]


def test_a_beir_folder_that_judges_unasked_queries_is_refused(tmp_path: Path) -> None:
    write_beir(tmp_path, [], [Case("q1", "why?", True)], {"q9": {"d1": 1}})
    with pytest.raises(UsageError, match="'q9'"):
        read_beir(tmp_path)
