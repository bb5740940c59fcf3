"""What goes wrong for a while is told when it begins and when it ends, not with every request that it meets."""

from __future__ import annotations

import logging
import threading
import time

_log = logging.getLogger("cuecard.incidents")


class Incident:
    """One thing that can be down. Thread-safe."""

    def __init__(self, what: str) -> None:
        """`what`, as the log names it: "index"."""
        self._what = what
        self._lock = threading.Lock()
        self._since: float | None = None

    @property
    def open(self) -> bool:
        """Whether it is down now, as far as anybody noticed."""
        return self._since is not None

    @property
    def seconds(self) -> float:
        """How long it has been down; 0 where it works."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def begin(self, reason: str) -> None:
        """It is down; a line in the log the first time."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
        _log.warning("%s: %s", self._what, reason, extra={"fields": {"incident": self._what, "state": "down"}})

    def end(self) -> None:
        """It works; a line in the log where it did not before."""
        with self._lock:
            if self._since is None:
                return
            seconds, self._since = time.monotonic() - self._since, None
        fields = {"incident": self._what, "state": "up", "seconds": round(seconds, 1)}
        _log.info("%s: works again", self._what, extra={"fields": fields})
