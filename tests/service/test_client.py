"""The typed client against a real server: every method, every error as it is inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.client import Client
from api.http.schemas import AnswerBody
from ingest.errors import DocumentError, HomeBusyError, NotFoundError, UsageError
from tests.service.conftest import TOKEN, Service

QUESTION = "Which Redis eviction policy do you choose?"


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url, TOKEN) as client:
        yield client


def test_questions(client: Client) -> None:
    answer = client.ask(QUESTION, filters={"kind": ["qa"]})
    source = answer.sources[0]
    assert client.text(source.document)[source.start : source.end] == source.quote
    assert client.search("redis eviction", k=2).hits[0].document == "qa/caching.md"
    assert client.check(source.quote, {"notes": source.quote}).claims[0].verdict == "supported"
    assert client.feedback(answer.id, "down", "too short").comment == "too short"
    sources, *pieces, whole = client.stream(QUESTION, filters={"kind": ["qa"]})
    assert isinstance(whole, AnswerBody)
    assert "".join(str(piece) for piece in pieces) == whole.answer == answer.answer
    assert sources == answer.sources


def test_the_library(client: Client, service: Service, tmp_path: Path) -> None:
    assert [each.path for each in client.documents("default")] == ["qa/caching.md", "sheets/postgres.md"]
    file = tmp_path / "zebra.md"
    for text in ("A zebra is striped.", "A zebra is striped all over."):
        file.write_text(f"# Zebras\n\nQ1: What is a zebra?\nAnswer: {text}\n", encoding="utf-8")
        done = client.wait_for(client.upload(file, collection="client"))
        assert done.report is not None
        assert done.report.items["qa"] == 1
    document = client.document("zebra.md", "client")
    assert document.items[0].question == "What is a zebra?"
    assert [version.state for version in client.versions(document.id)] == ["live", "superseded"]
    assert client.diff(document.id).changes["changed"] == 1
    assert client.changes(limit=2)[0].sequence == 1
    assert client.quarantine() == []
    service.library.delete_document(document.id, None)


def test_errors_are_those_of_the_rooms(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        client.document("nowhere.md")
    with pytest.raises(UsageError, match="question"):
        client.ask(" ")
    with pytest.raises(UsageError):
        list(client.stream("What?", k=0))
    bad = tmp_path / "bad.exe"
    bad.write_bytes(b"MZ")
    with pytest.raises((UsageError, DocumentError)):
        client.wait_for(client.upload(bad, collection="client"))
    with Client("http://127.0.0.1:1") as nobody, pytest.raises(HomeBusyError, match="can't be reached"):
        nobody.documents()
