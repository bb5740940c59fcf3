"""What tests of several rooms share: a home with the bundled corpus, which takes some seconds to make."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import HealthCheck, settings

from ingest.schema import metadata
from tests.end_to_end.conftest import ROOT, Run, run  # noqa: F401 - a fixture
from tests.services import open_place, postgres_server

# a busy machine must not fail a test: what properties hold is asked here, not how fast examples are made
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# started in the background of a shell it is ignored, here and in every process that a test starts and interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def corpus_home(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811 - the fixture
    """A home that holds the bundled corpus, as the demo ingests it. For reading: every test asks the same one."""
    folder = tmp_path_factory.mktemp("corpus") / "home"
    assert run("ingest", ROOT / "corpus", "--home", folder, "--json").code == 0
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a database in a PostgreSQL of this process's own."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: a file of its own, and one in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    url: str = request.getfixturevalue("postgres")
    engine = sqlalchemy.create_engine(url)
    metadata.drop_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter."""
    with open_place() as folder:
        yield folder
