"""`cuecard serve`: a real server, the commands that work through it, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from api.home import OWNER_FILE, connect, hold, read_owner
from api.http.access import is_loopback
from api.http.app import create_app
from api.remote import RemoteLibrary
from api.settings import load_settings
from tests.api.conftest import NOTES, Cuecard, write_notes
from tests.api.test_cli import CUECARD

SLOW = """
import sys, time
from api.http.app import create_app
from api.http.server import run_server
from tests.api.fake_library import FakeLibrary
def slow(question):
    print("asked", flush=True)
    time.sleep(0.7)
run_server(create_app(FakeLibrary(slow), insecure=True), "127.0.0.1", 0, lambda port: print(port, flush=True))
print("ended", flush=True)
"""


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on that home, and its URL."""
    command = [*CUECARD, "serve", "--home", str(home), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        try:
            yield process, json.loads(line)["url"]
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=30)


@pytest.fixture
def grown_home(cuecard: Cuecard, own_home: Path, tmp_path: Path) -> Path:
    """A home with a document of two versions, one that is out of date, and one in quarantine."""
    notes = tmp_path / "grown"
    notes.mkdir()
    (notes / "two.md").write_text("# Two\n\nQ1: What is two?\nAnswer: The first prime.\n", encoding="utf-8")
    (notes / "old.md").write_text("---\nexpires: 2001-01-01\n---\n# Old\n\nlong ago\n", encoding="utf-8")
    (notes / "bad.md").write_bytes(b"caf\xe9")
    options = ["--collection", "grown", "--home", own_home, "--json"]
    assert cuecard("ingest", notes, *options).code == 3
    (notes / "two.md").write_text("# Two\n\nQ1: What is two?\nAnswer: The only even prime.\n", encoding="utf-8")
    assert cuecard("ingest", notes, *options).json["documents"]["updated"] == 1
    return own_home


def test_commands_work_through_the_server_that_holds_the_home(
    cuecard: Cuecard, grown_home: Path, tmp_path: Path
) -> None:
    own_home = grown_home
    home = ["--home", own_home, "--json"]
    [entry] = cuecard("quarantine", "list", *home).json["quarantine"]
    versions = [v["version"] for v in cuecard("docs", "history", "two.md", *home).json["versions"]]
    commands = [
        ["docs", "list"],
        ["docs", "list", "--collection", "grown"],
        ["docs", "show", "qa/caching.md"],
        ["docs", "show", "old.md", "--account"],
        ["docs", "show", "qa/caching.md", "--text"],
        ["docs", "history", "qa/caching.md"],
        ["docs", "history", "two.md"],
        ["docs", "diff", "two.md"],
        ["docs", "diff", "two.md", versions[0], versions[1][:20]],
        ["docs", "diff", "old.md"],
        ["docs", "diff", "two.md", "ffffffff"],
        ["quarantine", "list"],
        ["quarantine", "list", "--dropped"],
        ["quarantine", "show", entry["id"][:5]],
        ["quarantine", "show", "ffff"],
        ["quarantine", "retry", entry["id"]],
        ["quarantine", "retry", "--all"],
        ["quarantine", "drop", "ffff"],
        ["changes"],
        ["changes", "--since", "3"],
        ["stats"],
    ]
    alone = [cuecard(*command, *home).json for command in commands]
    assert alone[7]["changes"]["changed"] == 1
    hits = cuecard("search", "redis eviction", "-k", 3, *home).json["hits"]
    with serving(own_home) as (_, url):
        library = connect(load_settings(own_home, {}), "stats")
        library.close()
        assert isinstance(library, RemoteLibrary)
        for command, expected in zip(commands, alone, strict=True):
            assert cuecard(*command, *home).json == expected, command
        assert cuecard("search", "redis eviction", "-k", 3, *home).json["hits"] == hits
        assert httpx.get(f"{url}/documents").json() == alone[0]
        assert cuecard("doctor", *home).code == 0

        notes = write_notes(tmp_path / "more")
        (notes / "new.md").write_text(
            "# New\n\nQ1: What is new here?\nAnswer: A zebra named Quentin.\n", encoding="utf-8"
        )
        (notes / "bad.md").write_bytes(b"")
        report = cuecard("ingest", notes, "--collection", "more", *home)
        assert report.code == 3
        assert report.json["documents"]["added"] == len(NOTES) + 1
        assert report.json["quarantine"][0]["hint"]
        found = cuecard("search", "zebra Quentin", "--collection", "more", *home).json["hits"]
        assert found[0]["document"] == "new.md"
        assert cuecard("docs", "delete", "new.md", *home).json["path"] == "new.md"
        assert [e["dropped"] for e in cuecard("quarantine", "drop", entry["id"], *home).json["dropped"]] == [True]
        assert entry["id"] not in [e["id"] for e in cuecard("quarantine", "list", *home).json["quarantine"]]

        refused = cuecard("ingest", tmp_path / "nowhere", *home)
        assert refused.code == 2
        assert refused.json["error"]["type"] == "invalid"
        missing = cuecard("docs", "show", "no/such.md", *home)
        assert (missing.code, missing.json["error"]["type"]) == (2, "not-found")
        unknown = cuecard("search", "x", "--filter", "colour=red", *home)
        assert unknown.code == 2
        assert "colour" in unknown.err


