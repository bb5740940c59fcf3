"""The committed questions over the bundled corpus stay true to it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from eval.cases import read_cases

ROOT = Path(__file__).parents[2]
CASES = read_cases(ROOT / "eval" / "data" / "corpus_queries.jsonl")


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
    assert sum(types.values()) >= 60
    assert {"paraphrase", "keyword", "identifier", "conceptual", "scenario"} <= set(types)
    assert min(types.values()) >= 8
    assert sum(not case.answerable for case in CASES) >= 20
    assert all(any(j.grade == 2 for j in case.relevant) and case.reference for case in CASES if case.answerable)
    assert len({case.query.lower() for case in CASES}) == len(CASES)
