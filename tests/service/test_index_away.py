"""A Qdrant server that goes away under a service, and comes back: what is answered meanwhile, and what is told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from api import answers as answers_module
from api.settings import load_settings
from tests.api.conftest import write_notes
from tests.doubles.qdrant_server import QdrantDouble, qdrant_double
from tests.service.conftest import Service, serve

KNOWN = "Which Redis eviction policy do you choose?"
ROUNDS = 3


@pytest.fixture(scope="module")
def double() -> Iterator[QdrantDouble]:
    with qdrant_double() as double:
        yield double


@pytest.fixture(scope="module")
def served(double: QdrantDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose index lives in that server."""
    settings = load_settings(tmp_path_factory.mktemp("away") / "home", {"CUECARD_QDRANT_URL": double.url})
    with contextmanager(serve)(settings) as service:
        notes = write_notes(tmp_path_factory.mktemp("away-notes"))
        service.library.ingest([notes], collection="default", yes=True, progress=None)
        yield service


def ask(service: Service, question: str, *, stream: bool = False) -> httpx.Response:
    return httpx.post(f"{service.url}/ask", json={"question": question, "stream": stream}, timeout=60)


def gauge(service: Service, name: str) -> str:
    lines = httpx.get(f"{service.url}/metrics", timeout=60).text.splitlines()
    return next(line.split()[-1] for line in lines if line.startswith(f"{name} "))


def test_a_server_that_goes_away_and_comes_back(
    served: Service, double: QdrantDouble, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers_module, "LOOKED_AT_EVERY_S", 0.0)
    before = ask(served, KNOWN).json()
    assert (before["partial"], before["reasons"]) == (False, [])
    assert httpx.get(f"{served.url}/readyz", timeout=60).status_code == 200
    with caplog.at_level(logging.INFO):
        double.down()
        for turn in range(ROUNDS):
            known = ask(served, KNOWN)
            said = known.json()
            assert (known.status_code, said["cached"], said["partial"]) == (200, True, True)
            assert "index_degraded" in said["reasons"]
            assert (said["answer"], said["sources"]) == (before["answer"], before["sources"])
            *_, last = ask(served, KNOWN, stream=True).text.strip().split("\n\n")
            assert json.loads(last.partition("data: ")[2])["partial"] is True
            page = httpx.get(f"{served.url}/", params={"q": KNOWN}, timeout=60)
            assert page.status_code == 200
            assert "allkeys-lru" in page.text
            for unknown in (
                ask(served, f"What is held by an advisory lock, {turn}?"),
                ask(served, f"What is held by an advisory lock, {turn}?", stream=True),
                httpx.get(f"{served.url}/", params={"q": f"What is a partial index, {turn}?"}, timeout=60),
            ):
                assert unknown.status_code == 503
                assert int(unknown.headers["Retry-After"]) >= 1
        assert (gauge(served, "cuecard_index_away"), gauge(served, "cuecard_up")) == ("1.0", "0.0")
        assert httpx.get(f"{served.url}/readyz", timeout=60).status_code == 503
        assert [r.name for r in caplog.records if r.levelno >= logging.WARNING] == ["cuecard.incidents"], "one line"
        double.up()
        again = ask(served, "What is held by an advisory lock, 0?")
        assert (again.status_code, again.json()["partial"]) == (200, False)
        assert ask(served, KNOWN).json()["reasons"] == []
        assert httpx.get(f"{served.url}/readyz", timeout=60).status_code == 200
        assert (gauge(served, "cuecard_index_away"), gauge(served, "cuecard_up")) == ("0.0", "1.0")
    told = [record for record in caplog.records if record.name == "cuecard.incidents"]
    assert [record.levelname for record in told] == ["WARNING", "INFO"]
    assert KNOWN not in caplog.text
