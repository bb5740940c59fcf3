"""`cuecard ask`, `search` and `check`, one at a time and many at once, over a real home."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import NOTES, Cuecard
from tests.api.test_cli import CUECARD, on_terminal

STAMPEDE = "What is a cache stampede, and how do you prevent it?"
UNKNOWN = "How do I knit a woollen jumper?"
HEAVY = ("torch", "transformers", "sentence_transformers", "llama_index", "qdrant_client", "fastapi", "uvicorn", "rich")
WHAT_IS_LOADED = f"""
import sys
from api.cli.main import run
code = run(sys.argv[1:])
loaded = {{name.partition(".")[0] for name in sys.modules}}
sys.stderr.write(" ".join(sorted(loaded & set({HEAVY!r}))) + "|")
sys.exit(code)
"""


def write_lines(path: Path, *lines: Any) -> Path:
    """A JSON lines file; text is written as it is."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_answer_cites_what_it_says(cuecard: Cuecard, filled: Path) -> None:
    ran = cuecard("ask", STAMPEDE, "--home", filled, "--json")
    assert ran.code == 0
    answer = ran.json
    assert answer["kind"] == "model_answer"
    assert not answer["low_confidence"]
    assert "short lock per key" in answer["answer"]
    assert "[1]" in answer["answer"]
    for source in answer["sources"]:
        assert NOTES[source["document"]][source["start"] : source["end"]] == source["quote"]


def test_an_answer_in_a_terminal(cuecard: Cuecard, filled: Path) -> None:
    ran = cuecard("ask", STAMPEDE, "--home", filled)
    assert ran.code == 0
    assert "[1]" in ran.out
    assert "Sources" in ran.out
    assert "qa/caching.md:4" in ran.out
    assert "LOW CONFIDENCE" not in ran.out
    assert "\x1b" not in ran.out
    drawn = on_terminal([*CUECARD, "ask", STAMPEDE, "--home", str(filled)], {"COLUMNS": "60"})
    assert b"\x1b[1m" in drawn
    assert b"qa/caching.md:4" in drawn


def test_what_the_library_lacks_is_said_with_a_mark(cuecard: Cuecard, filled: Path) -> None:
    ran = cuecard("ask", UNKNOWN, "--home", filled)
    assert ran.code == 0
    assert ran.out.startswith("▲ LOW CONFIDENCE")
    body = cuecard("ask", UNKNOWN, "--home", filled, "--json").json
    assert (body["kind"], body["low_confidence"]) == ("abstained", True)
    assert body["reasons"]


def test_an_empty_library_is_no_error(cuecard: Cuecard, tmp_path: Path) -> None:
    body = cuecard("ask", STAMPEDE, "--home", tmp_path, "--json").json
    assert body["kind"] == "abstained"
    assert "no_sources" in body["reasons"]
    assert cuecard("search", STAMPEDE, "--home", tmp_path, "--json").json["hits"] == []
    assert "Nothing found" in cuecard("search", STAMPEDE, "--home", tmp_path).out


def test_filters_and_collections_narrow(cuecard: Cuecard, filled: Path) -> None:
    def documents(*options: str) -> set[str]:
        hits = cuecard("search", "redis lock index", "--home", filled, "--json", *options).json["hits"]
        return {hit["document"] for hit in hits}

    assert documents() == set(NOTES)
    assert documents("--filter", "kind=qa") == {"qa/caching.md"}
    assert documents("--filter", "kind=qa", "--filter", "kind=note") == set(NOTES)
    assert documents("--filter", "kind=qa", "--filter", "document=sheets/postgres.md") == set()
    assert documents("--collection", "other") == set()


