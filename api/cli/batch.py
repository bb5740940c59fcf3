"""Many at once: JSON lines in, JSON lines out, in input order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.cli.context import Context
from ingest.errors import CuecardError, UsageError

Line = dict[str, Any]


def read_lines(path: Path, needed: dict[str, type], check: Callable[[Line], object]) -> list[Line]:
    """All lines of a JSON lines file; blank ones are left out.

    `needed`: fields and their types; `check` raises UsageError for a line that can't be worked on. Raises UsageError
    with `FILE:LINE` for the first bad line, so that nothing is done with half a file.
    """
    lines: list[Line] = []
    ids: dict[Any, int] = {}
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    lines.append(_read_line(text, f"{path}:{number}", needed, check))
                    first = ids.setdefault(lines[-1]["id"], number)
                    if first != number:
                        raise UsageError(f"{path}:{number}: the id {lines[-1]['id']!r} is taken by line {first}.")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}.") from error
    return lines


def _read_line(text: str, where: str, needed: dict[str, type], check: Callable[[Line], object]) -> Line:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where}: not JSON: {error}.") from error
    if not isinstance(line, dict):
        raise UsageError(f"{where}: not a JSON object.")
    if not isinstance(line.get("id"), str | int):
        raise UsageError(f"{where}: `id` is missing, or neither text nor a whole number.")
    for name, kind in needed.items():
        if not isinstance(line.get(name), kind):
            raise UsageError(f"{where}: `{name}` is missing or not a {'list' if kind is list else 'text'}.")
    try:
        check(line)
    except CuecardError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from error
    return line


def run_lines(context: Context, lines: list[Line], work: Callable[[Line], Line], output: Path) -> Line:
    """Do `work` on each line and write what it returns, line by line; a summary `{"lines", "seconds", "output"}`."""
    started = time.perf_counter()
    with output.open("w", encoding="utf-8") as file, _ticking(context, lines) as ticking:
        for line in ticking:
            # an answer has an id of its own, which gives way to that of its question
            file.write(json.dumps({"id": line["id"], **(work(line) | {"id": line["id"]})}, ensure_ascii=False) + "\n")
            file.flush()
    return {"lines": len(lines), "seconds": round(time.perf_counter() - started, 3), "output": str(output)}


def describe(summary: Line) -> str:
    """The summary for a person."""
    return f"{summary['lines']} lines in {summary['seconds']:.1f} s, written to {summary['output']}"


@contextmanager
def _ticking(context: Context, lines: list[Line]) -> Iterator[Iterable[Line]]:
    """The lines, with a progress bar where somebody watches."""
    if not context.chatty:
        yield lines
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield progress.track(lines, description="")
