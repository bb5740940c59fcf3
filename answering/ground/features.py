"""What the checker weighs: how much of a claim its sources hold, where and in what order, and what the checks found."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from answering.ground.checks import Case, Finding
from answering.ground.passages import content_stems

# Name -> whether more of it speaks for the claim (1) or against it (-1); 0 where either may be.
FEATURES: Mapping[str, int] = {
    "window_coverage": 1,
    "source_coverage": 1,
    "order": 1,
    "length": 0,
    "numbers_missing": -1,
    "numbers_opposed": -1,
    "dates_off": -1,
    "names_missing": -1,
    "tokens_off": -1,
    "negation_opposed": -1,
    "degrees_missing": -1,
    "exchanged": -1,
    "verifier": 1,
}
VERIFIER = "verifier"
_MOST_LOGIT = 6.0
_CAP = 3.0  # a third missing name says as much as a tenth


def features(
    case: Case, found: Sequence[Finding], question: Collection[str] = (), verified: float | None = None
) -> dict[str, float]:
    """The values of FEATURES. `question`: content stems of the question; repeating them needs no support.

    Coverages and order are shares, 0..1; the others are counts, capped at 3 (length: content words, capped at 30).
    `verified`: the verifier's probability, 0..1, whose logit (within ±6) is a feature; left out where None.
    """
    stems = content_stems(case.claim)
    unique = set(stems)
    known = sum(s in question or any(s in p.places for p in case.passages) for s in unique)
    window = _window_stems(case)
    held = len(unique & (set(window) | set(question)))
    by_name = {f.name: f for f in found}

    def count(name: str, *, missing: bool = False, opposed: bool = False) -> float:
        finding = by_name.get(name)
        if finding is None:
            return 0.0
        return min(_CAP, len(finding.missing) * missing + len(finding.opposed) * opposed)

    tokens = ("versions", "identifiers", "complexity", "quotes")
    known_of_verifier = {} if verified is None else {VERIFIER: _logit(verified)}
    return {
        **known_of_verifier,
        "window_coverage": held / len(unique) if unique else 0.0,
        "source_coverage": known / len(unique) if unique else 0.0,
        "order": _in_order(stems, window) / len(stems) if stems else 0.0,
        "length": float(min(30, len(unique))),
        "numbers_missing": count("numbers", missing=True),
        "numbers_opposed": count("numbers", opposed=True),
        "dates_off": count("dates", missing=True, opposed=True),
        "names_missing": count("entities", missing=True),
        "tokens_off": min(_CAP, sum(count(t, missing=True, opposed=True) for t in tokens)),
        "negation_opposed": count("negation", opposed=True),
        "degrees_missing": count("comparisons", missing=True),
        "exchanged": min(_CAP, sum(s.kind == "word" for s in case.substitutions)),
    }


def _logit(probability: float) -> float:
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return max(-_MOST_LOGIT, min(_MOST_LOGIT, math.log(bounded / (1 - bounded))))


def _window_stems(case: Case) -> list[str]:
    if case.window is None:
        return []
    sentences = case.passages[case.window.source].stems[case.window.first : case.window.last + 1]
    return [s for sentence in sentences for s in sentence]


def _in_order(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence (bit-parallel: Hyyrö 2004, one addition per element of `other`)."""
    places: dict[str, int] = {}
    for i, item in enumerate(one):
        places[item] = places.get(item, 0) | 1 << i
    full = (1 << len(one)) - 1
    row = full
    for item in other:
        match = row & places.get(item, 0)
        row = ((row + match) | (row - match)) & full
    return len(one) - row.bit_count()
