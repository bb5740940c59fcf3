"""An answer that a language model words, on its way to who reads it: in order, as it is made, and not for nobody."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import load_settings
from tests.api.conftest import copy_home
from tests.doubles.llm_server import LanguageModelDouble, Reply, language_model
from tests.service.conftest import ADMIN, Service, serve
from tests.service.running import WAIT_S, until

QUESTION = "how many rows does a partial index cover"
SENTENCE = "An index with a WHERE clause covers 12 percent of the rows and stays small."


def worded(times: int) -> Any:
    """A reply of so many sentences that all cite the note which says so."""

    def reply(user: str) -> str:
        found = re.search(r'<source number="(\d+)"[^>]*>(?:(?!</source>).)*Partial index', user, re.DOTALL)
        assert found is not None
        return " ".join([f"{SENTENCE} [{found.group(1)}]"] * times)

    return reply


@pytest.fixture(scope="module")
def double() -> Iterator[LanguageModelDouble]:
    with language_model(Reply(worded(2))) as double:
        yield double


@pytest.fixture(scope="module")
def speaking(double: LanguageModelDouble, filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose answers that double words, one at a time."""
    home = tmp_path_factory.mktemp("speaking") / "home"
    copy_home(filled, home)
    named = {"CUECARD_LLM": "openai-like", "CUECARD_LLM_URL": double.url, "CUECARD_LLM_MODEL": "m"}
    named |= {"CUECARD_LLM_TIMEOUT": "500", "CUECARD_DEADLINE": "500", "CUECARD_CONCURRENCY": "1"}
    with contextmanager(serve)(load_settings(home, named)) as service:
        yield service


@contextmanager
def listening(service: Service, **more: Any) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a question, as they come. Whoever leaves the block hangs up."""
    body = {"question": QUESTION, "mode": "llm", "stream": True, **more}
    with httpx.stream("POST", f"{service.url}/ask", json=body, timeout=WAIT_S) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield events(response)


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def idle(service: Service) -> bool:
    gate = service.app.state.gate
    return bool(gate.running == gate.waiting == 0)


def talking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "language-model"]


def test_sources_then_text_as_it_is_made_then_the_verdict(speaking: Service, double: LanguageModelDouble) -> None:
    rest = threading.Event()
    double.replies = [Reply(worded(3), after=2 * len(SENTENCE), hold=rest)]
    with listening(speaking, k=3) as coming:
        name, sources = next(coming)
        assert name == "sources"
        assert "sheets/postgres.md" in [source["document"] for source in sources]
        name, first = next(coming)
        assert name == "token"
        assert not rest.is_set(), "this was said while the model still spoke"
        rest.set()
        *pieces, (last, answer) = coming
    assert [name for name, _ in pieces] == ["token"] * len(pieces)
    assert (last, answer["kind"], answer["cached"]) == ("answer", "generated", False)
    assert first["text"] + "".join(piece["text"] for _, piece in pieces) == answer["answer"]
    assert answer["answer"].count(SENTENCE) == 3
    assert {claim["verdict"] for claim in answer["claims"]} == {"supported"}
    assert {source["marker"] for source in answer["sources"]} <= {source["marker"] for source in sources}
    assert answer["timings_ms"]["generate"] > 0


def test_who_leaves_midway_is_not_worked_for_any_more(speaking: Service, double: LanguageModelDouble) -> None:
    long = 200
    double.replies = [Reply(worded(long), pause_s=0.02)]
    double.hung_up.clear()
    before = speaking.library.answers.counts
    with listening(speaking, k=4) as coming:
        assert [next(coming)[0] for _ in range(3)] == ["sources", "token", "token"]
    until(lambda: idle(speaking))
    assert double.hung_up.wait(WAIT_S), "the model is not listened to any more"
    assert double.said < long * len(SENTENCE) / 2
    until(lambda: not talking())
    double.replies = [Reply(worded(1))]
    with listening(speaking, k=4) as coming:
        *_, (last, answer) = coming
    assert (last, answer["kind"], answer["cached"]) == ("answer", "generated", False), (
        "what broke off is not remembered"
    )
    hits, misses = speaking.library.answers.counts
    assert (hits - before[0], misses - before[1]) == (0, 2)


def test_who_leaves_before_anything_is_said_gives_the_place_up(speaking: Service, double: LanguageModelDouble) -> None:
    silence = threading.Event()
    double.replies = [Reply(worded(2), after=0, hold=silence)]
    asked = len(double.heard)
    gate = speaking.app.state.gate

    def impatient(**more: Any) -> None:
        body = {"question": QUESTION, "mode": "llm", "stream": True, **more}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{speaking.url}/ask", json=body, timeout=httpx.Timeout(WAIT_S, read=1.0))

    impatient(k=5)
    until(lambda: len(double.heard) == asked + 1)
    impatient(k=6)
    until(lambda: gate.waiting == 0)  # who waited in the queue is out of it
    assert gate.running == 1, "what runs keeps its place until it ends"
    silence.set()
    until(lambda: idle(speaking))
    until(lambda: not talking())
    assert len(double.heard) == asked + 1, "for the second the model was never asked"
    until(
        lambda: 'route="/ask",status="499"' in httpx.get(f"{speaking.url}/metrics", headers=ADMIN, timeout=WAIT_S).text
    )
