"""Whatever instant a process is killed at, the library stays whole, and the next run finishes the work.

Real processes, the real catalog, the real index. Every kill is followed by the same three questions: is every document
that is visible one whole version that was once offered; is everything still there that was there before or was
acknowledged; and is everything in order after the next run.
"""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from tests.crash import worker
from tests.crash.conftest import Start
from tests.crash.scene import CHANGES, Change, Crashed, all_at_once, begin, seeded

KILLS = 50
SEED = int(os.environ.get("CUECARD_KILL_SEED", "20240607"))


def killed(process: BaseProcess) -> None:
    process.kill()
    process.join()
    process.close()


def last_number(told: Connection) -> tuple[int, bool]:
    """How many files were acknowledged before the pipe broke, and whether the run came to its end."""
    number, done = 0, False
    try:
        while True:
            said = told.recv()
            number, done = (said, done) if isinstance(said, int) else (number, done or said == "done")
    except (EOFError, OSError):
        return number, done


def test_a_kill_at_any_time_leaves_whole_versions_and_the_next_run_finishes(crashed: Crashed, start: Start) -> None:
    print(f"seed {SEED}")  # noqa: T201 - what it takes to see the same again
    dice = seeded(SEED)
    lasts: dict[Change, float] = {}
    kills = ended = untouched = half_built = 0
    while kills < KILLS:
        change = CHANGES[kills % len(CHANGES)]
        change(crashed, dice)
        if change not in lasts:
            process, told = start(worker.run, crashed.home, crashed.folder)
            assert told.recv() == "ready"
            begun = time.monotonic()
            process.join()
            lasts[change] = time.monotonic() - begun
            assert last_number(told)[1], "a run that nobody killed came to its end"
            crashed.heal()
            change(crashed, dice)
        for _ in range(1 + (dice.random() < 0.25)):  # now and then the run that would have healed is killed too
            process, told = start(worker.run, crashed.home, crashed.folder)
            assert told.recv() == "ready"
            time.sleep(dice.uniform(0, lasts[change]))
            killed(process)
            acknowledged, done = last_number(told)
            kills, ended = kills + 1, ended + done
            if done:  # the machine has become faster since that was measured
                lasts[change] *= 0.8
            half_built += crashed.check_visible(acknowledged)
            untouched += acknowledged == 0
        crashed.heal()
    came = f"{untouched} before anything was settled, {half_built} with versions half built, {ended} after the end"
    print(f"{kills} kills: {came}")  # noqa: T201
    assert ended < kills / 2, "most kills have to come before the end of a run"
    assert half_built > kills / 10, "some kills have to come in the middle"


@pytest.mark.parametrize("change", [begin, all_at_once])
@pytest.mark.parametrize("instant", worker.INSTANTS)
def test_a_kill_between_two_steps_leaves_whole_versions(
    crashed: Crashed, start: Start, instant: str, change: Change
) -> None:
    dice = seeded(f"{instant} {change.__name__}")
    begin(crashed, dice)
    if change is not begin:
        crashed.heal()
        change(crashed, dice)
    process, told = start(worker.run_and_wait, crashed.home, crashed.folder, instant)
    said = told.recv()
    assert said == instant or (said == "done" and change is begin and instant in worker.INSTANTS[3:])
    killed(process)
    crashed.check_visible(0)
    crashed.heal()


@pytest.mark.parametrize("instant", ["filled", "noted"])
def test_a_kill_while_the_index_is_made_anew_leaves_one_that_answers(
    crashed: Crashed, start: Start, instant: str
) -> None:
    begin(crashed, seeded(instant))
    crashed.heal()
    process, told = start(worker.rebuild_and_wait, crashed.home, crashed.folder, instant)
    assert told.recv() == instant
    killed(process)
    crashed.check_visible(0)
    crashed.heal()
    assert len(list((crashed.home / "index").glob("shard-*"))) == 1
