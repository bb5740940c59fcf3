"""How much is worked on at once: so many questions, so many that wait, and each within its time."""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from api.errors import DeadlineError, QueueFullError
from api.settings import Settings

T = TypeVar("T")

QUEUE, DEADLINE_S = 64, 30
"""What holds where the settings say nothing."""

_SMOOTHING = 0.1  # how much the newest piece of work counts in the mean


class Gate:
    """Runs work in threads of its own, so many at once. Who finds the queue full, or waits too long, is told so.

    Work can't be broken off: what takes longer than its time is given up, and keeps its thread until it ends.
    """

    def __init__(self, workers: int, queue: int = QUEUE, deadline_s: float = DEADLINE_S) -> None:
        """`workers`: at once. `queue`: how many may wait. `deadline_s`: seconds for waiting and work together."""
        self.workers, self.queue, self.deadline_s = workers, queue, deadline_s
        self.running = self.waiting = 0
        self.refused = {"queue": 0, "deadline": 0}
        self._line: deque[asyncio.Future[None]] = deque()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="cuecard-work")
        self._mean_s = 0.1

    @classmethod
    def of(cls, settings: Settings | None) -> Gate:
        """As the settings say."""

        def number(value: str | None, default: int) -> int:
            return default if value is None else int(value)

        workers = os.cpu_count() or 1
        if settings is None:
            return cls(workers)
        return cls(
            number(settings.concurrency, workers), number(settings.queue, QUEUE), number(settings.deadline, DEADLINE_S)
        )

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises QueueFullError and DeadlineError."""
        deadline = time.monotonic() + self.deadline_s
        await self._enter(deadline)
        done = asyncio.get_running_loop().run_in_executor(
            self._threads, partial(contextvars.copy_context().run, self._timed, work)
        )
        done.add_done_callback(self._leave)
        finished, _ = await asyncio.wait([done], timeout=max(0.0, deadline - time.monotonic()))
        if not finished:
            raise self._too_late()
        return done.result()

    def close(self) -> None:
        """Take no more; what runs may end by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def retry_after(self) -> int:
        """Seconds after which what waits now is likely done, at least 1."""
        return max(1, min(60, math.ceil(self._expected_s())))

    def _expected_s(self) -> float:
        """Seconds until a request that comes now is answered: refused at once, nobody waits for a deadline in vain."""
        return (self.waiting + self.running) * self._mean_s / self.workers

    async def _enter(self, deadline: float) -> None:
        """Wait for a free worker, in the order of coming."""
        if self.running < self.workers:
            self.running += 1
            return
        if self.waiting >= self.queue or (self.waiting and self._expected_s() > self.deadline_s):
            self.refused["queue"] += 1
            raise QueueFullError(
                f"{self.waiting} requests wait already.", hint="Try again later.", retry_after=self.retry_after()
            )
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self.waiting += 1
        try:
            await asyncio.wait([turn], timeout=max(0.0, deadline - time.monotonic()))
        except asyncio.CancelledError:
            if turn.done():
                self._let_in()
            raise
        finally:
            self.waiting -= 1
            turn.cancel()
        if turn.cancelled():
            raise self._too_late()

    def _leave(self, done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()  # whoever gave it up does not hear of it any more
        self._let_in()

    def _let_in(self) -> None:
        """Give a place that is free now to whoever waits longest."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1

    def _timed(self, work: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            return work()
        finally:
            self._mean_s += _SMOOTHING * (time.monotonic() - started - self._mean_s)

    def _too_late(self) -> DeadlineError:
        self.refused["deadline"] += 1
        return DeadlineError(
            f"It took longer than {self.deadline_s:g} seconds.",
            hint="Try again later.",
            retry_after=self.retry_after(),
        )
