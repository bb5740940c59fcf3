"""Systems beside the library's retriever: llama-index's hybrid, factories, HTTP servers; pairs of all runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from eval import endpoint
from eval.runs import read_run
from ingest.errors import IndexUnavailableError, UsageError
from tests.eval.conftest import NOTES, FakeHome, FakeParts
from tests.eval.test_commands import run

KEY = "k-123"


class Server:
    """A server that speaks the contract over a home's parts. `statuses` are given first, one a request."""

    def __init__(self, parts: FakeParts) -> None:
        self.statuses: list[int] = []
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.documents = True
        self.garbage = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((self.path, body))
                if self.headers.get("Authorization") != f"Bearer {KEY}":
                    return self._send(401, {"detail": "a key is needed"})
                if outer.statuses:
                    return self._send(outer.statuses.pop(0), {"detail": "not now"})
                if outer.garbage:
                    return self._send(200, {"answers": []})
                found = parts.retriever.search(body.get("query") or body["question"], k=body["k"], collection=None)
                named = "text" if self.path == "/search" else "quote"
                hits = [
                    {
                        "document": h.chunk.document,
                        "start": h.chunk.span.start,
                        "end": h.chunk.span.end,
                        named: h.chunk.text,
                        "score": h.score,
                        "id": h.chunk.id,
                    }
                    for h in found.hits
                ]
                return self._send(200, {"hits" if self.path == "/search" else "sources": hits})

            def do_GET(self) -> None:
                documents = {info.id: info for info in parts.catalog.documents()}
                if not outer.documents:
                    return self._send(404, {"detail": "no"})
                if self.path == "/documents":
                    listed = [{**info.to_dict(), "meta": {}, "effective_date": None} for info in documents.values()]
                    return self._send(200, {"documents": listed})
                text = parts.catalog.text(documents[self.path.split("/")[2]].version_key)
                return self._send(200, text)

            def _send(self, status: int, body: Any) -> None:
                data = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(parts: FakeParts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("SOME_KEY", KEY)
    running = Server(parts)
    yield running
    running.close()


def test_llama_indexs_hybrid_is_a_baseline_over_the_same_chunks(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    beside = ["--baseline", "llama-index", "--baseline", "rrf"]
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", *beside)
    llama = read_run(tmp_path / "o" / "runs" / "baseline_llama-index.jsonl")
    plain = read_run(tmp_path / "o" / "runs" / "baseline_rrf.jsonl")
    for case, returned in llama.items():
        assert not returned.error
        assert len(returned.results) == 4
        if case.startswith("s"):  # both fuse the same two rankings, which only for these have no ties
            assert returned.results[0].doc_id == plain[case].results[0].doc_id
    assert home.shown[0]["runs"]["baseline:llama-index"]["overall"]["Success@1"] >= 0.75


def test_a_factory_is_given_the_chunks_and_the_model_of_the_library(
    home: FakeHome, queries: Path, tmp_path: Path
) -> None:
    name = "tests.eval.factories:by_vectors"
    chosen = ["--system", name, "--baseline", "dense", "--baseline", "cuecard", "-k", "2"]
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", *chosen)
    assert list(home.shown[0]["runs"]) == [name, "baseline:dense", "baseline:cuecard"]
    (compared, _) = home.shown[0]["comparisons"]
    assert (compared["a"], compared["ties"]) == (name, 4)
    ours = read_run(tmp_path / "o" / "runs" / "tests.eval.factories_by_vectors.jsonl")
    dense = read_run(tmp_path / "o" / "runs" / "baseline_dense.jsonl")
    for case, returned in ours.items():
        assert [r.score for r in returned.results] == pytest.approx([r.score for r in dense[case].results], abs=2**-11)


def test_a_factory_that_reads_files_needs_no_home(queries: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for name, text in NOTES.items():
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).write_text(text, encoding="utf-8")
    nobody = FakeHome(None)
    given = ["--system", "tests.eval.factories:from_folder", "--corpus", corpus, "--output", tmp_path / "o"]
    run(nobody, "retrieval", "--queries", queries, *given)
    (found,) = nobody.shown[0]["runs"].values()
    assert found["overall"]["Success@1"] == 0.5
    assert found["counts"]["failed"] == 1
    stored = read_run(tmp_path / "o" / "runs" / "tests.eval.factories_from_folder.jsonl")
    assert {r.file for r in stored["s1"].results} == {"qa/caching.md"}
    assert "no colours" in stored["u1"].error


def test_a_factory_may_want_nothing(queries: Path, tmp_path: Path) -> None:
    nobody = FakeHome(None)
    run(nobody, "retrieval", "--queries", queries, "--system", "tests.eval.factories:alone", "--output", tmp_path / "o")
    stored = read_run(tmp_path / "o" / "runs" / "tests.eval.factories_alone.jsonl")
    assert [(r.file, r.start, r.end) for r in stored["s1"].results] == [("qa/caching.md", 0, 400)]


@pytest.mark.parametrize("ending", ["", "/", "/search", "/ask"])
def test_a_server_is_measured_as_the_library_behind_it(
    home: FakeHome, server: Server, queries: Path, tmp_path: Path, ending: str
) -> None:
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "a")
    nobody = FakeHome(None)
    given = ["--url", f"{server.url}{ending}", "--key-env", "SOME_KEY", "--output", tmp_path / "b"]
    run(nobody, "retrieval", "--queries", queries, *given)
    (there,) = nobody.shown[0]["runs"].values()
    here = home.shown[0]["runs"]["cuecard"]
    assert there["overall"] == here["overall"]
    assert there["abstention"] == here["abstention"]
    assert there["latency_ms"]["p50"] > 0
    assert nobody.shown[0]["corpus"] == home.shown[0]["corpus"]
    path, body = server.seen[-1]
    asked = "question" if ending == "/ask" else "query"
    assert (path, body[asked], body["k"]) == (
        f"/{ending.strip('/') or 'search'}",
        "borrow checker lifetimes elision",
        10,
    )


def test_a_server_without_documents_is_judged_by_its_texts(server: Server, queries: Path, tmp_path: Path) -> None:
    server.documents = False
    nobody = FakeHome(None)
    given = ["--url", server.url, "--key-env", "SOME_KEY", "--output", tmp_path / "o"]
    run(nobody, "retrieval", "--queries", queries, *given)
    (found,) = nobody.shown[0]["runs"].values()
    assert found["overall"]["Success@1"] == 1.0
    assert nobody.shown[0]["corpus"] == {}


def test_a_server_that_is_busy_is_asked_again_and_one_that_fails_scores_0(
    server: Server, queries: Path, tmp_path: Path
) -> None:
    nobody = FakeHome(None)
    given = ["--url", server.url, "--key-env", "SOME_KEY", "--output", tmp_path / "o"]
    server.statuses = [429, 429]
    run(nobody, "retrieval", "--queries", queries, *given)
    (found,) = nobody.shown[0]["runs"].values()
    assert found["counts"]["failed"] == 0

    ask = endpoint.Endpoint(server.url, k=3, key=KEY)
    server.statuses = [503]
    with pytest.raises(Exception, match="503"):
        ask.search("cache stampede lock")
    assert len(ask.search("cache stampede lock").results) == 3
    ask.close()


@pytest.mark.parametrize(
    ("key", "statuses", "garbage", "error", "reason"),
    [
        ("", [], False, UsageError, "401: a key is needed.*--key-env"),
        (KEY, [404], False, UsageError, "404: not now"),
        (KEY, [503], False, IndexUnavailableError, "503: not now"),
        (KEY, [], True, UsageError, "as the contract says"),
    ],
)
def test_a_server_that_can_not_be_measured_is_refused(
    server: Server, key: str, statuses: list[int], garbage: bool, error: type[Exception], reason: str
) -> None:
    server.statuses, server.garbage = statuses, garbage
    ask = endpoint.Endpoint(server.url, k=3, key=key)
    with pytest.raises(error, match=reason):
        ask.probe("cache stampede lock")
    ask.close()


def test_a_server_that_is_not_there_is_told(server: Server, queries: Path, tmp_path: Path) -> None:
    server.close()
    with pytest.raises(IndexUnavailableError, match="can't be reached"):
        run(FakeHome(None), "retrieval", "--queries", queries, "--url", server.url, "--output", tmp_path / "o")


def test_a_key_goes_to_one_server_only(queries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    two = ["--url", "http://127.0.0.1:1", "--url", "http://127.0.0.1:2", "--key-env", "SOME_KEY"]
    with pytest.raises(UsageError, match="one key to one server"):
        run(FakeHome(None), "retrieval", "--queries", queries, *two)
    with pytest.raises(UsageError, match="NO_KEY is not set"):
        run(FakeHome(None), "retrieval", "--queries", queries, "--url", "http://127.0.0.1:1", "--key-env", "NO_KEY")


def test_all_pairs_are_compared_and_corrected_together(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    beside = ["--baseline", "bm25", "--baseline", "dense", "--compare", "all"]
    run(home, "retrieval", "--queries", queries, "--output", tmp_path / "o", *beside)
    pairs = [(c["a"], c["b"]) for c in home.shown[0]["comparisons"]]
    assert pairs == [("cuecard", "baseline:bm25"), ("cuecard", "baseline:dense"), ("baseline:bm25", "baseline:dense")]
    assert all(c["p_holm"] >= c["p"] for c in home.shown[0]["comparisons"])


def test_two_runs_of_one_name_are_refused(home: FakeHome, queries: Path, tmp_path: Path) -> None:
    name = "tests.eval.factories:alone"
    with pytest.raises(UsageError, match="one name"):
        run(home, "retrieval", "--queries", queries, "--system", name, "--system", name, "--output", tmp_path / "o")
