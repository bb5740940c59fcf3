"""A home measured from outside: over HTTP, and from the start of a process. All traffic stays on the loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval.latency_cores import memory_mb
from eval.latency_stages import Samples, at_once, rounds_of, timed, variant
from ingest.errors import CuecardError

_READY_S, _STOP_S, _ASK_S = 120.0, 60.0, 300.0
_CLIENTS = 4


def cuecard() -> list[str]:
    """The command line that starts cuecard as this process runs it."""
    beside = Path(sys.executable).with_name("cuecard")
    found = str(beside) if beside.is_file() else shutil.which("cuecard")
    if found is None:
        raise CuecardError("The command `cuecard` is not there to be measured.", hint="Install cuecard, and try again.")
    return [found]


def own_environment() -> dict[str, str]:
    """This process's environment without the settings that would lead away from a home's own catalog and index."""
    away = ("CUECARD_HOME", "CUECARD_QDRANT_URL", "CUECARD_DATABASE_URL", "CUECARD_REDIS_URL")
    return {name: value for name, value in os.environ.items() if name not in away}


def cold_asks(home: Path, question: str, times: int, environment: Mapping[str, str]) -> list[float]:
    """Seconds that `cuecard ask` takes from the start of its process to its end; files are warm in memory by then."""
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - our own command
            [*cuecard(), "ask", question, "--home", str(home), "--json"],
            capture_output=True,
            text=True,
            env=dict(environment),
            timeout=_ASK_S,
            check=False,
        )
        spent.append(time.perf_counter() - started)
        if done.returncode not in (0, 3):
            raise CuecardError(f"`cuecard ask` failed on {home}: {done.stderr.strip()[-300:]}")
    return spent


def measure_http(
    home: Path, queries: Sequence[str], samples: Samples, *, rounds: int, environment: Mapping[str, str], k: int = 10
) -> dict[str, Any]:
    """Ask `cuecard serve` everything `rounds` times; how long it took to be ready, and its memory at the end.

    Times are a client's, on one connection that is kept open, the server being warm.
    """
    import httpx

    started = time.perf_counter()
    with _served(home, environment) as (url, pid), httpx.Client(base_url=url, timeout=60) as client:
        ready = time.perf_counter() - started

        def post(path: str, body: Mapping[str, Any]) -> Any:
            answered = client.post(path, json=body)
            if answered.status_code != httpx.codes.OK:
                raise CuecardError(f"POST {path} was answered {answered.status_code}: {answered.text[:300]}")
            return answered.json()

        def search(text: str) -> Any:
            return post("/search", {"query": text, "k": k})

        def ask(text: str) -> Any:
            return post("/ask", {"question": text})

        first = timed(ask, queries[0])[0]
        last = 2 * rounds
        for query in queries:
            search(variant(query, last))
            ask(variant(query, last + 1))
        for number, block in rounds_of(len(queries), rounds):
            for at in block:
                samples.add("http_search", at, timed(search, variant(queries[at], number))[0])
            for at in reversed(block):
                samples.add("http_cached", at, timed(search, variant(queries[at], number))[0])
            for at in block:
                ms, body = timed(ask, variant(queries[at], rounds + number))
                samples.add("http_ask", at, ms)
                if body["sources"]:
                    sources = [{"id": str(source["marker"]), "text": source["quote"]} for source in body["sources"]]
                    asked = {"answer": body["answer"], "sources": sources, "question": body["question"]}
                    samples.add("http_check", at, timed(post, "/check", asked)[0])
        samples.at_once["http_search"] = at_once(search, [variant(query, last + 2) for query in queries], _CLIENTS)
        samples.at_once["http_ask"] = at_once(ask, [variant(query, last + 3) for query in queries], _CLIENTS)
        return {"ready_s": ready, "first_ask_ms": first, "clients": _CLIENTS, "memory_mb": memory_mb(pid)}


def median_of(values: Sequence[float]) -> float | None:
    """The median; None for nothing."""
    return statistics.median(values) if values else None


@contextmanager
def _served(home: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """A server of the home on a free port of the loopback: its URL and its process; stopped when the block ends."""
    command = [*cuecard(), "serve", "--home", str(home), "--port", "0", "--json"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(environment)
    ) as process:
        too_late = threading.Timer(_READY_S, process.kill)
        too_late.start()
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.strip():
                raise CuecardError(f"`cuecard serve` did not start on {home}.", hint="Start it yourself to see why.")
            too_late.cancel()
            yield json.loads(line)["url"], process.pid
        finally:
            too_late.cancel()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
