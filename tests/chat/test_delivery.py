"""Each question is answered once and in order, whatever fails between."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.chat.conftest import RULES, settle, slack_world, until
from tests.chat.slack_person import SECRET, SlackPerson, signed
from tests.doubles.slack_server import BOT_USER, TOKEN, Data, SlackDouble
from tests.end_to_end.conftest import ROOT

QUESTIONS, THREADS = 500, 50
_QUESTION = re.compile(r"question (\d+) of thread (\d+)")


def ask_all(person: SlackPerson, seed: int, questions: int = QUESTIONS) -> list[Data]:
    """The events of all questions: some come again, as from a chat that heard no acknowledgement."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    roots: dict[int, str] = {}
    events: list[Data] = []
    for number in range(questions):
        thread = number % THREADS
        text = f"<@{BOT_USER}> question {number // THREADS} of thread {thread}"
        message = {**person.spoken(text, f"C{thread % 7}", roots.get(thread, "")), "type": "app_mention"}
        roots.setdefault(thread, message["ts"])
        event = person.event(message)
        events += [event] * (1 + (chance.random() < 0.2))
    return events


def check_all(double: SlackDouble, questions: int = QUESTIONS) -> None:
    """An answer to each question, each once, in the order of their thread; nothing that Slack would refuse."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for message in double.screen.messages:
        matched = _QUESTION.search(message["text"])
        assert matched, message["text"]
        found[message["thread_ts"]].append((int(matched[2]), int(matched[1])))
    assert len(found) == THREADS
    for answers in found.values():
        thread = answers[0][0]
        assert answers == [(thread, number) for number in range(questions // THREADS)]
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


KILLED_QUESTIONS, KILLS = 150, 2


@contextmanager
def bot_process(home: Path, double: SlackDouble) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its URL."""
    settings = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": double.url}
    paths = (str(ROOT), os.environ.get("PYTHONPATH"))
    environ = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "tests.chat.bot_process", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "chat.toml").write_text("questions_per_minute = 5000", encoding="utf-8")
    double = SlackDouble()
    try:
        double.chaos(0.1, seed=5)
        person = SlackPerson(double, lambda *_: (0, ""))
        waiting = ask_all(person, seed=6, questions=KILLED_QUESTIONS)
        for run in range(KILLS + 1):
            with bot_process(home, double) as (process, url):
                enough = KILLED_QUESTIONS * (run + 1) // (KILLS + 1)
                send_until(waiting, url, lambda: len(double.screen.messages) >= enough)  # noqa: B023
                if run < KILLS:
                    process.send_signal(signal.SIGKILL)
                    process.wait(timeout=60)
        assert waiting == []
        check_all(double, KILLED_QUESTIONS)
    finally:
        double.close()


def send_until(waiting: list[Data], url: str, enough: Callable[[], bool]) -> None:
    """Send events one after the other until there are answers enough; those that were acknowledged are taken off."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while waiting and not enough():
            data = json.dumps(waiting[0]).encode()
            assert client.post("/slack/events", content=data, headers=signed(data)).status_code == 200
            waiting.pop(0)
    until(enough)
