"""Ranking measures by their standard names, per question.

A question's targets are groups of judgments, and every target counts once. Where each passage meets at most one
target, at the target's full grade, this is plain ir-measures over the qrels `(question, target)`. Two things differ,
and only nDCG and R notice them, so those two are computed here and all other names by ir-measures:

* a passage can meet several targets at once. It then gains what its best target gains, and all of them are found;
* a target can be met twice, first by a passage that helps and later by one that answers. The later one gains the
  difference, and a second passage that says nothing new gains nothing.

The gain of grade g is 2^g - 1 and its discount 1/log2(rank + 1). `R@k` divides by the number of targets, `R_cap@k` by
the number a ranking of k could hold (capped recall; Thakur et al. 2021, BEIR). Passages that meet several targets each
can find more than that; the value stays at 1. `Judged@k` is the share of the returned passages that any judgment
speaks of.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.cases import Case
from eval.relevance import MAX_CHARS, Target, met
from eval.runs import Returned, Run
from ingest.errors import UsageError

MEASURES = ("nDCG@10", "RR@10", "R@5", "R@10", "R_cap@5", "R_cap@10", "Success@1", "Judged@10")

_NAMES = {
    "ndcg": "nDCG",
    "r": "R",
    "recall": "R",
    "r_cap": "R_cap",
    "rr": "RR",
    "mrr": "RR",
    "p": "P",
    "precision": "P",
    "success": "Success",
    "judged": "Judged",
    "ap": "AP",
    "map": "AP",
}
_OWN = ("nDCG", "R", "R_cap")

Met = Sequence[Mapping[str, int]]
"""What each returned passage of one question meets, best first: group -> grade."""


def measure_name(text: str) -> str:
    """The standard spelling of a measure (`ndcg@10` -> `nDCG@10`). Raises UsageError for one that nobody knows."""
    match = re.fullmatch(r"\s*([A-Za-z_]+)@([1-9]\d{0,4})\s*", text)
    if not match or match[1].lower() not in _NAMES:
        known = ", ".join(f"{name}@k" for name in dict.fromkeys(_NAMES.values()))
        raise UsageError(f"{text!r} is not a measure.", hint=f"Use one of {known}.")
    return f"{_NAMES[match[1].lower()]}@{match[2]}"


def met_by(run: Run, wanted: Mapping[str, tuple[Target, ...]], max_chars: int = MAX_CHARS) -> dict[str, Met]:
    """For each question of `wanted` (id -> its targets): what each returned passage meets."""
    nothing = Returned()
    return {name: [met(r, t, max_chars) for r in run.get(name, nothing).results] for name, t in wanted.items()}


def measure(
    cases: Iterable[Case], meets: Mapping[str, Met], names: Sequence[str] = MEASURES
) -> dict[str, dict[str, float]]:
    """Question id -> measure -> value in 0..1, for every case that has a target; 0 where nothing came back."""
    judged = [case for case in cases if case.judged]
    own = [name for name in names if name.partition("@")[0] in _OWN]
    values = {case.id: {name: _own(name, meets.get(case.id, ()), case.groups) for name in own} for case in judged}
    others = [name for name in names if name not in own]
    if others and judged:
        import ir_measures

        asked = {name: ir_measures.parse_measure(name) for name in others}
        spelled = {str(parsed): name for name, parsed in asked.items()}
        qrels, ranking = as_qrels(judged, meets)
        for metric in ir_measures.iter_calc(list(asked.values()), qrels, ranking):
            values[metric.query_id][spelled[str(metric.measure)]] = float(metric.value)
    return {query: {name: scores.get(name, 0.0) for name in names} for query, scores in values.items()}


def as_qrels(
    cases: Iterable[Case], meets: Mapping[str, Met]
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """The qrels `(question, target)` and the run over them: a passage stands for the best target it is first to meet.

    A passage that is judged but first to meet nothing is a document of its own with relevance 0, one that nobody
    judged is left out of the qrels. A question that got nothing is left out of the run, as ir-measures wants it.
    """
    qrels: dict[str, dict[str, int]] = {}
    ranking: dict[str, dict[str, float]] = {}
    for case in cases:
        relevance: dict[str, int] = {f"target:{group}": grade for group, grade in case.groups.items()}
        order: list[str] = []
        seen: set[str] = set()
        for rank, groups in enumerate(meets.get(case.id, ()), 1):
            new = {group: grade for group, grade in groups.items() if grade > 0 and group not in seen}
            name = f"target:{max(new, key=lambda g: new[g])}" if new else f"passage:{rank}"
            if groups and not new:
                relevance[name] = 0
            seen.update(new)
            order.append(name)
        qrels[case.id] = relevance
        if order:
            ranking[case.id] = {name: float(len(order) - place) for place, name in enumerate(order)}
    return qrels, ranking


def summarize(scores: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Measure -> mean over the questions given; empty for none."""
    rows = list(scores)
    return {name: math.fsum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {}


def by_type(cases: Iterable[Case], values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Query type -> the ids of its questions that `values` has, types in alphabetical order."""
    kinds: dict[str, list[str]] = {}
    for case in cases:
        if case.id in values:
            kinds.setdefault(case.type, []).append(case.id)
    return dict(sorted(kinds.items()))


def _own(name: str, meets: Met, groups: Mapping[str, int]) -> float:
    family, _, cutoff = name.partition("@")
    k = int(cutoff)
    if family == "nDCG":
        return _ndcg(meets[:k], groups, k)
    found = {group for passage in meets[:k] for group, grade in passage.items() if grade > 0}
    return min(1.0, len(found) / (min(k, len(groups)) if family == "R_cap" else len(groups)))


def _ndcg(meets: Met, groups: Mapping[str, int], k: int) -> float:
    total, seen = 0.0, dict[str, int]()
    for rank, passage in enumerate(meets, 1):
        gain = max((2**grade - 2 ** seen.get(group, 0) for group, grade in passage.items()), default=0)
        total += max(gain, 0) / math.log2(rank + 1)
        for group, grade in passage.items():
            seen[group] = max(seen.get(group, 0), grade)
    best = sorted(groups.values(), reverse=True)[:k]
    return total / math.fsum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(best, 1))
