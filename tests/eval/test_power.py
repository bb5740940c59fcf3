"""What the statistics can tell: a planted regression is found, and two identical systems are not called different."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eval.cases import read_cases
from eval.stats import randomisation_test
from ingest.catalog import Catalog
from ingest.sync import sync
from retrieval.build import build_retrieval
from tests.eval.conftest import FakeAnswerer, FakeHome, FakeParts
from tests.eval.test_commands import run
from tests.fakes import HashingEmbedder

ROOT = Path(__file__).parents[2]
DEV = ROOT.parent / "shared" / "bench" / "dev"
COLLECTIONS = [
    pytest.param((ROOT / "corpus", ROOT / "eval" / "data" / "corpus_queries.jsonl"), id="bundled"),
    pytest.param(
        (DEV / "corpus", DEV / "queries.jsonl"),
        id="dev",
        marks=pytest.mark.skipif(not DEV.is_dir(), reason=f"the development benchmark is not at {DEV}"),
    ),
]


@pytest.fixture(scope="module", params=COLLECTIONS)
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeHome, Path]]:
    """A home over a collection of real documents, with a model that only knows words; and its judged questions."""
    documents, queries = request.param
    folder = tmp_path_factory.mktemp("home")
    with closing(Catalog(f"sqlite:///{folder}/catalog.sqlite3")) as catalog:
        retrieval = build_retrieval(folder, catalog, shared_cache=folder, embedder=HashingEmbedder())
        with closing(retrieval):
            sync(catalog, retrieval.indexer, [documents])
            yield FakeHome(FakeParts(catalog, retrieval, FakeAnswerer(retrieval.retriever))), queries


def test_a_disabled_arm_is_found_and_a_copy_is_not(asked: tuple[FakeHome, Path], tmp_path: Path) -> None:
    home, queries = asked
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "main")
    planted = ["--arms", "dense,question", "--arms", "bm25,dense,question", "--baseline", tmp_path / "main"]
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", *planted)
    without, same, earlier = home.shown[-1]["comparisons"]
    assert without["questions"] == sum(case.judged for case in read_cases(queries))
    assert without["difference"] > 0.05
    assert without["p"] < without["p_holm"] < 0.05
    assert without["wins"] > 4 * without["losses"]
    assert (same["p"], same["difference"], earlier["p"], earlier["difference"]) == (1.0, 0.0, 1.0, 0.0)
    spoiled = tmp_path / "o" / "runs" / "arms_dense+question.jsonl"
    held = ["--run", spoiled, "--baseline", tmp_path / "main", "--max-regression", "0.05"]
    result = run(home, "retrieval", "--queries", queries, "--output", tmp_path / "p", *held)
    assert result.exit_code == 3
    assert "nDCG@10 fell by" in result.stderr
    assert home.shown[-1]["regressions"][0]["p"] < 0.05


def continuous(chance: random.Random) -> float:
    return chance.random()


def graded(chance: random.Random) -> float:
    """Like the values of a ranking measure: mostly 0 or 1, with ties."""
    return chance.choice([0.0, 0.0, 0.387, 0.5, 0.631, 1.0, 1.0, 1.0])


def test_two_identical_systems_are_called_different_in_at_most_5_percent_of_shuffles() -> None:
    """Two halves of one system: each question's two scores are dealt to the two names by a coin, 1,000 times over.

    The level is 5 %, so a thousand honest shuffles give 50 false alarms, give or take chance (64 or more: 3 in 100).
    Over six thousand of them the rate must be under 5 %, and near it: a test that never speaks would be useless.
    """
    alarms = [false_alarms(value, questions) for value in (continuous, graded) for questions in (20, 60, 120)]
    assert max(alarms) < 64
    assert 0.03 < sum(alarms) / (1000 * len(alarms)) <= 0.05


def false_alarms(value: Callable[[random.Random], float], questions: int, shuffles: int = 1000) -> int:
    """How many of so many shuffles give p < 0.05."""
    chance, found = random.Random(questions), 0  # noqa: S311
    pairs = [(value(chance), value(chance)) for _ in range(questions)]
    for _ in range(shuffles):
        dealt = [pair if chance.random() < 0.5 else pair[::-1] for pair in pairs]
        found += randomisation_test([x for x, _ in dealt], [y for _, y in dealt], rounds=999) < 0.05
    return found
