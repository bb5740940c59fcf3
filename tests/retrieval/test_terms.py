from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from retrieval.edge import EdgeIndex
from retrieval.ports import IndexPoint
from retrieval.terms import (
    BM25_WEIGHTS,
    Bm25Weights,
    content_terms,
    document_vector,
    query_vector,
    stem,
    term_id,
    term_ids,
    tokenize,
)
from tests.chunk_names import chunk_id, chunk_name

# a name as text has it, other spellings that must find it, and the parts that must find it and be found by it
NAMES = [
    ("asyncio.gather", ["asyncio_gather", "asyncio.gather()"], ["asyncio", "gather"]),
    ("C++", ["c++", "C++."], ["C"]),
    ("C#", ["c#"], ["C"]),
    (".NET", [".net"], ["NET"]),
    ("ASP.NET", ["asp.net"], [".NET", "ASP"]),
    ("p99", ["P99"], ["99"]),
    ("--no-cache-dir", ["no-cache-dir", "--no-cache-dir,"], ["cache", "dir"]),
    ("useEffect", ["useEffect()", "useeffect"], ["effect", "use"]),
    ("O(1)", ["O( 1 )", "o(1)"], []),
    ("O(n log n)", ["O(n*log n)", "O(n  log n)"], ["log"]),
    ("idx_user_email_lower", ["idx-user-email-lower"], ["idx", "user", "email", "lower"]),
    ("READ COMMITTED", ["read committed", "READ_COMMITTED"], ["read", "committed"]),
    ("k8s", ["K8s"], ["8"]),
    ("text/event-stream", ["Text/Event-Stream"], ["text", "event-stream", "stream"]),
    ("HTTP/2", ["http2"], ["HTTP"]),
    ("@app.get", ["app.get", "@app.get(...)"], ["app", "get"]),
    ("200ms", ["200MS"], ["200", "ms"]),
    ("$in", ["$IN"], []),
    ("3.11", ["v 3.11"], ["11"]),
    ("SHA-256", ["sha256", "SHA 256"], ["sha"]),
    ("Node.js", ["nodejs"], ["node"]),
    ("std::vector", ["std::vector<int>"], ["vector"]),
    ("__init__", ["__init__.py"], ["init"]),
    ("1,000", ["1000"], []),
    ("===", ["`===`"], []),
    ("PostgreSQL", ["postgresql"], ["SQL", "Postgres"]),
]


def shared(one: str, other: str) -> set[str]:
    return set(tokenize(one)) & set(tokenize(other))


@pytest.mark.parametrize(("name", "spellings", "parts"), NAMES, ids=[name for name, _, _ in NAMES])
def test_a_technical_name_is_found_whole_and_by_its_parts(name: str, spellings: list[str], parts: list[str]) -> None:
    sentence = f"Before it, {name} and what follows."
    assert shared(name, sentence) == set(tokenize(name)), "the name alone and the name in a sentence differ"
    for other in spellings + parts:
        assert shared(other, sentence), f"{other!r} does not find {name!r}"
    for part in parts:
        assert shared(name, f"Only {part} here."), f"{name!r} does not find {part!r}"


@pytest.mark.parametrize(
    ("one", "other"),
    [("C++", "C#"), (".NET", "C#"), ("$in", "in the list"), ("JavaScript", "Java"), ("p99", "p95"), ("O(1)", "O(n)")],
)
def test_different_names_share_no_whole(one: str, other: str) -> None:
    assert set(tokenize(one)) - set(tokenize(other))
    assert tokenize(one)[0] not in tokenize(other)


def test_words_are_stemmed_and_function_words_left_out() -> None:
    assert tokenize("How are the caches evicted?") == [stem("cache"), stem("evict")]
    assert tokenize("don’t do it") == tokenize("don't do it") == []


def test_words_that_code_uses_are_kept() -> None:
    assert {"with", "while", "this", "for", "not"} <= set(tokenize("with while this for not"))
    assert "in" in tokenize("WHERE id IN (1, 2)")
    assert "in" in tokenize("the operator `in`")
    assert "in" not in tokenize("in the list")


def test_shouted_words_are_one_name_only_where_they_stand_together() -> None:
    assert tokenize("READ COMMITTED") == ["read", "commit", "readcommit"]
    assert tokenize("READ, COMMITTED") == ["read", "commit"]


def test_content_terms_are_the_smallest_parts_without_fillers() -> None:
    assert content_terms("Use asyncio.gather for each of the C++ tasks, p99 under 200ms") == [
        "asyncio",
        "gather",
        "c++",
        "task",
        "p99",
        "200ms",
    ]


@given(st.text(max_size=300))
def test_any_text_gives_clean_terms(text: str) -> None:
    terms = tokenize(text)
    assert all(term and not any(c.isspace() for c in term) and term == term.lower() for term in terms)
    assert set(content_terms(text)) <= set(terms)


WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ019_-./:@$#+", min_size=1, max_size=14)


@given(st.lists(WORDS, max_size=8))
def test_terms_of_words_do_not_depend_on_their_neighbours(words: list[str]) -> None:
    alone = [term for word in words for term in tokenize(word)]
    together = Counter(tokenize(" , ".join(words)))
    assert together == Counter(alone)


