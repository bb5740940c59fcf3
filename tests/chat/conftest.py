"""A bot between a double of a chat's server and people who use that chat."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.chat.bots import Bots, open_bots
from api.http.app import create_app
from api.settings import load_settings
from tests.chat.library import TalkingLibrary
from tests.chat.person import OWNERS, Person
from tests.chat.slack_person import SECRET, SlackPerson
from tests.doubles.slack_server import TOKEN, SlackDouble

RULES = f"""
owners = "{OWNERS}"
questions_per_minute = 500
[channels.C0SECRET]
audience = "interviewer"
[people.U0BOSS]
audience = "interviewer"
"""
PATIENCE_S = 300


def until(done: Callable[[], bool]) -> None:
    """Wait for something that will come soon."""
    deadline = time.monotonic() + PATIENCE_S
    pause = 0.002
    while not done():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def settle(bots: Bots) -> None:
    """Wait until everything that was taken is answered and delivered."""

    def done() -> bool:
        counts = bots.store.counts()
        return counts["inbox_waiting"] == counts["outbox_waiting"] == 0

    until(done)


class World:
    """One chat with its bot. `settled()` waits until the bot is done."""

    def __init__(self, bots: Bots, library: TalkingLibrary, newcomer: Callable[[str], Person], double: Any) -> None:
        self.bots = bots
        self.library = library
        self.newcomer = newcomer
        self.double = double
        self.anna = newcomer("U0ANNA")

    def settled(self) -> Person:
        """Anna, once the bot has done everything."""
        settle(self.bots)
        return self.anna


@contextmanager
def slack_world(
    home: Path, rules: str = RULES, public_url: str = "https://cards.example", **environ: str
) -> Iterator[World]:
    """A world with Slack."""
    home.mkdir(exist_ok=True)
    (home / "chat.toml").write_text(rules, encoding="utf-8")
    double, library = SlackDouble(), TalkingLibrary()
    given = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": double.url}
    given |= {"CUECARD_PUBLIC_URL": public_url, **environ}
    bots = open_bots(
        load_settings(home, {k: v for k, v in given.items() if v}), library, durable=False, backoff=0.01, doubt=0.01
    )
    assert bots is not None
    try:
        with TestClient(create_app(library, bots=bots)) as client:  # type: ignore[arg-type]  # what a chat needs of it

            def post(body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
                answer = client.post("/slack/events", content=body, headers=headers)
                return answer.status_code, answer.text

            yield World(bots, library, lambda user: SlackPerson(double, post, user), double)
    finally:
        double.close()


WORLDS = {"slack": slack_world}


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Each chat in turn."""
    with WORLDS[request.param](tmp_path / "home") as made:
        yield made


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[World]:
    """Slack alone."""
    with slack_world(tmp_path / "home") as made:
        yield made
