"""What a system returned for each question, and the run files that hold it. Standard library only.

One line of a run file, as `cuecard search --queries --run` writes it: `{"id", "results": [{"file", "start", "end",
"text", "score", "chunk_id"}], "latency_ms"}`, best first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eval.cases import identity, read_lines, string, write_lines
from ingest.errors import UsageError


@dataclass(frozen=True, slots=True)
class Result:
    """One passage that a system returned. `start`, `end` are None where it gave text only."""

    file: str
    start: int | None = None
    end: int | None = None
    text: str = ""
    score: float | None = None
    chunk_id: str | None = None

    @property
    def length(self) -> int:
        """Characters, by the span where there is one."""
        return self.end - self.start if self.start is not None and self.end is not None else len(self.text)

    @property
    def doc_id(self) -> str:
        """A name for TREC files, which know no blanks: `file#start-end`, the file's path quoted as in a URL."""
        span = "" if self.start is None or self.end is None else f"#{self.start}-{self.end}"
        return quote(self.file) + span


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back for one question, best first. `error` says why nothing did; `evidence` as in SearchResult."""

    results: tuple[Result, ...] = ()
    latency_ms: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def top_score(self) -> float:
        """The highest score, minus infinity where nothing came back with one."""
        return max((r.score for r in self.results if r.score is not None), default=float("-inf"))


Run = Mapping[str, Returned]
"""Question id -> what came back. A question that is missing got nothing."""


def read_run(path: Path) -> dict[str, Returned]:
    """A run file. Raises UsageError (`FILE:LINE: reason`) for a line that is none, or an id that stands twice."""
    run: dict[str, Returned] = {}
    for name, returned in read_lines(path, _returned):
        if name in run:
            raise UsageError(f"{path}: the id {name!r} stands twice.")
        run[name] = returned
    return run


def write_run(path: Path, run: Run) -> None:
    """Write a run file that `read_run` gives back unchanged."""
    write_lines(path, _records(run))


def _records(run: Run) -> Iterable[dict[str, Any]]:
    for name, returned in run.items():
        yield {
            "id": name,
            "results": [
                {
                    "file": r.file,
                    "start": r.start,
                    "end": r.end,
                    "text": r.text,
                    "score": r.score,
                    "chunk_id": r.chunk_id,
                }
                for r in returned.results
            ],
            "latency_ms": returned.latency_ms,
            **({"evidence": dict(returned.evidence)} if returned.evidence else {}),
            **({"error": returned.error} if returned.error else {}),
        }


def _returned(record: dict[str, Any]) -> tuple[str, Returned]:
    results = record.get("results")
    if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        raise ValueError('"results" must be a list of objects')
    return identity(record), Returned(
        tuple(_result(r) for r in results),
        _number(record, "latency_ms"),
        {str(k): float(v) for k, v in (record.get("evidence") or {}).items()},
        str(record.get("error") or ""),
    )


def _result(record: dict[str, Any]) -> Result:
    start, end = _number(record, "start"), _number(record, "end")
    chunk_id = record.get("chunk_id")
    return Result(
        file=string(record, "file").removeprefix("./"),
        start=None if start is None else int(start),
        end=None if end is None else int(end),
        text=str(record.get("text") or ""),
        score=_number(record, "score"),
        chunk_id=None if chunk_id is None else str(chunk_id),
    )


def _number(record: dict[str, Any], name: str) -> float | None:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(f'"{name}" must be a number')
    return value
