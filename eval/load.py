"""`cuecard eval load`: what a server does when more is asked of it than it can answer."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import click

from eval.load_client import LoadClient, Reply
from eval.options import FILE, load_cases

SETTLING_S = 1.0


class Shown(Protocol):
    """The click context object."""

    def show(self, body: dict[str, Any], as_text: Any) -> None: ...


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The server.")
@click.option("--key", help="A key of it, where it wants one.")
@click.option("--queries", required=True, type=FILE, metavar="Q.jsonl", help="What is asked, over and over.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="Of overload.")
@click.option("--times", type=click.FloatRange(0.1, 100), default=4.0, show_default=True, help="Of what it can answer.")
@click.option(
    "--capacity-seconds", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="To find that."
)
@click.option("--clients", type=click.IntRange(1, 64), default=4, show_default=True, help="That find it, at once.")
@click.option("--remembered", is_flag=True, help="Ask the same questions, so that the answers are remembered.")
@click.pass_obj
def load(
    home: Shown,
    url: str,
    key: str | None,
    queries: Path,
    seconds: float,
    times: float,
    capacity_seconds: float,
    clients: int,
    remembered: bool,
) -> None:
    """Ask a server more than it can answer: what is answered, how fast, and what becomes of the rest.

    First `--clients` at once ask as fast as they are answered: that is what it can do. Then so many times that is
    asked each second, whatever comes back.
    """
    questions = [case.query for case in load_cases(queries)]
    summary = asyncio.run(
        _measure(LoadClient(url, key), questions, seconds, times, capacity_seconds, clients, remembered)
    )
    home.show(summary, _as_text)


async def _measure(
    client: LoadClient,
    questions: Sequence[str],
    seconds: float,
    times: float,
    capacity_seconds: float,
    clients: int,
    remembered: bool,
) -> dict[str, Any]:
    asked = _remembered(questions) if remembered else _always_new(questions)
    await client.ask(next(asked))
    memory = [await _memory(client)]
    alone = await _closed_loop(client, asked, capacity_seconds, clients)
    rate = len(alone) / capacity_seconds
    memory.append(await _memory(client))
    flooded = await _open_loop(client, asked, seconds, times * rate)
    await asyncio.sleep(SETTLING_S)
    memory.append(await _memory(client))
    await client.close()
    return {
        "capacity": {**_told(alone, capacity_seconds), "clients": clients},
        "overload": {**_told(flooded, seconds), "offered_per_second": round(times * rate, 1), "times": times},
        "memory_mb": {"before": memory[0], "after_capacity": memory[1], "after_overload": memory[2]},
    }


def _always_new(questions: Sequence[str]) -> Iterator[str]:
    """Questions that nobody remembers the answer of: each has a number of its own."""
    for number, question in enumerate(itertools.cycle(questions), time.time_ns() % 10**9):
        yield f"{question} ({number})"


def _remembered(questions: Sequence[str]) -> Iterator[str]:
    return itertools.cycle(questions[:1])


async def _closed_loop(client: LoadClient, asked: Iterator[str], seconds: float, clients: int) -> list[Reply]:
    """What so many get who ask again as soon as they are answered."""
    replies: list[Reply] = []
    ends = time.perf_counter() + seconds

    async def one() -> None:
        while time.perf_counter() < ends:
            replies.append(await client.ask(next(asked)))

    await asyncio.gather(*(one() for _ in range(clients)))
    return replies


async def _open_loop(client: LoadClient, asked: Iterator[str], seconds: float, rate: float) -> list[Reply]:
    """What comes of so many questions a second, asked whether or not the earlier ones are answered."""
    started, sent = time.perf_counter(), 0
    running: set[asyncio.Task[Reply]] = set()
    replies: list[Reply] = []

    def take(task: asyncio.Task[Reply]) -> None:
        running.discard(task)
        replies.append(task.result())

    while (spent := time.perf_counter() - started) < seconds:
        while sent < spent * rate:
            task = asyncio.create_task(client.ask(next(asked)))
            running.add(task)
            task.add_done_callback(take)
            sent += 1
        await asyncio.sleep(0.002)
    if running:
        await asyncio.wait(running)
    await asyncio.sleep(0)
    return replies


async def _memory(client: LoadClient) -> float | None:
    """The server's resident memory in MB, as its metrics tell it."""
    found = re.search(r"^process_resident_memory_bytes (\S+)$", await client.get("/metrics"), re.MULTILINE)
    return round(float(found[1]) / 2**20, 1) if found else None


def _told(replies: Sequence[Reply], seconds: float) -> dict[str, Any]:
    taken = sorted(reply.seconds for reply in replies if reply.status == 200)
    refused = sorted(reply.seconds for reply in replies if reply.status in (429, 503))
    return {
        "requests": len(replies),
        "by_status": {str(status): count for status, count in sorted(Counter(r.status for r in replies).items())},
        "answered_per_second": round(len(taken) / seconds, 1),
        "remembered": sum(reply.cached for reply in replies),
        "answered_ms": _quantiles(taken),
        "refused_ms": _quantiles(refused),
    }


def _quantiles(ordered: Sequence[float]) -> dict[str, float] | None:
    if not ordered:
        return None
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    told = {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1000, 1) for name, q in at.items()}
    return {**told, "max": round(ordered[-1] * 1000, 1)}


def _as_text(summary: dict[str, Any]) -> str:
    lines = []
    for name in ("capacity", "overload"):
        part = summary[name]
        lines.append(f"{name}: {part['requests']:,} requests, {part['answered_per_second']:g} answered a second")
        lines.append(f"  by status   {', '.join(f'{s}: {count:,}' for s, count in part['by_status'].items())}")
        for kind in ("answered", "refused"):
            if part[f"{kind}_ms"]:
                said = ", ".join(f"{q} {ms:g} ms" for q, ms in part[f"{kind}_ms"].items())
                lines.append(f"  {kind:<10}  {said}")
    lines.append(
        "memory: " + ", ".join(f"{name.replace('_', ' ')} {mb} MB" for name, mb in summary["memory_mb"].items())
    )
    return "\n".join(lines)
