"""Homes and commands for these tests; nothing of the machine's own settings reaches them."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import run


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting but those of the test."""
    clean(monkeypatch)


def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the settings of the machine out of the environment."""
    for name in os.environ:
        if name.startswith(("CUECARD_", "SLACK_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """A server that ran in this process leaves no handler behind."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


NOTES = {
    "qa/caching.md": """# Caching

Q1: What is a cache stampede, and how do you prevent it?
Answer: A cache stampede happens when a hot key expires and every request recomputes it at once. A short lock per key, \
or refreshing the key early in the background, lets only one request do the work.

Q2: Which Redis eviction policy do you choose?
Answer: I choose allkeys-lru when everything can be recomputed, and volatile-lru when some keys must stay.
""",
    "sheets/postgres.md": """# PostgreSQL cheat sheet

## Indexes

- **Partial index:** an index with a WHERE clause covers 12 percent of the rows and stays small.
- **GIN:** use it for arrays, jsonb and full text search.

## Locks

- **Advisory lock:** pg_advisory_lock takes a number and is held until the session ends.
""",
}


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Cuecard = Callable[..., Ran]


@pytest.fixture
def cuecard(capsys: pytest.CaptureFixture[str]) -> Cuecard:
    """Runs a command in this process, as the console script does."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


def write_notes(folder: Path) -> Path:
    """The notes as files in a new folder."""
    for name, text in NOTES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the notes. Only to be read."""
    home = tmp_path_factory.mktemp("filled") / "home"
    notes = write_notes(tmp_path_factory.mktemp("notes"))
    with pytest.MonkeyPatch.context() as environment:
        clean(environment)
        assert run(["ingest", str(notes), "--home", str(home), "--json"]) == 0
    return home


def copy_home(home: Path, target: Path) -> Path:
    """A copy of a home. Its model is linked and not copied, as all homes of a user share it: nobody may write to it."""
    shutil.copytree(home, target, ignore=shutil.ignore_patterns("models"))
    shutil.copytree(home / "models", target / "models", copy_function=os.link)
    return target


@pytest.fixture
def own_home(filled: Path, tmp_path: Path) -> Path:
    """A copy of that home, to be changed."""
    return copy_home(filled, tmp_path / "home")
