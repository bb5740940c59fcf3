"""Our numbers beside those of the development benchmark's own scorer. Skipped where the benchmark is not at hand."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eval.cases import read_cases
from eval.evaluation import evaluate
from eval.runs import Result, Returned, write_run

BENCH = Path(__file__).parents[2].parent / "shared" / "bench"
THEIRS = {
    "nDCG@10": "ndcg@10",
    "R_cap@5": "recall@5",
    "R_cap@10": "recall@10",
    "RR@10": "mrr@10",
    "Success@1": "success@1",
}

pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason=f"the development benchmark is not at {BENCH}")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    corpus = BENCH / "dev" / "corpus"
    return {
        path.relative_to(corpus).as_posix(): path.read_bytes().decode("utf-8")
        for path in corpus.rglob("*")
        if path.is_file()
    }


def made_up(seed: int, texts: dict[str, str]) -> dict[str, Returned]:
    """For most questions a mixture of good, near, far, overlong and text-only passages, in chance order."""
    chance, run = random.Random(seed), {}  # noqa: S311
    for case in read_cases(BENCH / "dev" / "queries.jsonl"):
        found = []
        for judgment in case.relevant:
            for start, end in judgment.spans:
                shift, size = chance.randint(-150, 150), chance.choice([80, 200, 900, 7000])
                found.append(Result(judgment.file, max(0, start + shift), end + shift + size))
            if chance.random() < 0.3:
                found.append(Result(judgment.file, text=judgment.quote[: chance.randint(10, 200)]))
        for file in chance.sample(sorted(texts), 4):
            start = chance.randint(0, len(texts[file]))
            found.append(Result(file, start, start + 400))
        chance.shuffle(found)
        scored = [
            Result(r.file, r.start, r.end, r.text, 1 / rank) for rank, r in enumerate(found[:12], chance.randint(1, 3))
        ]
        if chance.random() < 0.9:
            run[case.id] = Returned(tuple(scored[: chance.randint(0, 12)]))
    return run


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_our_numbers_are_those_of_the_benchmarks_scorer(seed: int, texts: dict[str, str], tmp_path: Path) -> None:
    run, queries = made_up(seed, texts), BENCH / "dev" / "queries.jsonl"
    write_run(tmp_path / "run.jsonl", run)
    scorer = [sys.executable, str(BENCH / "score.py"), str(queries), str(tmp_path / "run.jsonl"), "--json"]
    theirs: dict[str, Any] = json.loads(subprocess.run(scorer, check=True, capture_output=True, text=True).stdout)
    ours = evaluate("made up", read_cases(queries), run, texts)
    assert ours.counts["quotes_not_found"] == 0
    for name, theirs_name in THEIRS.items():
        assert ours.overall[name] == pytest.approx(theirs["ALL"][theirs_name], abs=5e-5)
        for kind, (n, values) in ours.types.items():
            assert n == theirs[kind]["n"]
            assert values[name] == pytest.approx(theirs[kind][theirs_name], abs=5e-5)
    expected = theirs["abstention"]["auroc_top_score_answerable_vs_unanswerable"]
    assert ours.abstention["auroc"] == pytest.approx(expected, abs=5e-5)
    assert 0.05 < ours.overall["nDCG@10"] < 0.95
