from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.ports import NewVersion
from retrieval.evidence import FEATURES, describe, perfect_bm25
from retrieval.hits import ARMS, Arm, Hit
from retrieval.terms import BM25_WEIGHTS, content_terms, document_vector, term_id, term_ids, tokenize
from tests.chunk_names import chunk_id
from tests.retrieval.library import MemoryCatalog, chunk, document

LIBRARY = document("d.md", chunk("a", "Redis evicts keys."), chunk("b", "Kafka keeps an offset."))
STORED = MemoryCatalog(NewVersion(1, LIBRARY)).live_chunks([(1, chunk_id("a")), (1, chunk_id("b"))])
HELD = {key: term_ids(f"{each.context}\n{each.text}") for key, each in STORED.items()}


def hit(name: str, rank: int, score: float = 0.5, **similarities: float) -> Hit:
    arms: dict[Arm, float] = {arm: similarities[arm] for arm in ARMS if arm in similarities}
    return Hit(rank, score, STORED[(1, chunk_id(name))], dict.fromkeys(arms, rank), arms)


def idf_of(**values: float) -> dict[int, float]:
    return {term_id(tokenize(word)[0]): value for word, value in values.items()}


def test_coverage_weighs_words_by_their_idf_and_unknown_ones_as_the_rarest() -> None:
    rarest = math.log(1 + 10.5 / 0.5)
    idf = idf_of(redis=2.0, kafka=1.0, zookeeper=0.0)
    hits = [hit("a", 1, 0.9, dense=0.9), hit("b", 2, 0.4, dense=0.4)]
    evidence = describe("redis kafka zookeeper", hits, (), HELD, idf=idf, bm25_ceiling=9, points=10)
    whole = 3.0 + rarest
    assert evidence["coverage_first"] == evidence["coverage_best"] == pytest.approx(2.0 / whole)
    assert evidence["coverage_all"] == pytest.approx(3.0 / whole)
    assert evidence["unknown"] == pytest.approx(rarest / whole)
    assert evidence["unseen"] == pytest.approx(1 / 3)
    assert evidence["dense_margin"] == pytest.approx(0.5)
    assert evidence["score_margin"] == pytest.approx(0.5)
    assert evidence["agreement"] == 1.0


def test_nothing_found_is_all_zeros_and_unseen() -> None:
    evidence = describe("redis", [], [], HELD, idf=idf_of(redis=0.0), bm25_ceiling=0.0, points=0)
    assert set(evidence) == set(FEATURES)
    assert {name for name, value in evidence.items() if value} == {"query_terms", "unseen", "unknown"}


def test_a_question_without_an_answer_only_shows_by_its_lead() -> None:
    answer, asked = hit("a", 2, 0.4, dense=0.5, question=0.6), hit("b", 1, 0.5, dense=0.7, question=0.9)
    without = describe("redis", [answer], (), HELD, idf=idf_of(redis=1.0), bm25_ceiling=1, points=10)
    among = describe("redis", [asked, answer], (asked,), HELD, idf=idf_of(redis=1.0), bm25_ceiling=1, points=10)
    assert among.pop("unanswered_lead") == pytest.approx(0.3)
    assert without.pop("unanswered_lead") == 0.0
    assert among == pytest.approx(without | {"agreement": among["agreement"]})


@given(st.text(max_size=60), st.lists(st.sampled_from(["a", "b"]), unique=True), st.integers(0, 1000))
def test_shares_lie_between_zero_and_one(query: str, found: list[str], points: int) -> None:
    idf = {term_id(term): float(at % 3) for at, term in enumerate(tokenize(query))}
    hits = [hit(name, rank, 1 / rank, bm25=5.0 / rank) for rank, name in enumerate(found, 1)]
    ceiling = perfect_bm25(idf, points, BM25_WEIGHTS)
    evidence = describe(query, hits, (), HELD, idf=idf, bm25_ceiling=ceiling, points=points)
    shares = ("coverage_first", "coverage_best", "coverage_all", "unseen", "unknown", "agreement", "bm25_share")
    assert all(0.0 <= evidence[name] <= 1.0 + 1e-9 for name in shares)
    assert evidence["query_terms"] == len(set(content_terms(query)))


@given(st.lists(st.sampled_from(["redis", "kafka", "C++", "asyncio.gather", "lock"]), min_size=1, max_size=200))
def test_no_text_scores_more_than_the_perfect_one(words: list[str]) -> None:
    text = " ".join(words)
    idf = {term_id(term): 1.0 for term in tokenize(text)}
    score = sum(document_vector([(text, 1.0)]).values)
    assert score <= perfect_bm25(idf, 10, BM25_WEIGHTS)
