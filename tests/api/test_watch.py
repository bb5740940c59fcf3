"""`cuecard ingest --watch` and `cuecard changes --follow`: real processes over real folders."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from api.watch import watch
from tests.api.conftest import Cuecard, write_notes
from tests.api.test_cli import CUECARD
from tests.api.test_home import another_process
from tests.api.test_serve import serving

QUIET = 1.5
"""Seconds without a line after which none is expected any more: longer than changes need to rest, and a small sync."""

NOTE = "# {0}\n\nQ1: What is {0}?\nAnswer: {0} is a note about {0}.\n"


class Lines:
    """What a process writes, line by line as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=[stream])
        self.reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line)

    def next(self, seconds: float = 60) -> str:
        """The next line."""
        return self._lines.get(timeout=seconds).rstrip("\n")

    def until(self, part: str, seconds: float = 60) -> str:
        """The first line that holds `part`; those before it are passed over."""
        while part not in (line := self.next(seconds)):
            pass
        return line

    def rest(self, seconds: float = QUIET) -> list[str]:
        """What comes until nothing does for that long."""
        lines: list[str] = []
        with suppress(queue.Empty):
            while True:
                lines.append(self.next(seconds))
        return lines


class Watching:
    """A process that watches, or follows."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.out, self.err = Lines(process.stdout), Lines(process.stderr)

    def report(self) -> Any:
        """The next line, which is JSON."""
        return json.loads(self.out.next())

    def end(self, number: int = signal.SIGINT) -> int:
        """Tell it to stop; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def command(*words: object) -> Iterator[Watching]:
    """A command that goes on until it is told to stop."""
    with subprocess.Popen(
        [*CUECARD, *(str(word) for word in words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        watching = Watching(process)
        try:
            yield watching
        finally:
            process.kill()
            watching.out.reader.join()
            watching.err.reader.join()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write_notes(tmp_path / "notes")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_changes_are_taken_up_and_the_home_is_free_in_between(cuecard: Cuecard, notes: Path, home: Path) -> None:
    with command("ingest", notes, "--watch", "--home", home) as watching:
        assert "2 added (qa/caching.md, sheets/postgres.md)" in watching.out.next()
        assert "stop with Ctrl-C" in watching.err.next()
        assert len(cuecard("docs", "list", "--home", home, "--json").json["documents"]) == 2

        (notes / "zebra.md").write_text(NOTE.format("zebra"), encoding="utf-8")
        assert "1 added (zebra.md)" in watching.out.next()
        found = cuecard("search", "zebra", "--home", home, "--json").json["hits"]
        assert found[0]["document"] == "zebra.md"

        # as editors save: a new file takes the place of the old one
        (notes / "zebra.md.tmp~").write_text(NOTE.format("quagga"), encoding="utf-8")
        (notes / "zebra.md.tmp~").replace(notes / "zebra.md")
        assert "1 updated (zebra.md)" in watching.out.next()

        (notes / "zebra.md").rename(notes / "quagga.md")
        assert "1 renamed (quagga.md)" in watching.out.next()
        (notes / "quagga.md").unlink()
        assert "1 removed (quagga.md)" in watching.out.next()

        (notes / "bad.md").write_bytes(b"caf\xe9")
        assert "1 quarantined (bad.md)" in watching.out.next()
        assert "not UTF-8" in watching.err.next()
        (notes / "bad.md").write_text("# Good\n\nnow\n", encoding="utf-8")
        assert "1 added (bad.md), 1 released (bad.md)" in watching.out.next()

        for name in (".hidden.md", "caching.md~", "qa/.caching.md.swp"):
            (notes / name).write_text("x", encoding="utf-8")
        assert watching.out.rest() == []
        assert watching.end() == 0
        assert "stopped watching after 7 syncs: 4 added, 1 updated, 1 renamed, 1 removed" in watching.err.next()


def test_a_burst_of_a_thousand_files_is_a_few_syncs(notes: Path, home: Path) -> None:
    with command("ingest", notes, "--watch", "--home", home, "--json") as watching:
        assert watching.report()["documents"]["added"] == 2
        (notes / "burst").mkdir()
        for number in range(1000):
            (notes / "burst" / f"n{number}.txt").write_text(f"{number}", encoding="utf-8")
        reports = [watching.report()]
        while sum(report["documents"]["added"] for report in reports) < 1000:
            reports.append(watching.report())
        reports += [json.loads(line) for line in watching.out.rest()]
        assert len(reports) <= 5
        assert reports[-1]["items"]["note"] >= 1000
        assert watching.end(signal.SIGTERM) == 0


def test_stopped_in_the_middle_it_says_so_and_what_is_done_stays(cuecard: Cuecard, notes: Path, home: Path) -> None:
    for number in range(600):
        (notes / f"n{number}.md").write_text(NOTE.format(f"thing {number}"), encoding="utf-8")
    with command("ingest", notes, "--watch", "--home", home) as watching:
        while not (home / "index").exists():
            time.sleep(0.05)
        assert watching.end() == 130
        assert "did not come to its end" in watching.err.until("stopped watching")
    assert cuecard("doctor", "--home", home).code == 0
    report = cuecard("ingest", notes, "--home", home, "--json").json["documents"]
    assert report["added"] + report["unchanged"] == 602


def test_a_folder_that_vanishes_takes_nothing_with_it(cuecard: Cuecard, notes: Path, home: Path) -> None:
    link = notes.parent / "link"
    link.symlink_to(notes, target_is_directory=True)
    with command("ingest", link, "--watch", "--home", home) as watching:
        assert "2 added" in watching.out.next()
        watching.err.until("watching")
        away = notes.rename(notes.parent / "away")
        assert f"{link} is gone" in watching.err.next()
        assert len(cuecard("docs", "list", "--home", home, "--json").json["documents"]) == 2

        notes.mkdir()  # a disk that is not mounted
        assert "is back" in watching.err.next()
        assert "--yes" in watching.err.next()
        assert len(cuecard("docs", "list", "--home", home, "--json").json["documents"]) == 2

        notes.rmdir()
        away.rename(notes)
        (notes / "zebra.md").write_text(NOTE.format("zebra"), encoding="utf-8")
        assert "1 added (zebra.md)" in watching.out.until("added")
        (notes / "zebra.md").write_text(NOTE.format("quagga"), encoding="utf-8")
        assert "1 updated (zebra.md)" in watching.out.until("updated")
        assert watching.end() == 0


def test_a_single_file_is_watched_too(notes: Path, home: Path) -> None:
    file = notes / "qa/caching.md"
    with command("ingest", file, "--watch", "--home", home) as watching:
        assert "1 added (caching.md)" in watching.out.next()
        (notes / "qa/other.md").write_text(NOTE.format("other"), encoding="utf-8")
        draft = notes / "qa/draft"
        draft.write_text(NOTE.format("zebra"), encoding="utf-8")
        draft.replace(file)
        assert "1 updated (caching.md)" in watching.out.next()
        assert watching.end() == 0


def test_it_works_through_a_server_and_waits_for_others(cuecard: Cuecard, notes: Path, home: Path) -> None:
    with command("ingest", notes, "--watch", "--home", home) as watching:
        assert "2 added" in watching.out.next()
        watching.err.until("watching")
        with serving(home):
            (notes / "zebra.md").write_text(NOTE.format("zebra"), encoding="utf-8")
            assert "1 added (zebra.md)" in watching.out.next()
            assert len(cuecard("docs", "list", "--home", home, "--json").json["documents"]) == 3
        with another_process(home) as process:
            (notes / "zebra.md").write_text(NOTE.format("quagga"), encoding="utf-8")
            assert f"process {process.pid}" in watching.err.until("waiting for")
            time.sleep(6)  # longer than a command would wait
            assert watching.process.poll() is None
        assert "1 updated (zebra.md)" in watching.out.next()
        assert watching.end() == 0


def test_a_home_inside_of_what_is_watched_is_left_alone(notes: Path) -> None:
    home = notes / "library"
    with command("ingest", notes, "--watch", "--home", home) as watching:
        assert "2 added" in watching.out.next()
        assert watching.out.rest() == []
        (notes / "library.md").write_text(NOTE.format("library"), encoding="utf-8")
        assert "1 added (library.md)" in watching.out.next()
        assert watching.end() == 0


def test_what_is_wrong_from_the_start_ends_it(cuecard: Cuecard, notes: Path, home: Path) -> None:
    ran = cuecard("ingest", notes / "nowhere", "--watch", "--home", home)
    assert ran.code == 2
    assert "nowhere" in ran.err
    assert not home.exists()


def test_changes_are_followed_as_they_come(cuecard: Cuecard, notes: Path, own_home: Path) -> None:
    with command("changes", "--follow", "--since", 1, "--home", own_home, "--json") as following:
        first = following.report()
        assert (first["sequence"], first["kind"]) == (2, "added")
        (notes / "zebra.md").write_text(NOTE.format("zebra"), encoding="utf-8")
        assert cuecard("ingest", notes, "--collection", "more", "--home", own_home).code == 0
        assert [following.report()["path"] for _ in range(3)] == ["qa/caching.md", "sheets/postgres.md", "zebra.md"]
        assert following.end() == 130
    with command("changes", "--follow", "--home", own_home) as following:
        assert "added" in following.out.next()


def test_files_are_looked_at_one_by_one_where_the_system_can_not_watch_them(
    notes: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    real, asked = watchfiles.watch, []

    def limited(*paths: str, force_polling: bool | None, **options: Any) -> Any:
        asked.append(force_polling)
        if not force_polling:
            raise OSError(28, "inotify watch limit reached")
        return real(*paths, force_polling=True, **options)

    monkeypatch.setattr(watchfiles, "watch", limited)
    told: list[str] = []
    turns = watch([notes], home=home, tell=told.append)
    assert next(turns) is True
    assert asked == [None, True]
    assert "watch limit reached" in told[0]
    (notes / "zebra.md").write_text("x", encoding="utf-8")
    assert any(next(turns) for _ in range(10))
    assert os.environ.get("WATCHFILES_FORCE_POLLING") is None
