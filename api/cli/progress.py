"""A bar on the terminal for work that takes long: what is done, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from api.cli.context import Context
from api.library import Progress

PHASES = {
    "files": "files",
    "index": "chunks into the index",
    "rows": "rows of the catalog",
    "link": "questions compared",
    "tuning": "tuning the index",
}
"""What the numbers of a phase count; another phase is called by its own name."""

WINDOW_SECONDS = 30.0
"""The rate is that of the last so many seconds: a long file, or many unchanged ones, don't count for ever."""

SAMPLE_SECONDS = 0.5


class Pace:
    """How fast numbers rise that come in bursts: small files are indexed, and told of, many at once."""

    def __init__(self, started: float) -> None:
        self._samples = deque([(started, 0)])

    def rate(self, done: int, now: float) -> float | None:
        """How many a second, over the last WINDOW_SECONDS; None where that is too early to say."""
        if now - self._samples[-1][0] >= SAMPLE_SECONDS:
            self._samples.append((now, done))
        while len(self._samples) > 1 and now - self._samples[0][0] > WINDOW_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        return (done - before) / (now - since) if now - since >= SAMPLE_SECONDS and done > before else None


@contextmanager
def showing_progress(context: Context, start: str = "looking at the files") -> Iterator[Progress | None]:
    """Where to tell how far it is; None where nobody watches. `start` is shown until the first number comes."""
    if not context.chatty:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[said]}"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(start, total=None, said="")
        phases: dict[str, Pace] = {}
        last = time.monotonic()

        def progress(phase: str, done: int, total: int) -> None:
            nonlocal last
            begins = (
                phase not in phases
            )  # drawn at once, however short it is: the bars draw themselves ten times a second
            pace = phases.setdefault(phase, Pace(last))
            last = time.monotonic()
            said = describe(done, total, pace.rate(done, last))
            name = PHASES.get(phase, phase)
            bars.update(bar, description=name, completed=done, total=total, said=said, refresh=begins)

        yield progress


def describe(done: int, total: int, rate: float | None) -> str:
    """`640 of 2,000 · 43/s · 0:32 left`."""
    parts = [f"{done:,} of {total:,}"]
    if rate is not None:
        minutes, seconds = divmod(round((total - done) / rate), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        parts += [f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s", f"{clock} left"]
    return " · ".join(parts)
