"""`cuecard eval latency --ingest`, through the command, with the real model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Run, run  # noqa: F401 - a fixture

STAGES = ("read and parse", "embed", "terms and waiting", "index", "catalog")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    for name in "ab":
        sections = [f"## What is number {n} of {name}?\n\nThe one behind {n - 1}, said {n} times.\n" for n in range(15)]
        (tmp_path / "notes" / f"{name}.md").write_text(f"# Numbers {name}\n\n" + "\n".join(sections))
    return tmp_path / "notes"


def test_the_rates_are_of_the_same_texts(run: Run, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    home = tmp_path / "home"
    done = run("--home", home, "eval", "latency", "--ingest", folder, "--rounds", 2, "--json")
    assert done.code == 0
    body = json.loads(done.out)
    assert body["documents"] == 2
    assert body["chunks"] == body["embedded"]["passages"] >= 30
    assert body["embedded"]["questions"] == 30
    assert len(body["rounds"]) == 2
    assert min(body["rounds"]) <= body["ratio"] <= max(body["rounds"])
    assert set(body["stages_s"]) == set(STAGES)
    assert all(seconds >= 0 for seconds in body["stages_s"].values())
    aside = sum(seconds for stage, seconds in body["stages_s"].items() if stage != "embed")
    assert aside == pytest.approx(body["ingest_s"], rel=0.5)
    assert not home.exists() or not list(home.glob("catalog*"))


def test_a_rate_below_the_bound_fails(run: Run, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    done = run("--home", tmp_path / "home", "eval", "latency", "--ingest", folder, "--fail-under", 1000)
    assert done.code == 3
    assert "is under 1000" in done.out + done.err
    assert "embedder alone" in done.out


def test_a_folder_without_documents_is_refused(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "empty").mkdir()
    done = run("--home", tmp_path / "home", "eval", "latency", "--ingest", tmp_path / "empty")
    assert done.code == 2
    assert "could be ingested" in done.err
