"""Fit the checker's weights: `python -m answering.ground.fit TRAIN.jsonl [--alone] [--output FILE]`.

Weights of checks and verifier are fitted on the answers that the verifier has not been trained on: a fifth of them, by
a hash of their group (`held_out`). `--alone` fits those of the checks alone, for when there is no verifier, on all.

TRAIN.jsonl: lines {"answer", "sources": [str], "label": 1 supported | 0 not, "question"?, "set"?, "group"?, "spans"?}.
Where an unsupported answer has no `spans`, its weakest claim under the current weights counts as the unsupported one
(multiple-instance learning, as in mi-SVM: Andrews et al. 2002), for four rounds. Families of sets (the name before the
first "_") count alike, the sets of a family alike, and the two labels of a set alike. Weights keep the sign that
`features.FEATURES` gives them. The threshold is that of the best balanced accuracy of answers, mean over families, by
cross-validation in five folds by group. Needs scipy, which comes with scikit-learn; using the weights does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from answering.ground.checker import CHECKS_ALONE, WEIGHTS
from answering.ground.checks import Case, findings
from answering.ground.claims import split
from answering.ground.evidence import claim_text, evidence
from answering.ground.facts import facts
from answering.ground.features import FEATURES, VERIFIER, features
from answering.ground.passages import best_window, content_stems, passage
from answering.ground.verifier import Verifier, find_verifier
from answering.logistic import Logistic, save

ROUNDS = 4
FOLDS = 5
PENALTY = 1e-3  # L2 on standardised weights, against a loss whose example weights sum to 1
COMMAND = "python -m answering.ground.fit TRAIN.jsonl"
ALONE = tuple(name for name in FEATURES if name != VERIFIER)
SMOOTHED = 5
"""Hundredths to either side of a threshold over which balanced accuracy is averaged when one is chosen."""
_HELD = 5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """One answer of a grounding set, its claims as features; `wrong`: claims known to be unsupported, None unknown."""

    family: str
    group: str
    name: str
    label: int
    claims: Floats
    wrong: tuple[bool, ...] | None


def held_out(group: str) -> bool:
    """Whether answers of this group are kept from the verifier's training, so that its word can be weighed on them."""
    return zlib.crc32(group.encode()) % _HELD == 0


def group_of(row: Mapping[str, Any]) -> str:
    """What an answer's source document is called: answers of a group are never on both sides of a split."""
    return str(row.get("group") or row.get("id"))


def read(path: Path, verifier: Verifier | None = None) -> list[Example]:
    """The answers of a grounding set that have at least one claim; with a verifier only those held out from it."""
    examples = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line) if line.strip() else None
            if row is not None and (verifier is None or held_out(group_of(row))):
                example = _example(row, verifier)
                if example is not None:
                    examples.append(example)
    return examples


def _example(row: dict[str, Any], verifier: Verifier | None) -> Example | None:
    spans = row.get("spans") or []
    passages = [passage(str(text)) for text in row["sources"]]
    question = frozenset(content_stems(str(row.get("question") or "")))
    pieces = [piece for piece in split(str(row["answer"])) if piece.claims]
    if not pieces:
        return None
    verified: Sequence[float | None] = [None] * len(pieces)
    if verifier is not None:
        verified = verifier.probabilities([(claim_text(p.text), evidence(p.text, passages)) for p in pieces])
    values, wrong = [], []
    for piece, said in zip(pieces, verified, strict=True):
        case = Case(piece.text, facts(piece.text), passages, best_window(content_stems(piece.text), passages))
        found = features(case, findings(case), question, said)
        values.append([found[name] for name in names_of(verifier)])
        wrong.append(any(s["start"] < piece.end and piece.start < s["end"] for s in spans))
    label, name = int(row["label"]), str(row.get("set") or "")
    known = tuple(wrong) if any(wrong) or label == 1 else None
    return Example(name.split("_")[0], group_of(row), name, label, np.array(values), known)


def names_of(verifier: Verifier | None) -> tuple[str, ...]:
    """The features that there are with a verifier, or without."""
    return ALONE if verifier is None else tuple(FEATURES)


def fit(examples: Sequence[Example]) -> Logistic:
    """Weights for these examples, of all features or of those of the checks alone; the threshold is one half."""
    names = tuple(FEATURES) if examples[0].claims.shape[1] == len(FEATURES) else ALONE
    x = np.concatenate([e.claims for e in examples])
    mean, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread < 1e-6, 1.0, spread)
    z = (x - mean) / scale
    owner = np.repeat(np.arange(len(examples)), [len(e.claims) for e in examples])
    y = np.concatenate([_claim_labels(e) for e in examples])
    guessed = np.concatenate([np.full(len(e.claims), e.wrong is None and len(e.claims) > 1) for e in examples])
    used = np.ones(len(y), dtype=bool)
    beta = np.zeros(z.shape[1] + 1)
    for _ in range(ROUNDS):
        beta = _solve(names, z[used], y[used], _weights(examples, owner[used], y[used]))
        logits = z @ beta[:-1] + beta[-1]
        lowest = np.full(len(examples), np.inf)
        np.minimum.at(lowest, owner, logits)
        used = ~guessed | (logits <= lowest[owner])
    return Logistic(names, _rounded(mean), _rounded(scale), _rounded(beta[:-1]), _rounded(beta[-1:])[0], 0.5, COMMAND)


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in values)


