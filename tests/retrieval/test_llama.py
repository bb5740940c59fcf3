from __future__ import annotations

import pytest
from llama_index.core import MockEmbedding, Settings
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import MetadataMode, TextNode

from ingest.ports import NewVersion
from retrieval.indexer import ChunkIndexer
from retrieval.llama import CuecardRetriever
from retrieval.retriever import Retriever
from retrieval.server import IN_MEMORY, ServerIndex
from tests.chunk_names import chunk_id
from tests.fakes import HashingEmbedder
from tests.retrieval.library import MemoryCatalog, chunk, document

DOCUMENT = document(
    "qa/cloud.md",
    chunk("q7", "Keep functions warm and cut imports.", question="How do you deal with Lambda cold starts?"),
    chunk("other", "Use a queue between services.", heading=("Messaging", "Queues")),
)


@pytest.fixture(scope="module")
def retriever() -> Retriever:
    embedder = HashingEmbedder()
    index = ServerIndex(IN_MEMORY, dim=embedder.dim, fingerprint="")
    ChunkIndexer(embedder, index).put([NewVersion(1, DOCUMENT)])
    return Retriever(MemoryCatalog(NewVersion(1, DOCUMENT)), index, embedder)


def test_nodes_carry_what_a_citation_needs(retriever: Retriever) -> None:
    nodes = CuecardRetriever(retriever, k=2).retrieve("lambda cold starts")
    hits = retriever.search("lambda cold starts", k=2).hits
    assert [(node.node.node_id, node.score) for node in nodes] == [(hit.chunk.id, hit.score) for hit in hits]
    best = nodes[0].node
    assert isinstance(best, TextNode)
    assert best.text == DOCUMENT.chunks[0].text
    assert best.metadata == {
        "title": "qa/cloud.md",
        "question": "How do you deal with Lambda cold starts?",
        "document": "qa/cloud.md",
        "collection": "default",
        "version": "sha256:0",
        "kind": "qa",
        "rank": 1,
        "start": 0,
        "end": len(DOCUMENT.chunks[0].text),
        "line_start": 1,
        "line_end": 1,
    }
    shown = best.get_content(MetadataMode.LLM)
    assert "qa/cloud.md" in shown
    assert "line_start" not in shown
    assert best.ref_doc_id == DOCUMENT.id
    assert nodes[1].node.metadata["heading"] == "Messaging > Queues"


def test_filters_hold(retriever: Retriever) -> None:
    nodes = CuecardRetriever(retriever, filters={"kind": "note"}).retrieve("lambda cold starts")
    assert [node.node.node_id for node in nodes] == [chunk_id("other")]
    assert CuecardRetriever(retriever, collection="nobody").retrieve("lambda") == []


def test_it_works_inside_a_query_engine(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "_embed_model", MockEmbedding(embed_dim=2))
    llm = MockLLM(max_tokens=None)
    synthesizer = get_response_synthesizer(llm=llm, response_mode=ResponseMode.COMPACT)
    engine = RetrieverQueryEngine(CuecardRetriever(retriever, k=1), response_synthesizer=synthesizer)
    response = engine.query("How do you deal with Lambda cold starts?")
    assert [node.node.node_id for node in response.source_nodes] == [chunk_id("q7")]
    assert response.source_nodes[0].node.metadata["document"] == "qa/cloud.md"
    assert "Keep functions warm and cut imports." in str(response), "the mock model repeats its prompt"
