"""What a process takes of the machine, as Linux tells it: memory, and how long it waited for a core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def memory_mb(pid: int | str = "self") -> dict[str, float | None]:
    """Megabytes (10^6 bytes) of a process: resident; its share where pages are shared; and without mapped files,
    which the operating system takes back when it needs the room. None for what this system doesn't tell."""
    names = {"rss": "Rss", "pss": "Pss", "own": "Anonymous"}
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return dict.fromkeys(names)
    told = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in lines if line.endswith("kB")}
    return {name: told.get(key) for name, key in names.items()}


@contextmanager
def cores_waited() -> Iterator[Callable[[], float | None]]:
    """Gives what tells, at the end of the block, the share (0..1) of this process's threads' time in which they were
    ready to run and others, of this process or of another, had the cores; None where the system doesn't tell."""
    before = _schedule()
    after: dict[str, tuple[int, int]] = {}
    done = False

    def waited() -> float | None:
        grown = [
            (a - before.get(thread, (0, 0))[0], b - before.get(thread, (0, 0))[1]) for thread, (a, b) in after.items()
        ]
        ran, stood = (sum(each[at] for each in grown) for at in (0, 1))
        return stood / (ran + stood) if done and ran + stood else None

    try:
        yield waited
    finally:
        after = _schedule()
        done = True


def _schedule() -> dict[str, tuple[int, int]]:
    """Nanoseconds that each thread ran, and waited to."""
    found = {}
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, ValueError):
            ran, stood, _ = thread.read_text(encoding="ascii").split()
            found[thread.parent.name] = (int(ran), int(stood))
    return found
