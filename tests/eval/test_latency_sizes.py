"""`cuecard eval latency`, through the command: homes of given sizes beside peers, and the home at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.latency_report import draw, overview, report
from eval.results import environment
from tests.end_to_end.conftest import Run, run  # noqa: F401 - a fixture

QUESTIONS = ["What is number 3 of a?", "Which one is behind number 7?", "How do trees grow?"]
CHECKED = {"check_claim", "check_ten"}  # where passages have sentences enough
SEARCHED = {
    "embed",
    "index",
    "fuse",
    "rerank",
    "search_reranked",
    "hybrid",
    "search",
    "cached",
    "answer",
    "check",
    "ask",
    "ask_cached",
}
OVER_HTTP = {"http_search", "http_cached", "http_ask"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    for name in "ab":
        sections = [f"## What is number {n} of {name}?\n\nThe one behind {n - 1}, said {n} times.\n" for n in range(15)]
        (tmp_path / "notes" / f"{name}.md").write_text(f"# Numbers {name}\n\n" + "\n".join(sections))
    lines = [json.dumps({"id": f"q{number}", "query": query}) for number, query in enumerate(QUESTIONS)]
    (tmp_path / "queries.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_homes_are_made_and_measured_beside_peers(run: Run, folder: Path) -> None:  # noqa: F811
    out, kept = folder / "out", folder / "kept"
    options = ["--texts", folder / "notes", "--queries", folder / "queries.jsonl", "--keep", kept, "--output", out]
    options += ["--rounds", 2, "--peers", "rank_bm25,lancedb", "--budget", 120, "--no-http", "--home", folder / "home"]
    done = run("eval", "latency", "--sizes", "300", *options, "--fail-under", "search_p95_ms@300<=0.001", "--json")
    assert done.code == 3, done.err
    body = done.json
    assert list(body["sizes"]) == ["300"]
    assert body["ingest"]["chunks"] >= 30
    assert body["ingest"]["chunks_per_s"] > 0
    for size, home in body["sizes"].items():
        assert home["chunks"] == home["made"]["size"] == int(size)
        assert set(home["stages"]) - CHECKED == SEARCHED
        assert home["stages"]["search"]["n"] == 2 * len(QUESTIONS)
        assert home["peers"]["rank_bm25"]["ratio"] > 0
        assert "ratio" in home["peers"]["lancedb"] or home["peers"]["lancedb"] == {"left_out": "not installed"}
    assert body["shortfalls"][0].startswith("search_p95_ms@300 is ")
    assert {path.name for path in out.iterdir()} >= {"config.json", "environment.json", "summary.json", "report.md"}
    assert "rank-bm25 + numpy" in (out / "report.md").read_text()
    assert len(json.loads((out / "300" / "rank_bm25.json").read_text())) == 2 * len(QUESTIONS)
    records = [json.loads(line) for line in (out / "300" / "per_query.jsonl").read_text().splitlines()]
    assert [record["query"] for record in records] == QUESTIONS
    assert {path.name for path in kept.iterdir()} == {"real", "300"}
    assert not (folder / "home").exists()
    _measured_as_the_home_at_hand(run, kept / "300", folder)
    _drawn(body, folder)


def _measured_as_the_home_at_hand(run: Run, home: Path, folder: Path) -> None:  # noqa: F811
    """The same home, over HTTP too."""
    options = ["--queries", folder / "queries.jsonl", "--rounds", 1, "--output", folder / "own", "--json"]
    done = run("eval", "latency", "--home", home, *options, "--fail-under", "cold_ask_s<=1000")
    assert done.code == 0, done.err
    body = done.json
    assert body["chunks"] == 300
    assert set(body["stages"]) >= SEARCHED | OVER_HTTP
    assert body["http"]["ready_s"] > 0
    assert len(body["cold_asks_s"]) == 3
    assert body["stages"]["http_search"]["per_s_at_once"] > 0
    assert body["disk_mb"]["index"] > 0
    assert "http_search" in overview(body)


def _drawn(body: dict[str, Any], folder: Path) -> None:
    """The plot, where it can be drawn; and the report says so where it can't."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    assert draw(body["sizes"], folder / "cost.svg") == ""
    svg = (folder / "cost.svg").read_text()
    assert svg.lstrip().startswith("<?xml")
    assert "![Cost against size](cost.svg)" in report({**body, "plot": ""}, environment())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sizes", "many"], "names no numbers of chunks"),
        (["--sizes", "0"], "names no numbers of chunks"),
        (["--sizes", ""], "names no numbers of chunks"),
        (["--peers", "elastic"], "there is no 'elastic'"),
        (["--fail-under", "fast"], "names no bound"),
        (["--ingest", "notes", "--sizes", "20"], "measure different things"),
        (["--ingest", "notes", "--fail-under", "fast"], "the least ratio"),
    ],
)
def test_wrong_usage_is_told(run: Run, folder: Path, options: list[str], said: str) -> None:  # noqa: F811
    done = run("--home", folder / "home", "eval", "latency", *options)
    assert done.code == 2
    assert said in done.err


def test_texts_without_documents_are_refused(run: Run, folder: Path) -> None:  # noqa: F811
    (folder / "empty").mkdir()
    done = run("--home", folder / "home", "eval", "latency", "--sizes", 20, "--texts", folder / "empty")
    assert done.code == 2
    assert "could be ingested" in done.err
