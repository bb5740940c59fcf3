"""`cuecard eval answers`: answers measured on judged questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eval.answers import Judged, judge_all, summarize_answers
from eval.answers_report import TITLE, numbers, overview, report
from eval.held import Values, earlier_results, hold
from eval.library import Library
from eval.options import against, common, end, load_cases, results
from eval.pages import html, markdown
from eval.ports import Home
from eval.results import default_folder, write_results
from eval.systems import refuse_degraded
from eval.thresholds import parse_thresholds, shortfalls

MEASURE = "citation_recall"

_COMMAND = "eval answers"


@click.command()
@common
@against("citation recall")
@results("citation_precision=0.9 or accuracy:keyword=0.8")
@click.pass_obj
def answers(
    home: Home,
    queries: Path,
    collection: str | None,
    baseline: Path | None,
    max_regression: float | None,
    fail_under: Sequence[str],
    output: Path | None,
) -> None:
    """Measure answers on judged questions: citations, answering or abstaining, confidence, time."""
    thresholds = parse_thresholds(fail_under)
    before = earlier_results(baseline, max_regression, _COMMAND, ["found", "wanted"])
    cases = load_cases(queries)
    with home.open_parts() as parts:
        library = Library(parts.catalog, collection)
        library.must_hold({judgment.file for case in cases for judgment in case.relevant})
        # the first question pays for loading the model, which is no property of the answers
        refuse_degraded(parts.retriever.search(cases[0].query, k=1, collection=collection))
        parts.answerer.ask(cases[0].query, collection=collection)
        judged = judge_all(lambda question: parts.answerer.ask(question, collection=collection), cases, library)
        about: dict[str, Any] = {"fingerprint": library.fingerprint, "documents": len(library)}
    folder = output or default_folder("eval-answers")
    summary = summarize_judged(judged)
    types = summary["types"]
    summary |= {"corpus": about, "output": str(folder)}
    recall = {j.case.id: j.recall for j in judged if j.wanted}
    then: Values | None = None
    if before is not None:
        then = {
            query: record["found"] / record["wanted"] for query, record in before.records.items() if record["wanted"]
        }
        summary |= hold(before, _COMMAND, MEASURE, about["fingerprint"], recall, then, max_regression)
    summary["shortfalls"] += shortfalls(
        thresholds, numbers(summary["overall"]), {k: numbers(v) for k, v in types.items()}
    )
    blocks = report(summary, judged, then)
    write_results(
        folder,
        config={
            "queries": str(queries),
            "collection": collection,
            "baseline": str(baseline) if baseline else None,
            "max_regression": max_regression,
            "fail_under": list(fail_under),
        },
        summary=summary,
        per_query=(each.to_dict() for each in judged),
        report=markdown(TITLE, blocks),
        page=html(TITLE, blocks),
    )
    home.show(summary, overview)
    end(summary["shortfalls"])


def summarize_judged(judged: Sequence[Judged]) -> dict[str, Any]:
    """`summary.json`: the figures overall and by query type."""
    types: dict[str, list[Judged]] = {}
    for each in judged:
        types.setdefault(each.case.type, []).append(each)
    return {
        "measure": MEASURE,
        "overall": summarize_answers(judged),
        "types": {kind: summarize_answers(found) for kind, found in sorted(types.items())},
        "comparisons": [],
        "notes": [],
        "shortfalls": [],
    }
