"""One run measured on one set of questions: overall, by type, question by question, and where nothing fits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.cases import Case
from eval.metrics import MEASURES, by_type, measure, met_by, summarize
from eval.relevance import MAX_CHARS, targets
from eval.runs import Returned, Run
from eval.stats import area_under_risk, auroc, bootstrap_interval, percentile, risk_coverage
from ingest.errors import UsageError


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one run is worth. Ranking measures are means over the questions that have a target, whatever came back.

    `overall`: measure -> mean. `intervals`: measure -> 95 % bootstrap interval. `types`: type -> (questions, measure
    -> mean), `type_intervals` theirs. `per_query`: id -> measure -> value. `ranks`: id -> 1-based rank of the first
    relevant passage, None where there is none. `abstention`: how the top score tells answerable from unanswerable;
    `risk_coverage`: the curve behind it, as (coverage, risk). `counts`: what was asked and what came back.
    `latency_ms`: p50 and p95 where the run tells; `latencies`: of every question that did not fail.
    """

    name: str
    overall: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    types: Mapping[str, tuple[int, Mapping[str, float]]]
    type_intervals: Mapping[str, Mapping[str, tuple[float, float]]]
    per_query: Mapping[str, Mapping[str, float]]
    ranks: Mapping[str, int | None]
    abstention: Mapping[str, float]
    risk_coverage: Sequence[tuple[float, float]]
    counts: Mapping[str, int]
    latency_ms: Mapping[str, float]
    latencies: Sequence[float]

    def to_dict(self) -> dict[str, Any]:
        """The summary, ready for JSON; not-a-number becomes null."""
        return {
            "name": self.name,
            "overall": plain(self.overall),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "types": {name: {"n": n, **plain(values)} for name, (n, values) in self.types.items()},
            "type_intervals": {
                kind: {name: list(bounds) for name, bounds in found.items()}
                for kind, found in self.type_intervals.items()
            },
            "abstention": plain(self.abstention),
            "counts": dict(self.counts),
            "latency_ms": plain(self.latency_ms),
        }


def evaluate(
    name: str,
    cases: Sequence[Case],
    run: Run,
    texts: Mapping[str, str],
    *,
    measures: Sequence[str] = MEASURES,
    max_chars: int = MAX_CHARS,
) -> Evaluation:
    """Measure `run` on `cases`. `texts`: file -> canonical text, where quotes are looked for.

    Raises UsageError when the run answers a question that nobody asked, which would mean the wrong run or questions.
    """
    unasked = sorted(set(run) - {case.id for case in cases})
    if unasked:
        raise UsageError(
            f"The run {name} answers {unasked[0]!r}, which the query file does not ask.",
            hint="Score a run against the query file it was made from.",
        )
    wanted = {case.id: targets(case, texts) for case in cases if case.judged}
    meets = met_by(run, wanted, max_chars)
    ranks = {query: _first(found) for query, found in meets.items()}
    lost = sum(not t.found for found in wanted.values() for t in found)
    return assemble(name, cases, run, measure(cases, meets, measures), ranks, quotes_not_found=lost)


def assemble(
    name: str,
    cases: Sequence[Case],
    run: Run,
    per_query: Mapping[str, Mapping[str, float]],
    ranks: Mapping[str, int | None],
    *,
    quotes_not_found: int = 0,
) -> Evaluation:
    """The evaluation of a run whose questions are measured already; every one of `per_query` has the same measures."""
    rows = {kind: [per_query[query] for query in ids] for kind, ids in by_type(cases, per_query).items()}
    latencies = [r.latency_ms for r in run.values() if r.latency_ms is not None and not r.error]
    points = _risk_coverage(cases, run, ranks)
    return Evaluation(
        name=name,
        overall=summarize(per_query.values()),
        intervals=_intervals(list(per_query.values())),
        types={kind: (len(found), summarize(found)) for kind, found in rows.items()},
        type_intervals={kind: _intervals(found) for kind, found in rows.items()},
        per_query=per_query,
        ranks=ranks,
        abstention={"auroc": _separation(cases, run), "aurc": area_under_risk(points)},
        risk_coverage=points,
        counts={
            "questions": len(cases),
            "judged": len(per_query),
            "unanswerable": sum(not case.answerable for case in cases),
            "failed": sum(bool(returned.error) for returned in run.values()),
            "empty": sum(not run.get(case.id, Returned()).results for case in cases),
            "quotes_not_found": quotes_not_found,
        },
        latency_ms={"p50": percentile(latencies, 0.5), "p95": percentile(latencies, 0.95)} if latencies else {},
        latencies=latencies,
    )


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """The same without NaN and infinity, which JSON does not know."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _first(meets: Sequence[Mapping[str, int]]) -> int | None:
    return next((rank for rank, groups in enumerate(meets, 1) if any(groups.values())), None)


def _intervals(rows: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    return {name: bootstrap_interval([row[name] for row in rows]) for name in rows[0]} if rows else {}


def _separation(cases: Sequence[Case], run: Run) -> float:
    """AUROC of the top score, answerable against unanswerable."""
    top = [(case.answerable, run.get(case.id, Returned()).top_score) for case in cases]
    return auroc([score for yes, score in top if yes], [score for yes, score in top if not yes])


def _risk_coverage(cases: Sequence[Case], run: Run, ranks: Mapping[str, int | None]) -> list[tuple[float, float]]:
    """The highest top scores answered first; rightly, when the first passage is relevant."""
    known = [case for case in cases if case.judged or not case.answerable]
    top = [run.get(case.id, Returned()).top_score for case in known]
    return risk_coverage(top, [ranks.get(case.id) == 1 for case in known])