def _claim_labels(example: Example) -> Floats:
    if example.wrong is None:
        return np.zeros(len(example.claims))
    return np.array([0.0 if wrong else 1.0 for wrong in example.wrong])


def _weights(examples: Sequence[Example], owner: npt.NDArray[np.int64], y: Floats) -> Floats:
    """Families alike, sets of a family alike, both labels of a set alike; they sum to 1."""
    cells: dict[tuple[str, str, float], list[int]] = defaultdict(list)
    for i, (o, label) in enumerate(zip(owner, y, strict=True)):
        cells[examples[o].family, examples[o].name, label].append(i)
    sets: dict[str, set[str]] = defaultdict(set)
    for family, name, _ in cells:
        sets[family].add(name)
    out = np.zeros(len(y))
    for (family, _name, _label), members in cells.items():
        out[members] = 1 / (len(sets) * len(sets[family]) * 2 * len(members))
    return np.asarray(out / out.sum(), dtype=np.float64)


def _solve(names: Sequence[str], z: Floats, y: Floats, weight: Floats) -> Floats:
    """Penalised logistic regression within the sign bounds (L-BFGS-B)."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    sign = np.where(y == 1, 1.0, -1.0)

    def loss(beta: Floats) -> tuple[float, Floats]:
        margin = sign * (z @ beta[:-1] + beta[-1])
        slope = -sign * weight / (1 + np.exp(np.clip(margin, -60, 60)))
        value = float((weight * np.logaddexp(0, -margin)).sum() + PENALTY / 2 * (beta[:-1] ** 2).sum())
        return value, np.concatenate([z.T @ slope + PENALTY * beta[:-1], [slope.sum()]])

    limits = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
    bounds = [limits[FEATURES[name]] for name in names] + [(None, None)]
    found = minimize(loss, np.zeros(z.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)


def answer_scores(model: Logistic, examples: Sequence[Example]) -> Floats:
    """The weakest claim's probability of each answer."""
    return np.array(
        [min(model.probability(dict(zip(model.features, c, strict=True))) for c in e.claims) for e in examples]
    )


def balanced_accuracy(scores: Floats, examples: Sequence[Example], threshold: float) -> float:
    """Mean over families of the mean accuracy on supported and unsupported answers."""
    rates = []
    for family in sorted({e.family for e in examples}):
        mine = np.array([e.family == family for e in examples])
        label = np.array([e.label for e in examples])
        passed = scores >= threshold
        sides = [(passed == bool(v))[mine & (label == v)] for v in (0, 1)]
        rates.append(np.mean([s.mean() for s in sides if len(s)]))
    return float(np.mean(rates))


def fit_with_threshold(examples: Sequence[Example]) -> Logistic:
    """Weights on all examples, the threshold from out-of-fold scores."""
    fold = np.array([zlib.crc32(f"fold {e.group}".encode()) % FOLDS for e in examples])
    scores = np.zeros(len(examples))
    for k in range(FOLDS):
        model = fit([e for e, f in zip(examples, fold, strict=True) if f != k])
        scores[fold == k] = answer_scores(model, [e for e, f in zip(examples, fold, strict=True) if f == k])
    return replace(fit(examples), threshold=_best_threshold(scores, examples))


def _best_threshold(scores: Floats, examples: Sequence[Example]) -> float:
    """The middle of the stretch of thresholds that is best in the mean: single ones differ by chance."""
    grid = np.round(np.arange(0.15, 0.85, 0.01), 2)
    rates = np.array([balanced_accuracy(scores, examples, float(t)) for t in grid])
    means = np.convolve(rates, np.full(2 * SMOOTHED + 1, 1 / (2 * SMOOTHED + 1)), mode="valid")
    return float(grid[int(np.argmax(means)) + SMOOTHED])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit, write, and say what was fitted."""
    parser = argparse.ArgumentParser(description="Fit the grounding checker's weights.")
    parser.add_argument("train", type=Path)
    parser.add_argument("--alone", action="store_true", help="without the verifier")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args(arguments)
    model = fit_with_threshold(read(given.train, None if given.alone else find_verifier("")))
    model = replace(model, fitted_by=f"{COMMAND} --alone" if given.alone else COMMAND)
    output: Path = given.output or (CHECKS_ALONE if given.alone else WEIGHTS)
    save(output, model)
    sys.stdout.write(json.dumps({"output": str(output), "threshold": model.threshold, "bias": model.bias}) + "\n")


if __name__ == "__main__":
    main()
