"""The words, tables and plots of a grounding evaluation: what the terminal shows, `report.md` and `report.html`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from eval import plots
from eval.clustered import MEASURES
from eval.grounding import Checked, Pair
from eval.held import Results
from eval.pages import Block, Heading, Items, Paragraph, Plot, Table, about, compared
from eval.stats import risk_coverage

TITLE = "Grounding evaluation"

_WORST = 25
_SHOWN = {"auroc": "AUROC", "balanced_accuracy": "BAcc", "f1": "F1", "f1_unsupported": "F1 doubted", "ece": "ECE"}
_OF_CLAIMS = {name: shown for name, shown in _SHOWN.items() if name != "ece"}
_BOUNDED = {name: _SHOWN[name] for name in MEASURES}
_HEADER = ["n", "supported", *_SHOWN.values(), *(f"{shown} 95 %" for shown in _BOUNDED.values())]
_MEANING = (
    "An answer passes when the checker raises no doubt about it. AUROC: how often a supported answer scores above an "
    "unsupported one. BAcc, balanced accuracy: mean of the shares of supported answers that pass and of unsupported "
    "ones that don't. F1 of calling an answer supported, and of doubting it. ECE: expected calibration error of the "
    "score as the probability that the answer is supported, ten bins. Intervals: 95 % bootstrap, resampling the "
    "documents that answers rest on; that of ECE lies high, for every sample is noisier than "
    "the whole. Pooled figures mix sets of different base rates: judge by set."
)


def tables(summary: Mapping[str, Any]) -> list[Block]:
    """The figures for a reader."""
    overall = summary["overall"]
    blocks: list[Block] = [
        Paragraph(
            f"{overall['answers']} answers, {overall['supported']} of them supported; {overall['failed']} failed."
        ),
        Table(["all", *_HEADER], [_row("answers", overall)]),
    ]
    for facet, values in summary["facets"].items():
        rows = [_row(value, found) for value, found in values.items()]
        means = [_mean([found[name] for found in values.values()]) for name in _SHOWN]
        rows.append([f"mean over {len(values)}", None, None, *means, *[None] * len(_BOUNDED)])
        blocks.append(Table([f"by {facet}", *_HEADER], rows))
    for part, sets in summary.get("parts", {}).items():
        blocks.append(Table([part, *_HEADER], [_row(value, found) for value, found in sets.items()]))
    if summary["claim_types"]:
        header = ["claims by what is checked", "n", "supported", *_OF_CLAIMS.values()]
        rows = [
            [name, found["claims"], found["supported"] / found["claims"], *(found[n] for n in _OF_CLAIMS)]
            for name, found in summary["claim_types"].items()
        ]
        blocks.append(Table(header, rows))
    blocks.append(
        Table(
            ["score", "n", "mean score", "supported"],
            [[f"{b['low']:.1f}–{b['high']:.1f}", b["n"], b["mean_score"], b["share"]] for b in summary["calibration"]],
        )
    )
    blocks.append(Table(["milliseconds an answer", "value"], [[name, overall[name]] for name in ("p50", "p95")]))
    return blocks + compared(summary)


def report(
    summary: Mapping[str, Any], pairs: Sequence[Pair], checked: Mapping[str, Checked], before: Results | None
) -> list[Block]:
    """The whole report: figures, what they mean, plots, and the answers on which the checker erred most."""
    through = sorted((p for p in pairs if not p.supported and checked[p.id].passed), key=lambda p: -checked[p.id].score)
    doubted = sorted((p for p in pairs if p.supported and not checked[p.id].passed), key=lambda p: checked[p.id].score)
    named = (("Passed, though not supported", through), ("Doubted, though supported", doubted))
    blocks: list[Block] = [
        *tables(summary),
        Paragraph(_MEANING),
        about(summary),
        *drawings(summary, pairs, checked, before),
    ]
    for title, found in named:
        blocks.append(Heading(f"{title}: {len(found)}"))
        blocks.append(
            Items(
                [
                    (p.id, f"({checked[p.id].score:.2f}) {shorten(p.answer, 160, placeholder=' …')}")
                    for p in found[:_WORST]
                ]
            )
        )
    return blocks


def drawings(
    summary: Mapping[str, Any], pairs: Sequence[Pair], checked: Mapping[str, Checked], before: Results | None
) -> list[Block]:
    """The plots that the figures give cause for."""
    blocks: list[Block] = [Heading("Plots")]
    for facet, values in summary["facets"].items():
        runs = {
            shown: {
                value: (found[name], *found["intervals"][name])
                for value, found in values.items()
                if found[name] is not None and found["intervals"][name] is not None
            }
            for shown, name in (("AUROC", "auroc"), ("balanced accuracy", "balanced_accuracy"))
        }
        if any(runs.values()):
            alt = f"AUROC and balanced accuracy of each {facet} with their 95 % intervals."
            blocks.append(Plot(plots.by_type(f"by {facet}", runs, key=f"types-{facet}"), alt))
    alt = "Reliability: the share of answers that are supported over the mean score of each bin, with the bin's size."
    blocks.append(Plot(plots.reliability(summary["calibration"], "mean score", "share supported"), alt))
    ordered = [checked[pair.id].score for pair in pairs]
    alt = "Risk over coverage: the share of unsupported answers among those taken, the best scores first."
    curve = risk_coverage(ordered, [pair.supported for pair in pairs])
    blocks.append(Plot(plots.risk_coverage({"answers": curve}), alt))
    times = [c.latency_ms for c in checked.values() if c.latency_ms is not None]
    if times:
        alt = "Latency: the share of answers that were checked by a time."
        blocks.append(Plot(plots.latencies({"answers": times}), alt))
    if before is not None:
        moved = [
            (_rightness(pair, float(before.records[pair.id]["score"])), _rightness(pair, checked[pair.id].score))
            for pair in pairs
            if pair.id in before.records
        ]
        alt = (
            "Every answer: the score of its right label now, over the same before. Above the diagonal it got better "
            "(green), below it worse (red)."
        )
        blocks.append(Plot(plots.scatter("score of the right label", "now", {before.name: moved}), alt))
    return blocks


def _row(name: str, found: Mapping[str, Any]) -> list[Any]:
    values = [found[shown] for shown in _SHOWN]
    ends = [found["intervals"][shown] for shown in _BOUNDED]
    shown = [None if end is None else f"{end[0]:.3f}–{end[1]:.3f}" for end in ends]
    return [name, found["answers"], found["supported"] / found["answers"], *values, *shown]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _rightness(pair: Pair, score: float) -> float:
    return score if pair.supported else 1 - score
