"""One home measured from all sides: in this process, over HTTP, from the start of a process, and on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from answering.build import build_checker
from answering.ground.verifier import find_verifier
from eval.latency_build import disk_mb
from eval.latency_check import measure_checks
from eval.latency_cores import cores_waited, memory_mb
from eval.latency_process import cold_asks, measure_http, median_of
from eval.latency_stages import Samples, measure_parts, size_of, timed
from eval.ports import Home, Settings

COLD_TIMES = 3


class PlacedSettings(Settings, Protocol):
    """Settings that tell where the home is, so that other processes can be pointed at it."""

    @property
    def home(self) -> Path: ...


class PlacedHome(Home, Protocol):
    """A home that other processes can be pointed at."""

    def settings(self) -> PlacedSettings:
        """The settings of this process. Raises SettingsError."""


def measure_home(
    home: PlacedHome, queries: Sequence[str], *, rounds: int, threads: int, http: bool
) -> tuple[dict[str, Any], Samples]:
    """The figures of the home, and the samples they are of. `http`: also over HTTP and in new processes.

    Raises HomeBusyError, NotFoundError, IndexUnavailableError, and CuecardError where a process fails.
    """
    folder = home.settings().home
    with home.open_parts() as parts:
        about = size_of(parts)
        first_ms, _ = timed(parts.answerer.ask, queries[0], collection=None)
        with cores_waited() as waited:
            samples = measure_parts(parts, queries, rounds=rounds, threads=threads)
        memory = memory_mb()
        # after that: memory is that of a process that asks only
        checker = build_checker(verifier=find_verifier(home.settings().verifier or ""))
        measure_checks(samples, checker, parts.retriever, queries, rounds=rounds)
    summary: dict[str, Any] = {**about, "queries": len(queries), "rounds": rounds, "threads": threads}
    summary |= {"first_ask_ms": first_ms, "waited": waited(), "memory_mb": memory, "disk_mb": disk_mb(folder)}
    if http:
        # the settings of this process are those of the home at hand
        environment: Mapping[str, str] = os.environ
        summary["http"] = measure_http(folder, queries, samples, rounds=1, environment=environment)
        cold = cold_asks(folder, queries[0], COLD_TIMES, environment)
        summary |= {"cold_ask_s": median_of(cold), "cold_asks_s": cold}
    summary["stages"] = samples.stages()
    return summary, samples
