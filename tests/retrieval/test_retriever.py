from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ingest.errors import IndexUnavailableError, ModelError, UsageError
from ingest.items import Meta
from ingest.ports import NewVersion
from ingest.view import EVERYTHING, View
from retrieval.evidence import FEATURES
from retrieval.fuse import FusionWeights
from retrieval.hits import ARMS
from retrieval.indexer import ChunkIndexer
from retrieval.ports import FILTER_KEYS, ArmResults, Filters, SparseVector, Vectors
from retrieval.retriever import Retriever, SearchedQuestions, checked_filters
from retrieval.server import IN_MEMORY, ServerIndex
from tests.chunk_names import chunk_name
from tests.fakes import HashingEmbedder
from tests.retrieval.library import MemoryCatalog, chunk, document

LOCKS = document(
    "qa/db.md",
    chunk("deadlock", "Two transactions wait for each other; lock rows in one order.", question="What is a deadlock?"),
    chunk("index", "Create idx_user_email_lower for lower(email).", question="How do you index an expression?"),
    meta=Meta(level="senior"),
)
CACHE = document(
    "notes/cache.md",
    chunk("redis", "Redis evicts keys with allkeys-lru when memory is full.", context="Caching"),
    chunk("stampede", "A cache stampede is avoided by a lock or early refresh.", context="Caching"),
    collection="team",
)


class CountingIndex(ServerIndex):
    """Counts its queries, and is away while it is told to be."""

    asked = 0
    away = False

    def query(
        self,
        terms: SparseVector,
        vector: Vectors | None,
        *,
        limit: int,
        filters: Filters,
        view: View = EVERYTHING,
    ) -> ArmResults:
        self.asked += 1
        if self.away:
            raise IndexUnavailableError("The index is away.")
        return super().query(terms, vector, limit=limit, filters=filters, view=view)


class Library:
    """A retriever over documents in memory, and all its parts."""

    def __init__(self) -> None:
        self.embedder = HashingEmbedder()
        self.catalog = MemoryCatalog()
        self.index = CountingIndex(IN_MEMORY, dim=self.embedder.dim, fingerprint="")
        self.indexer = ChunkIndexer(self.embedder, self.index)
        self.retriever = Retriever(self.catalog, self.index, self.embedder)

    def add(self, *versions: NewVersion) -> None:
        self.indexer.put(versions)
        self.catalog.serve(*versions)

    def find(self, query: str, **options: object) -> list[str]:
        return [chunk_name(hit.chunk.id) for hit in self.retriever.search(query, **options).hits]  # type: ignore[arg-type]


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library()
    library.add(NewVersion(1, LOCKS), NewVersion(2, CACHE))
    yield library
    library.index.close()


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("what is a deadlock", "deadlock"),
        ("idx_user_email_lower", "index"),
        ("email index", "index"),
        ("which redis eviction policy", "redis"),
        ("stampede", "stampede"),
    ],
)
def test_the_chunk_that_answers_comes_first(library: Library, query: str, first: str) -> None:
    assert library.find(query)[0] == first


def test_a_hit_says_which_arm_found_it_where(library: Library) -> None:
    best = library.retriever.search("What is a deadlock?").hits[0]
    assert (best.rank, dict(best.ranks)) == (1, {"bm25": 1, "dense": 1, "question": 1})
    assert best.similarities["question"] == pytest.approx(1.0, abs=1e-5)
    assert best.to_dict()["found_by"] == {"bm25": 1, "dense": 1, "question": 1}
    redis = next(hit for hit in library.retriever.search("redis keys").hits if chunk_name(hit.chunk.id) == "redis")
    assert "question" not in redis.ranks
    assert "question" not in redis.similarities
    assert redis.to_dict()["found_by"]["question"] is None


