"""Remembered answers: the same, at once, never after a change, and while the index is away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from answering.answers import Source
from api import answers as answers_module
from api.answers import Answers, Asking
from api.compose import Parts, open_home
from api.settings import load_settings
from ingest.feedback import FeedbackStore
from ingest.view import EVERYTHING, View
from tests.api.conftest import write_notes
from tests.service.conftest import Service
from tests.service.running import until

QUESTION = "Which Redis eviction policy do you choose?"
OTHER = "How do you prevent a cache stampede?"
OWN = ("id", "cached", "latency_ms", "timings_ms")


def ask(service: Service, question: str = QUESTION, **more: Any) -> httpx.Response:
    return httpx.post(f"{service.url}/ask", json={"question": question, **more}, timeout=60)


def said(body: dict[str, Any]) -> dict[str, Any]:
    """All that two deliveries of one answer have in common."""
    return {name: value for name, value in body.items() if name not in OWN}


def test_an_answer_is_remembered_and_says_so(service: Service) -> None:
    first, second = (ask(service, "Which policy do you choose for Redis?").json() for _ in range(2))
    assert (first["cached"], second["cached"]) == (False, True)
    assert said(first) == said(second)
    assert first["id"] != second["id"]
    assert set(second["timings_ms"]) == set(first["timings_ms"])


@pytest.mark.parametrize(
    "more", [{"k": 3}, {"mode": "extractive"}, {"collection": "default"}, {"filters": {"kind": "qa"}}]
)
def test_another_way_of_asking_is_another_question(service: Service, more: dict[str, Any]) -> None:
    ask(service)
    assert ask(service, **more).json()["cached"] is False
    assert ask(service, **more).json()["cached"] is True


def test_what_was_asked_before_is_answered_before_anybody_asks_again(service: Service, tmp_path: Path) -> None:
    ask(service, OTHER)
    until(lambda: (OTHER, EVERYTHING) in FeedbackStore(service.library.parts.catalog).most_asked(1000))
    news = tmp_path / "news"
    news.mkdir()
    (news / "tar.md").write_text(
        "# Notes\n\n## What does tar do?\n\nIt packs files into one archive.\n", encoding="utf-8"
    )
    service.library.ingest([news], collection="warm", yes=True, progress=None)
    counts = service.library.answers.counts
    assert service.library.warm_up(1000) >= 1
    assert service.library.answers.counts[1] > counts[1]
    assert ask(service, OTHER).json()["cached"] is True
    service.library.delete_document("tar.md", "warm")


def test_a_changed_document_never_answers_from_memory(service: Service, tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    file = notes / "qa/caching.md"
    before = file.read_text("utf-8")
    try:
        for chosen in ("allkeys-lru", "noeviction", "volatile-ttl"):
            file.write_text(before.replace("allkeys-lru", chosen), encoding="utf-8")
            service.library.ingest([notes], collection="mine", yes=True, progress=None)
            first, second = (ask(service, collection="mine").json() for _ in range(2))
            assert (first["cached"], second["cached"]) == (False, True)
            assert chosen in first["answer"]
            assert chosen in second["answer"]
    finally:
        service.library.delete_document("qa/caching.md", "mine")
        service.library.delete_document("sheets/postgres.md", "mine")
    assert ask(service, collection="mine").json()["sources"] == []


def test_streams_from_memory_say_the_same(service: Service) -> None:
    plain = ask(service).json()
    streamed = ask(service, stream=True)
    events = [block.split("\n", 1) for block in streamed.text.strip().split("\n\n")]
    names = [name.removeprefix("event: ") for name, _ in events]
    assert (names[0], names[-1], set(names[1:-1])) == ("sources", "answer", {"token"})
    assert plain["answer"].split()[0] in events[1][1]
    assert '"cached": true' in events[-1][1]


def test_without_the_index_what_is_known_is_given_with_a_warning(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers_module, "LOOKED_AT_EVERY_S", 0.0)
    monkeypatch.setattr(answers_module, "REVIVED_AFTER_S", 1e9)
    before = ask(service).json()
    with caplog.at_level(logging.INFO, "cuecard.incidents"):
        service.library.parts.retrieval.index.close()
        for _ in range(5):
            known, unknown = ask(service), ask(service, OTHER)
            body = known.json()
            assert (known.status_code, body["partial"], body["cached"], body["low_confidence"]) == (
                200,
                True,
                True,
                True,
            )
            assert "index_degraded" in body["reasons"]
            assert (body["answer"], body["sources"]) == (before["answer"], before["sources"])
            assert unknown.status_code == 503
            assert int(unknown.headers["Retry-After"]) >= 1
        assert [record.levelname for record in caplog.records] == ["WARNING"], "one line for an incident"
        monkeypatch.setattr(answers_module, "REVIVED_AFTER_S", 0.0)
        assert ask(service, OTHER).status_code == 503, "the question that finds that it is time"
        again = ask(service, OTHER)
        assert (again.status_code, again.json()["reasons"]) == (200, []), "it recovers by itself"
        assert said(ask(service).json()) == said(before)
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "for" not in caplog.records[0].getMessage() or QUESTION not in caplog.text


class Heard:
    """A listener that only remembers."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def sources(self, sources: Any) -> None:
        self.told.append([source for source in sources if isinstance(source, Source)])

    def text(self, piece: str) -> None:
        self.told.append(piece)


@pytest.fixture(scope="module")
def opened(filled: Path) -> Iterator[Parts]:
    with open_home(load_settings(filled, {})) as parts:
        yield parts


@pytest.fixture
def remembering(opened: Parts) -> Answers:
    return Answers(opened, 2)


def asking(question: str = QUESTION, view: View = EVERYTHING) -> Asking:
    return Asking.of(question, None, {}, "auto", None, view)


def test_what_one_may_see_is_not_given_to_another(remembering: Answers) -> None:
    remembering.ask(asking())
    assert remembering.known(asking()) is not None
    assert remembering.known(asking(view=View("candidate"))) is None
    assert remembering.known(asking(view=View("interviewer", frozenset({"default"})))) is None


def test_only_so_many_are_remembered(remembering: Answers) -> None:
    for question in ("one?", "two?", "three?"):
        remembering.ask(asking(question))
    assert [remembering.known(asking(question)) is not None for question in ("one?", "two?", "three?")] == [
        False,
        True,
        True,
    ]


def test_a_listener_hears_a_remembered_answer_whole(remembering: Answers) -> None:
    body = remembering.ask(asking())
    heard = Heard()
    assert remembering.ask(asking(), listener=heard)["cached"] is True
    assert [len(heard.told[0]), heard.told[1]] == [len(body["sources"]), body["answer"]]


def test_a_question_of_a_conversation_is_not_remembered(remembering: Answers) -> None:
    remembering.ask(asking(), conversation_id="c1")
    assert remembering.known(asking()) is None


def test_nothing_is_remembered_where_that_is_not_wanted(opened: Parts) -> None:
    answers = Answers(opened, 0)
    assert [answers.ask(asking())["cached"] for _ in range(2)] == [False, False]
    assert answers.counts == (0, 2)