def test_hits_are_ranked_and_placed(cuecard: Cuecard, filled: Path) -> None:
    hits = cuecard("search", "redis eviction", "-k", "2", "--home", filled, "--json").json["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2]
    first = hits[0]
    assert NOTES[first["document"]][first["start"] : first["end"]] == first["text"]
    text = cuecard("search", "redis eviction", "-k", "1", "--home", filled).out
    assert f"qa/caching.md:{first['line_start']}" in text
    assert "Q: Which Redis eviction policy do you choose?" in text


def test_a_batch_of_queries_keeps_their_order(cuecard: Cuecard, filled: Path, tmp_path: Path) -> None:
    queries = write_lines(
        tmp_path / "q.jsonl",
        {"id": "b", "query": "redis eviction"},
        "",
        {"id": 7, "query": "advisory lock", "type": "x"},
    )
    out = tmp_path / "run.jsonl"
    ran = cuecard("search", "--queries", queries, "--run", out, "-k", "3", "--home", filled, "--json")
    assert ran.json["lines"] == 2
    lines = read_lines(out)
    assert [line["id"] for line in lines] == ["b", 7]
    assert all(line["latency_ms"] > 0 for line in lines)
    best = lines[1]["results"][0]
    assert set(best) == {"file", "start", "end", "text", "score", "chunk_id"}
    assert NOTES[best["file"]][best["start"] : best["end"]] == best["text"]
    assert str(out) in cuecard("search", "--queries", queries, "--run", out, "--home", filled).out


def test_a_batch_of_questions(cuecard: Cuecard, filled: Path, tmp_path: Path) -> None:
    questions = write_lines(tmp_path / "q.jsonl", {"id": "1", "question": UNKNOWN}, {"id": "2", "question": STAMPEDE})
    out = tmp_path / "answers.jsonl"
    assert cuecard("ask", "--questions", questions, "--output", out, "--home", filled).code == 0
    first, second = read_lines(out)
    assert (first["id"], first["kind"]) == ("1", "abstained")
    assert (second["id"], second["kind"]) == ("2", "model_answer")
    assert second["sources"]


def test_a_check_needs_no_home(cuecard: Cuecard, tmp_path: Path) -> None:
    answer, source = tmp_path / "answer.txt", tmp_path / "source.md"
    source.write_text(NOTES["qa/caching.md"], encoding="utf-8")
    answer.write_text("A short lock per key lets only one request do the work.", encoding="utf-8")
    home = tmp_path / "none"
    report = cuecard("check", "--answer", answer, "--source", source, "--home", home, "--json").json
    assert not report["low_confidence"]
    answer.write_text("A stampede is prevented by buying 40 more servers.", encoding="utf-8")
    ran = cuecard("check", "--answer", answer, "--source", source, "--home", home)
    assert ran.code == 0
    assert ran.out.startswith("LOW CONFIDENCE")
    assert "unsupported" in ran.out
    assert not home.exists()


def test_a_batch_of_pairs(cuecard: Cuecard, tmp_path: Path) -> None:
    text = "A short lock per key lets only one request do the work."
    pairs = write_lines(
        tmp_path / "pairs.jsonl",
        {"id": "good", "answer": text, "sources": ["Other text.", NOTES["qa/caching.md"]], "label": 1},
        {"id": "bad", "answer": "Bananas are blue.", "sources": [NOTES["qa/caching.md"]], "question": "Why?"},
        {"id": "none", "answer": "Bananas are blue.", "sources": []},
    )
    out = tmp_path / "out.jsonl"
    assert cuecard("check", "--pairs", pairs, "--output", out).code == 0
    lines = read_lines(out)
    assert [line["id"] for line in lines] == ["good", "bad", "none"]
    assert [line["low_confidence"] for line in lines] == [False, True, True]
    assert lines[0]["score"] > lines[1]["score"]
    assert lines[0]["claims"][0]["verdict"] == "supported"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ({"query": "x", "question": "x", "answer": "x", "sources": []}, "`id` is missing"),
        ({"id": "2"}, "is missing or not a text"),
        ({"id": "2", "query": 7, "question": 7, "answer": 7, "sources": []}, "is missing or not a text"),
        ({"id": "1", "query": "x", "question": "x", "answer": "x", "sources": []}, "is taken by line 1"),
    ],
)
def test_a_malformed_line_stops_a_batch_before_it_begins(
    cuecard: Cuecard, filled: Path, tmp_path: Path, bad: Any, said: str
) -> None:
    good = {"id": "1", "query": "x", "question": "x", "answer": "x", "sources": ["x"]}
    lines, out = write_lines(tmp_path / "in.jsonl", good, bad), tmp_path / "out.jsonl"
    for command in (
        ["search", "--queries", lines, "--run", out],
        ["ask", "--questions", lines, "--output", out],
        ["check", "--pairs", lines, "--output", out],
    ):
        ran = cuecard(*command, "--home", filled)
        assert ran.code == 2
        assert f"{lines}:2: " in ran.err
        assert said in ran.err
        assert not out.exists()


def test_a_batch_line_without_words_or_sources_is_malformed(cuecard: Cuecard, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    queries = write_lines(tmp_path / "q.jsonl", {"id": "1", "query": "  "})
    assert (
        f"{queries}:1: The query is empty"
        in cuecard("search", "--queries", queries, "--run", out, "--home", filled).err
    )
    pairs = write_lines(tmp_path / "p.jsonl", {"id": "1", "answer": "x", "sources": [1]})
    assert f"{pairs}:1: `sources` must be" in cuecard("check", "--pairs", pairs, "--output", out).err
    pairs.write_bytes(b'{"id": "\xff"}')
    assert "not UTF-8" in cuecard("check", "--pairs", pairs, "--output", out).err
    assert not out.exists()


@pytest.mark.parametrize("words", [["ask", STAMPEDE], ["ask", UNKNOWN], ["search", "redis"], ["docs", "list"]])
def test_questions_load_nothing_heavy(filled: Path, words: list[str]) -> None:
    command = [sys.executable, "-c", WHAT_IS_LOADED, *words, "--home", str(filled)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stderr == "|"


def test_looking_at_the_library_loads_no_model(filled: Path) -> None:
    script = WHAT_IS_LOADED.replace(repr(HEAVY), "('onnxruntime', 'tokenizers', 'qdrant_edge')")
    for words in (["docs", "list"], ["changes"], ["quarantine", "list"], ["stats"]):
        command = [sys.executable, "-c", script, *words, "--home", str(filled)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == "|"
