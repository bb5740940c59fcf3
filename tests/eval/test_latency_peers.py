"""Peers over 300 texts: each finds what it is asked for, in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval.peers import PEERS, measure_peer, versions, write_inputs
from tests.fakes import HashingEmbedder

SIZE = 300
TEXTS = [f"Section {n} tells of {name} and its {n} uses" for n, name in enumerate(f"name{i:03d}x" for i in range(SIZE))]
QUERIES = [f"Which section tells of name{n:03d}x" for n in range(0, SIZE, 30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    embedder = HashingEmbedder()
    made = tmp_path_factory.mktemp("inputs")
    passages = zip(TEXTS, embedder.embed_passages(TEXTS), strict=True)
    write_inputs(made, passages, SIZE, QUERIES, embedder.embed_queries(QUERIES))
    return made


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_is_measured(name: str, folder: Path) -> None:
    measured = measure_peer(name, folder, SIZE, budget=120, rounds=2)
    if measured.get("left_out") == "not installed":
        pytest.skip(f"{PEERS[name].label} is not installed")
    assert "left_out" not in measured, measured
    assert measured["n"] == len(measured["ms"]) == 2 * len(QUERIES)
    assert 0 < measured["p50_ms"] <= measured["p95_ms"] <= measured["p99_ms"]
    assert measured["build_s"] > 0


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_peer_finds_what_it_is_asked_for(name: str, folder: Path, tmp_path: Path) -> None:
    if not all(versions()[package] for package in PEERS[name].packages):
        pytest.skip(f"{PEERS[name].label} is not installed")
    vectors = np.load(folder / "vectors.npy")
    query = PEERS[name].build(TEXTS, vectors, tmp_path, 10)
    for text, vector in zip(QUERIES, np.load(folder / "query_vectors.npy"), strict=True):
        best = query(text, vector)
        assert len(best) == 10
        assert text.split()[-1] in " ".join(best[:3])


def test_a_peer_that_takes_too_long_is_left_out_with_the_reason(folder: Path) -> None:
    measured = measure_peer("rank_bm25", folder, SIZE, budget=0.05, rounds=1)
    assert measured == {"left_out": "not built within the budget of 0.05 s"}


def test_a_peer_is_not_tried_at_a_size_that_is_beyond_it(folder: Path) -> None:
    measured = measure_peer("rank_bm25", folder, PEERS["rank_bm25"].most + 1, budget=60, rounds=1)
    assert measured["left_out"].startswith("not tried above 200,000 chunks")


def test_a_peer_that_fails_says_why(tmp_path: Path) -> None:
    measured = measure_peer("rank_bm25", tmp_path, SIZE, budget=60, rounds=1)
    assert measured["left_out"].startswith("failed: FileNotFoundError")


def test_what_peers_read_is_what_was_given(folder: Path) -> None:
    lines = (folder / "texts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == TEXTS
    assert np.load(folder / "vectors.npy").shape == (SIZE, HashingEmbedder().dim)
