"""`cuecard eval grounding`: the grounding checker measured on labelled answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from answering.ground.verifier import Verifier, find_verifier
from eval.grounding import (
    Checked,
    Pair,
    by_claim_type,
    by_facet,
    calibration,
    check_all,
    figures,
    read_pairs,
    read_verdicts,
)
from eval.grounding_report import TITLE, report, tables
from eval.grounding_systems import Remembering, summary_of
from eval.grounding_systems import parts as parts_of
from eval.held import Results, Values, earlier_results, hold
from eval.options import FILE, against, end, results
from eval.pages import Paragraph, html, markdown, text
from eval.ports import Home
from eval.results import default_folder, write_results
from eval.thresholds import parse_thresholds, shortfalls
from ingest.errors import UsageError

MEASURE = "balanced_accuracy"

_COMMAND = "eval grounding"


@click.command()
@click.option(
    "--pairs",
    "files",
    type=FILE,
    multiple=True,
    required=True,
    metavar="SET.jsonl",
    help='Labelled answers: lines {"id", "answer", "sources": [text], "label": 1 or 0}. Repeatable.',
)
@click.option(
    "--verdicts",
    type=FILE,
    metavar="OUT.jsonl",
    help="Score these verdicts, as `cuecard check --pairs` writes them, in place of the checker's own.",
)
@click.option("--parts", is_flag=True, help="Also the checks without the verifier, and the verifier without them.")
@against("balanced accuracy")
@results("balanced_accuracy=0.7 or auroc:SET=0.75")
@click.pass_obj
def grounding(
    home: Home,
    files: Sequence[Path],
    verdicts: Path | None,
    parts: bool,
    baseline: Path | None,
    max_regression: float | None,
    fail_under: Sequence[str],
    output: Path | None,
) -> None:
    """Measure the grounding checker, or existing verdicts, on labelled answers. Needs no library."""
    thresholds = parse_thresholds(fail_under)
    before = earlier_results(baseline, max_regression, _COMMAND, ["score", "passed"])
    pairs = read_pairs(files)
    if parts and verdicts is not None:
        raise UsageError("--parts is of the checker's own verdicts, not of those of a file.")
    verifier = Remembering(find_verifier(home.settings().verifier or ""))
    checked = _verdicts(verdicts, pairs) if verdicts is not None else _check(pairs, verifier)
    folder = output or default_folder("eval-grounding")
    summary = summarize_grounding(pairs, checked)
    if parts:
        summary["parts"] = summary_of(pairs, {"both": checked, **parts_of(verifier, pairs)})
    summary |= {"corpus": {"fingerprint": fingerprint(pairs), "answers": len(pairs)}, "output": str(folder)}
    if before is not None:
        summary |= _held(before, pairs, checked, summary["corpus"]["fingerprint"], max_regression)
    kinds = {value: found for facet in summary["facets"].values() for value, found in facet.items()}
    known = {kind: _numbers(found) for kind, found in kinds.items()}
    summary["shortfalls"] += shortfalls(thresholds, _numbers(summary["overall"]), known)
    blocks = report(summary, pairs, checked, before)
    write_results(
        folder,
        config={
            "pairs": [str(path) for path in files],
            "verdicts": str(verdicts) if verdicts else None,
            "baseline": str(baseline) if baseline else None,
            "max_regression": max_regression,
            "fail_under": list(fail_under),
        },
        summary=summary,
        per_query=(_record(pair, checked[pair.id]) for pair in pairs),
        report=markdown(TITLE, blocks),
        page=html(TITLE, blocks),
    )
    home.show(summary, lambda body: text([*tables(body), Paragraph(f"Results: {body['output']}")]))
    end(summary["shortfalls"])


def summarize_grounding(pairs: Sequence[Pair], checked: Mapping[str, Checked]) -> dict[str, Any]:
    """`summary.json`: figures overall, by every field that tells pairs apart, by type of claim, and calibration."""
    return {
        "measure": MEASURE,
        "overall": figures(pairs, checked),
        "facets": by_facet(pairs, checked),
        "claim_types": by_claim_type(pairs, checked),
        "calibration": calibration(pairs, checked),
        "comparisons": [],
        "notes": [],
        "shortfalls": [],
    }


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Names what was judged: every answer with its sources and label, whatever their order."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda p: p.id):
        digest.update(json.dumps([pair.id, pair.answer, pair.sources, pair.supported]).encode())
    return f"sha256:{digest.hexdigest()}"


def _check(pairs: Sequence[Pair], verifier: Verifier) -> dict[str, Checked]:
    from answering.build import build_checker

    return check_all(build_checker(verifier=verifier), pairs)


def _verdicts(path: Path, pairs: Sequence[Pair]) -> dict[str, Checked]:
    """Those of the file; an answer that it leaves out counts as failed. Raises UsageError for one that is not asked."""
    found = read_verdicts(path)
    unasked = sorted(set(found) - {pair.id for pair in pairs})
    if unasked:
        raise UsageError(f"{path}: speaks of {unasked[0]!r}, which the grounding sets don't have.")
    return {pair.id: found.get(pair.id, Checked(0.0, False, error="no verdict")) for pair in pairs}


def _held(
    before: Results, pairs: Sequence[Pair], checked: Mapping[str, Checked], named: str, most: float | None
) -> dict[str, Any]:
    """Balanced accuracy now and then, over the answers that were checked both times."""
    labels = {pair.id: pair.supported for pair in pairs}
    then = {name: record["passed"] == labels.get(name) for name, record in before.records.items()}
    now = {name: checked[name].passed == labels[name] for name in labels}
    common = now.keys() & then.keys()

    def worth(right: Mapping[str, bool]) -> Values:
        """Shares of balanced accuracy: their mean over what is common is it, so a test of means is a test of it."""
        sizes = [sum(labels[name] is side for name in common) for side in (False, True)]
        shares = [len(common) / (2 * size) if all(sizes) else 1.0 for size in sizes]
        return {name: ok * shares[labels.get(name, False)] for name, ok in right.items()}

    return hold(before, _COMMAND, MEASURE, named, worth(now), worth(then), most)


def _record(pair: Pair, checked: Checked) -> dict[str, Any]:
    about = {"id": pair.id, **pair.facets, "group": pair.group, "label": int(pair.supported)}
    said = {"score": checked.score, "passed": checked.passed, "claims": len(checked.claims)}
    return {**about, **said, "latency_ms": checked.latency_ms, **({"error": checked.error} if checked.error else {})}


def _numbers(found: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: value for name, value in found.items() if name != "intervals"}
