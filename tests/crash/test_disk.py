"""A disk that is full, or read-only: said in words, nothing lost, and healed by the next run that has room."""

from __future__ import annotations

import os
import subprocess
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ingest.errors import IndexUnavailableError
from tests.crash import worker
from tests.crash.conftest import Start
from tests.crash.scene import Crashed, all_at_once, begin, seeded, update
from tests.end_to_end.conftest import Run, run  # noqa: F401 - a fixture

FILLER = "filler"


def fill(disk: Path, leave: int = 0) -> None:
    """Fill the disk but for `leave` bytes."""
    block = b"x" * 2**16
    with (disk / FILLER).open("ab", buffering=0) as file:
        try:
            while os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - len(block) >= leave:
                file.write(block)
            while not leave:
                file.write(b"x" * 512)
        except OSError:
            return


def make_room(disk: Path) -> None:
    (disk / FILLER).unlink()


@pytest.fixture
def settled(crashed: Crashed, small_disk: Path) -> Crashed:
    """A library on the small disk, in order."""
    crashed.home = small_disk / "home"
    dice = seeded("disk")
    begin(crashed, dice)
    crashed.heal()
    return crashed


def test_a_disk_without_room_for_the_index(settled: Crashed, small_disk: Path) -> None:
    all_at_once(settled, seeded("index"))
    fill(small_disk, leave=8 * 2**20)
    with worker.opened(settled.home) as parts, pytest.raises(IndexUnavailableError, match="nearly full") as caught:
        worker.ingest(parts, settled.folder)
    assert "Make room" in caught.value.hint
    settled.check_visible(0)
    make_room(small_disk)
    settled.heal()


def test_a_disk_without_a_block_left(settled: Crashed, small_disk: Path) -> None:
    """Who has the library open goes on answering."""
    update(settled, seeded("block"))
    with worker.opened(settled.home) as parts:
        path, content = next(iter(settled.served.items()))
        parts.room.index.count()
        fill(small_disk)
        hits = parts.room.retriever.search(content.split("\n")[0], filters={"document": path}).hits
        assert hits[0].chunk.text == content.split("\n")[0]
        with pytest.raises(IndexUnavailableError, match="full"):
            worker.ingest(parts, settled.folder)
    make_room(small_disk)
    settled.check_visible(0)
    settled.heal()


def test_a_disk_without_room_for_the_catalog(crashed: Crashed, small_disk: Path, tmp_path: Path) -> None:
    crashed.home = small_disk / "home"
    begin(crashed, seeded("catalog"))
    crashed.home.mkdir()
    (tmp_path / "index").mkdir()
    (crashed.home / "index").symlink_to(tmp_path / "index")
    crashed.heal()
    update(crashed, seeded("catalog, changed"))
    with worker.opened(crashed.home) as parts:
        fill(small_disk)
        with pytest.raises(IndexUnavailableError, match=r"The catalog .* is full"):
            worker.ingest(parts, crashed.folder)
    make_room(small_disk)
    crashed.check_visible(0)
    crashed.heal()


def test_a_disk_that_others_fill_meanwhile(settled: Crashed, small_disk: Path, start: Start) -> None:
    """Mapped files can't fail, they end the process: that is a kill like any other."""
    all_at_once(settled, seeded("meanwhile"))
    fill(small_disk, leave=2**19)
    process, told = start(worker.run_to_the_last_block, settled.home, settled.folder)
    last = everything(told)[-1]
    process.join()
    assert process.exitcode != 0 or "full" in str(last) or last == "done"
    settled.check_visible(0)
    make_room(small_disk)
    settled.heal()


def test_files_that_must_not_grow(crashed: Crashed, start: Start) -> None:
    """Where no disk can be made: a limit on the size of files fails the same calls."""
    begin(crashed, seeded("limit"))
    crashed.heal()
    all_at_once(crashed, seeded("limit, changed"))
    process, told = start(worker.run_with_small_files, crashed.home, crashed.folder, 60_000)
    (said,) = everything(told)
    process.join()
    assert process.exitcode == 0
    assert "The catalog" in str(said)
    assert "can't be used" in str(said)
    crashed.check_visible(0)
    crashed.heal()


def test_the_command_says_what_is_wrong_with_the_disk(small_disk: Path, tmp_path: Path, run: Run) -> None:  # noqa: F811
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# Caching\n\n## What is a TTL?\n\nA time to live.\n", encoding="utf-8")
    fill(small_disk, leave=2**20)
    full = run("ingest", tmp_path / "notes", "--home", small_disk / "home")
    assert full.code == 1
    assert "No space left on device" in full.err
    make_room(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    closed = run("ingest", tmp_path / "notes", "--home", small_disk / "home")
    assert closed.code == 2
    assert "can't be used: Read-only file system" in closed.err
    assert closed.err.count("\n") == 1


def everything(told: Connection) -> list[object]:
    """What a worker said until it ended."""
    said: list[object] = []
    try:
        while True:
            said.append(told.recv())
    except (EOFError, OSError):
        return said
