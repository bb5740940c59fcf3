"""How far it is, how fast it goes and how long it takes, told from numbers that come in bursts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.progress import SAMPLE_SECONDS, WINDOW_SECONDS, Pace, describe
from tests.api.conftest import write_notes
from tests.api.test_cli import CUECARD, on_terminal


def test_a_burst_at_the_start_is_no_rate() -> None:
    pace = Pace(0.0)
    assert all(pace.rate(done, 0.001 * done) is None for done in range(1, 65))
    assert pace.rate(64, 2.0) == pytest.approx(32)


@given(st.floats(1, 1000), st.integers(2, 200))
def test_a_steady_pace_is_told_as_it_is(rate: float, seconds: int) -> None:
    pace = Pace(100.0)
    for second in range(1, seconds + 1):
        told = pace.rate(round(rate * second), 100.0 + second)
    assert told == pytest.approx(rate, rel=0.5 if rate < 2 else 0.3)


def test_the_last_seconds_count() -> None:
    pace = Pace(0.0)
    for second in range(1, 10):
        pace.rate(1000 * second, float(second))
    for second in range(10, 10 + 2 * int(WINDOW_SECONDS)):
        told = pace.rate(9000 + second, float(second))
    assert told == pytest.approx(1, rel=0.1)
    assert SAMPLE_SECONDS < WINDOW_SECONDS


@pytest.mark.parametrize(
    ("done", "total", "rate", "said"),
    [
        (0, 10, None, "0 of 10"),
        (640, 2000, 43.2, "640 of 2,000 · 43/s · 0:31 left"),
        (1, 10_000, 1.25, "1 of 10,000 · 1.2/s · 2:13:19 left"),
        (10, 10, 5.0, "10 of 10 · 5.0/s · 0:00 left"),
    ],
)
def test_it_reads_well(done: int, total: int, rate: float | None, said: str) -> None:
    assert describe(done, total, rate) == said


def test_a_person_sees_it_and_a_pipe_does_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("progress")
    notes = write_notes(folder / "notes")
    for number in range(100):
        (notes / f"n{number}.md").write_text(f"# N{number}\n\nnumber {number}\n", encoding="utf-8")
    command = [*CUECARD, "ingest", str(notes), "--home", str(folder / "home")]
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", on_terminal(command, {"COLUMNS": "100"}).decode())
    assert "looking at the files" in shown
    assert re.search(r"files [━╸╺]+ +\d+ of 102", shown)
    assert "102 added" in shown
