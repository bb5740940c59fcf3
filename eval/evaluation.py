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
    -> mean). `per_query`: id -> measure -> value. `ranks`: id -> 1-based rank of the first relevant passage, None
    where there is none. `abstention`: how the top score tells answerable from unanswerable. `counts`: what was asked
    and what came back. `latency_ms`: p50 and p95 where the run tells.
    """

    name: str
    overall: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    types: Mapping[str, tuple[int, Mapping[str, float]]]
    per_query: Mapping[str, Mapping[str, float]]
    ranks: Mapping[str, int | None]
    abstention: Mapping[str, float]
    counts: Mapping[str, int]
    latency_ms: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The summary, ready for JSON; not-a-number becomes null."""
        return {
            "name": self.name,
            "overall": plain(self.overall),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "types": {name: {"n": n, **plain(values)} for name, (n, values) in self.types.items()},
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
    per_query = measure(cases, meets, measures)
    ranks = {query: _first(found) for query, found in meets.items()}
    rows = {kind: [per_query[query] for query in ids] for kind, ids in by_type(cases, per_query).items()}
    latencies = [r.latency_ms for r in run.values() if r.latency_ms is not None]
    return Evaluation(
        name=name,
        overall=summarize(per_query.values()),
        intervals={m: bootstrap_interval([row[m] for row in per_query.values()]) for m in measures if per_query},
        types={kind: (len(found), summarize(found)) for kind, found in rows.items()},
        per_query=per_query,
        ranks=ranks,
        abstention=_abstention(cases, run, ranks),
        counts={
            "questions": len(cases),
            "judged": len(per_query),
            "unanswerable": sum(not case.answerable for case in cases),
            "failed": sum(bool(returned.error) for returned in run.values()),
            "empty": sum(not run.get(case.id, Returned()).results for case in cases),
            "quotes_not_found": sum(not t.found for found in wanted.values() for t in found),
        },
        latency_ms={"p50": percentile(latencies, 0.5), "p95": percentile(latencies, 0.95)} if latencies else {},
    )


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """The same without NaN and infinity, which JSON does not know."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _first(meets: Sequence[Mapping[str, int]]) -> int | None:
    return next((rank for rank, groups in enumerate(meets, 1) if any(groups.values())), None)


def _abstention(cases: Sequence[Case], run: Run, ranks: Mapping[str, int | None]) -> dict[str, float]:
    """AUROC of the top score, answerable against unanswerable, and the area under the risk-coverage curve.

    There a question is answered rightly when its first passage is relevant; an unanswerable one never is.
    """
    top = {case.id: run.get(case.id, Returned()).top_score for case in cases}
    answerable = [top[case.id] for case in cases if case.answerable]
    unanswerable = [top[case.id] for case in cases if not case.answerable]
    known = [case for case in cases if case.judged or not case.answerable]
    points = risk_coverage([top[c.id] for c in known], [ranks.get(c.id) == 1 for c in known])
    return {"auroc": auroc(answerable, unanswerable), "aurc": area_under_risk(points)}
