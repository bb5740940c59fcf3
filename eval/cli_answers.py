"""`cuecard eval answers`: answers measured on judged questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from eval.answers import Judged, judge_all, summarize_answers
from eval.library import Library
from eval.options import common, end, load_cases
from eval.ports import Home
from eval.results import default_folder, table, write_results
from eval.systems import refuse_degraded
from eval.thresholds import parse_thresholds, shortfalls

_BY_TYPE = ("answered_share", "accuracy", "citation_precision", "citation_recall", "reference_f1")


@click.command()
@common
@click.pass_obj
def answers(home: Home, queries: Path, collection: str | None, fail_under: Sequence[str], output: Path | None) -> None:
    """Measure answers on judged questions: citations, answering or abstaining, confidence, time."""
    thresholds = parse_thresholds(fail_under)
    cases = load_cases(queries)
    with home.open_parts() as parts:
        library = Library(parts.catalog, collection)
        library.must_hold({judgment.file for case in cases for judgment in case.relevant})
        # the first question pays for loading the model, which is no property of the answers
        refuse_degraded(parts.retriever.search(cases[0].query, k=1, collection=collection))
        parts.answerer.ask(cases[0].query, collection=collection)
        judged = judge_all(lambda question: parts.answerer.ask(question, collection=collection), cases, library)
        about = {"fingerprint": library.fingerprint, "documents": len(library)}
    folder = output or default_folder("eval-answers")
    summary = summarize_judged(judged)
    types = summary["types"]
    summary |= {"corpus": about, "output": str(folder)}
    summary["shortfalls"] = shortfalls(
        thresholds, numbers(summary["overall"]), {k: numbers(v) for k, v in types.items()}
    )
    write_results(
        folder,
        config={"queries": str(queries), "collection": collection, "fail_under": list(fail_under)},
        summary=summary,
        per_query=(each.to_dict() for each in judged),
        report=_report(summary, judged),
    )
    home.show(summary, overview)
    end(summary["shortfalls"])


def summarize_judged(judged: Sequence[Judged]) -> dict[str, Any]:
    """`summary.json`: the figures overall and by query type."""
    types: dict[str, list[Judged]] = {}
    for each in judged:
        types.setdefault(each.case.type, []).append(each)
    return {
        "overall": summarize_answers(judged),
        "types": {kind: summarize_answers(found) for kind, found in sorted(types.items())},
        "shortfalls": [],
    }


def numbers(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that a threshold can be put on."""
    return {name: value for name, value in figures.items() if value is None or isinstance(value, int | float)}


def overview(summary: Mapping[str, Any]) -> str:
    """The figures for a reader."""
    overall = summary["overall"]
    rows: list[tuple[str, Any]] = list(numbers(overall).items())
    parts = [
        table(["answers", "value"], rows),
        table(["kind", "share"], list(overall["kinds"].items())),
        table(
            ["type", "n", *_BY_TYPE],
            [
                [kind, found["questions"], *(found[name] for name in _BY_TYPE)]
                for kind, found in summary["types"].items()
            ],
        ),
        *(f"Fell short: {line}." for line in summary["shortfalls"]),
        f"Results: {summary['output']}",
    ]
    return "\n\n".join(parts)


def _report(summary: Mapping[str, Any], judged: Sequence[Judged]) -> str:
    false = [j for j in judged if j.answered and not j.case.answerable]
    silent = [j for j in judged if not j.answered and j.case.answerable]
    wrong = [j for j in judged if j.answered and j.wanted and not j.correct]
    named = (
        ("Answered, though nothing answers it", false),
        ("Not answered", silent),
        ("Answered from another passage", wrong),
    )
    lists = [
        f"## {title}: {len(found)}\n\n"
        + ("\n".join(f"- `{j.case.id}` {j.case.query} ({j.confidence:.2f})" for j in found) or "None.")
        for title, found in named
    ]
    return "\n\n".join(["# Answers", overview(summary), *lists]) + "\n"
