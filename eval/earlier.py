"""An earlier evaluation to compare with, a results folder of `eval retrieval` or a run file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.cases import Case
from eval.evaluation import Evaluation, assemble, evaluate
from eval.held import corpus_note, question_notes, read_results
from eval.results import stem_of
from eval.running import read_any_run
from eval.runs import Run
from ingest.errors import UsageError

_COMMAND = "eval retrieval"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The first run of an earlier evaluation.

    `fingerprint`: its corpus, None where nobody knows. `records`: question id -> its values as they were measured
    then; None for a mere run file, of which nobody knows what else was asked.
    """

    name: str
    path: Path
    run: Run
    fingerprint: str | None = None
    records: Mapping[str, Mapping[str, Any]] | None = None


def read_earlier(path: Path) -> Earlier:
    """A results folder of `eval retrieval`, or a run file. Raises UsageError for anything else."""
    name = f"baseline:{path.resolve().stem if path.is_file() else path.resolve().name}"
    if not path.is_dir():
        return Earlier(name, path, read_any_run(path))
    results = read_results(path, _COMMAND, ["runs"])
    try:
        first = next(iter(results.summary["runs"]))
        records = {query: record["runs"][first] for query, record in results.records.items()}
    except (KeyError, TypeError, StopIteration) as error:
        raise UsageError(f"{path}: is no results folder of `{_COMMAND}`.") from error
    files = [path / "runs" / f"{stem_of(first)}{suffix}" for suffix in (".jsonl", ".trec")]
    run = read_any_run(next((file for file in files if file.exists()), files[0]))
    return Earlier(name, path, run, results.fingerprint, records)


def evaluate_earlier(
    earlier: Earlier, cases: Sequence[Case], texts: Mapping[str, str], measures: Sequence[str], fingerprint: str | None
) -> tuple[Evaluation, list[str]]:
    """The earlier run on those of `cases` that it was asked, and what a reader must know about it.

    Its hits are judged anew by the judgments of today. Where its corpus was another one, its spans mean other places:
    then its values are those that were measured then. Raises UsageError where they weren't, or nothing is in common.
    """
    known = earlier.run if earlier.records is None else earlier.records
    asked = [case for case in cases if earlier.records is None or case.id in known]
    if not set(known) & {case.id for case in asked}:
        raise UsageError(f"{earlier.path}: was asked none of these questions.")
    run = {case.id: earlier.run[case.id] for case in asked if case.id in earlier.run}
    notes = question_notes(earlier.name, len(cases) - len(asked), len(set(known) - {case.id for case in cases}))
    changed = corpus_note(earlier.name, earlier.fingerprint, fingerprint)
    if earlier.fingerprint is None or fingerprint is None or changed is None:
        notes += [changed] if changed else []
        return evaluate(earlier.name, asked, run, texts, measures=measures), notes
    notes.append(f"{changed}: its figures are those measured then.")
    return _as_measured(earlier, asked, run, measures), notes


def _as_measured(earlier: Earlier, asked: Sequence[Case], run: Run, measures: Sequence[str]) -> Evaluation:
    records = earlier.records or {}
    scored = {case.id: records[case.id] for case in asked if case.judged}
    try:
        per_query = {query: {name: float(record[name]) for name in measures} for query, record in scored.items()}
    except KeyError as error:
        hint = "Name a measure that was, with --measure, or measure the baseline again."
        raise UsageError(f"{earlier.path}: {error} was not measured there for every question.", hint=hint) from error
    ranks = {query: record.get("first_relevant") for query, record in scored.items()}
    return assemble(earlier.name, asked, run, per_query, ranks)
