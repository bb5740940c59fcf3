"""Each question is answered once and in order, whatever fails between."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from pathlib import Path

from tests.chat.conftest import RULES, settle, slack_world
from tests.chat.slack_person import SlackPerson, signed
from tests.doubles.slack_server import BOT_USER, Data, SlackDouble

QUESTIONS, THREADS = 500, 50
_QUESTION = re.compile(r"question (\d+) of thread (\d+)")


def ask_all(person: SlackPerson, seed: int) -> list[Data]:
    """The events of all questions: some come again, as from a chat that heard no acknowledgement."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    roots: dict[int, str] = {}
    events: list[Data] = []
    for number in range(QUESTIONS):
        thread = number % THREADS
        text = f"<@{BOT_USER}> question {number // THREADS} of thread {thread}"
        message = {**person.spoken(text, f"C{thread % 7}", roots.get(thread, "")), "type": "app_mention"}
        roots.setdefault(thread, message["ts"])
        event = person.event(message)
        events += [event] * (1 + (chance.random() < 0.2))
    return events


def check_all(double: SlackDouble) -> None:
    """500 answers, each once, in the order of their thread; nothing that Slack would refuse."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for message in double.screen.messages:
        matched = _QUESTION.search(message["text"])
        assert matched, message["text"]
        found[message["thread_ts"]].append((int(matched[2]), int(matched[1])))
    assert len(found) == THREADS
    for answers in found.values():
        thread = answers[0][0]
        assert answers == [(thread, number) for number in range(QUESTIONS // THREADS)]
    assert double.violations == []


def test_five_hundred_questions_with_a_fifth_of_all_calls_failing(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home", RULES.replace("500", "5000")) as world:
        world.double.chaos(0.2, seed=7)
        person = world.anna
        assert isinstance(person, SlackPerson)
        assert world.bots.slack is not None
        for event in ask_all(person, seed=8):
            data = json.dumps(event).encode()
            assert world.bots.slack.handle(data, signed(data)).status == 200
        settle(world.bots)
        check_all(world.double)
        assert len(world.double.calls) > QUESTIONS * 1.2
        assert len(world.library.asked) == QUESTIONS
