"""A service over a home with a few notes, and nothing of the machine's own settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from api.home import own
from api.http.app import create_app
from api.local import LocalLibrary
from api.settings import Settings, load_settings
from tests.api.conftest import clean_environment, copy_home, filled, own_home, own_logging  # noqa: F401 - fixtures
from tests.service.running import running

TOKEN = "local-token"  # noqa: S105 - of these tests

ADMIN = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Service:
    """A server that runs in this process."""

    url: str
    app: FastAPI
    library: LocalLibrary


@pytest.fixture(scope="session")
def service(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:  # noqa: F811 - the fixture
    """A server on a copy of the notes' home, as `cuecard serve` runs it. Tests that change it put it right again."""
    home = tmp_path_factory.mktemp("served") / "home"
    copy_home(filled, home)
    yield from serve(load_settings(home, {}))


def serve(settings: Settings) -> Iterator[Service]:
    """The server, until the generator is closed."""
    library = LocalLibrary(settings, own(settings, "serve", create=True))
    try:
        app = create_app(library, settings, token=TOKEN, local=True)
        with running(app) as url:
            yield Service(url, app, library)
    finally:
        library.close()
