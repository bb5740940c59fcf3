"""The words, tables and plots of a retrieval evaluation: what the terminal shows, `report.md` and `report.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval import plots
from eval.cases import Case
from eval.evaluation import Evaluation
from eval.pages import Block, Heading, Items, Paragraph, Plot, Table, about, compared, text

TITLE = "Retrieval evaluation"
_MISSES = 25
_MEANING = (
    "Means over the judged questions; a question that failed or got nothing counts 0. Intervals: 95 % bootstrap over "
    "questions. AUROC: how often the top score of an answerable question is above an unanswerable one's. AURC: mean "
    "share of wrong first passages over all coverages, answering the highest scores first. Effect: mean difference "
    "over its standard deviation. p: paired randomisation test, two-sided; p (Holm): corrected for all comparisons of "
    "this report."
)


def overview(summary: Mapping[str, Any]) -> str:
    """What the terminal shows."""
    return text([*figures(summary), Paragraph(f"Results: {summary['output']}")])


def figures(summary: Mapping[str, Any]) -> list[Block]:
    """The tables of a summary as `summarize_runs` makes it: overall, by type, abstention, comparisons."""
    runs: Mapping[str, Mapping[str, Any]] = summary["runs"]
    first = next(iter(runs.values()))
    counts, measure, kinds = first["counts"], summary["measure"], first["types"]
    measures = list(first["overall"])
    blocks: list[Block] = [
        Paragraph(
            f"{counts['questions']} questions, {counts['judged']} judged, {counts['unanswerable']} unanswerable."
        ),
        Table(["run", *measures], [[name, *(run["overall"].get(m) for m in measures)] for name, run in runs.items()]),
        Table(
            [f"{measure} by type", *(f"{kind} ({row['n']})" for kind, row in kinds.items())],
            [[name, *(run["types"].get(kind, {}).get(measure) for kind in kinds)] for name, run in runs.items()],
        ),
        Table(
            ["run", f"{measure} 95 %", "AUROC", "AURC", "p50 ms", "p95 ms", "failed", "empty"],
            [[name, *_beside(run, measure)] for name, run in runs.items()],
        ),
    ]
    lost = counts["quotes_not_found"]
    if lost:
        blocks.append(Paragraph(f"{lost} judged quotes do not stand in the library: nothing can meet them."))
    return blocks + compared(summary)


def report(summary: Mapping[str, Any], cases: Sequence[Case], evaluations: Sequence[Evaluation]) -> list[Block]:
    """The whole report: figures, what they mean, plots, and the questions for which nothing relevant came back."""
    main = evaluations[0]
    missed = [case for case in cases if case.judged and main.ranks.get(case.id) is None]
    return [
        *figures(summary),
        Paragraph(_MEANING),
        about(summary),
        *drawings(summary["measure"], evaluations),
        Heading(f"Nothing relevant among the first hits of {main.name}: {len(missed)}"),
        Items([(case.id, f"({case.type}) {case.query}") for case in missed[:_MISSES]]),
    ]


def drawings(measure: str, evaluations: Sequence[Evaluation]) -> list[Block]:
    """The plots that the runs give cause for."""
    main, *others = evaluations
    blocks: list[Block] = []
    if main.types:
        means = {
            e.name: {kind: (row[measure], *e.type_intervals[kind][measure]) for kind, (_, row) in e.types.items()}
            for e in evaluations
        }
        alt = f"{measure} of each query type with its 95 % bootstrap interval, for every run."
        blocks.append(Plot(plots.by_type(measure, means), alt))
    moved = {e.name: _pairs(main, e, measure) for e in others}
    if any(moved.values()):
        which = "each other run" if len(moved) <= plots.PANELS else f"each of the first {plots.PANELS} other runs"
        alt = (
            f"{measure} of every question: {main.name} over {which}. Above the diagonal {main.name} is better "
            "(green), below it is worse (red); larger dots are several questions."
        )
        blocks.append(Plot(plots.scatter(measure, main.name, {n: p for n, p in moved.items() if p}), alt))
    curves = {e.name: e.risk_coverage for e in evaluations}
    if any(curves.values()):
        alt = "Risk over coverage: the share of wrong first passages when only the highest top scores are answered."
        blocks.append(Plot(plots.risk_coverage(curves), alt))
    timed = {e.name: e.latencies for e in evaluations}
    if any(timed.values()):
        alt = "Latency: the share of questions that were done by a time, for every run that tells its times."
        blocks.append(Plot(plots.latencies(timed), alt))
    return [Heading("Plots"), *blocks] if blocks else []


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


def _pairs(main: Evaluation, other: Evaluation, measure: str) -> list[tuple[float, float]]:
    common = [query for query in main.per_query if query in other.per_query]
    return [(other.per_query[query][measure], main.per_query[query][measure]) for query in common]


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
