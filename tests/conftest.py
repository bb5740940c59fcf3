"""What tests of several rooms share: a home with the bundled corpus, which takes some seconds to make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT, Run, run  # noqa: F401 - a fixture


@pytest.fixture(scope="session")
def corpus_home(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811 - the fixture
    """A home that holds the bundled corpus, as the demo ingests it. For reading: every test asks the same one."""
    folder = tmp_path_factory.mktemp("corpus") / "home"
    assert run("ingest", ROOT / "corpus", "--home", folder, "--json").code == 0
    return folder
