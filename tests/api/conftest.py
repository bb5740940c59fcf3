"""Nothing of the machine's own settings reaches these tests."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("CUECARD_", "SLACK_")):
            monkeypatch.delenv(name)
