"""A server that fails in each of the ways servers do, over real sockets: what is said, what is tried, what is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ingest.catalog import Catalog
from ingest.errors import IndexUnavailableError
from ingest.sync import sync
from retrieval.indexer import ChunkIndexer
from retrieval.mend import diagnose, mend
from retrieval.ports import IndexPoint, SparseVector
from retrieval.retriever import Retriever
from retrieval.server import ServerIndex
from retrieval.server_options import ServerOptions
from tests.chunk_names import chunk_id, named
from tests.doubles.qdrant_server import (
    ANY,
    COUNT,
    DELETE_POINTS,
    QUERY,
    UPSERT,
    Fault,
    QdrantDouble,
    busy,
    qdrant_double,
)
from tests.fakes import LINES, HashingEmbedder
from tests.retrieval.library import MemoryCatalog

DIM = 3
GARBAGE = b"<html><body>It works!</body></html>"
OTHER_JSON = b'{"result": [{"points": "none"}], "status": "ok"}'
NO_RESULT = b'{"status": "ok", "time": 0}'
REFUSED = b'{"status":{"error":"Invalid API key or JWT"},"time":0}'


@pytest.fixture
def double() -> Iterator[QdrantDouble]:
    with qdrant_double() as made:
        yield made


def opened(double: QdrantDouble, *, timeout_s: int = 5, patience_s: float = 1.0, dim: int = DIM) -> ServerIndex:
    options = ServerOptions(timeout_s=timeout_s, patience_s=patience_s)
    return ServerIndex(double.url, dim=dim, fingerprint="x", api_key="secret", options=options)


@pytest.fixture
def index(double: QdrantDouble) -> Iterator[ServerIndex]:
    """Connected, with one point."""
    index = opened(double)
    index.upsert([point("a")])
    yield index
    index.close()


def point(chunk: str, version: int = 1) -> IndexPoint:
    one = np.array([1, 0, 0], dtype=np.float32)
    return IndexPoint(version, chunk_id(chunk), {}, one, one[None], SparseVector((1,), (1.0,)))


def ask(index: ServerIndex) -> list[str]:
    found = index.query(SparseVector((1,), (1.0,)), None, limit=5, filters={})
    return named(list(found.arms["bm25"]))


@pytest.mark.parametrize(
    ("fault", "said", "hint"),
    [
        (busy(), "can't answer now (503: Service is starting)", "see its log"),
        (busy("7"), "can't answer now (503: Service is starting)", "Try again in 7 s"),
        (Fault(status=429, headers={"Retry-After": "9"}, done=0), "takes no more requests for 9 s", "Try again then"),
        (Fault(status=502, body=GARBAGE, done=0), "can't answer now (502 Bad Gateway)", "see its log"),
        (Fault(status=401, body=REFUSED, done=0), "refused the key (401: Invalid API key or JWT)", "QDRANT_API_KEY"),
        (Fault(status=413, body=GARBAGE, done=0), "refused the request (413 ", "CUECARD_QDRANT_URL"),
        (Fault(body=GARBAGE), "gave an answer that Qdrant doesn't give", "nothing else answers at this address"),
        (Fault(body=OTHER_JSON), "gave an answer that Qdrant doesn't give", "nothing else answers at this address"),
        (Fault(body=NO_RESULT), "gave an answer that Qdrant doesn't give", "nothing else answers at this address"),
        (Fault(body=b"\xff\xfe"), "gave an answer that Qdrant doesn't give", "nothing else answers at this address"),
        (Fault(cut=True, done=0), "broke off the connection", "CUECARD_QDRANT_URL"),
    ],
)
@pytest.mark.parametrize("call", [ask, ServerIndex.count, ServerIndex.version_counts], ids=["query", "count", "facet"])
def test_every_fault_is_told_in_words_with_what_to_do(
    double: QdrantDouble, index: ServerIndex, fault: Fault, said: str, hint: str, call: Callable[[ServerIndex], object]
) -> None:
    double.fail(fault, times=100)
    with pytest.raises(IndexUnavailableError) as caught:
        call(index)
    assert caught.value.message.startswith(f"The Qdrant server at {double.url} ")
    assert said in caught.value.message
    assert hint in caught.value.hint
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    double.heal()
    assert ask(index) == ["a"], "and the next call does as if nothing had been"


def test_a_timeout_is_told_and_not_waited_for_twice(double: QdrantDouble) -> None:
    index = opened(double, timeout_s=1)
    index.upsert([point("a")])
    double.fail(Fault(slow_s=30), QUERY, times=9)
    started = time.monotonic()
    with pytest.raises(IndexUnavailableError, match="did not answer within 1 s") as caught:
        ask(index)
    assert "CUECARD_QDRANT_TIMEOUT" in caught.value.hint
    assert time.monotonic() - started < 15
    assert double.came(QUERY) == 1
    double.heal()
    assert ask(index) == ["a"]
    index.close()


def test_a_slow_answer_in_time_is_an_answer(double: QdrantDouble, index: ServerIndex) -> None:
    double.fail(Fault(slow_s=0.3), QUERY)
    assert ask(index) == ["a"]


@pytest.mark.parametrize("fault", [busy(), busy("0"), Fault(cut=True), Fault(status=500, done=0)])
def test_a_question_is_tried_once_more(double: QdrantDouble, index: ServerIndex, fault: Fault) -> None:
    double.fail(fault, QUERY)
    assert ask(index) == ["a"]
    assert double.came(QUERY) == 2
    double.fail(fault, QUERY, times=2)
    with pytest.raises(IndexUnavailableError):
        ask(index)
    assert double.came(QUERY) == 4


def test_a_question_doesnt_wait_for_a_server_that_wants_a_long_pause(double: QdrantDouble, index: ServerIndex) -> None:
    double.fail(busy("30"), QUERY, times=2)
    with pytest.raises(IndexUnavailableError):
        ask(index)
    assert double.came(QUERY) == 1


@pytest.mark.parametrize(
    "fault", [busy(), busy("0"), Fault(cut=True, done=0), Fault(cut=True, done=0.5), Fault(cut=True)]
)
def test_a_write_is_tried_until_it_is_done(double: QdrantDouble, fault: Fault) -> None:
    index = opened(double, patience_s=30)
    index.upsert([point("a")])
    double.fail(fault, UPSERT, times=3)
    double.fail(fault, DELETE_POINTS, times=3)
    index.upsert([point(str(at), version=2) for at in range(10)])
    assert index.version_counts() == {1: 1, 2: 10}
    index.drop_versions([2])
    assert index.version_counts() == {1: 1}
    index.close()


def test_a_write_gives_up_after_its_patience(double: QdrantDouble, index: ServerIndex) -> None:
    double.fail(busy(), UPSERT, times=1000)
    started = time.monotonic()
    with pytest.raises(IndexUnavailableError, match="503"):
        index.upsert([point("b")])
    assert time.monotonic() - started < 15
    assert 2 <= double.came(UPSERT) < 100


def test_what_the_server_refuses_is_not_tried_again(double: QdrantDouble, index: ServerIndex) -> None:
    before = double.came(UPSERT)
    wrong = IndexPoint(1, chunk_id("b"), {}, np.ones(7, np.float32), np.zeros((0, 7), np.float32), SparseVector((), ()))
    with pytest.raises(IndexUnavailableError, match=r"refused the request \(400"):
        index.upsert([wrong])
    assert double.came(UPSERT) == before + 1


def test_a_server_that_stops_and_comes_back(double: QdrantDouble, index: ServerIndex) -> None:
    double.down()
    for call in (index.count, lambda: ask(index), lambda: index.upsert([point("b")])):
        with pytest.raises(IndexUnavailableError, match=r"can't be reached|broke off"):
            call()
    double.up()
    assert ask(index) == ["a"]
    index.upsert([point("b")])
    assert index.count() == 2


def test_a_server_that_comes_back_in_time_is_waited_for_by_a_write(double: QdrantDouble) -> None:
    index = opened(double, patience_s=20)
    index.upsert([point("a")])
    double.down()
    later = threading.Timer(0.5, double.up)
    later.start()
    index.upsert([point("b")])
    later.join()
    assert index.count() == 2
    index.close()


def test_a_server_that_is_away_at_first(double: QdrantDouble) -> None:
    double.down()
    index = opened(double)
    with pytest.raises(IndexUnavailableError, match="can't be reached"):
        index.count()
    double.up()
    assert index.count() == 0
    index.close()


def test_those_who_wait_for_the_same_connection_fail_together(double: QdrantDouble) -> None:
    """A server that doesn't answer costs each of many threads one timeout, not one for each thread before it."""
    double.fail(Fault(slow_s=30), times=100)
    index = opened(double, timeout_s=1)
    failed: list[IndexUnavailableError] = []

    def count() -> None:
        with pytest.raises(IndexUnavailableError) as caught:
            index.count()
        failed.append(caught.value)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 8
    assert len(double.requests) < 8
    index.close()


