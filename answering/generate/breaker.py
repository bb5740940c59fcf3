"""A circuit breaker: what fails again and again is left alone for a while, then tried once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]

FAILURES = 3
"""Failures in a row from which calls are refused."""

REST_S = 30.0
"""Seconds for which they are."""


class Breaker:
    """Thread-safe. Ask `allows` before each call, and tell it afterwards how the call went."""

    def __init__(
        self, failures: int = FAILURES, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`failures` in a row open it; `rest_s` seconds later one call is let through, and decides."""
        self._most, self._rest_s, self._clock = failures, rest_s, clock
        self._lock = threading.Lock()
        self._failed = 0
        self._opened: float | None = None
        self._trying: float | None = None

    @property
    def state(self) -> State:
        """`open` refuses every call, `half-open` lets one through."""
        with self._lock:
            return self._state()

    def allows(self) -> bool:
        """Whether a call may be made now. In the half-open state only the first one that asks may."""
        with self._lock:
            state = self._state()
            if state == "half-open":
                # a trial that nobody reported back on must not keep the breaker shut for ever
                if self._trying is not None and self._clock() - self._trying < self._rest_s:
                    return False
                self._trying = self._clock()
            return state != "open"

    def succeeded(self) -> None:
        """A call went well."""
        with self._lock:
            self._failed, self._opened, self._trying = 0, None, None

    def failed(self) -> None:
        """A call failed."""
        with self._lock:
            self._failed += 1
            if self._trying is not None or self._failed >= self._most:
                self._opened, self._trying = self._clock(), None

    def _state(self) -> State:
        if self._opened is None:
            return "closed"
        return "half-open" if self._clock() - self._opened >= self._rest_s else "open"
