"""Four times of what a server can answer: part of it is answered in time, the rest is told to come back."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from api.http.app import create_app
from api.settings import load_settings
from eval.load import load
from eval.load_client import LoadClient
from tests.api.fake_library import FakeLibrary
from tests.service.running import running, until

WORK_S = 0.02


def test_overload_is_answered_in_part_and_leaves_nothing_behind(tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text(json.dumps({"id": "q1", "query": "What?"}), encoding="utf-8")
    limits = {"CUECARD_CONCURRENCY": "2", "CUECARD_QUEUE": "8", "CUECARD_DEADLINE": "20"}
    app = create_app(FakeLibrary(lambda _: time.sleep(WORK_S)), load_settings("/nowhere", limits), local=True)

    class Home:
        shown: dict[str, Any]

        def show(self, body: dict[str, Any], as_text: Any) -> None:
            self.shown = body
            assert "overload: " in as_text(body)

    with running(app) as url:
        home = Home()
        words = ["--url", url, "--queries", str(queries), "--seconds", "2", "--capacity-seconds", "1", "--clients", "4"]
        done = CliRunner().invoke(load, words, obj=home, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        gate = app.state.gate
        until(lambda: gate.running == gate.waiting == 0)
    overload = home.shown["overload"]
    assert set(overload["by_status"]) == {"200", "503"}
    assert overload["answered_ms"]["max"] < 20_000
    assert overload["by_status"]["503"] == sum(gate.refused.values())
    assert home.shown["capacity"]["by_status"].keys() == {"200"}


def test_nobody_waits_for_what_can_not_be_in_time() -> None:
    limits = {"CUECARD_DEADLINE": "1", "CUECARD_CONCURRENCY": "2"}
    app = create_app(FakeLibrary(lambda _: time.sleep(0.2)), load_settings("/nowhere", limits), local=True)

    async def ask(url: str) -> Counter[int]:
        client = LoadClient(url)
        for _ in range(20):  # until it knows how long an answer takes
            await client.ask("What?")
        replies = await asyncio.gather(*(client.ask("What?") for _ in range(40)))
        await client.close()
        assert all(reply.seconds < 60 for reply in replies)
        return Counter(reply.status for reply in replies)

    with running(app) as url:
        statuses = asyncio.run(ask(url))
    assert set(statuses) == {200, 503}
    assert app.state.gate.refused["queue"] > 0