def test_a_collection_that_vanished_is_made_anew_and_owned_up_to(double: QdrantDouble, index: ServerIndex) -> None:
    before = index.generation()
    double.client.delete_collection("cuecard")
    double.collections.clear()
    with pytest.raises(IndexUnavailableError, match="404"):
        ask(index)
    assert ask(index) == []
    assert index.generation() != before, "so that whoever fills it knows"


def test_a_creation_whose_answer_was_lost_is_found_done(double: QdrantDouble) -> None:
    double.fail(Fault(cut=True), r"PUT /collections/[^/]+")
    index = opened(double)
    assert index.count() == 0
    assert double.came(r"PUT /collections/[^/]+") == 1
    index.close()


def test_a_creation_that_another_process_was_faster_with(double: QdrantDouble) -> None:
    first = opened(double)
    generation = first.generation()
    double.fail(Fault(body=b'{"result":{"exists":false},"status":"ok","time":0}', done=0), r"GET .*/exists")
    double.fail(Fault(body=b'{"result":{"exists":false},"status":"ok","time":0}', done=0), r"GET .*/exists")
    second = opened(double)
    assert second.generation() == generation
    assert double.came(r"PUT /collections/[^/]+") == 2
    for index in (first, second):
        index.close()


def test_a_password_in_the_address_is_not_told() -> None:
    index = ServerIndex("http://me:hush@127.0.0.1:1", dim=3, fingerprint="x")
    with pytest.raises(IndexUnavailableError) as caught:
        index.count()
    assert "http://127.0.0.1:1 " in str(caught.value)
    assert "hush" not in str(caught.value)