def test_hits_are_ordered_bounded_and_numbered(library: Library) -> None:
    hits = library.retriever.search("lock the cache index", k=3).hits
    assert [hit.rank for hit in hits] == [1, 2, 3]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_what_is_not_live_is_invisible(library: Library) -> None:
    library.catalog.retire(1)
    assert set(library.find("what is a deadlock")) == {"redis", "stampede"}


def test_a_new_version_is_found_only_once_it_is_served(library: Library) -> None:
    new = NewVersion(3, document("qa/db.md", chunk("deadlock", "Now it is about deadlocks and timeouts.")))
    library.indexer.put([new])
    assert library.retriever.search("deadlock timeouts").hits[0].chunk.version_key == 1
    library.catalog.retire(1)
    library.catalog.serve(new)
    assert library.retriever.search("deadlock timeouts").hits[0].chunk.version_key == 3


def test_many_dead_versions_do_not_hide_the_live_one(library: Library) -> None:
    dead = [
        NewVersion(100 + at, document(f"{at}.md", chunk(f"dead{at}", f"redis evicts keys with allkeys-lru, take {at}")))
        for at in range(120)
    ]
    library.indexer.put(dead)
    assert library.find("redis evicts keys with allkeys-lru", k=2)[0] == "redis"


def test_exact_duplicates_are_folded_and_nothing_else(library: Library) -> None:
    copy = document("copy.md", chunk("copy", CACHE.chunks[0].text, context="Elsewhere"))
    near = document("near.md", chunk("near", CACHE.chunks[0].text + " Or volatile-ttl.", context="Caching"))
    library.add(NewVersion(4, copy), NewVersion(5, near))
    found = library.find("redis evicts keys")
    assert len({"redis", "copy"} & set(found)) == 1
    assert "near" in found
    assert library.find("redis evicts keys", filters={"document": "copy.md"}) == ["copy"]


def test_a_question_without_an_answer_does_not_beat_one_with(library: Library) -> None:
    bare = document("bank.md", chunk("bare", "What is a deadlock?", question="What is a deadlock?"))
    library.add(NewVersion(7, bare))
    library.catalog.unanswered.add("bare")
    result = library.retriever.search("what is a deadlock")
    assert chunk_name(result.hits[0].chunk.id) == "deadlock"
    assert [chunk_name(hit.chunk.id) for hit in result.unanswered] == ["bare"]
    library.catalog.retire(1)
    assert library.retriever.search("what is a deadlock").evidence["unanswered_lead"] > 0.5


def test_filters_and_collections_narrow_the_search(library: Library) -> None:
    everything = "lock cache index redis"
    assert set(library.find(everything, collection="team")) == {"redis", "stampede"}
    assert set(library.find(everything, filters={"level": "Senior"})) == {"deadlock", "index"}
    assert set(library.find(everything, filters={"document": ["qa/db.md", "x.md"], "kind": ["qa"]})) == {
        "deadlock",
        "index",
    }
    assert library.find(everything, collection="nobody") == []
    assert not library.retriever.search(everything, collection="nobody").degraded


def test_an_unknown_filter_is_refused_with_the_ones_there_are(library: Library) -> None:
    with pytest.raises(UsageError, match="There is no filter 'colour'") as caught:
        library.retriever.search("redis", filters={"colour": "blue"})
    assert all(key in caught.value.hint for key in FILTER_KEYS)
    empty: list[str | list[str]] = ["", [], ["senior", " "]]
    for value in empty:
        with pytest.raises(UsageError, match="has no value"):
            library.retriever.search("redis", filters={"level": value})
    with pytest.raises(UsageError, match="k is 0"):
        library.retriever.search("redis", k=0)
    assert checked_filters({"collection": ["a", "b"]}, "a") == {"collection": ("a",)}
    with pytest.raises(UsageError, match="filtered out"):
        checked_filters({"collection": "b"}, "a")


def test_an_index_that_is_away_gives_a_degraded_result_and_recovers(library: Library) -> None:
    library.index.away = True
    result = library.retriever.search("redis")
    assert (result.degraded, result.hits, dict(result.evidence)) == (True, (), {})
    library.index.away = False
    assert library.find("redis")[0] == "redis"
    assert not library.retriever.search("redis").degraded


