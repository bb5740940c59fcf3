"""The command as people run it, with the real model: killed, interrupted, run twice at once, repaired."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.home import connect
from api.settings import load_settings
from retrieval.embed import FILES
from retrieval.models import ensure_model
from tests.crash.scene import seeded
from tests.end_to_end.conftest import SCRIPT, Run, run  # noqa: F401 - a fixture

KILLS = 6
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("CUECARD_", "SLACK_"))}
SUBJECTS = ("cache", "lock", "queue", "index", "replica", "shard", "lease", "quorum", "cursor", "bloom filter")


def write(folder: Path, files: int, round_: int) -> dict[str, int]:
    """A folder of documents of a few questions each, and nothing else; how many questions each has."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    asked = {}
    for at in range(files):
        subjects = SUBJECTS[: 3 + (at + round_) % 5]
        parts = [
            f"## What is a {subject} {at}?\n\nA {subject} keeps {at * 7 + round_} things apart, and in order.\n"
            for subject in subjects
        ]
        (folder / f"{at}.md").write_text(f"# Notes {at}\n\n" + "\n".join(parts), encoding="utf-8")
        asked[f"{at}.md"] = len(subjects)
    return asked


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`cuecard` on its own, until the block ends."""
    command = [str(SCRIPT), *(str(argument) for argument in arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def versions(home: Path) -> int:
    """How many versions the catalog holds, half built ones included; 0 where there is none yet."""
    try:
        with closing(sqlite3.connect(f"file:{home / 'catalog.sqlite3'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM versions").fetchone()[0])
    except sqlite3.Error:
        return 0


def wait_until_busy(process: subprocess.Popen[str], home: Path, more_than: int = 0) -> None:
    """Until the first versions of this run are written, and their chunks are being embedded."""
    while process.poll() is None and versions(home) <= more_than:
        time.sleep(0.01)
    assert process.poll() is None, f"it ended before it could be interrupted: {process.communicate()}"


def assert_whole(run: Run, home: Path, asked: dict[str, int]) -> None:  # noqa: F811
    """Everything is served, and `doctor` finds nothing."""
    documents = run("docs", "list", "--home", home, "--json").json["documents"]
    assert {each["path"]: each["items"]["qa"] for each in documents} == asked
    doctor = run("doctor", "--home", home, "--json")
    assert (doctor.code, doctor.json["clean"]) == (0, True), doctor.json["checks"]


def test_a_killed_command_is_finished_by_the_next_one(run: Run, tmp_path: Path) -> None:  # noqa: F811
    dice, home, notes = seeded("command"), tmp_path / "home", tmp_path / "notes"
    asked = write(notes, 12, 0)
    begun = time.monotonic()
    assert run("ingest", notes, "--home", home, "--json").code == 0
    lasts = time.monotonic() - begun
    for number in range(1, KILLS + 1):
        asked = write(notes, 12 - number % 3, number)
        with started("ingest", notes, "--home", home) as process:
            time.sleep(dice.uniform(0.3, 1.0) * lasts)
            process.send_signal(signal.SIGKILL)
        between = run("search", "What is a cache 1?", "--home", home, "--json")
        assert between.json["hits"][0]["question"] == "What is a cache 1?"
        healed = run("ingest", notes, "--home", home, "--json")
        assert healed.code == 0
        assert healed.json["items"]["qa"] == sum(asked.values())
    assert_whole(run, home, asked)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_so_and_the_next_one_goes_on(
    run: Run,  # noqa: F811
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    home, notes = tmp_path / "home", tmp_path / "notes"
    asked = write(notes, 60, 0)
    with started("ingest", notes, "--home", home, "--json") as process:
        wait_until_busy(process, home)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.strip() == "cuecard: stopped."
    doctor = run("doctor", "--home", home, "--json")
    assert (doctor.code, doctor.json["ok"]) in ((0, True), (3, True)), (
        "what was left unfinished is told, and no failure"
    )
    assert run("ingest", notes, "--home", home).code == 0
    assert_whole(run, home, asked)


def test_two_at_once_take_turns_or_say_who_holds_the_home(run: Run, tmp_path: Path) -> None:  # noqa: F811
    home, notes, more = tmp_path / "home", tmp_path / "notes", tmp_path / "more"
    asked = write(notes, 30, 0)
    write(more, 3, 5)
    with started("ingest", notes, "--home", home) as first:
        wait_until_busy(first, home)
        second = run("ingest", more, "--home", home, "--collection", "more")
        assert first.communicate(timeout=200)[1] == ""
    assert first.returncode == 0
    assert "waiting for `cuecard ingest` (process" in second.err
    assert second.code == 0 or (second.code == 1 and "is held by `cuecard ingest` (process" in second.err)
    assert run("ingest", more, "--home", home, "--collection", "more").code == 0
    documents = run("docs", "list", "--home", home, "--json").json["documents"]
    assert len(documents) == len(asked) + 3
    assert run("doctor", "--home", home, "--json").json["clean"]


def test_repair_makes_an_index_anew_that_ends_whoever_opens_it(run: Run, tmp_path: Path) -> None:  # noqa: F811
    home, notes = tmp_path / "home", tmp_path / "notes"
    asked = write(notes, 6, 0)
    assert run("ingest", notes, "--home", home).code == 0
    for path in (home / "index").rglob("mutable_id_tracker.mappings"):
        path.write_bytes(b"\xff" * path.stat().st_size)  # the engine asks for more memory than there is, and aborts
    sick = run("doctor", "--home", home, "--json")
    assert sick.code == 1
    (index,) = (check for check in sick.json["checks"] if check["name"] == "index")
    assert index["state"] == "failed"
    assert "can't be read" in index["detail"]
    assert "doctor --repair" in index["hint"]
    repaired = run("doctor", "--repair", "--home", home, "--json")
    assert (repaired.code, repaired.json["clean"]) == (0, True)
    assert "can't be read" in repaired.json["repair"]["found"][0]
    assert "0 of them embedded" in repaired.json["repair"]["done"][0]
    assert_whole(run, home, asked)
    told = run("doctor", "--repair", "--home", home)
    assert "nothing; the index was made anew all the same" in told.out


def test_repair_prepares_a_model_anew_that_can_not_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(tmp_path / "home", {"CUECARD_CACHE": str(tmp_path / "cache")})
    exported = ensure_model("", tmp_path / "exported", load_settings(None, {}).cache)

    def export(_source: str, folder: Path, _mark: str) -> None:
        for name in FILES:
            shutil.copyfile(exported / name, folder / name)

    monkeypatch.setattr("retrieval.models._export", export)  # the real thing takes half a minute
    write(tmp_path / "notes", 2, 0)
    with closing(connect(settings, "ingest", create=True)) as library:
        library.ingest([tmp_path / "notes"], collection="default", yes=False, progress=None)
    for graph in (tmp_path / "home").rglob("model.onnx"):
        os.truncate(graph, 100)
    with closing(connect(settings, "doctor")) as library:
        done = library.repair(None)["done"]
        assert "Prepared the embedding model anew" in done[0]
        assert "0 of them embedded" in done[1]
        assert library.doctor()["clean"]
        assert library.search("What is a lock 1?", k=1, collection=None, filters={})["hits"]