class Library:
    """A catalog on disk, an index on the double, and a folder of documents."""

    def __init__(self, folder: Path, double: QdrantDouble) -> None:
        self.embedder = HashingEmbedder()
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
        self.index = opened(double, dim=self.embedder.dim)
        self.indexer = ChunkIndexer(self.embedder, self.index)
        self.retriever = Retriever(self.catalog, self.index, self.embedder)
        self.root = folder / "notes"
        self.root.mkdir()

    def ingest(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.root / f"{name}.md").write_text(text, encoding="utf-8")
        sync(self.catalog, self.indexer, [self.root], parser=LINES)

    def find(self, query: str) -> set[str]:
        result = self.retriever.search(query)
        assert not result.degraded
        return {hit.chunk.text for hit in result.hits}

    def close(self) -> None:
        self.index.close()
        self.catalog.close()


@pytest.fixture
def library(tmp_path: Path, double: QdrantDouble) -> Iterator[Library]:
    library = Library(tmp_path, double)
    library.ingest(first="redis evicts keys\nredis keeps keys")
    yield library
    library.close()


@pytest.mark.parametrize(
    ("fault", "on"), [(busy(), ANY), (Fault(cut=True), ANY), (Fault(body=GARBAGE), QUERY), (Fault(body=GARBAGE), COUNT)]
)
def test_a_search_is_degraded_and_recovers(library: Library, double: QdrantDouble, fault: Fault, on: str) -> None:
    double.fail(fault, on, times=1000)
    result = library.retriever.search("redis keys")
    assert (result.degraded, result.hits) == (True, ())
    double.heal()
    assert library.find("redis keys") == {"redis evicts keys", "redis keeps keys"}


def test_a_search_is_degraded_while_the_server_is_away(library: Library, double: QdrantDouble) -> None:
    double.down()
    assert library.retriever.search("redis evicts").degraded
    double.up()
    assert "redis evicts keys" in library.find("redis evicts")


def test_a_half_written_batch_stays_invisible_and_the_next_run_heals(library: Library, double: QdrantDouble) -> None:
    added = "\n".join(f"redis fact number {at}" for at in range(300))  # several requests
    double.fail(Fault(), UPSERT)
    double.fail(Fault(cut=True, done=0.5), UPSERT)
    double.fail(busy(), UPSERT, times=1000)
    with pytest.raises(IndexUnavailableError, match=r"can't answer now \(503|broke off"):
        library.ingest(second=added)
    written = library.index.count()
    assert 2 < written < 302, "the first request is whole, of the second there is half"
    assert library.find("redis keys fact number") == {"redis evicts keys", "redis keeps keys"}
    assert [info.path for info in library.catalog.documents()] == ["first.md"]

    double.heal()
    library.ingest()
    assert library.index.count() == 302
    assert library.index.version_counts().keys() == library.catalog.live_versions()
    assert "redis fact number 299" in library.find("redis fact number 299")


def test_an_update_that_was_cut_leaves_the_version_before_it_serving(library: Library, double: QdrantDouble) -> None:
    double.fail(Fault(cut=True, done=0.5), UPSERT)
    double.fail(Fault(cut=True, done=0), ANY, times=1000)
    with pytest.raises(IndexUnavailableError, match="broke off the connection"):
        library.ingest(first="redis sleeps\nredis wakes")
    double.heal()
    assert library.find("redis sleeps keys") == {"redis evicts keys", "redis keeps keys"}
    library.ingest()
    assert library.find("redis sleeps keys") == {"redis sleeps", "redis wakes"}
    assert library.index.count() == 2


def test_an_index_that_vanished_is_filled_again_from_the_catalog(library: Library, double: QdrantDouble) -> None:
    double.client.delete_collection("cuecard")
    double.collections.clear()
    assert library.retriever.search("redis keys").degraded
    again = library.retriever.search("redis keys again")
    assert again.degraded, "an empty index under a library that is not was lost"

    class Room:
        embedder, index, indexer = library.embedder, library.index, library.indexer

        class cache:  # noqa: N801 - stands where an instance would
            @staticmethod
            def overgrown() -> bool:
                return False

    assert mend(library.catalog, Room()).needs_rebuild  # type: ignore[arg-type]
    assert diagnose(library.catalog, Room()).sound  # type: ignore[arg-type]
    assert library.find("redis keys") == {"redis evicts keys", "redis keeps keys"}


def test_an_empty_library_over_an_empty_index_is_not_degraded(double: QdrantDouble) -> None:
    embedder = HashingEmbedder()
    index = opened(double, dim=embedder.dim)
    assert not Retriever(MemoryCatalog(), index, embedder).search("anything").degraded
    index.close()
