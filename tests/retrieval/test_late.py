"""Late interaction: MaxSim by hand, the tokens that are kept and lost, and what it does to an order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.cli_reranker import fit
from ingest.errors import ModelError
from retrieval.cache import EmbeddingCache
from retrieval.embed import OnnxEmbedder
from retrieval.late import HEAD, LateEmbedder, LateHead, LateReranker, max_sim, unit

PASSAGES = [
    "A cache stampede is avoided by a lock, or by refreshing early.",
    "Two transactions that wait for each other are a deadlock.",
    "",
    "東京",
]


class Counting:
    """An embedder that counts what it reads."""

    def __init__(self, inner: OnnxEmbedder) -> None:
        self.inner = inner
        self.dim, self.fingerprint, self.max_tokens = inner.dim, inner.fingerprint, inner.max_tokens
        self.read_queries, self.embed_queries, self.token_ids = inner.read_queries, inner.embed_queries, inner.token_ids
        self.embed_passages = inner.embed_passages
        self.read: list[str] = []

    def read_passages(self, texts):  # type: ignore[no-untyped-def]
        self.read += texts
        return self.inner.read_passages(texts)


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "embeddings.sqlite3")


@pytest.fixture(scope="session")
def head(embedder: OnnxEmbedder) -> LateHead:
    found = LateHead.read(HEAD)
    assert found.model == embedder.fingerprint, "retrieval/late.npz was made for another export: fit it anew"
    return found


def test_tokens_come_with_the_very_same_vectors(embedder: OnnxEmbedder, varied_texts: list[str]) -> None:
    vectors, tokens = embedder.read_passages(varied_texts)
    np.testing.assert_allclose(vectors, embedder.embed_passages(varied_texts), atol=1e-5)
    assert [len(own) for own in tokens] == [len(ids) for ids in embedder.token_ids(varied_texts)]
    # the model's vector is the mean of its tokens, the two special ones included
    both = embedder.read_passages(["redis"])
    assert float(unit(both[1][0].mean(axis=0, keepdims=True))[0] @ both[0][0]) > 0.5


def test_max_sim_by_hand() -> None:
    question = np.array([[0.75, 0.0], [0.0, 0.25]], dtype=np.float32)
    same = np.array([[127, 0], [0, 127]], dtype=np.int8)
    half = np.array([[127, 0], [90, 90]], dtype=np.int8)
    found = max_sim(question, [same, half, same[:0], same[1:]])
    assert found == pytest.approx([1.0, 0.75 + 0.25 * 90 / 127, 0.0, 0.25])


@given(st.lists(st.lists(st.integers(-127, 127), min_size=3, max_size=3), max_size=6), st.permutations(range(5)))
def test_max_sim_does_not_depend_on_order_or_company(rows: list[list[int]], order: list[int]) -> None:
    dice = np.random.default_rng(1)
    question = dice.normal(size=(4, 3)).astype(np.float32)
    passages = [
        np.array(rows, np.int8).reshape(-1, 3),
        *(dice.integers(-127, 127, (n, 3)).astype(np.int8) for n in (0, 1, 5, 9)),
    ]
    alone = [max_sim(question, [passage])[0] for passage in passages]
    assert max_sim(question, [passages[at] for at in order]) == pytest.approx([alone[at] for at in order], abs=1e-4)
    doubled = max_sim(question, [np.concatenate([passage, passage]) for passage in passages])
    assert doubled == pytest.approx(alone, abs=1e-4)


def test_the_passage_that_answers_scores_best(embedder: OnnxEmbedder, head: LateHead, cache: EmbeddingCache) -> None:
    reranker = LateReranker(embedder, head, cache)
    vector, question = reranker.read("how do I keep many clients from recomputing one expired key?")
    assert vector == pytest.approx(
        embedder.embed_queries(["how do I keep many clients from recomputing one expired key?"])[0], abs=1e-5
    )
    assert float(np.linalg.norm(question, axis=1).sum()) == pytest.approx(1.0, abs=1e-4)
    scores = reranker.scores(question, PASSAGES)
    assert scores[0] == max(scores)
    assert scores[2] == 0.0
    assert all(0 <= score <= 1 for score in scores)
    assert reranker.scores(question, []) == []
    assert reranker.scores(reranker.read("")[1], PASSAGES) == [0.0] * 4


def test_tokens_are_kept_while_passages_are_embedded(
    embedder: OnnxEmbedder, head: LateHead, cache: EmbeddingCache
) -> None:
    counting = Counting(embedder)
    LateEmbedder(counting, head, cache).embed_passages(PASSAGES)
    assert counting.read == PASSAGES
    reranker = LateReranker(counting, head, cache)
    _, question = reranker.read("deadlock")
    first = reranker.scores(question, PASSAGES)
    assert counting.read == PASSAGES, "nothing is read twice"
    # what was lost is read once more, and kept; the scores are the same
    assert cache.prune([(head.fingerprint, "tokens", PASSAGES[0])]) > 0
    other = LateReranker(counting, head, cache)
    assert other.scores(question, PASSAGES) == pytest.approx(first)
    assert counting.read == PASSAGES + PASSAGES[1:]
    assert LateReranker(counting, head, cache).scores(question, PASSAGES) == pytest.approx(first)
    assert len(counting.read) == 2 * len(PASSAGES) - 1
    assert set(other.kept("text")) == {(head.fingerprint, "tokens", "text")}
    cache.close()
    assert other.scores(question, ["another one"]) != [], "without the cache it costs time, and nothing else"


def test_a_head_is_the_same_from_its_file(embedder: OnnxEmbedder, varied_texts: list[str], tmp_path: Path) -> None:
    made, report = fit(embedder, varied_texts * 3, 16)
    assert 0 < report["variance"] <= 1
    assert report["dim"] == made.projection.shape[1] == 16
    made.write(tmp_path / "head.npz")
    again = LateHead.read(tmp_path / "head.npz")
    assert (again.model, again.least) == (embedder.fingerprint, made.least)
    np.testing.assert_allclose(again.projection, made.projection, atol=1e-3)
    (tmp_path / "head.npz").write_bytes(b"PK not a head")
    with pytest.raises(ModelError, match="can't be read"):
        LateHead.read(tmp_path / "head.npz")


def test_what_is_rare_weighs_more(embedder: OnnxEmbedder, head: LateHead) -> None:
    _, (tokens,) = embedder.read_queries(["what is the kubernetes"])
    weights = np.linalg.norm(head.query(tokens), axis=1)
    assert weights[3:].sum() > weights[:3].sum()
