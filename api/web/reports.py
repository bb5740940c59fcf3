"""What `cuecard eval` left in its results folders. Read as files: the page needs nothing of the eval room."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import NotFoundError

DEFAULT_FOLDER = "results"
MOST_REPORTS = 50
MOST_FIGURES = 8
MAX_FILE = 20_000_000
"""Bytes of a file that is read; a run's page with its plots has some hundred thousand."""

_TITLES = {
    "answered_share": "answered",
    "false_answer_rate": "answered wrongly",
    "accuracy": "accuracy",
    "citation_validity": "citations valid",
    "citation_precision": "citation precision",
    "citation_recall": "citation recall",
    "auroc": "AUROC",
    "balanced_accuracy": "balanced accuracy",
    "ece": "calibration error",
    "questions": "questions",
}


@dataclass(frozen=True, slots=True)
class Report:
    """One results folder. `figures`: the first of its numbers, as they are shown. `time`: ISO 8601, or empty."""

    folder: Path
    name: str
    time: str
    corpus: str
    figures: tuple[tuple[str, str], ...]
    shortfalls: tuple[str, ...]

    @property
    def has_page(self) -> bool:
        """Whether the run left a page."""
        return _readable(self.folder / "report.html")

    def page(self) -> Path:
        """That page. NotFoundError where there is none."""
        if not self.has_page:
            raise NotFoundError(f"The run {self.name} left no page.", hint="Its figures stand in summary.json.")
        return self.folder / "report.html"

    def words(self) -> str:
        """The report in words, Markdown; empty where the run left none."""
        path = self.folder / "report.md"
        return path.read_text(encoding="utf-8", errors="replace") if _readable(path) else ""


def results_folder(named: str | None) -> Path:
    """Where reports are looked for: the folder that is set, else `results` where the server was started."""
    return Path(named or DEFAULT_FOLDER).expanduser()


def find_reports(folder: Path) -> list[Report]:
    """The latest reports, newest first. Folders may lie in folders; what has no summary is none."""
    found = [report for path in _run_folders(folder) if (report := _read(path, folder)) is not None]
    return sorted(found, key=lambda report: report.time, reverse=True)[:MOST_REPORTS]


def find_report(folder: Path, name: str) -> Report:
    """The report of that name. NotFoundError where there is none."""
    for report in find_reports(folder):
        if report.name == name:
            return report
    raise NotFoundError(f"There is no report {name!r}.", hint="The evaluations page lists the latest.")


def _run_folders(folder: Path) -> Iterator[Path]:
    """Folders directly below `folder`, links left out: what they lead to was not meant to be shown."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    yield from (path for path in entries if path.is_dir() and not path.is_symlink())


def _read(path: Path, folder: Path) -> Report | None:
    summary = _json(path / "summary.json")
    if summary is None:
        return None
    environment = _json(path / "environment.json") or {}
    corpus = summary.get("corpus")
    documents = corpus.get("documents") if isinstance(corpus, Mapping) else None
    short = summary.get("shortfalls")
    return Report(
        folder=path,
        name=path.relative_to(folder).as_posix(),
        time=str(environment.get("time", "")),
        corpus=f"{documents} documents" if documents else "",
        figures=tuple(_figures(summary))[:MOST_FIGURES],
        shortfalls=tuple(str(line) for line in short) if isinstance(short, list) else (),
    )


def _figures(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The figures of the first system that was measured, or those of the whole."""
    runs = summary.get("runs")
    if isinstance(runs, Mapping) and runs:
        first = next(iter(runs.values()))
        summary = first if isinstance(first, Mapping) else {}
    overall = summary.get("overall")
    for name, value in (overall if isinstance(overall, Mapping) else summary).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if name in _TITLES or not str(name).islower():
            yield _TITLES.get(name, str(name)), f"{value:.3f}" if isinstance(value, float) else f"{value:,}"


def _json(path: Path) -> dict[str, Any] | None:
    if not _readable(path):
        return None
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE
    except OSError:
        return False