def test_the_server_lets_go_of_the_home_when_told_to_stop(cuecard: Cuecard, own_home: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving(own_home) as (process, url):
            owner = read_owner(own_home)
            assert owner is not None
            assert (owner.pid, owner.url) == (process.pid, url)
            busy = cuecard("serve", "--home", own_home, "--port", "0")
            assert busy.code == 1
            assert f"process {process.pid}" in busy.err
            process.send_signal(number)
            _, logged = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in logged
        assert not (own_home / OWNER_FILE).exists()
        assert cuecard("stats", "--home", own_home).code == 0


def test_a_killed_server_leaves_the_home_usable(cuecard: Cuecard, own_home: Path) -> None:
    with serving(own_home) as (process, _):
        process.kill()
        process.communicate()
    assert cuecard("search", "redis", "--home", own_home).code == 0


def test_logs_are_json_lines_with_the_request_id(own_home: Path) -> None:
    with serving(own_home) as (process, url):
        httpx.post(f"{url}/search", json={"query": "my private words"}, headers={"X-Request-ID": "mine-7"})
        httpx.get(f"{url}/healthz")
        process.terminate()
        _, logged = process.communicate(timeout=30)
    assert "private" not in logged
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    [request] = [line for line in lines if line["message"] == "request"]
    assert (request["request_id"], request["path"], request["status"]) == ("mine-7", "/search", 200)


def test_an_answer_does_not_wait_for_the_clients_acknowledgement(own_home: Path) -> None:
    with serving(own_home) as (_, url), httpx.Client(base_url=url, timeout=60) as client:
        check = {"answer": "a" * 2000, "sources": []}
        spent = [client.post("/check", json=check).elapsed.total_seconds() for _ in range(20)]
    assert min(spent[1:]) < 0.03  # with Nagle's algorithm every one takes 40 ms


def test_a_request_in_flight_is_finished() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", SLOW]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(httpx.post(f"http://127.0.0.1:{port}/ask", json={"question": "slow?"}, timeout=30))

        client = threading.Thread(target=ask)
        client.start()
        assert process.stdout.readline() == "asked\n"
        process.terminate()
        client.join()
        assert process.stdout.readline() == "ended\n"
    assert process.returncode == 0
    assert answers[0].status_code == 200
    assert answers[0].json()["question"] == "slow?"


def test_a_port_that_is_taken_is_told(cuecard: Cuecard, own_home: Path, tmp_path: Path) -> None:
    with serving(own_home) as (_, url):
        ran = cuecard("serve", "--home", tmp_path / "other", "--port", url.rpartition(":")[2])
    assert ran.code == 1
    assert "--port" in ran.err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])  # noqa: S104 - refused
def test_other_machines_are_kept_out(cuecard: Cuecard, tmp_path: Path, host: str) -> None:
    assert not is_loopback(host)
    ran = cuecard("serve", "--home", tmp_path / "home", "--host", host)
    assert ran.code == 2
    assert "--insecure" in ran.err
    assert not (tmp_path / "home").exists()
    assert all(is_loopback(local) for local in ("127.0.0.1", "127.0.0.5", "localhost", "::1"))


def test_any_asgi_host_can_open_a_home(cuecard: Cuecard, own_home: Path) -> None:
    settings = load_settings(own_home, {})
    with TestClient(create_app(settings=settings, insecure=True)) as client:
        assert client.get("/readyz").json()["status"] == "ready"
        assert client.post("/search", json={"query": "redis"}).json()["hits"]
        assert hold(settings, "stats", create=False) is None
        answer = client.post("/ask", json={"question": "Which Redis eviction policy do you choose?"}).json()
        assert answer["sources"][0]["document"] == "qa/caching.md"
        text = client.get("/documents", params={"collection": "default"}).json()["documents"][0]["id"]
        assert client.get(f"/documents/{text}/text").text == NOTES["qa/caching.md"]
        assert client.get(f"/documents/{text}").status_code == 200
        assert client.get(f"/documents/{text}/versions").json()["versions"][0]["state"] == "live"
        assert client.get("/quarantine").status_code == client.get("/changes").status_code == 200
        body = {"answer": "allkeys-lru", "sources": [{"id": "1", "text": NOTES["qa/caching.md"]}]}
        assert client.post("/check", json=body).status_code == 200
    assert cuecard("stats", "--home", own_home).code == 0
