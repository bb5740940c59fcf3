"""`--fail-under NAME=VALUE`: the figures that a change must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.metrics import measure_name
from ingest.errors import UsageError

LOWER_IS_BETTER = frozenset({"false_answer_rate", "aurc", "ece", "p50", "p95"})


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on one figure: a floor, or for what is better when lower, a ceiling. `type`: of one query type only."""

    name: str
    bound: float
    type: str | None = None

    @property
    def label(self) -> str:
        """As the user would write it, without the bound."""
        return f"{self.name}:{self.type}" if self.type else self.name

    def holds(self, value: float | None) -> bool:
        """A figure that is not there falls short. Rounding errors are forgiven."""
        if value is None:
            return False
        return value <= self.bound + 1e-9 if self.name in LOWER_IS_BETTER else value >= self.bound - 1e-9


def parse_thresholds(given: Sequence[str]) -> list[Threshold]:
    """`ndcg@10=0.80`, `ndcg@10:conceptual=0.5`, `auroc=0.88`. Raises UsageError for anything else."""
    parsed = []
    for text in given:
        label, _, bound = text.partition("=")
        name, _, kind = label.strip().partition(":")
        try:
            value = float(bound)
        except ValueError:
            hint = "Write NAME=VALUE, for instance ndcg@10=0.80."
            raise UsageError(f"--fail-under {text!r} names no bound.", hint=hint) from None
        parsed.append(Threshold(measure_name(name) if "@" in name else name.lower(), value, kind or None))
    return parsed


def shortfalls(
    thresholds: Sequence[Threshold],
    figures: Mapping[str, float | None],
    types: Mapping[str, Mapping[str, float | None]] | None = None,
) -> list[str]:
    """One line for each bound that is not kept. Raises UsageError for a figure or type that this evaluation has not."""
    missed = []
    for threshold in thresholds:
        known = figures
        if threshold.type is not None:
            if threshold.type not in (types or {}):
                named = ", ".join(types or {}) or "none"
                raise UsageError(
                    f"--fail-under: there are no questions of type {threshold.type!r} (there are: {named})."
                )
            known = (types or {})[threshold.type]
        if threshold.name not in known:
            raise UsageError(f"--fail-under: {threshold.name!r} is not measured here (measured: {', '.join(known)}).")
        value = known[threshold.name]
        if not threshold.holds(value):
            shown = "not measurable" if value is None else f"{value:.4f}"
            missed.append(f"{threshold.label} is {shown}, wanted {threshold.bound:g}")
    return missed
