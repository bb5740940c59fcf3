"""Each question is answered once and in order, whatever fails between."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chat.conftest import RULES, settle, until
from tests.chat.floods import FLOODS, THREADS, Flood
from tests.chat.mattermost_person import MattermostPerson
from tests.doubles.chat_server import Fault
from tests.end_to_end.conftest import ROOT

QUESTIONS = 500
_QUESTION = re.compile(r"question (\d+) of thread (\d+)")


def check_all(flood: Flood, questions: int = QUESTIONS) -> None:
    """An answer to each question, each once, in the order of their thread; nothing that the chat would refuse."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for thread, text in flood.answers():
        matched = _QUESTION.search(text)
        assert matched, text
        found[thread].append((int(matched[2]), int(matched[1])))
    assert len(found) == THREADS
    for answers in found.values():
        thread_number = answers[0][0]
        assert answers == [(thread_number, number) for number in range(questions // THREADS)]
    assert flood.double.violations == []


@pytest.mark.parametrize("kind", FLOODS)
def test_five_hundred_questions_with_a_fifth_of_all_calls_failing(tmp_path: Path, kind: Any) -> None:
    with kind.world(tmp_path / "home", RULES.replace("500", "5000")) as world:
        flood: Flood = kind(world.double)
        world.double.chaos(0.2, seed=7)
        for question in flood.questions(seed=8, count=QUESTIONS):
            flood.ask(question, None, world)
        if isinstance(world.anna, MattermostPerson):
            world.anna.listened()
        settle(world.bots)
        check_all(flood)
        assert len(world.double.calls) > QUESTIONS * 1.2
        assert len(world.library.asked) == QUESTIONS


KILLED_QUESTIONS, KILLS = 150, 2


@contextmanager
def bot_process(home: Path, flood: Flood) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its URL."""
    paths = (str(ROOT), os.environ.get("PYTHONPATH"))
    environ = {**os.environ, **flood.environ(), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "tests.chat.bot_process", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.mark.parametrize("kind", FLOODS)
def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path: Path, kind: Any) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "chat.toml").write_text("questions_per_minute = 5000", encoding="utf-8")
    flood: Flood = kind()
    try:
        flood.double.chaos(0.1, seed=5)
        waiting = flood.questions(seed=6, count=KILLED_QUESTIONS)
        for run in range(KILLS + 1):
            with bot_process(home, flood) as (process, url):
                enough = KILLED_QUESTIONS * (run + 1) // (KILLS + 1)
                ask_until(flood, waiting, url, lambda: len(flood.answers()) >= enough)  # noqa: B023
                if run < KILLS:
                    process.send_signal(signal.SIGKILL)
                    process.wait(timeout=60)
        assert waiting == []
        check_all(flood, KILLED_QUESTIONS)
    finally:
        flood.double.close()


def ask_until(flood: Flood, waiting: list[Any], url: str, enough: Callable[[], bool]) -> None:
    """Ask one question after the other until there are answers enough; those that were asked are taken off."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while waiting and not enough():
            flood.ask(waiting[0], client, None)
            waiting.pop(0)
    until(enough)


@pytest.mark.parametrize("kind", FLOODS)
def test_a_call_that_nobody_answers_in_time_gives_one_answer(tmp_path: Path, kind: Any) -> None:
    with kind.world(tmp_path / "home", options={"timeout_s": 2, "doubt": 0.5}) as world:
        # one that did its work all the same, and one that did not
        world.double.fail(kind.post, Fault(late_s=60, done=True), Fault(late_s=60))
        threads = [world.anna.say(f"question {number}") for number in range(2)]
        for thread in threads:
            until(lambda: world.anna.seen(thread=thread))  # noqa: B023
        world.settled()
        assert [len(world.anna.seen(thread=thread)) for thread in threads] == [1, 1]
        assert len(world.double.called(kind.post)) >= 3
