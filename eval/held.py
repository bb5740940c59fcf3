"""This evaluation held against the results of an earlier one, question by question: by how much, and how surely."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.cases import read_lines
from eval.stats import Comparison, compare
from ingest.errors import NotFoundError, UsageError

THIS = "this run"

Values = Mapping[str, float]
"""Question id -> what its measure is worth."""


@dataclass(frozen=True, slots=True)
class Results:
    """A results folder. `records`: id -> its line of `per_query.jsonl`. `fingerprint`: of its corpus, where known."""

    name: str
    path: Path
    summary: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]

    @property
    def fingerprint(self) -> str | None:
        """Names the corpus that was asked."""
        corpus = self.summary.get("corpus")
        return corpus.get("fingerprint") if isinstance(corpus, dict) else None


def read_results(path: Path, made_by: str, fields: Sequence[str]) -> Results:
    """A results folder. Raises UsageError where it is none that `made_by` (`eval retrieval`, ...) wrote.

    `fields`: what each of its records must have.
    """
    try:
        summary = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFoundError(f"{path}: has no summary.json.", hint="Name a results folder.") from error
    except ValueError as error:
        raise UsageError(f"{path}: is no results folder of `{made_by}`.") from error
    records = dict(read_lines(path / "per_query.jsonl", lambda record: (str(record.get("id")), record)))
    if not isinstance(summary, dict) or not all(name in record for record in records.values() for name in fields):
        raise UsageError(f"{path}: is no results folder of `{made_by}`.")
    return Results(f"baseline:{path.resolve().name}", path, summary, records)


def earlier_results(path: Path | None, most: float | None, made_by: str, fields: Sequence[str]) -> Results | None:
    """The folder of --baseline, None where none is named. Raises UsageError for --max-regression without one."""
    if path is not None:
        return read_results(path, made_by, fields)
    if most is not None:
        raise UsageError("--max-regression says how far to fall, not from where.", hint="Name a --baseline.")
    return None


def corpus_note(name: str, then: str | None, now: str | None) -> str | None:
    """What a reader must know where two corpora are not, or may not be, the same."""
    if then is None or now is None:
        return f"Whether {name} was measured on this corpus is not known."
    return None if then == now else f"The corpus changed since {name} ({then[:19]} then, {now[:19]} now)"


def question_notes(name: str, new: int, gone: int) -> list[str]:
    """What a reader must know where two evaluations did not ask the same."""
    notes = []
    if new:
        notes.append(f"New since {name} and not compared with it: {new}.")
    if gone:
        notes.append(f"Of {name}, not asked any more: {gone}.")
    return notes


def comparison_record(compared: Comparison, measure: str) -> dict[str, Any]:
    """A comparison, ready for JSON."""
    return {"measure": measure, **{name: getattr(compared, name) for name in Comparison.__slots__}}


def hold(
    results: Results,
    made_by: str,
    measure: str,
    fingerprint: str | None,
    now: Values,
    then: Values,
    most: float | None,
) -> dict[str, Any]:
    """`comparisons`, `notes`, `regressions` and `shortfalls` of a summary, on the questions that both were asked.

    `now`, `then`: what each question is worth. `most`: how far the mean may fall. Raises UsageError where nothing is in
    common.
    """
    both = {THIS: now, results.name: then}
    compared = [comparison_record(c, measure) for c in compare(both, [(THIS, results.name)])]
    if not compared:
        raise UsageError(f"{results.path}: was asked none of these questions by `{made_by}`.")
    note = corpus_note(results.name, results.fingerprint, fingerprint)
    common = compared[0]["questions"]
    notes = [f"{note.rstrip('.')}."] if note else []
    notes += question_notes(results.name, len(now) - common, len(then) - common)
    held: dict[str, Any] = {"comparisons": compared, "notes": notes, "shortfalls": []}
    if most is not None:
        held["regressions"], held["shortfalls"] = regressions(compared, both, [results.name], most)
    return held


def regressions(
    comparisons: Sequence[Mapping[str, Any]], values: Mapping[str, Values], baselines: Sequence[str], most: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """How the first run stands to each baseline, and a line for each against which it fell by more than `most`.

    `values`: run -> question -> value, what came first first. Means are over the questions that both were asked. A
    baseline that has none in common falls short too: nobody knows how the run stands to it.
    """
    first = next(iter(values))
    records, lines = [], []
    for compared in comparisons:
        theirs = compared["b"]
        if compared["a"] != first or theirs not in baselines:
            continue
        measure, change, p = compared["measure"], compared["difference"], compared["p"]
        common = values[first].keys() & values[theirs].keys()
        then = math.fsum(values[theirs][query] for query in common) / len(common)
        fell = -change > most + 1e-9
        told = {"baseline": theirs, "measure": measure, "questions": len(common), "then": then, "now": then + change}
        records.append({**told, "change": change, "p": p, "max_regression": most, "fell": fell})
        if fell:
            lines.append(
                f"{measure} fell by {-change:.4f} against {theirs} ({then:.4f} to {then + change:.4f} over "
                f"{len(common)} questions, p = {p:.4f}), allowed {most:g}"
            )
    compared_with = {record["baseline"] for record in records}
    lines += [f"nothing can be compared with {name}" for name in baselines if name not in compared_with]
    return records, lines
