"""`cuecard eval fit-reranker`, through the command, with the real model."""

from __future__ import annotations

import json
from pathlib import Path

from retrieval.late import LateHead
from tests.end_to_end.conftest import Run, run  # noqa: F401 - a fixture


def test_a_head_is_fitted_on_passages_alone(run: Run, tmp_path: Path) -> None:  # noqa: F811
    passages, out = tmp_path / "passages.jsonl", tmp_path / "head.npz"
    # a line separator inside a passage is no end of a line
    lines = [json.dumps({"text": f"Lock {n} is\u2028held by {n * 7} threads."}, ensure_ascii=False) for n in range(120)]
    passages.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["eval", "fit-reranker", "--passages", passages, "--field", "text", "--sample", 100, "--dim", 16]
    done = run("--home", tmp_path / "home", *command, "--output", out, "--json")
    assert done.code == 0, done.err
    assert (done.json["passages"], done.json["dim"]) == (100, 16)
    assert LateHead.read(out).projection.shape == (384, 16)
    first = out.read_bytes()
    assert run("--home", tmp_path / "home", *command, "--output", out).code == 0
    again = LateHead.read(out)
    out.write_bytes(first)
    assert (again.projection == LateHead.read(out).projection).all(), "the same passages make the same head"


def test_a_line_that_holds_no_passage_is_named(run: Run, tmp_path: Path) -> None:  # noqa: F811
    passages = tmp_path / "passages.jsonl"
    passages.write_text('{"answer": "one"}\n{"text": "two"}\n')
    done = run("eval", "fit-reranker", "--passages", passages, "--output", tmp_path / "head.npz", "--home", tmp_path)
    assert done.code == 2
    assert f"{passages}:2" in done.err
    assert "--field" in done.err
