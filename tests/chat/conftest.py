"""A bot between a double of a chat's server and people who use that chat."""

from __future__ import annotations

import re
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
from tests.chat.mattermost_person import COMMAND_TOKEN, WEBHOOK_TOKEN, MattermostPerson
from tests.chat.person import OWNERS, Person
from tests.chat.slack_person import SECRET, SlackPerson
from tests.doubles import mattermost_server
from tests.doubles.mattermost_server import MattermostDouble, id_of
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
URL = "https://cards.example"
NOTHING: Mapping[str, Any] = {}
NAME = re.compile(r"\b[CDTU]0[A-Z]+\b")

Send = Callable[[bytes, Mapping[str, str]], tuple[int, str]]
"""Sends a request to the bot: body and headers → status and body."""

Newcomer = Callable[[Bots, Send, str], Person]
"""Makes a person with an id."""


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
def opened(
    home: Path,
    double: Any,
    environ: Mapping[str, str],
    path: str,
    person: Callable[[Bots, Send, str], Person],
    **options: Any,
) -> Iterator[World]:
    """A world around a double; `person` makes those who use it."""
    library = TalkingLibrary()
    settings = load_settings(home, {name: value for name, value in environ.items() if value})
    bots = open_bots(settings, library, durable=False, **{"backoff": 0.01, "doubt": 0.01, **options})
    assert bots is not None
    try:
        with TestClient(create_app(library, bots=bots)) as client:  # type: ignore[arg-type]  # what a chat needs of it

            def post(body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
                answer = client.post(path, content=body, headers=headers)
                return answer.status_code, answer.text

            yield World(bots, library, lambda user: person(bots, post, user), double)
    finally:
        double.close()


@contextmanager
def slack_world(
    home: Path, rules: str = RULES, public_url: str = URL, options: Any = NOTHING, **environ: str
) -> Iterator[World]:
    """A world with Slack."""
    write_rules(home, rules)
    double = SlackDouble()
    given = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": double.url}
    given |= {"CUECARD_PUBLIC_URL": public_url, **environ}

    def person(_: Bots, post: Send, user: str) -> Person:
        return SlackPerson(double, post, user)

    with opened(home, double, given, "/slack/events", person, **options) as world:
        yield world


@contextmanager
def mattermost_world(
    home: Path, rules: str = RULES, public_url: str = URL, options: Any = NOTHING, **environ: str
) -> Iterator[World]:
    """A world with Mattermost; names of channels and people in `rules` become its ids."""
    write_rules(home, NAME.sub(lambda name: id_of(name[0]), rules))
    double = MattermostDouble()
    given = {"CUECARD_MATTERMOST_URL": double.base, "CUECARD_MATTERMOST_TOKEN": mattermost_server.TOKEN}
    given |= {"CUECARD_MATTERMOST_COMMAND_TOKENS": f"other, {COMMAND_TOKEN}"}
    given |= {"CUECARD_MATTERMOST_WEBHOOK_TOKENS": WEBHOOK_TOKEN, "CUECARD_PUBLIC_URL": public_url, **environ}

    def person(bots: Bots, post: Send, user: str) -> Person:
        return MattermostPerson(double, post, lambda: listened(bots, double), user)

    with opened(home, double, given, "/mattermost/events", person, **options) as world:
        listened(world.bots, double)
        yield world


def listened(bots: Bots, double: MattermostDouble) -> None:
    """Wait until the bot has heard all that was told."""
    assert bots.mattermost is not None
    listener = bots.mattermost.listener
    until(lambda: listener.caught_up.is_set() and listener.heard >= double.told)


def write_rules(home: Path, rules: str) -> None:
    """The rules of a home."""
    home.mkdir(exist_ok=True)
    (home / "chat.toml").write_text(rules, encoding="utf-8")


WORLDS = {"slack": slack_world, "mattermost": mattermost_world}


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


@pytest.fixture
def mattermost(tmp_path: Path) -> Iterator[World]:
    """Mattermost alone."""
    with mattermost_world(tmp_path / "home") as made:
        yield made
