"""Many questions in many threads of a chat, some told twice, and what became of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import httpx

from tests.chat.conftest import World, mattermost_world, slack_world
from tests.chat.mattermost_person import WEBHOOK_TOKEN, MattermostPerson
from tests.chat.slack_person import SECRET, SlackPerson, signed
from tests.doubles import mattermost_server, slack_server
from tests.doubles.chat_server import Data
from tests.doubles.mattermost_server import BOT_NAME, MattermostDouble, id_of
from tests.doubles.slack_server import BOT_USER, SlackDouble

THREADS = 50


class Flood(Protocol):
    """Questions to one double."""

    double: Any
    post: str
    """The call that says something."""

    def environ(self) -> Mapping[str, str]:
        """The settings of a bot that talks to the double."""

    def questions(self, seed: int, count: int) -> list[Any]:
        """What is asked, in order."""

    def ask(self, question: Any, client: httpx.Client | None, world: World | None) -> None:
        """Ask one of a server, or of the bot in this process."""

    def answers(self) -> list[tuple[str, str]]:
        """Thread and text of all that the bot said."""


class SlackFlood:
    """Events, each acknowledged; some come again, as from a chat that heard no acknowledgement."""

    world = staticmethod(slack_world)
    post = "chat.postMessage"

    def __init__(self, double: SlackDouble | None = None) -> None:
        self.double = double or SlackDouble()

    def environ(self) -> Mapping[str, str]:
        token = slack_server.TOKEN
        return {"SLACK_BOT_TOKEN": token, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": self.double.url}

    def questions(self, seed: int, count: int) -> list[Data]:
        person = SlackPerson(self.double, lambda *_: (0, ""))
        chance = random.Random(seed)  # noqa: S311 - not for secrets
        roots: dict[int, str] = {}
        events: list[Data] = []
        for thread, text in asked(count):
            message = person.spoken(f"<@{BOT_USER}> {text}", f"C{thread % 7}", roots.get(thread, ""))
            roots.setdefault(thread, message["ts"])
            event = person.event({**message, "type": "app_mention"})
            events += [event] * (1 + (chance.random() < 0.2))
        return events

    def ask(self, question: Data, client: httpx.Client | None, world: World | None) -> None:
        data = json.dumps(question).encode()
        if client is not None:
            assert client.post("/slack/events", content=data, headers=signed(data)).status_code == 200
        else:
            assert world is not None
            assert world.bots.slack is not None
            assert world.bots.slack.handle(data, signed(data)).status == 200

    def answers(self) -> list[tuple[str, str]]:
        return [(message["thread_ts"], message["text"]) for message in self.double.screen.messages]


class MattermostFlood:
    """Messages, told over a WebSocket that is cut now and then; some by an outgoing webhook too, later."""

    world = staticmethod(mattermost_world)
    post = "POST /posts"

    def __init__(self, double: MattermostDouble | None = None) -> None:
        self.double = double or MattermostDouble()
        self._roots: dict[int, str] = {}

    def environ(self) -> Mapping[str, str]:
        return {
            "CUECARD_MATTERMOST_URL": self.double.base,
            "CUECARD_MATTERMOST_TOKEN": mattermost_server.TOKEN,
            "CUECARD_MATTERMOST_WEBHOOK_TOKENS": WEBHOOK_TOKEN,
        }

    def questions(self, seed: int, count: int) -> list[tuple[int, str, float]]:
        chance = random.Random(seed)  # noqa: S311 - not for secrets
        return [(thread, text, chance.random()) for thread, text in asked(count)]

    def ask(
        self,
        question: tuple[int, str, float],
        client: httpx.Client | None,  # noqa: ARG002 - whoever listens is told
        world: World | None,
    ) -> None:
        thread, text, chance = question
        root = self._roots.get(thread, "")
        post = self.double.say(id_of("U0ANNA"), f"C{thread % 7}", f"@{BOT_NAME} {text}", root)
        self._roots.setdefault(thread, post["id"])
        if chance < 0.02:
            self.double.drop()
        if world is not None and chance > 0.95:
            person = world.anna
            assert isinstance(person, MattermostPerson)
            person.listened()
            assert person.webhook(post)[0] == 200

    def answers(self) -> list[tuple[str, str]]:
        return [(post["root_id"], post["message"]) for post in self.double.said()]


def asked(count: int) -> Iterator[tuple[int, str]]:
    """The number of a thread, and a question that says so."""
    for number in range(count):
        thread = number % THREADS
        yield thread, f"question {number // THREADS} of thread {thread}"


FLOODS = (SlackFlood, MattermostFlood)
