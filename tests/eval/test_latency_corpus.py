"""Made-up libraries: as many chunks as asked for, whole documents, and the terms that the index would have made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.latency_build import build_home, disk_mb, passages_of
from eval.latency_corpus import Embedded, embedded, invented_word, make_documents
from ingest.catalog import Catalog
from retrieval.build import build_retrieval
from retrieval.indexer import passage_text
from retrieval.mend import diagnose
from retrieval.terms import BM25_WEIGHTS, document_vector
from tests.eval.conftest import FakeParts
from tests.fakes import HashingEmbedder


@pytest.fixture(scope="module")
def real(parts: FakeParts) -> list[Embedded]:
    indexer = parts.retrieval.indexer
    found = [parts.catalog.load(info.version_key) for info in parts.catalog.documents()]
    return [
        embedded(
            document,
            indexer.embed_passages(document.chunks),
            indexer.embed_questions([form for chunk in document.chunks for form in chunk.questions]),
        )
        for document in found
    ]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 150), seed=st.integers(0, 3))
def test_there_are_as_many_chunks_as_asked_for_and_each_cites_its_document(
    real: list[Embedded], count: int, seed: int
) -> None:
    made = list(make_documents(real, count, seed))
    chunks = [chunk for each in made for chunk in each.document.chunks]
    assert len(chunks) == len({chunk.id for chunk in chunks}) == count
    assert len({each.document.id for each in made}) == len(made)
    for each in made:
        document = each.document
        lines = document.text.split("\n")
        assert {chunk.item_id for chunk in document.chunks} <= {item.id for item in document.items}
        assert each.passages.shape[0] == len(each.terms) == len(document.chunks)
        assert each.questions.shape[0] == sum(len(chunk.questions) for chunk in document.chunks)
        np.testing.assert_allclose(np.linalg.norm(each.passages, axis=1), 1, rtol=1e-5)
        for chunk in document.chunks:
            assert document.text[chunk.span.start : chunk.span.end] == chunk.text
            assert chunk.text in "\n".join(lines[chunk.span.line_start - 1 : chunk.span.line_end])


def test_the_terms_are_those_that_the_texts_have(real: list[Embedded]) -> None:
    checked = 0
    for each in make_documents(real, 200):
        for chunk, terms in zip(each.document.chunks, each.terms, strict=True):
            expected = document_vector(((chunk.context, BM25_WEIGHTS.context), (chunk.text, 1.0)))
            assert terms.indices == expected.indices
            assert terms.values == pytest.approx(expected.values)
            checked += 1
    assert checked == 200


def test_the_same_call_makes_the_same_library_and_another_seed_another(real: list[Embedded]) -> None:
    one, again, other = (list(make_documents(real, 90, seed)) for seed in (0, 0, 1))
    assert [each.document for each in one] == [each.document for each in again]
    assert all(np.array_equal(a.passages, b.passages) for a, b in zip(one, again, strict=True))
    assert [each.document for each in one] != [each.document for each in other]


def test_the_vocabulary_grows_with_the_number_of_chunks(real: list[Embedded]) -> None:
    seen = [len({t for each in make_documents(real, n) for v in each.terms for t in v.indices}) for n in (50, 500)]
    assert seen[1] > 1.5 * seen[0]


@settings(deadline=None)
@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_different_ranks_are_different_words(one: int, other: int) -> None:
    assert (invented_word(one) == invented_word(other)) == (one == other)


def test_a_made_up_home_is_sound_and_taken_again(real: list[Embedded], tmp_path: Path) -> None:
    folder = tmp_path / "300"
    facts = build_home(folder, real, 300, HashingEmbedder(), tuned=False)
    assert facts["size"] == 300
    assert facts["real"] == 4
    assert facts["written_per_s"] > 0
    disk = disk_mb(folder)
    assert min(disk["catalog.sqlite3"], disk["embeddings.sqlite3"], disk["index"]) > 0
    assert build_home(folder, real, 300, HashingEmbedder(), tuned=False) == facts
    catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite3")
    room = build_retrieval(folder, catalog, shared_cache=folder, embedder=HashingEmbedder())
    try:
        found = diagnose(catalog, room)
        assert (found.sound, found.chunks, found.points) == (True, 300, 300)
        text, vector = list(passages_of(real, 300))[250]
        best = room.retriever.search(text.split("\n")[1], k=3).hits
        assert text in [passage_text(chunk) for hit in best for chunk in catalog.load(hit.chunk.version_key).chunks]
        assert vector.shape == (room.embedder.dim,)
    finally:
        room.close()
        catalog.close()