def test_an_index_that_was_lost_is_degraded_and_an_empty_library_is_not(library: Library) -> None:
    with library.index.renewed():
        pass
    assert library.retriever.search("redis").degraded
    library.catalog.retire(1, 2)
    result = library.retriever.search("redis")
    assert (result.degraded, result.hits) == (False, ())
    assert result.evidence["dense_top"] == 0.0


def test_without_its_model_the_lexical_arm_answers_alone(library: Library) -> None:
    library.embedder.fail = ModelError("gone")
    result = library.retriever.search("allkeys-lru")
    assert result.degraded
    assert [(chunk_name(hit.chunk.id), set(hit.ranks)) for hit in result.hits] == [("redis", {"bm25"})]


def test_the_same_question_is_answered_from_memory_until_the_library_changes(library: Library) -> None:
    first = library.retriever.search("redis", k=2)
    again = library.retriever.search("redis", k=2)
    assert (again.hits, again.evidence, library.index.asked) == (first.hits, first.evidence, 1)
    library.retriever.search("redis", k=3)
    library.retriever.search("redis", k=2, filters={"kind": "note"})
    assert library.index.asked == 3
    seen = len(library.embedder.seen)
    library.catalog.retire(2)
    assert library.find("redis", k=2) != [chunk_name(hit.chunk.id) for hit in first.hits]
    assert len(library.embedder.seen) == seen, "the query's vector was known"


def test_a_blank_or_a_huge_query_is_answered(library: Library) -> None:
    assert library.find("   ") == []
    assert library.find("?!") == []
    huge = "please tell me about redis evicting keys " * 3000 + " ".join(f"word{at}" for at in range(3000))
    assert library.find(huge)[0] == "redis"


def test_evidence_tells_a_good_match_from_a_bad_one(library: Library) -> None:
    good = library.retriever.search("What is a deadlock?").evidence
    bad = library.retriever.search("How do I configure Kafka consumer groups in Rust?").evidence
    assert set(good) == set(bad) == set(FEATURES)
    assert good["question_top"] == pytest.approx(1.0, abs=1e-5)
    assert (good["coverage_first"], good["unseen"], good["unknown"], good["agreement"]) == (1.0, 0.0, 0.0, 1.0)
    assert good["query_terms"] == 1.0
    assert bad["query_terms"] == 5.0
    assert bad["unseen"] == bad["unknown"] == 1.0
    assert bad["coverage_best"] == bad["bm25_top"] == bad["bm25_share"] == 0.0
    half = library.retriever.search("deadlock in Kafka").evidence
    assert 0.0 < half["coverage_first"] < 0.5, "the unknown word weighs more"
    assert half["unseen"] == 0.5


def test_evidence_does_not_depend_on_k(library: Library) -> None:
    evidence = [dict(library.retriever.search("lock rows", k=k).evidence) for k in (1, 2, 10)]
    assert evidence[0] == evidence[1] == evidence[2]


def test_weights_decide_which_arm_is_believed(library: Library) -> None:
    """The wording of one chunk against the question of another."""
    library.add(
        NewVersion(6, document("w.md", chunk("words", "Zebra stripes."), chunk("asked", "Savanna.", question="zebra?")))
    )
    for weights, first in ((FusionWeights(1, 0, 0, 0), "words"), (FusionWeights(0, 0, 1, 0), "asked")):
        retriever = Retriever(library.catalog, library.index, library.embedder, weights=weights)
        best = retriever.search("zebra stripes" if first == "words" else "zebra").hits[0]
        assert chunk_name(best.chunk.id) == first


def test_threads_may_share_it(library: Library) -> None:
    queries = ["redis", "deadlock", "stampede", "email index"] * 10
    alone = {query: library.find(query) for query in queries}
    library.catalog.serve()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(library.find, queries)) == [alone[query] for query in queries]


