"""Bounds on figures of speed and size: `search_p95_ms@100000<=15`, at one number of chunks, or of the home at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.errors import UsageError

_BOUND = re.compile(r"\s*(?P<label>[a-z0-9_]+(?:@\d+)?)\s*(?P<sign><=|>=)\s*(?P<bound>\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Bound:
    """`label`: the figure's name, with `@` and a number of chunks where several were measured."""

    label: str
    at_most: bool
    bound: float

    def holds(self, value: float) -> bool:
        """Whether a value keeps it."""
        return value <= self.bound if self.at_most else value >= self.bound

    @property
    def wanted(self) -> str:
        """`<= 15`."""
        return f"{'<=' if self.at_most else '>='} {self.bound:g}"


def parse_bound(text: str) -> Bound:
    """Raises UsageError for what is no bound."""
    match = _BOUND.fullmatch(text)
    if match is None:
        hint = "Write NAME@CHUNKS<=VALUE or NAME>=VALUE, for instance search_p95_ms@100000<=15."
        raise UsageError(f"--fail-under {text!r} names no bound.", hint=hint)
    return Bound(match["label"], match["sign"] == "<=", float(match["bound"]))


TARGETS = tuple(
    map(
        parse_bound,
        (
            "check_claim_p50_ms<=40",
            "check_ten_p50_ms<=250",
            "search_p95_ms@100000<=15",
            "cached_p95_ms@100000<=1",
            "search_p95_ms@1000000<=40",
            "rss_gb@1000000<=4",
            "lancedb_ratio@20000>=4",
            "llama_index_ratio@20000>=50",
        ),
    )
)
"""What the project has set itself, on two cores that nobody else uses; told beside the figures, never failed by."""


def told(bounds: Sequence[Bound], figures: Mapping[str, float]) -> list[dict[str, object]]:
    """The bounds on figures that were measured, with what was measured."""
    known = [(bound, figures[bound.label]) for bound in bounds if bound.label in figures]
    return [
        {"target": f"{bound.label} {bound.wanted}", "measured": value, "kept": bound.holds(value)}
        for bound, value in known
    ]


def shortfalls(bounds: Sequence[Bound], figures: Mapping[str, float]) -> list[str]:
    """One line for each bound that is not kept; a figure that was not measured falls short."""
    missed = []
    for bound in bounds:
        value = figures.get(bound.label)
        if value is None:
            missed.append(f"{bound.label} was not measured, wanted {bound.wanted}")
        elif not bound.holds(value):
            missed.append(f"{bound.label} is {value:.4g}, wanted {bound.wanted}")
    return missed


def figures_of(home: Mapping[str, object], size: int | None = None) -> dict[str, float]:
    """The figures of a measured home by the names that bounds use: those of its stages (`search_p95_ms`,
    `ask_best_p50_ms`, `search_per_s`), `rss_gb`, `pss_gb`, `server_rss_gb`, `disk_gb`, `cold_ask_s`, `ready_s`,
    `written_per_s`, and for each peer `<peer>_ratio` and `<peer>_ratio_<p95|best|cpu>`."""
    found: dict[str, float | None] = {}
    for stage, values in _mapping(home.get("stages")).items():
        found |= {f"{stage}_{name}": value for name, value in _mapping(values).items() if name != "n"}
    memory, server = _mapping(home.get("memory_mb")), _mapping(home.get("http"))
    found |= {f"{name}_gb": _gb(memory.get(name)) for name in ("rss", "pss")}
    found["server_rss_gb"] = _gb(_mapping(server.get("memory_mb")).get("rss"))
    found["disk_gb"] = _gb(sum(_mapping(home.get("disk_mb")).values()))
    found |= {name: server.get(name) or home.get(name) for name in ("ready_s", "cold_ask_s")}  # type: ignore[misc]
    for peer, values in _mapping(home.get("peers")).items():
        found |= {
            f"{peer}_{name}": _mapping(values).get(name) for name in ("ratio", "ratio_p95", "ratio_best", "ratio_cpu")
        }
    found["written_per_s"] = _mapping(home.get("made")).get("written_per_s")
    at = "" if size is None else f"@{size}"
    return {f"{name}{at}": value for name, value in found.items() if value is not None}


def _mapping(value: object) -> Mapping[str, float]:
    return value if isinstance(value, Mapping) else {}


def _gb(mb: float | None) -> float | None:
    return mb / 1000 if mb is not None else None
