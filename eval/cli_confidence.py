"""`cuecard eval fit-confidence`: the model that says whether anything in the library answers a question."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from answering.logistic import Logistic, save
from eval.cases import read_lines, write_lines
from eval.evaluation import plain
from eval.logistic import best_penalty, choose_threshold, fit, operating_point, out_of_fold
from eval.options import FILE, load_cases
from eval.ports import Home
from eval.stats import auroc, calibration_error
from eval.systems import refuse_degraded
from ingest.errors import UsageError


@click.command("fit-confidence")
@click.option("--queries", type=FILE, multiple=True, metavar="Q.jsonl", help="Judged questions to ask. Repeatable.")
@click.option("--evidence", type=FILE, multiple=True, metavar="E.jsonl", help="Evidence kept before. Repeatable.")
@click.option("--keep", type=FILE, metavar="E.jsonl", help="Keep the evidence of --queries here.")
@click.option("--output", type=FILE, metavar="FILE", help="Where the model goes (JSON).")
@click.option("--collection", help="Ask one collection only.")
@click.option("--feature", "wanted", multiple=True, metavar="NAME", help="Use only these features. Repeatable.")
@click.option(
    "--max-false", type=click.FloatRange(0, 1), default=0.15, show_default=True, help="False answers, at most."
)
@click.option(
    "--min-answered", type=click.FloatRange(0, 1), default=0.85, show_default=True, help="Answered, at least."
)
@click.pass_obj
def fit_confidence(
    home: Home,
    queries: Sequence[Path],
    evidence: Sequence[Path],
    keep: Path | None,
    output: Path | None,
    collection: str | None,
    wanted: Sequence[str],
    max_false: float,
    min_answered: float,
) -> None:
    """Fit the confidence model to the evidence of answers: does the library hold one?

    Every question needs "answerable" true or false. A model for many libraries is fitted on several: ask each home
    with --queries and --keep, then give all that was kept as --evidence. Figures are cross-validated (5 folds).
    """
    rows, labels = read_evidence(evidence)
    if queries:
        asked, answers = _ask(home, queries, collection)
        rows, labels = [*rows, *asked], [*labels, *answers]
        if keep is not None:
            write_evidence(keep, asked, answers)
    if output is None:
        if keep is None:
            raise UsageError("There is nothing to write.", hint="Give --output for a model, or --keep for evidence.")
        home.show({"kept": str(keep), "questions": len(rows)}, _as_text)
        return
    features = choose_features(rows, wanted)
    try:
        model, figures = fit_model(rows, labels, features, max_false=max_false, min_answered=min_answered)
    except ValueError as error:
        raise UsageError(f"The confidence model {error}.") from error
    command = shlex.join(["cuecard", *sys.argv[1:]])
    save(output, replace(model, fitted_by=f"{command}: {_in_words(figures)}"))
    home.show({"output": str(output), "features": list(features), **figures}, _as_text)


Rows = list[Mapping[str, float]]


def _ask(home: Home, queries: Sequence[Path], collection: str | None) -> tuple[Rows, list[bool]]:
    cases = [case for path in queries for case in load_cases(path)]
    with home.open_parts() as parts:
        refuse_degraded(parts.retriever.search(cases[0].query, k=1, collection=collection))
        rows = [parts.answerer.evidence(case.query, collection=collection) for case in cases]
    return list(rows), [case.answerable for case in cases]


def read_evidence(paths: Sequence[Path]) -> tuple[Rows, list[bool]]:
    """What `write_evidence` wrote. Raises UsageError for a line that is something else."""
    records = [record for path in paths for record in read_lines(path, _evidence_of)]
    return [row for row, _ in records], [answerable for _, answerable in records]


def write_evidence(path: Path, rows: Sequence[Mapping[str, float]], labels: Sequence[bool]) -> None:
    """JSON lines `{"answerable", "evidence"}`."""
    records = zip(rows, labels, strict=True)
    write_lines(path, ({"answerable": answerable, "evidence": dict(row)} for row, answerable in records))


def _evidence_of(record: dict[str, Any]) -> tuple[Mapping[str, float], bool]:
    evidence, answerable = record.get("evidence"), record.get("answerable")
    if not isinstance(evidence, dict) or not isinstance(answerable, bool):
        raise ValueError('is no evidence as --keep writes it: {"answerable": true, "evidence": {...}}')
    return {str(name): float(value) for name, value in evidence.items()}, answerable


def choose_features(rows: Sequence[Mapping[str, float]], wanted: Sequence[str]) -> tuple[str, ...]:
    """All evidence there is, or what was wanted of it. Raises UsageError for a feature no search gives."""
    known = sorted({name for row in rows for name in row})
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"No search gives the feature {unknown[0]!r}.", hint=f"There are {', '.join(known)}.")
    return tuple(wanted) or tuple(known)


def fit_model(
    rows: Sequence[Mapping[str, float]],
    labels: Sequence[bool],
    features: Sequence[str],
    *,
    max_false: float,
    min_answered: float,
) -> tuple[Logistic, dict[str, Any]]:
    """The model as answering reads it, and its cross-validated figures.

    The threshold is chosen on out-of-fold probabilities. Raises ValueError where only one class was asked.
    """
    l2 = best_penalty(rows, labels, features)
    model = fit(rows, labels, features, l2)
    outside = out_of_fold(rows, labels, features, l2)
    inside = [model.probability(row) for row in rows]
    chosen = choose_threshold(outside, labels, max_false=max_false, min_answered=min_answered)
    final = operating_point(inside, labels, chosen.threshold)
    figures = {
        "answerable": sum(labels),
        "unanswerable": len(labels) - sum(labels),
        "l2": l2,
        **plain(
            {
                "auroc_cross_validated": _separation(outside, labels),
                "auroc_fitted": _separation(inside, labels),
                "ece_cross_validated": calibration_error(outside, labels),
            }
        ),
        "threshold": chosen.threshold,
        "answered_share_cross_validated": chosen.answered_share,
        "false_answer_rate_cross_validated": chosen.false_answer_rate,
        "answered_share_fitted": final.answered_share,
        "false_answer_rate_fitted": final.false_answer_rate,
    }
    return rounded(replace(model, threshold=chosen.threshold)), figures


def rounded(model: Logistic) -> Logistic:
    """The model with six places, so that the file reads well and a refit elsewhere changes nothing that matters."""
    mean, scale, weights = (tuple(round(v, 6) for v in values) for values in (model.mean, model.scale, model.weights))
    bias, threshold = round(model.bias, 6), round(model.threshold, 4)
    return replace(model, mean=mean, scale=scale, weights=weights, bias=bias, threshold=threshold)


def _separation(probabilities: Sequence[float], labels: Sequence[bool]) -> float:
    pairs = list(zip(probabilities, labels, strict=True))
    return auroc([p for p, ok in pairs if ok], [p for p, ok in pairs if not ok])


def _in_words(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in figures.items() if value is not None)


def _as_text(body: dict[str, Any]) -> str:
    shown = (
        f"{name:36} {value:.4f}" if isinstance(value, float) else f"{name:36} {value}" for name, value in body.items()
    )
    return "\n".join(shown)
