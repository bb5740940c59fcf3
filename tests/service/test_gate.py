"""The queue before the questions: so many at once, so many that wait, each within its time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from api.errors import DeadlineError, QueueFullError
from api.http.gate import Gate
from tests.service.running import WAIT_S

T = TypeVar("T")


class Held:
    """Work that ends when it is let go, and knows how much of it ran at once."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.lock = threading.Lock()
        self.running = self.most = self.done = 0

    def __call__(self) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.let_go.wait(2 * WAIT_S)
        with self.lock:
            self.running -= 1
            self.done += 1
        return "done"


@pytest.fixture
def held() -> Iterator[Held]:
    work = Held()
    yield work
    work.let_go.set()


def finished(scene: Coroutine[Any, Any, T]) -> T:
    """What it returns, within a minute."""
    return asyncio.run(asyncio.wait_for(scene, WAIT_S))


def test_so_many_run_so_many_wait_and_the_rest_is_refused(held: Held) -> None:
    async def scene() -> list[str | BaseException]:
        gate = Gate(workers=2, queue=3)
        asked = [asyncio.create_task(gate.run(held)) for _ in range(10)]
        while gate.refused["queue"] < 5 or gate.running < 2:
            await asyncio.sleep(0.005)
        assert (gate.running, gate.waiting) == (2, 3)
        held.let_go.set()
        said = await asyncio.gather(*asked, return_exceptions=True)
        assert (gate.running, gate.waiting) == (0, 0)
        gate.close()
        return said

    said = finished(scene())
    refused = [each for each in said if isinstance(each, QueueFullError)]
    assert (said.count("done"), len(refused), held.most) == (5, 5, 2)
    assert all(each.retry_after is not None and each.retry_after >= 1 for each in refused)


def test_what_takes_too_long_is_given_up_and_keeps_its_place_until_it_ends(held: Held) -> None:
    async def scene() -> None:
        gate = Gate(workers=1, queue=5, deadline_s=0.05)
        with pytest.raises(DeadlineError):
            await gate.run(held)
        assert gate.running == 1
        with pytest.raises(DeadlineError):
            await gate.run(lambda: "never begun")
        assert gate.waiting == 0
        held.let_go.set()
        while gate.running:
            await asyncio.sleep(0.005)
        gate.deadline_s = WAIT_S
        assert await gate.run(lambda: "next") == "next"
        gate.close()

    finished(scene())
    assert held.done == 1


def test_what_work_raises_is_raised(held: Held) -> None:
    held.let_go.set()

    async def scene() -> None:
        gate = Gate(workers=1)
        with pytest.raises(ZeroDivisionError):
            await gate.run(lambda: 1 / 0)
        assert await gate.run(held) == "done"
        gate.close()

    finished(scene())
