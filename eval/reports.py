"""The words and tables of a retrieval evaluation: what the terminal shows, and `report.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.cases import Case
from eval.evaluation import Evaluation
from eval.results import table
from eval.stats import Comparison

_MISSES = 25


def overview(summary: Mapping[str, Any]) -> str:
    """The tables of a summary as `summarize_runs` makes it: overall, by type, abstention, comparisons."""
    runs: Mapping[str, Mapping[str, Any]] = summary["runs"]
    first = next(iter(runs.values()))
    counts, measure = first["counts"], summary["measure"]
    measures = list(first["overall"])
    parts = [
        f"{counts['questions']} questions, {counts['judged']} judged, {counts['unanswerable']} unanswerable.",
        table(
            ["run", *measures],
            [[name, *(run["overall"].get(m) for m in measures)] for name, run in runs.items()],
        ),
        table(
            [f"{measure} by type", *(f"{kind} ({row['n']})" for kind, row in first["types"].items())],
            [[name, *(row[measure] for row in run["types"].values())] for name, run in runs.items()],
        ),
        table(
            ["run", f"{measure} 95 %", "AUROC", "AURC", "p50 ms", "p95 ms", "failed", "empty"],
            [[name, *_beside(run, measure)] for name, run in runs.items()],
        ),
    ]
    if summary["comparisons"]:
        parts.append(
            table(
                [f"{measure}: a against b", "a - b", "effect", "wins", "losses", "ties", "p", "p (Holm)"],
                [
                    [
                        f"{c['a']} / {c['b']}",
                        *(c[n] for n in ("difference", "effect", "wins", "losses", "ties")),
                        *_ps(c),
                    ]
                    for c in summary["comparisons"]
                ],
            )
        )
    if counts["quotes_not_found"]:
        parts.append(f"{counts['quotes_not_found']} judged quotes do not stand in the library: nothing can meet them.")
    parts.extend(f"Fell short: {line}." for line in summary["shortfalls"])
    parts.append(f"Results: {summary['output']}")
    return "\n\n".join(parts)


def report(summary: Mapping[str, Any], cases: Sequence[Case], main: Evaluation) -> str:
    """`report.md`: the overview, what the numbers mean, and the questions for which nothing relevant came back."""
    missed = [case for case in cases if case.judged and main.ranks.get(case.id) is None]
    lines = [
        "# Retrieval evaluation",
        overview(summary),
        "Means over the judged questions; a question that failed or got nothing counts 0. Intervals: 95 % bootstrap "
        "over questions. AUROC: how often the top score of an answerable question is above an unanswerable one's. "
        "AURC: mean share of wrong first passages over all coverages, answering the highest scores first. p: paired "
        "randomisation test, two-sided.",
        f"## Nothing relevant among the first hits of {main.name}: {len(missed)}",
        "\n".join(f"- `{case.id}` ({case.type}) {case.query}" for case in missed[:_MISSES]) or "None.",
    ]
    return "\n\n".join(lines) + "\n"


def per_query(
    cases: Sequence[Case], evaluations: Sequence[Evaluation], runs: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One record a question: what it was, and for each run its measures, first relevant rank, top score and time."""
    records = []
    for case in cases:
        found: dict[str, Any] = {}
        for evaluation in evaluations:
            returned = runs[evaluation.name].get(case.id)
            top = returned.top_score if returned and returned.results else None
            found[evaluation.name] = {
                **evaluation.per_query.get(case.id, {}),
                "first_relevant": evaluation.ranks.get(case.id),
                "top_score": top if top is not None and top > float("-inf") else None,
                "latency_ms": returned.latency_ms if returned else None,
                **({"error": returned.error} if returned and returned.error else {}),
            }
        records.append(
            {"id": case.id, "query": case.query, "type": case.type, "answerable": case.answerable, "runs": found}
        )
    return records


def comparison_record(compared: Comparison) -> dict[str, Any]:
    """A comparison, ready for JSON."""
    return {name: getattr(compared, name) for name in Comparison.__slots__}


def _beside(run: Mapping[str, Any], measure: str) -> list[Any]:
    bounds = run["intervals"].get(measure)
    interval = f"{bounds[0]:.3f}–{bounds[1]:.3f}" if bounds else None
    latency = [None if (ms := run["latency_ms"].get(p)) is None else f"{ms:.1f}" for p in ("p50", "p95")]
    return [
        interval,
        run["abstention"]["auroc"],
        run["abstention"]["aurc"],
        *latency,
        *(run["counts"][n] for n in ("failed", "empty")),
    ]


def _ps(compared: Mapping[str, Any]) -> list[str]:
    return [f"{compared[name]:.4f}" for name in ("p", "p_holm")]
