"""Whatever instant a process is killed at, the library stays whole, and the next run finishes the work.

Real processes, the real catalog, the real index. Every kill is followed by the same three questions: is every document
that is visible one whole version that was once offered; is everything still there that was there before or was
acknowledged; and is everything in order after the next run.
"""

from __future__ import annotations

import os
import random
import time
from bisect import bisect_right
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from tests.crash import worker
from tests.crash.conftest import Start
from tests.crash.scene import CHANGES, Change, Crashed, all_at_once, begin, seeded

KILLS = 50
MOST_KILLS = 200
"""So many where too few of the first come in the middle, which is partly chance."""

SEED = int(os.environ.get("CUECARD_KILL_SEED", "20240607"))


def killed(process: BaseProcess) -> None:
    process.kill()
    process.join()
    process.close()


@dataclass(frozen=True)
class Heard:
    """What a run said, and when, in seconds from the beginning of listening."""

    said: list[object]
    moments: list[float]

    @property
    def done(self) -> bool:
        return "done" in self.said

    @property
    def acknowledged(self) -> int:
        """How many files were settled."""
        return max((said for said in self.said if isinstance(said, int)), default=0)


def listen(told: Connection, most: int | None = None) -> Heard:
    """What a run says until the pipe breaks, or `most` things of it."""
    heard, begun = Heard([], []), time.monotonic()
    try:
        while most is None or len(heard.said) < most:
            heard.said.append(told.recv())
            heard.moments.append(time.monotonic() - begun)
    except (EOFError, OSError):
        pass
    return heard


def kill_within(process: BaseProcess, told: Connection, whole: Heard, dice: random.Random) -> Heard:
    """Kill a run at a random instant of `whole`, one that nobody killed: so long after what was said last before it.

    An instant told from the beginning alone would be before or after all the work on a machine that has become slower
    or faster since.
    """
    instant = dice.uniform(0, whole.moments[-1])
    passed = bisect_right(whole.moments, instant)
    before = listen(told, passed)
    time.sleep(instant - whole.moments[passed - 1] if passed else instant)
    killed(process)
    after = listen(told)
    return Heard(before.said + after.said, [])


def test_a_kill_at_any_time_leaves_whole_versions_and_the_next_run_finishes(crashed: Crashed, start: Start) -> None:
    print(f"seed {SEED}")  # noqa: T201 - what it takes to see the same again
    dice = seeded(SEED)
    whole: dict[Change, Heard] = {}
    kills = ended = untouched = half_built = 0
    while kills < KILLS or (half_built <= kills / 10 and kills < MOST_KILLS):
        change = CHANGES[kills % len(CHANGES)]
        change(crashed, dice)
        if change not in whole:
            process, told = start(worker.run, crashed.home, crashed.folder)
            assert told.recv() == "ready"
            whole[change] = listen(told)
            process.join()
            assert whole[change].done, "a run that nobody killed came to its end"
            crashed.heal()
            change(crashed, dice)
        for _ in range(1 + (dice.random() < 0.25)):  # now and then the run that would have healed is killed too
            process, told = start(worker.run, crashed.home, crashed.folder)
            assert told.recv() == "ready"
            heard = kill_within(process, told, whole[change], dice)
            kills, ended = kills + 1, ended + heard.done
            if heard.done:  # the machine has become faster since
                whole[change] = Heard(whole[change].said, [moment * 0.8 for moment in whole[change].moments])
            half_built += crashed.check_visible(heard.acknowledged)
            untouched += heard.acknowledged == 0
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
