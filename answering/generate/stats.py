"""What became of generated answers, counted."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Literal, get_args

Event = Literal[
    "calls",
    "retries",
    "call_failures",
    "refused_by_breaker",
    "deadlines",
    "generated",
    "fallbacks",
    "declined",
    "sentences",
    "sentences_refused",
    "sentences_repaired",
    "sentences_dropped",
    "citations_invented",
    "citations_mismatched",
    "citations_missing",
]
EVENTS: tuple[Event, ...] = get_args(Event)


class GenerationStats:
    """Counts since the process began. Thread-safe.

    `calls` to the model (each retry is one), `retries`, `call_failures`, `refused_by_breaker`, `deadlines` missed;
    answers `generated`, `fallbacks` to the extract, `declined` (the model found nothing in the sources); `sentences`
    the model wrote, of them `sentences_refused` by the checker at first, `sentences_repaired`, `sentences_dropped`;
    citations of sources that don't exist (`citations_invented`), of a source that doesn't say it while another one
    does (`citations_mismatched`), and sentences without any (`citations_missing`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Event] = Counter()

    def count(self, event: Event, times: int = 1) -> None:
        """Something happened."""
        with self._lock:
            self._counts[event] += times

    def snapshot(self) -> dict[str, int]:
        """All counts by name, those that are nought too."""
        with self._lock:
            return {event: self._counts[event] for event in EVENTS}
