"""`cuecard eval conflicts`: what is asked, and what is told of the answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from answering.answers import Answer, Conflict
from eval.cli import command
from eval.cli_conflicts import questions
from tests.eval.conftest import FakeAnswerer, FakeHome, FakeParts


class Disagreeing(FakeAnswerer):
    """Says of messages that its one source disagrees with itself."""

    def ask(self, question: str, *, collection: str | None) -> Answer:
        answer = super().ask(question, collection=collection)
        if "message" not in question or not answer.sources:
            return answer
        other = replace(answer.sources[0], marker=2, quote="Never record it.")
        return replace(answer, sources=(*answer.sources, other), conflicts=(Conflict((1, 2), "negation: never"),))


def test_half_is_held_and_half_asks_whether_a_statement_always_holds(parts: FakeParts) -> None:
    asked = questions(parts.catalog, 4, seed=0)
    assert asked == questions(parts.catalog, 4, seed=0)
    assert len(set(asked)) == 4
    boundary = [question for question in asked if question.startswith("Is it always true that ")]
    assert len(boundary) == 2
    assert all(question.endswith("?") and not question.endswith(".?") for question in asked)
    # the library has four questions; the rest of a larger sample are statements
    assert len([q for q in questions(parts.catalog, 100, seed=0) if not q.startswith("Is it always")]) == 4


def test_every_conflict_is_told_with_both_sides(parts: FakeParts, tmp_path: Path) -> None:
    home, out = FakeHome(replace(parts, answerer=Disagreeing(parts.retriever))), tmp_path / "out.jsonl"
    result = CliRunner().invoke(command, ["conflicts", "--sample", "100", "--output", str(out)], obj=home)
    assert result.exit_code == 0, result.output
    (body,) = home.shown
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines == body["conflicts"]
    assert body["with_conflicts"] == len(lines) > 0
    assert body["rate"] == body["with_conflicts"] / body["questions"]
    assert all("message" in line["question"] and len(line["sources"]) == 2 for line in lines)
    assert "negation: never" in home.texts[0]