def test_dimensions_are_the_same_on_every_machine() -> None:
    assert [term_id(term) for term in ("redi", "c++", "東京")] == [2610022815, 1864149058, 2451981039]


@given(st.text(max_size=200))
def test_vectors_are_sorted_distinct_and_bounded(text: str) -> None:
    vector = document_vector([(text, 1.0)])
    assert list(vector.indices) == sorted(set(vector.indices))
    assert all(0 <= index < 2**32 for index in vector.indices)
    assert all(0 < value < BM25_WEIGHTS.k1 + 1 for value in vector.values)
    asked = query_vector(tokenize(text))
    assert asked.indices == vector.indices
    assert set(asked.values) <= {1.0}


def test_a_term_of_the_context_weighs_what_it_is_said_to() -> None:
    weights = Bm25Weights(context=0.5, b=0.0)
    half = document_vector([("redis", weights.context), ("", 1.0)], weights)
    whole = document_vector([("", weights.context), ("redis", 1.0)], weights)
    assert half.values[0] == pytest.approx(0.5 * 2.2 / (0.5 + 1.2))
    assert whole.values[0] == pytest.approx(1.0)
    assert document_vector([("redis", 0.0)], weights).indices == ()


class LuceneBm25(BM25Okapi):  # type: ignore[misc]
    """rank_bm25 with the IDF that Qdrant applies, and a fixed average length."""

    def __init__(self, corpus: list[list[str]]) -> None:
        super().__init__(corpus, k1=BM25_WEIGHTS.k1, b=BM25_WEIGHTS.b)
        self.avgdl = BM25_WEIGHTS.average_length

    def _calc_idf(self, nd: dict[str, int]) -> None:
        for word, n in nd.items():
            self.idf[word] = math.log(1 + (self.corpus_size - n + 0.5) / (n + 0.5))


VOCABULARY = ["redis", "cache", "eviction", "asyncio.gather", "C++", "index", "lock", "READ COMMITTED", "p99", "queue"]
TEXTS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=12).map(" ".join)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeIndex]:
    index = EdgeIndex(tmp_path_factory.mktemp("bm25") / "index", dim=2, fingerprint="")
    yield index
    index.close()


def fill(index: EdgeIndex, texts: list[str]) -> None:
    """These texts, and nothing that was there before: what is deleted counts in the IDF until segments are merged."""
    with index.renewed():
        pass
    nothing = np.zeros((0, 2), dtype=np.float32)
    axis = np.array([1, 0], dtype=np.float32)
    vectors = [document_vector([(text, 1.0)]) for text in texts]
    index.upsert([IndexPoint(1, chunk_id(str(at)), {}, axis, nothing, vector) for at, vector in enumerate(vectors)])


@settings(max_examples=8, deadline=None)
@given(texts=st.lists(TEXTS, min_size=6, max_size=12), query=TEXTS)
def test_scores_agree_with_rank_bm25(index: EdgeIndex, texts: list[str], query: str) -> None:
    fill(index, texts)
    hits = index.query(query_vector(tokenize(query)), None, limit=len(texts), filters={}).arms["bm25"]
    expected = LuceneBm25([tokenize(text) for text in texts]).get_scores(list(dict.fromkeys(tokenize(query))))
    assert {chunk_name(hit.chunk_id) for hit in hits} == {str(at) for at, score in enumerate(expected) if score > 0}
    for hit in hits:
        assert hit.score == pytest.approx(expected[int(chunk_name(hit.chunk_id))], rel=1e-4)


def test_a_document_outranks_another_where_rank_bm25_says_so(index: EdgeIndex) -> None:
    """On a corpus where no term stands in half of the documents, even the library's own IDF agrees on the order."""
    texts = [f"{VOCABULARY[i % 10]} {VOCABULARY[(i * 3 + 1) % 10]} filler{i} " * (1 + i % 3) for i in range(40)]
    fill(index, texts)
    okapi = BM25Okapi([tokenize(text) for text in texts], k1=BM25_WEIGHTS.k1, b=BM25_WEIGHTS.b)
    okapi.avgdl = BM25_WEIGHTS.average_length
    for query in VOCABULARY:
        terms = list(dict.fromkeys(tokenize(query)))
        hits = index.query(query_vector(terms), None, limit=40, filters={}).arms["bm25"]
        expected = okapi.get_scores(terms)
        mine = [expected[int(chunk_name(hit.chunk_id))] for hit in hits]
        assert np.allclose(mine, sorted(mine, reverse=True))
        assert len(hits) == np.count_nonzero(expected)


PIECES = [
    "if",
    "`if`",
    "`if:`",
    "`for",
    "not`",
    "READ",
    "COMMITTED",
    "I",
    "O(n log n)",
    "->",
    "a::b",
    "1,000",
    "i++",
    "`C#`",
    "don't",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text("aIfX`'-.,(): 1", max_size=6)), max_size=12))
def test_the_dimensions_of_a_text_are_those_of_its_terms(pieces: list[str]) -> None:
    text = " ".join(pieces)
    assert term_ids(text) == {term_id(term) for term in tokenize(text)}
