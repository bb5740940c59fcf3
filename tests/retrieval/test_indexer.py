from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import ModelError
from ingest.items import Meta
from ingest.ports import NewVersion
from retrieval.cache import EmbeddingCache
from retrieval.edge import EdgeIndex
from retrieval.hits import Arm
from retrieval.indexer import ChunkIndexer, filter_values, index_fingerprint
from retrieval.ports import Filters, SparseVector
from retrieval.server import IN_MEMORY, ServerIndex
from retrieval.terms import Bm25Weights, query_vector, tokenize
from tests.chunk_names import chunk_name
from tests.fakes import HashingEmbedder
from tests.retrieval.library import chunk, document

QUESTIONS = ("What is a deadlock? How do you avoid one?", "What is a deadlock?", "How do you avoid one?")
DEADLOCK = replace(
    chunk("q1", "Two transactions wait for each other.", question=QUESTIONS[0], context="Databases"),
    questions=QUESTIONS,
)
REDIS = chunk("n1", "Redis evicts keys with allkeys-lru.", context="Caching")
DOCUMENT = document("qa/db.md", DEADLOCK, REDIS)


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def index(embedder: HashingEmbedder) -> Iterator[ServerIndex]:
    index = ServerIndex(IN_MEMORY, dim=embedder.dim, fingerprint=index_fingerprint(embedder))
    yield index
    index.close()


def find(
    index: ServerIndex, embedder: HashingEmbedder, query: str, arm: Arm, filters: Filters | None = None
) -> list[str]:
    vector = embedder.embed_queries([query])[0]
    results = index.query(query_vector(tokenize(query)), vector, limit=10, filters=filters or {})
    return [chunk_name(hit.chunk_id) for hit in results.arms[arm] if hit.score > 1e-6]


def test_every_arm_finds_what_was_put(index: ServerIndex, embedder: HashingEmbedder) -> None:
    ChunkIndexer(embedder, index).put([NewVersion(1, DOCUMENT)])
    assert index.count() == 2
    assert find(index, embedder, "allkeys-lru", "bm25") == ["n1"]
    assert find(index, embedder, "transactions waiting", "dense") == ["q1"]
    assert find(index, embedder, "caching", "bm25") == find(index, embedder, "caching", "dense") == ["n1"], "by context"
    assert find(index, embedder, "avoid", "question") == ["q1"]


def test_a_question_is_found_by_each_of_its_sentences(index: ServerIndex, embedder: HashingEmbedder) -> None:
    ChunkIndexer(embedder, index).put([NewVersion(1, DOCUMENT)])
    for asked in QUESTIONS:
        vector = embedder.embed_queries([asked])[0]
        hits = index.query(SparseVector((), ()), vector, limit=1, filters={}).arms["question"]
        assert hits[0].score == pytest.approx(1.0, abs=1e-5)


