"""The plots of a report, each as one `<svg>` element. matplotlib is imported when one is drawn.

A run has the same colour in all of them when all are given the same names, empty series included.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Means = Mapping[str, tuple[float, float, float]]
"""Name of a group -> (mean, lower, upper end of its interval)."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe and Ito 2008: told apart by the colour-blind too. Further series begin again, dashed."""

_LONGEST = 36

PANELS = 6
"""A scatter has no more panels than this."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
}
_FONT = "font-family: 'DejaVu Sans', Verdana, sans-serif; max-width: 100%; height: auto"


def by_type(measure: str, runs: Mapping[str, Means], key: str = "types") -> str:
    """The mean of each type with its interval, runs beside each other; `measure` is 0..1. `key`: its ids' own."""
    kinds = list(dict.fromkeys(kind for means in runs.values() for kind in means))

    def draw(axes: Axes) -> None:
        step = 0.7 / max(1, len(runs))
        for place, (name, means) in enumerate(runs.items()):
            there = [kind for kind in kinds if kind in means]
            middle = [means[kind][0] for kind in there]
            ends = [
                [means[kind][0] - means[kind][1] for kind in there],
                [means[kind][2] - means[kind][0] for kind in there],
            ]
            at = [kinds.index(kind) - 0.35 + step * (place + 0.5) for kind in there]
            # rounding may put a mean a hair outside of its interval
            ends = [[max(0.0, end) for end in side] for side in ends]
            axes.errorbar(
                middle,
                at,
                xerr=ends,
                fmt="o",
                markersize=4,
                capsize=2,
                linewidth=1.2,
                label=_short(name),
                color=_colour(place),
            )
        axes.set(
            xlim=(-0.02, 1.02),
            xlabel=f"{measure}, with 95 % interval",
            yticks=range(len(kinds)),
            yticklabels=[_short(kind) for kind in kinds],
        )
        axes.set_ylim(len(kinds) - 0.5, -0.5)
        _legend(axes, list(runs))

    return _svg(key, (7.2, 1.1 + max(0.34, 0.17 * len(runs)) * len(kinds) + 0.16 * len(runs)), draw)


def risk_coverage(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Share of wrong answers over the share that is answered, the most confident first."""

    def draw(axes: Axes) -> None:
        for place, (name, points) in enumerate(curves.items()):
            if points:
                whole = [(0.0, points[0][1]), *points]
                axes.plot(*_columns(whole), drawstyle="steps-pre", linewidth=1.4, label=_short(name), **_line(place))
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="coverage (share answered)", ylabel="risk (share of those wrong)")
        _legend(axes, list(curves))

    return _svg("risk", (6.0, 3.6), draw)


def reliability(bins: Sequence[Mapping[str, float]], xlabel: str, ylabel: str) -> str:
    """What came true over what was said, a dot for each bin, as large as the bin is full.

    `bins`: `mean_score`, `share` (both 0..1) and `n` of each.
    """

    def draw(axes: Axes) -> None:
        most = max((b["n"] for b in bins), default=1)
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=(0, (4, 3)))
        said, true = [b["mean_score"] for b in bins], [b["share"] for b in bins]
        axes.plot(said, true, color=COLOURS[0], linewidth=1.2)
        axes.scatter(said, true, s=[20 + 180 * b["n"] / most for b in bins], color=COLOURS[0], alpha=0.75, zorder=3)
        for b in bins:
            axes.annotate(str(b["n"]), (b["mean_score"], b["share"]), (6, -10), textcoords="offset points", fontsize=7)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=xlabel, ylabel=ylabel, aspect="equal")

    return _svg("reliability", (4.4, 4.2), draw)


def latencies(runs: Mapping[str, Sequence[float]]) -> str:
    """The share of questions that are done by a time, in milliseconds, on a logarithmic axis."""

    def draw(axes: Axes) -> None:
        for place, (name, values) in enumerate(runs.items()):
            ranked = sorted(max(value, 1e-3) for value in values)
            shares = [rank / len(ranked) for rank in range(1, len(ranked) + 1)]
            if ranked:
                axes.plot(ranked, shares, drawstyle="steps-post", linewidth=1.4, label=_short(name), **_line(place))
        axes.axhline(0.95, color="#999999", linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set(xscale="log", ylim=(0, 1.02), xlabel="milliseconds", ylabel="share done (dashed: 95 %)")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        _legend(axes, list(runs))

    return _svg("latency", (6.0, 3.4), draw)


def scatter(measure: str, name: str, others: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A dot for each question: (the other's value, this one's), a panel for each of the first PANELS others.

    Above the diagonal `name` is better. Dots that would hide each other are drawn as one, larger.
    """
    shown = list(others.items())[:PANELS]
    columns = min(3, len(shown))
    rows = -(-len(shown) // 3)

    def draw(panels: list[Axes]) -> None:
        for place, axes in enumerate(panels):
            if place >= len(shown):
                axes.set_axis_off()
                continue
            other, pairs = shown[place]
            counts: dict[tuple[float, float], int] = {}
            for x, y in pairs:
                spot = (round(x, 2), round(y, 2))
                counts[spot] = counts.get(spot, 0) + 1
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=(0, (4, 3)))
            sizes = [16 + 14 * (count - 1) ** 0.7 for count in counts.values()]
            colours = [COLOURS[2] if y > x else COLOURS[1] if y < x else "#999999" for x, y in counts]
            axes.scatter(*_columns(list(counts)), s=sizes, c=colours, alpha=0.6, linewidths=0, clip_on=False)
            axes.set(
                xlim=(-0.05, 1.05),
                ylim=(-0.05, 1.05),
                xlabel=f"{measure}: {other}",
                ylabel=_short(name),
                aspect="equal",
            )

    return _panels("scatter", (2.7 * columns, 2.8 * rows), rows, columns, draw)


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _line(place: int) -> dict[str, Any]:
    return {"color": _colour(place), "linestyle": "-" if place < len(COLOURS) else (0, (3, 2))}


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _short(name: str) -> str:
    """A name that leaves room for the drawing; the tables have it whole."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _legend(axes: Axes, runs: Sequence[str]) -> None:
    if len(runs) > 1:
        columns = max(1, min(3, len(runs), 72 // (4 + min(_LONGEST, max(map(len, runs))))))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, fontsize=8)


def _svg(key: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    return _panels(key, size, 1, 1, lambda panels: draw(panels[0]))


def _panels(key: str, size: tuple[float, float], rows: int, columns: int, draw: Callable[[list[Axes]], None]) -> str:
    """The drawing as an element that can stand in a page beside others: its ids begin with `key`.

    The same figures give the same bytes. No window system and no state of pyplot is touched.
    """
    from io import StringIO

    from matplotlib import rc_context
    from matplotlib.figure import Figure

    out = StringIO()
    settings: Any = {**_STYLE, "svg.hashsalt": key}
    with rc_context(settings), warnings.catch_warnings():
        # a name in a script that the measuring font lacks: the reader's browser has it
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=size, layout="constrained")
        draw(list(figure.subplots(rows, columns, squeeze=False).flat))
        figure.savefig(
            out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _embedded(out.getvalue(), key)


def _embedded(svg: str, key: str) -> str:
    """Without the prologue of a file of its own, and without a style or an id that would reach the rest of a page."""
    body = svg[svg.index("<svg") :].strip()
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{key}-", body)
    return body.replace("<svg ", f'<svg style="stroke-linejoin: round; stroke-linecap: butt; {_FONT}" ', 1)
