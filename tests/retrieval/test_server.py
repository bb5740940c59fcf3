"""What is particular to the server: it may be away, and it may hold something else."""

from __future__ import annotations

import socket
import warnings
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient

from ingest.errors import IndexUnavailableError
from retrieval.ports import IndexPoint, SparseVector
from retrieval.server import ServerIndex
from tests.chunk_names import chunk_id
from tests.doubles.qdrant_server import qdrant_double


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_server_that_is_away_fails_the_call_and_says_what_to_check() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a key over plain http is not worth a warning in a terminal
        index = ServerIndex(f"http://127.0.0.1:{free_port()}", dim=3, fingerprint="x", api_key="secret")
        for call in (
            index.count,
            index.generation,
            index.renewed().__enter__,
            index.version_counts,
            index.probe,
            lambda: index.drop_versions([1]),
            lambda: index.query(SparseVector((1,), (1.0,)), None, limit=1, filters={}),
        ):
            with pytest.raises(IndexUnavailableError, match=r"127\.0\.0\.1") as caught:
                call()
            assert "CUECARD_QDRANT_URL" in caught.value.hint
            assert "secret" not in str(caught.value)
    index.flush()
    index.close()


def test_a_collection_of_other_vectors_is_refused_until_it_is_created_anew(tmp_path: Path) -> None:
    """qdrant-client's folder mode keeps a collection from one client to the next, as a server does."""

    def opened(fingerprint: str) -> ServerIndex:
        return ServerIndex("a folder", dim=3, fingerprint=fingerprint, connect=lambda: QdrantClient(path=str(tmp_path)))

    first = opened("one")
    generation = first.generation()
    first.close()
    same = opened("one")
    assert same.generation() == generation
    same.close()
    other = opened("two")
    with pytest.raises(IndexUnavailableError, match=r"another embedding model.*cuecard ingest"):
        other.count()
    other.close()
    anew = opened("two")
    with anew.renewed():
        assert anew.count() == 0
    assert anew.generation() != generation
    anew.close()


def test_a_copy_has_the_name_of_the_whole_only_when_it_is_whole() -> None:
    with qdrant_double() as double:
        index = ServerIndex(double.url, dim=3, fingerprint="x")
        index.upsert([point(7)])
        with pytest.raises(KeyboardInterrupt):
            interrupted_copy(index)
        assert index.generation() != "original"
        with index.copied("original") as there:
            assert there == {1: 1, 2: 1}, "it goes on"
            index.upsert([point(3)])
        index.close()
        assert (index.generation(), index.version_counts()) == ("original", {1: 1, 2: 1, 3: 1})
        with index.copied("another") as there:
            assert there == {}
        with index.copied("another", anew=True) as there:
            assert there == {}
        assert (index.generation(), index.count()) == ("another", 0)
        index.close()


def interrupted_copy(index: ServerIndex) -> None:
    with index.copied("original") as there:
        assert there == {}, "what was there is not of the original"
        index.upsert([point(1), point(2)])
        raise KeyboardInterrupt


def point(version: int) -> IndexPoint:
    return IndexPoint(
        version, chunk_id("a"), {}, np.ones(3, np.float32), np.zeros((0, 3), np.float32), SparseVector((), ())
    )
