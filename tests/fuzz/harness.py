"""Fuzzing guided by coverage (atheris): `python -m tests.fuzz.harness --seconds 60`.

Each format runs in a process of its own. An input that breaks something is written to `--crashes`, once for each place
in the code that raised, with the traceback beside it; the run goes on. Ends with 1 where there was any.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

MAX_SECONDS = 20
"""An input that takes longer is a hang: the process is ended, and the input kept."""
MAX_MEGABYTES = 1024
MAX_BYTES = 4096
"""Longer inputs are hostile.py's. Those that come from a larger sample may have its length."""

_CODE = ("ingest", "tests")
_OWN = 0.3  # the share of mutations that know the format (mutate.py); the others are libFuzzer's


@dataclass(slots=True)
class Report:
    """What one format's run came to. `slowest` in seconds, `peak_mb` of the whole process."""

    format: str
    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    peak_mb: float = 0.0
    crashes: dict[str, int] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the formats one after the other and prints a table."""
    options = _options(argv)
    options.crashes.mkdir(parents=True, exist_ok=True)
    if options.child:
        _fuzz(options)
        return 0
    names = _names() if options.format == "all" else [options.format]
    reports = []
    print(f"{'format':8} {'inputs':>9} {'seconds':>8} {'slowest':>8} {'peak MB':>8}  crashes", flush=True)  # noqa: T201
    for name in names:
        report = _run(name, options)
        reports.append(report)
        found = ", ".join(f"{place} ×{count}" for place, count in report.crashes.items()) or "none"
        figures = f"{report.inputs:>9,} {report.seconds:>8.0f} {report.slowest:>8.3f} {report.peak_mb:>8.0f}"
        print(f"{name:8} {figures}  {found}", flush=True)  # noqa: T201
    print(f"{'all':8} {sum(report.inputs for report in reports):>9,}")  # noqa: T201
    return 1 if any(report.crashes for report in reports) else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.harness", description=__doc__)
    parser.add_argument("--format", default="all", help="a suffix without its dot; all of them by default")
    parser.add_argument("--seconds", type=int, default=30, help="for each format")
    parser.add_argument("--runs", type=int, default=0, help="inputs for each format; 0: as many as the time allows")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument(
        "--blind", action="store_true", help="without coverage: more inputs, all of them spoilt samples"
    )
    parser.add_argument("--crashes", type=Path, default=Path(".fuzz"), help="where reproducers go")
    parser.add_argument("--child", type=Path, default=None, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _names() -> list[str]:
    from tests.fuzz.target import FORMATS, LINE

    return [LINE, *FORMATS]


def _run(name: str, options: argparse.Namespace) -> Report:
    """One format in its own process, which is ended when it hangs or takes too much memory."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "report.json")
        command = [sys.executable, "-m", "tests.fuzz.harness", "--format", name, "--child", str(told)]
        command += ["--seconds", str(options.seconds), "--runs", str(options.runs), "--seed", str(options.seed)]
        command += ["--crashes", str(options.crashes), *(["--blind"] if options.blind else [])]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        report = Report(**json.loads(told.read_text())) if told.exists() else Report(name)
        log = done.stderr
    if peak := re.search(r"peak_rss_mb:\s+(\d+)", log):
        report.peak_mb = float(peak[1])
    if done.returncode != 0:
        kept = re.search(r"Test unit written to (\S+)", log)
        report.crashes[f"the process ended with {done.returncode}, see {kept[1] if kept else 'its log'}"] = 1
        Path(options.crashes, f"{name}.log").write_text(log)
    return report


def _fuzz(options: argparse.Namespace) -> None:
    """The child: libFuzzer calls `one` until its time or its number of runs is up, and ends the process."""
    import atheris  # type: ignore[import-untyped]

    with nullcontext() if options.blind else atheris.instrument_imports(include=["ingest", "markdown_it"]):
        from tests.fuzz.mutate import mutated, spoilt
        from tests.fuzz.samples import TOKENS, samples
        from tests.fuzz.target import FORMATS, LINE, exercise, exercise_line

    name, suffix = options.format, FORMATS.get(options.format, "")
    report = Report(name)
    begun = told = time.monotonic()
    folder = tempfile.TemporaryDirectory()
    sizes = [len(data) for data in samples(name)]
    seeds, words = Path(folder.name, "seeds"), Path(folder.name, "words")
    seeds.mkdir()
    for number, data in enumerate(samples(name)):
        Path(seeds, str(number)).write_bytes(data)
    tokens = (token.encode("utf-8", "surrogatepass") for token in TOKENS.get(name, TOKENS["md"]))
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in tokens))

    def one(data: bytes) -> None:
        nonlocal told
        start = time.process_time()
        try:
            if name == LINE:
                exercise_line(data)
            elif name == "zip":
                with tempfile.TemporaryDirectory(dir=folder.name) as place:
                    exercise(data, suffix, Path(place))
            else:
                exercise(data, suffix)
        except Exception as error:
            _keep(error, data, options.crashes, report)
        now = time.monotonic()
        report.inputs += 1
        report.slowest = max(report.slowest, time.process_time() - start)
        if now - told > 1 or report.inputs == options.runs:
            report.seconds, told = now - begun, now
            options.child.write_text(json.dumps(asdict(report)))

    if options.blind:
        rng = Random(options.seed or time.time_ns())  # noqa: S311 to be repeated from its seed
        while time.monotonic() - begun < options.seconds and not 0 < options.runs <= report.inputs:
            faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
            one(mutated(name, rng))
        report.seconds = time.monotonic() - begun
        report.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        options.child.write_text(json.dumps(asdict(report)))
        return

    def mutate(data: bytes, limit: int, seed: int) -> bytes:
        rng = Random(seed)  # noqa: S311 to be repeated from its seed
        if rng.random() < _OWN:
            return spoilt(data, name, rng)[:limit]
        return bytes(atheris.Mutate(data, limit))

    flags = [f"-max_total_time={options.seconds}", f"-timeout={MAX_SECONDS}", f"-rss_limit_mb={MAX_MEGABYTES}"]
    flags += [
        f"-max_len={max(MAX_BYTES, *sizes)}",
        f"-artifact_prefix={options.crashes}/{name}-",
        "-print_final_stats=1",
    ]
    flags += [f"-dict={words}", f"-seed={options.seed}", *([f"-runs={options.runs}"] if options.runs else [])]
    atheris.Setup([sys.argv[0], *flags, str(seeds)], one, custom_mutator=mutate)
    atheris.Fuzz()


def _keep(error: Exception, data: bytes, crashes: Path, report: Report) -> None:
    """Notes where an error came from; writes the first input that raised it there."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _ours(frame.filename)]
    last = frames[-1]
    place = f"{type(error).__name__} {os.path.basename(last.filename)}:{last.lineno}"
    if isinstance(error, AssertionError):
        place = f"{type(error).__name__}: {error}"
    report.crashes[place] = report.crashes.get(place, 0) + 1
    if report.crashes[place] == 1:
        stem = f"{report.format}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        Path(crashes, f"{stem}.bin").write_bytes(data)
        Path(crashes, f"{stem}.txt").write_text("".join(traceback.format_exception(error)))


def _ours(filename: str) -> bool:
    root = Path(__file__).parents[2]
    return any(Path(filename).is_relative_to(root / room) for room in _CODE)


if __name__ == "__main__":
    sys.exit(main())