def test_putting_again_changes_nothing_and_embeds_nothing(
    index: ServerIndex, embedder: HashingEmbedder, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite3")
    indexer = ChunkIndexer(embedder, index, cache)
    indexer.put([NewVersion(1, DOCUMENT)])
    seen = list(embedder.seen)
    assert len(seen) == 2 + len(QUESTIONS)
    indexer.put([NewVersion(1, DOCUMENT)])
    indexer.put([NewVersion(2, DOCUMENT)])
    assert embedder.seen == seen
    assert index.count() == 4
    cache.close()


def test_dropping_a_version_leaves_the_others(index: ServerIndex, embedder: HashingEmbedder) -> None:
    indexer = ChunkIndexer(embedder, index)
    indexer.put([NewVersion(1, DOCUMENT), NewVersion(2, document("other.md", REDIS))])
    indexer.drop([1, 99])
    assert find(index, embedder, "redis", "bm25") == ["n1"]
    assert index.count() == 1
    indexer.put([])
    indexer.put([NewVersion(3, document("empty.md"))])
    assert index.count() == 1


def test_a_fingerprint_follows_model_rules_and_the_index_itself(index: ServerIndex, embedder: HashingEmbedder) -> None:
    before = ChunkIndexer(embedder, index).fingerprint()
    assert before == ChunkIndexer(embedder, index).fingerprint()
    assert before != ChunkIndexer(HashingEmbedder(fingerprint="other"), index).fingerprint()
    assert before != ChunkIndexer(embedder, index, weights=Bm25Weights(b=0.1)).fingerprint()


def test_an_index_made_anew_has_another_fingerprint(tmp_path: Path, embedder: HashingEmbedder) -> None:
    index = EdgeIndex(tmp_path / "index", dim=embedder.dim, fingerprint="one")
    indexer = ChunkIndexer(embedder, index)
    before = indexer.fingerprint()
    with index.renewed():
        within = indexer.fingerprint()
    assert before != within == indexer.fingerprint()
    index.close()


def test_only_chunks_whose_text_changed_are_embedded(
    index: ServerIndex, embedder: HashingEmbedder, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite3")
    indexer = ChunkIndexer(embedder, index, cache)
    texts = [chunk(f"c{at}", f"text number {at}", question=f"question {at}") for at in range(200)]
    indexer.put([NewVersion(1, document("many.md", *texts))])
    assert indexer.embedded == 200
    texts[70] = chunk("c70", "another text", question="question 70")
    indexer.put([NewVersion(2, document("many.md", *texts))])
    assert indexer.embedded == 201
    indexer.put([NewVersion(3, document("moved/many.md", *texts))])
    assert indexer.embedded == 201
    assert ChunkIndexer(embedder, index).embedded == 0
    cache.close()


def test_a_failing_model_writes_nothing(index: ServerIndex, embedder: HashingEmbedder) -> None:
    embedder.fail = ModelError("out of memory")
    with pytest.raises(ModelError):
        ChunkIndexer(embedder, index).put([NewVersion(1, DOCUMENT)])
    assert index.count() == 0


def test_questions_go_with_their_own_chunks(index: ServerIndex, embedder: HashingEmbedder) -> None:
    """Across more chunks than are embedded at once, with none, one or several questions each."""
    chunks = []
    for at in range(600):
        asked = tuple(f"subject{at} variant{i}" for i in range(at % 3))
        chunks.append(
            replace(chunk(f"c{at}", f"text{at}", question=f"subject{at}" if asked else None), questions=asked)
        )
    ChunkIndexer(embedder, index).put([NewVersion(1, document("many.md", *chunks))])
    for at in (1, 2, 511, 512, 598):
        vector = embedder.embed_queries([f"subject{at} variant{at % 3 - 1}"])[0]
        best = index.query(SparseVector((), ()), vector, limit=1, filters={}).arms["question"][0] if at % 3 else None
        assert best is None or best.score == pytest.approx(1.0, abs=1e-5)
    assert np.isclose(index.count(), 600)


def test_filter_values_come_from_the_document_and_the_chunk(index: ServerIndex, embedder: HashingEmbedder) -> None:
    meta = Meta(topic="Databases", level="senior", company="Acme", audience="interviewer", tags=("sql", "locks"))
    own = replace(
        chunk("q", "text", question="why?", heading=("Locking", "Databases")), level="junior", tags=("locks",)
    )
    whole = document("a/b.md", own, collection="team", meta=meta)
    values = filter_values(whole, own)
    assert values == {
        "collection": ("team",),
        "kind": ("qa",),
        "document": ("a/b.md",),
        "level": ("junior",),
        "company": ("Acme",),
        "audience": ("interviewer",),
        "topic": ("Databases", "Locking"),
        "tags": ("sql", "locks"),
    }
    ChunkIndexer(embedder, index).put([NewVersion(1, whole)])
    for key, value in ((key, value) for key, given in values.items() for value in given):
        assert find(index, embedder, "text", "bm25", {key: [value]}) == ["q"], (key, value)
    assert find(index, embedder, "text", "bm25", {"topic": ["locking"], "level": ["JUNIOR"]}) == ["q"]
    assert find(index, embedder, "text", "bm25", {"level": ["senior"]}) == []
