"""Calling a language model so that nobody waits for it too long: deadline, retries with jitter, circuit breaker."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from answering.generate.breaker import Breaker
from answering.generate.errors import DeadlineError, LanguageModelError
from answering.generate.stats import GenerationStats

ATTEMPTS = 3
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 4.0
_PIECES_AHEAD = 256
_THINKING, _THOUGHT = "<think>", "</think>"


class Model(Protocol):
    """A language model."""

    name: str

    def stream(self, system: str, user: str) -> Iterator[str]:
        """The reply, piece by piece. Raises LanguageModelError."""

    def close(self) -> None:
        """Let go of its connections."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the clock."""

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left; never below 0."""
        return max(0.0, self.at - self.clock())


class Caller:
    """Calls one model for everybody. Thread-safe."""

    def __init__(self, model: Model, breaker: Breaker | None = None, stats: GenerationStats | None = None) -> None:
        self.model = model
        self.breaker = breaker or Breaker()
        self.stats = stats or GenerationStats()

    def reply(self, system: str, user: str, deadline: Deadline) -> Iterator[str]:
        """The reply piece by piece, without what a reasoning model thinks aloud at its beginning.

        A call that fails before its first piece is made again, ATTEMPTS times at most and never past the deadline.
        Raises LanguageModelError, DeadlineError when the time is over.
        """
        if not self.breaker.allows():
            self.stats.count("refused_by_breaker")
            raise LanguageModelError(f"{self.model.name} failed again and again and is left alone for a while.")
        try:
            yield from _said(self._pieces(system, user, deadline))
        except LanguageModelError as error:
            self.breaker.failed()
            self.stats.count("call_failures")
            if isinstance(error, DeadlineError):
                self.stats.count("deadlines")
            raise
        except GeneratorExit:
            # the reader has enough; the model did its work
            self.breaker.succeeded()
            raise
        self.breaker.succeeded()

    def close(self) -> None:
        """Let go of the model's connections."""
        self.model.close()

    def _pieces(self, system: str, user: str, deadline: Deadline) -> Iterator[str]:
        retrying = Retrying(
            retry=retry_if_exception(lambda error: _worth_repeating(error, deadline)),
            stop=stop_after_attempt(ATTEMPTS),
            wait=lambda state: min(_wait(state), deadline.left),
            before_sleep=lambda _: self.stats.count("retries"),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                stream = self._stream(system, user, deadline)
                first = next(stream, None)
        if first is None:
            raise LanguageModelError(f"{self.model.name} gave an empty reply.")
        with closing(stream):
            yield first
            yield from stream

    def _stream(self, system: str, user: str, deadline: Deadline) -> Generator[str]:
        """Pieces as a thread reads them, so that a connection on which nothing comes is not waited for."""
        if not deadline.left:
            raise DeadlineError(f"{self.model.name} took too long.")
        self.stats.count("calls")
        pieces: queue.Queue[str | LanguageModelError | None] = queue.Queue(_PIECES_AHEAD)
        given_up = threading.Event()
        threading.Thread(
            target=_read, args=(self.model, system, user, pieces, given_up), name="language-model", daemon=True
        ).start()
        try:
            while True:
                try:
                    piece = pieces.get(timeout=max(0.001, deadline.left))
                except queue.Empty:
                    raise DeadlineError(f"{self.model.name} took too long.") from None
                if piece is None:
                    return
                if isinstance(piece, LanguageModelError):
                    raise piece
                yield piece
                if not deadline.left:
                    raise DeadlineError(f"{self.model.name} took too long.")
        finally:
            given_up.set()


def _read(
    model: Model,
    system: str,
    user: str,
    pieces: queue.Queue[str | LanguageModelError | None],
    given_up: threading.Event,
) -> None:
    """Read a reply into the queue until it ends, fails, or nobody wants it any more."""
    last: LanguageModelError | None = None
    try:
        for piece in model.stream(system, user):
            if given_up.is_set() or not _put(pieces, piece, given_up):
                return
    except LanguageModelError as error:
        last = error
    _put(pieces, last, given_up)


def _put(
    pieces: queue.Queue[str | LanguageModelError | None],
    piece: str | LanguageModelError | None,
    given_up: threading.Event,
) -> bool:
    while not given_up.is_set():
        try:
            pieces.put(piece, timeout=0.5)
        except queue.Full:
            continue
        return True
    return False


def _worth_repeating(error: BaseException, deadline: Deadline) -> bool:
    return isinstance(error, LanguageModelError) and error.repeatable and error.wait_s < deadline.left


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, LanguageModelError) else 0.0
    return max(asked, wait_random_exponential(FIRST_WAIT_S, LONGEST_WAIT_S)(state))


def _said(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces without a thought at the very beginning, such as `<think>…</think>`."""
    held = ""
    for piece in pieces:
        held += piece
        start = held.lstrip()
        if start.startswith(_THINKING):
            _, found, rest = start.partition(_THOUGHT)
            if found:
                yield rest
                break
        elif not _THINKING.startswith(start):
            yield held
            break
    else:
        if not held.lstrip().startswith(_THINKING):
            yield held
        return
    yield from pieces
