"""A logistic model over named features, read from JSON. Loading and using it needs nothing but the standard library."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.errors import ModelError


@dataclass(frozen=True, slots=True)
class Logistic:
    """p = 1 / (1 + exp(-(bias + sum of weights * (x - mean) / scale))).

    A feature that is missing counts as its mean. `threshold`: the probability from which the answer is yes, 0..1.
    `fitted_by`: the command that made the numbers, or a word that nobody fitted them.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    threshold: float
    fitted_by: str

    def probability(self, values: Mapping[str, float]) -> float:
        """0..1, higher is better."""
        total = self.bias
        for name, mean, scale, weight in zip(self.features, self.mean, self.scale, self.weights, strict=True):
            total += weight * (values.get(name, mean) - mean) / scale
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


def load(path: Path) -> Logistic:
    """Read a model. Raises ModelError when the file is missing or is not such a model."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _checked(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "Reinstall cuecard, or fit the model anew."
        raise ModelError(f"{path.name} can't be used as a logistic model ({error}).", hint=hint) from error


def save(path: Path, model: Logistic) -> None:
    """Write a model so that `load` reads it."""
    path.write_text(json.dumps(asdict(model), indent=2) + "\n", encoding="utf-8")


def _checked(data: Mapping[str, Any]) -> Logistic:
    features = tuple(str(name) for name in data["features"])

    def numbers(key: str) -> tuple[float, ...]:
        values: Sequence[Any] = data[key]
        found = tuple(float(v) for v in values)
        if len(found) != len(features) or not all(math.isfinite(v) for v in found):
            raise ValueError(f"'{key}' needs one finite number per feature")
        return found

    scale = numbers("scale")
    if any(s <= 0 for s in scale):
        raise ValueError("'scale' must be above 0")
    threshold = float(data["threshold"])
    if not 0 <= threshold <= 1:
        raise ValueError("'threshold' must lie in 0..1")
    return Logistic(
        features, numbers("mean"), scale, numbers("weights"), float(data["bias"]), threshold, str(data["fitted_by"])
    )
