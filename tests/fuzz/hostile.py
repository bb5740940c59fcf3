"""Large documents made to hurt, one by one: `python -m tests.fuzz.hostile` prints seconds and memory of each.

Each document is read in a process of its own, forked from one in which the readers are loaded already. Seconds are the
processor's, of that process and of those it starts; memory is its peak, what was loaded before included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from ingest.errors import DocumentError
from ingest.items import Document
from tests.fuzz.hostile_formats import OTHERS
from tests.fuzz.hostile_text import MARKDOWN, MEGABYTE, Maker
from tests.fuzz.samples import samples
from tests.fuzz.target import FORMATS, check, exercise

MAX_SECONDS = 60
"""Of processor time: what takes longer is ended as a hang."""
MAX_BYTES = 4 << 30
"""Of address space: what wants more gets a MemoryError, before the machine suffers."""

CASES: Mapping[str, Mapping[str, Maker]] = {"md": MARKDOWN, "txt": MARKDOWN, **OTHERS}
"""By format and name."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one document came to. `outcome`: "12 items", why it was refused, or how the process ended."""

    format: str
    case: str
    size: int
    seconds: float
    peak_mb: float
    outcome: str
    ok: bool


def measure(name: str, case: str, make: Maker, size: int = MEGABYTE) -> Measured:
    """Reads one document in a process of its own."""
    data = make(size)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told")
        child = os.fork()
        if child == 0:
            _child(data, FORMATS[name], Path(folder), told)
        _, status, usage = os.wait4(child, 0)
        seconds, _, outcome = (told.read_text() if told.exists() else "").partition(" ")
    ok = status == 0 and bool(outcome)
    spent = float(seconds) if ok else usage.ru_utime + usage.ru_stime
    return Measured(name, case, len(data), spent, usage.ru_maxrss / 1024, outcome or f"ended with {status}", ok)


def _child(data: bytes, suffix: str, folder: Path, told: Path) -> NoReturn:
    """Reads, says what came of it, then looks whether it holds what it promises. Never returns to its caller."""
    ended = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
        place = folder / "place"
        place.mkdir()
        before = _spent()
        found = exercise(data, suffix, place, checked=False)
        seconds = _spent() - before
        for each in found:
            if isinstance(each, Document):
                check(each)
        told.write_text(f"{seconds} {_outcome(found)}")
        ended = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(ended)


def _spent() -> float:
    """Seconds of processor time, ended children included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _outcome(found: Sequence[Document | DocumentError]) -> str:
    refused = [each for each in found if isinstance(each, DocumentError)]
    items = sum(len(each.items) for each in found if isinstance(each, Document))
    if not refused:
        return f"{items:,} items"
    return f"refused: {refused[0].reason}" if len(found) == 1 else f"{items:,} items, {len(refused)} refused"


def measured(names: Iterable[str]) -> Iterator[Measured]:
    """Every case of some formats. The readers are loaded first, so that no case pays for it."""
    for name in names:
        for data in samples(name):
            with tempfile.TemporaryDirectory() as folder:
                exercise(data, FORMATS[name], Path(folder))
        for case, make in CASES.get(name, {}).items():
            yield measure(name, case, make)


def main() -> int:
    """Prints a line for each case; ends with 1 where one broke something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.hostile", description=__doc__)
    parser.add_argument("formats", nargs="*", default=list(FORMATS), help="suffixes without their dot; all by default")
    parser.add_argument("--json", action="store_true", help="one JSON document a line")
    parser.add_argument("--over", type=float, default=0.0, help="show only what took more seconds than this")
    options = parser.parse_args()
    broken, slowest = 0, 0.0
    for each in measured(options.formats):
        broken += not each.ok
        slowest = max(slowest, each.seconds)
        if options.json:
            print(json.dumps(asdict(each)), flush=True)  # noqa: T201
        elif each.seconds > options.over or not each.ok:
            figures = f"{each.size / 1e6:6.2f} MB {each.seconds:6.2f} s {each.peak_mb:5.0f} MB"
            print(f"{each.format:6} {each.case:36} {figures}  {each.outcome[:80]}", flush=True)  # noqa: T201
    if not options.json:
        print(f"slowest {slowest:.2f} s, broken {broken}")  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