def test_timings_name_the_steps(library: Library) -> None:
    result = library.retriever.search("redis")
    assert set(result.timings_ms) == {"embed", "search", "fuse"}
    assert all(value >= 0 for value in result.timings_ms.values())
    assert replace(result, timings_ms={}).query == "redis"
    assert set(ARMS) == {"bm25", "dense", "question"}


GUIDE = document(
    "guide.md",
    chunk("secret", "A strong answer about the deadlock names the wombat graph."),
    chunk("copy", "A cache stampede is avoided by a lock or early refresh.", context="Caching"),
    collection="team",
    meta=Meta(audience="Interviewer"),
)


def test_what_a_view_hides_has_no_part_in_a_search(library: Library) -> None:
    library.add(NewVersion(3, GUIDE))
    candidate = View("candidate")
    everything = library.retriever.search("deadlock wombat graph")
    shown = library.retriever.search("deadlock wombat graph", view=candidate)
    assert chunk_name(everything.hits[0].chunk.id) == "secret"
    assert {chunk_name(hit.chunk.id) for hit in shown.hits}.isdisjoint({"secret", "copy"})
    assert chunk_name(shown.hits[0].chunk.id) == "deadlock"
    assert shown.hits[0].ranks["bm25"] == 1
    assert library.retriever.search("wombat").evidence["unknown"] == 0.0
    assert library.retriever.search("wombat", view=candidate).evidence["unknown"] == 1.0
    asked = ["wombat", "lock", "zebra"]
    assert library.retriever.unknown_terms(asked) == {"zebra"}
    assert library.retriever.unknown_terms(asked, view=candidate) == {"wombat", "zebra"}
    twice = library.retriever.search("avoid a cache stampede by a lock")
    once = library.retriever.search("avoid a cache stampede by a lock", view=candidate)
    assert [len(result.hits[0].copies) for result in (twice, once)] == [1, 0]
    for view in (View("interviewer", frozenset({"default"})), View("candidate", frozenset({"default"}))):
        assert {hit.chunk.collection for hit in library.retriever.search("lock", view=view).hits} == {"default"}
    assert not library.retriever.search("lock", view=View("interviewer", frozenset())).hits


def test_the_catalog_has_the_last_word_on_what_may_be_seen(library: Library) -> None:
    library.add(NewVersion(3, GUIDE))
    # the index was filled when the document was everybody's
    opened = document(GUIDE.path, *GUIDE.chunks, collection=GUIDE.collection)
    library.indexer.put([NewVersion(3, opened)])
    shown = library.retriever.search("wombat graph", view=View("candidate"))
    assert "secret" not in {chunk_name(hit.chunk.id) for hit in shown.hits}


def test_the_vector_of_a_question_that_was_searched_is_not_made_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(NewVersion(1, LOCKS))
    embedder = SearchedQuestions(library.retriever, library.embedder)
    fresh = library.embedder.embed_queries(["What is a deadlock?", "Why?"])
    library.retriever.search("What is a deadlock?")
    made: list[str] = []
    embed = library.embedder.embed_queries

    def counted(texts: Sequence[str]) -> Vectors:
        made.extend(texts)
        return embed(texts)

    monkeypatch.setattr(library.embedder, "embed_queries", counted)
    assert (embedder.embed_queries(["What is a deadlock?", "Why?"]) == fresh).all()
    assert made == ["Why?"]


def test_chunks_are_read_once_until_something_changes(library: Library) -> None:
    assert set(library.find("what is a deadlock")) == set(library.find("redis keys in memory"))
    assert sorted(chunk_name(name) for _, name in library.catalog.read) == ["deadlock", "index", "redis", "stampede"]
    library.catalog.retire(1)
    assert set(library.find("keys of redis")) == {"redis", "stampede"}
    assert sorted(chunk_name(name) for _, name in library.catalog.read[4:]) == ["redis", "stampede"]
