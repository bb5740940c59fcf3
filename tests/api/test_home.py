"""Who owns a home, told by two processes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.home import LOCK_FILE, OWNER_FILE, connect, hold, read_owner
from api.local import LocalLibrary
from api.settings import Settings, load_settings
from ingest.errors import HomeBusyError, NotFoundError, SettingsError
from tests.services import unprivileged

HOLDER = """
import sys
from api.home import hold
from api.settings import load_settings
holding = hold(load_settings(sys.argv[1], {}), "ingest", create=True)
if len(sys.argv) > 2:
    holding.announce(sys.argv[2], "token")
print("held", flush=True)
sys.stdin.readline()
if holding:
    holding.release()
"""


@contextmanager
def another_process(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the home until the block ends."""
    command = [sys.executable, "-c", HOLDER, str(home), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "home", {})


def test_a_second_process_is_refused_and_told_who_holds_the_home(settings: Settings) -> None:
    told: list[str] = []
    with another_process(settings.home) as process:
        with pytest.raises(HomeBusyError) as caught:
            connect(settings, "stats", wait=0.2, tell=told.append)
        said = str(caught.value)
        owner = read_owner(settings.home)
        assert owner is not None
        assert f"`cuecard ingest` (process {process.pid}, since {owner.started})" in said
        assert f"kill {process.pid}" in said
        assert [str(settings.home) in line for line in told] == [True]


def test_a_home_that_is_let_go_in_time_is_waited_for(settings: Settings) -> None:
    with another_process(settings.home) as process:
        assert process.stdin is not None
        later = threading.Timer(0.2, lambda: process.stdin and (process.stdin.write("\n"), process.stdin.flush()))
        later.start()
        library = connect(settings, "stats", wait=20)
        later.join()
        assert isinstance(library, LocalLibrary)
        library.close()


def test_a_killed_owner_leaves_the_home_free(settings: Settings) -> None:
    with another_process(settings.home, "http://127.0.0.1:9") as process:
        process.kill()
        process.wait()
    assert (settings.home / OWNER_FILE).exists()
    assert read_owner(settings.home) is None
    holding = hold(settings, "stats", create=False)
    assert holding is not None
    assert read_owner(settings.home) == holding.owner
    holding.release()


def test_an_owner_that_serves_but_does_not_answer_is_busy(settings: Settings) -> None:
    with another_process(settings.home, "http://127.0.0.1:9"), pytest.raises(HomeBusyError, match="is held by"):
        connect(settings, "stats", wait=0.1)


def test_nobody_else_can_read_the_token(settings: Settings) -> None:
    holding = hold(settings, "serve", create=True)
    assert holding is not None
    holding.announce("http://127.0.0.1:1", "secret")
    path = settings.home / OWNER_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["token"] == "secret"  # noqa: S105
    holding.release()
    holding.release()
    assert not path.exists()


def test_only_what_fills_a_home_makes_one(settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="There is no home at"):
        connect(settings, "stats")
    assert not settings.home.exists()
    connect(settings, "ingest", create=True).close()
    assert settings.home.is_dir()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "command": "x", "started": "y", "more": 1}'])
def test_an_owner_file_that_makes_no_sense_is_ignored(settings: Settings, text: str) -> None:
    settings.home.mkdir()
    (settings.home / OWNER_FILE).write_text(text, encoding="utf-8")
    assert read_owner(settings.home) is None
    connect(settings, "stats").close()


def test_a_home_in_servers_is_shared(settings: Settings) -> None:
    shared = load_settings(
        settings.home, {"CUECARD_QDRANT_URL": "http://q", "CUECARD_DATABASE_URL": "postgresql://d/n"}
    )
    first, second = hold(shared, "serve", create=True), hold(shared, "serve", create=True)
    assert first is not None
    assert second is not None
    second.announce("http://127.0.0.1:1", "token")
    assert not (settings.home / LOCK_FILE).exists()
    assert not (settings.home / OWNER_FILE).exists()


def test_a_home_that_can_not_be_written_is_refused(open_folder: Path) -> None:
    (open_folder / "home").mkdir(mode=0o555)
    with unprivileged(), pytest.raises(SettingsError, match="can't be used"):
        hold(load_settings(open_folder / "home", {}), "ingest", create=True)


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match="can't be used"):
        hold(load_settings(tmp_path / "file" / "home", {}), "ingest", create=True)
