"""The words, tables and plots of an evaluation of answers: what the terminal shows, `report.md` and `report.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval import plots
from eval.answers import Judged
from eval.held import Values
from eval.pages import Block, Heading, Items, Paragraph, Plot, Table, about, compared, text
from eval.stats import bootstrap_interval, reliability_bins, risk_coverage

TITLE = "Answers"

_BY_TYPE = ("answered_share", "false_answer_rate", "accuracy", "citation_precision", "citation_recall", "reference_f1")
_MEANING = (
    "Citation recall: targets that some citation meets, of all, mean over the judged questions; an abstention finds "
    "nothing. Citation precision: citations taken from a relevant passage, of all, mean over the answered ones. "
    "Accuracy: judged questions whose answer rests on a relevant passage. AUROC and ECE: of the confidence, answerable "
    "or not. AURC: mean share of wrong answers over all coverages, answering the most confident first."
)


def overview(summary: Mapping[str, Any]) -> str:
    """What the terminal shows."""
    return text([*figures(summary), Paragraph(f"Results: {summary['output']}")])


def figures(summary: Mapping[str, Any]) -> list[Block]:
    """The tables of a summary as `summarize_judged` makes it."""
    overall, types = summary["overall"], summary["types"]
    ends = overall["citation_recall_interval"]
    interval = f"{ends[0]:.3f}–{ends[1]:.3f}" if ends else None
    kinds = [[kind, found["questions"], *(found[name] for name in _BY_TYPE)] for kind, found in types.items()]
    return [
        Table(["answers", "value"], [*numbers(overall).items(), ("citation_recall 95 %", interval)]),
        Table(["kind", "share"], list(overall["kinds"].items())),
        Table(["type", "n", *_BY_TYPE], kinds),
        *compared(summary),
    ]


def report(summary: Mapping[str, Any], judged: Sequence[Judged], before: Values | None) -> list[Block]:
    """The whole report: figures, what they mean, plots, and the questions that went wrong."""
    named = (
        ("Answered, though nothing answers it", [j for j in judged if j.answered and not j.case.answerable]),
        ("Not answered", [j for j in judged if not j.answered and j.case.answerable]),
        ("Answered from another passage", [j for j in judged if j.answered and j.wanted and not j.correct]),
    )
    blocks: list[Block] = [*figures(summary), Paragraph(_MEANING), about(summary), *drawings(judged, before)]
    for title, found in named:
        blocks.append(Heading(f"{title}: {len(found)}"))
        blocks.append(Items([(j.case.id, f"{j.case.query} ({j.confidence:.2f})") for j in found]))
    return blocks


def drawings(judged: Sequence[Judged], before: Values | None) -> list[Block]:
    """The plots that the answers give cause for. `before`: the earlier citation recall of each question."""
    scored = [j for j in judged if j.wanted]
    blocks: list[Block] = [Heading("Plots")]
    if scored:
        runs = {
            "citation recall": _means(scored, {j.case.id: j.recall for j in scored}),
            "accuracy": _means(scored, {j.case.id: float(j.correct) for j in scored}),
        }
        alt = "Citation recall and accuracy of each query type with their 95 % bootstrap intervals."
        blocks.append(Plot(plots.by_type("mean", runs), alt))
    known = [j for j in judged if j.wanted or not j.case.answerable]
    if known:
        curve = risk_coverage([j.confidence for j in known], [j.correct for j in known])
        alt = "Risk over coverage: the share of wrong answers when only the most confident are given."
        blocks.append(Plot(plots.risk_coverage({"answers": curve}), alt))
    found = reliability_bins([j.confidence for j in judged], [j.case.answerable for j in judged])
    bins = [{"mean_score": b.mean_score, "share": b.share, "n": b.n} for b in found]
    alt = "Reliability: the share of answerable questions over the mean confidence of each bin, with the bin's size."
    blocks.append(Plot(plots.reliability(bins, "mean confidence", "share answerable"), alt))
    times = [j.latency_ms for j in judged if not j.error]
    if times:
        alt = "Latency: the share of questions that were answered by a time."
        blocks.append(Plot(plots.latencies({"answers": times}), alt))
    moved = [(before[j.case.id], j.recall) for j in scored if before is not None and j.case.id in before]
    if moved:
        alt = (
            "Citation recall of every question: now over before. Above the diagonal it got better (green), below it "
            "worse (red); larger dots are several questions."
        )
        blocks.append(Plot(plots.scatter("citation recall", "now", {"before": moved}), alt))
    return blocks


def numbers(found: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that a threshold can be put on."""
    return {name: value for name, value in found.items() if value is None or isinstance(value, int | float)}


def _means(judged: Sequence[Judged], values: Values) -> plots.Means:
    kinds: dict[str, list[float]] = {}
    for each in sorted(judged, key=lambda j: j.case.type):
        kinds.setdefault(each.case.type, []).append(values[each.case.id])
    return {kind: (sum(found) / len(found), *bootstrap_interval(found)) for kind, found in kinds.items()}
