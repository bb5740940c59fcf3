"""The console script as a user runs it: a process of its own, a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(sys.executable).with_name("cuecard")


@dataclass(frozen=True)
class Finished:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Finished]


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs `cuecard` with some arguments, without any setting of the machine's own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CUECARD_", "SLACK_"))}

    def call(*arguments: object) -> Finished:
        words = [str(SCRIPT), *(str(argument) for argument in arguments)]
        done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=300, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    return call
