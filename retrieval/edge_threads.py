"""The threads in which the engine searches the parts of an index: one a core, each on its own.

Left alone, the operating system often wakes two of them on one core and leaves the other idle: over 100,000 chunks in
two parts on two cores, the index's share of a question then takes 8.6 instead of 4.8 ms, for one question in ten. With
a core for each, its 95th percentile is 5.5 ms, and two who ask at once get 103 answers a second instead of 92.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MOST = 8  # that one question is worth
_NAME = "edge-search-"  # what the engine calls them, and a number from 0
_TASKS = Path("/proc/self/task")
_PATIENCE_S, _STEP_S = 0.2, 0.002  # they give themselves their names, some 0.1 ms after they were made


def search_threads() -> int:
    """How many threads search for one question, and into how many parts a large index is cut."""
    return min(_MOST, os.cpu_count() or 1)


@contextmanager
def spread_search_threads() -> Iterator[None]:
    """Give each thread of the shard that is opened in the block a core of its own, where they are as many as the cores.

    With cores to spare they are left to the operating system, as they are where threads can't be placed.
    """
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    if not 1 < len(cores) == search_threads():
        yield
        return
    before = set(_search_threads())
    yield
    until = time.monotonic() + _PATIENCE_S
    while len(new := _search_threads().keys() - before) < len(cores) and time.monotonic() < until:
        time.sleep(_STEP_S)
    for task, number in _search_threads().items():
        if task in new:
            with suppress(OSError):  # it ended meanwhile
                # from another core on in each process
                os.sched_setaffinity(task, {cores[(number + os.getpid()) % len(cores)]})


def _search_threads() -> dict[int, int]:
    """The search threads of this process: their numbers, which are unique within a shard, by their ids."""
    found = {}
    for task in _TASKS.iterdir():
        with suppress(OSError, ValueError):
            name = (task / "comm").read_text(encoding="utf-8").strip()
            if name.startswith(_NAME):
                found[int(task.name)] = int(name.removeprefix(_NAME))
    return found
