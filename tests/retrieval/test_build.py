"""The room as others open it, with the real model and the embedded index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import IndexUnavailableError
from ingest.ports import NewVersion
from retrieval.build import Retrieval, build_index, build_retrieval
from retrieval.embed import OnnxEmbedder
from retrieval.server import ServerIndex
from tests.chunk_names import chunk_name
from tests.fakes import HashingEmbedder
from tests.retrieval.library import MemoryCatalog, chunk, document

CLOUD = document(
    "qa/cloud.md",
    chunk("q7", "Keep functions warm, cut imports, and raise memory.", question="How do you handle cold starts?"),
    chunk("q8", "Blue-green deployment switches traffic at once.", question="How do you deploy without downtime?"),
)

FORBIDDEN = ("torch", "transformers", "sentence_transformers", "llama_index", "qdrant_client", "onnx", "sqlalchemy")


def test_a_home_is_filled_closed_and_searched_again(default_model: Path, tmp_path: Path) -> None:
    base = default_model.parent.parent.parent
    version = NewVersion(1, CLOUD)
    first = build_retrieval(tmp_path, MemoryCatalog(), shared_cache=base / "cache")
    first.indexer.put([version])
    fingerprint = first.indexer.fingerprint()
    first.close()
    first.close()

    again = build_retrieval(tmp_path, MemoryCatalog(version), shared_cache=base / "cache")
    assert again.indexer.fingerprint() == fingerprint
    result = again.retriever.search("why is my serverless function slow on its first request?")
    assert chunk_name(result.hits[0].chunk.id) == "q7"
    assert not result.degraded
    again.close()


def test_another_model_makes_an_old_index_a_degraded_one(tmp_path: Path) -> None:
    catalog = MemoryCatalog(NewVersion(1, CLOUD))
    for name, prepared in (("one", True), ("two", False)):
        embedder = HashingEmbedder(fingerprint=name)
        parts = build_retrieval(tmp_path, catalog, shared_cache=tmp_path, embedder=embedder)
        if prepared:
            parts.indexer.put([NewVersion(1, CLOUD)])
        assert parts.retriever.search("lambda cold starts").degraded is not prepared
        if not prepared:
            with pytest.raises(IndexUnavailableError, match="another embedding model"):
                parts.indexer.fingerprint()
            with parts.index.renewed():
                parts.indexer.put([NewVersion(1, CLOUD)])
            assert not parts.retriever.search("lambda cold starts").degraded
        parts.close()


@pytest.mark.usefixtures("exported_at_once")
def test_a_model_that_can_not_be_loaded_is_made_anew(tiny_model: Path, tmp_path: Path) -> None:
    def opened() -> Retrieval:
        return build_retrieval(tmp_path, MemoryCatalog(), shared_cache=tmp_path / "cache", model=str(tiny_model))

    first = opened()
    vector = first.embedder.embed_queries(["redis"])
    first.close()
    for weights in tmp_path.rglob("model.onnx"):
        os.truncate(weights, 100)
    again = opened()
    assert (first.model_remade, again.model_remade) == (False, True)
    assert np.array_equal(vector, again.embedder.embed_queries(["redis"]))
    again.close()


def test_a_url_means_a_server(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    index = build_index(tmp_path, embedder, qdrant_url="http://localhost:6333", qdrant_api_key="x")
    assert isinstance(index, ServerIndex)
    index.close()
    assert not list(tmp_path.iterdir())


def test_a_search_imports_nothing_slow(default_model: Path, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from retrieval.build import build_retrieval
from tests.retrieval.library import MemoryCatalog
parts = build_retrieval(Path(sys.argv[1]), MemoryCatalog(), shared_cache=Path(sys.argv[2]))
parts.retriever.search("redis eviction")
parts.close()
print(*sorted(sys.modules))
"""
    cache = default_model.parent.parent.parent / "cache"
    command = [sys.executable, "-c", script, str(tmp_path), str(cache)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert "onnxruntime" in loaded
    assert [name for name in FORBIDDEN if name in loaded] == []
