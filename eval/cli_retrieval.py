"""`cuecard eval retrieval`: ranking measured on judged questions, beside baselines, arms alone, and other runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from eval.cases import Case
from eval.evaluation import Evaluation, evaluate
from eval.formats import read_trec_run
from eval.library import Library, folder_texts
from eval.metrics import MEASURES, measure_name
from eval.options import FILE, common, end, load_cases
from eval.ports import Home, Parts
from eval.reports import comparison_record, overview, per_query, report
from eval.results import default_folder, write_results
from eval.runs import Run, read_run
from eval.stats import compare
from eval.systems import (
    dense_only,
    first,
    only_arms,
    rank_bm25,
    reciprocal_rank_fusion,
    refuse_degraded,
    returned,
    run_system,
)
from eval.thresholds import parse_thresholds, shortfalls
from ingest.errors import NotFoundError, UsageError
from retrieval.hits import ARMS, Arm

BASELINES = ("bm25", "dense", "rrf")
MAIN = "cuecard"
_DEPTH = 100


@click.command()
@common
@click.option("-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Hits a question.")
@click.option(
    "--run",
    "run_files",
    type=FILE,
    multiple=True,
    metavar="RUN",
    help="Score this run (.jsonl, or TREC) instead. Repeatable.",
)
@click.option(
    "--baseline", "baselines", type=click.Choice(BASELINES), multiple=True, help="Compare with it. Repeatable."
)
@click.option(
    "--arms", multiple=True, metavar="A,B", help=f"Compare with these arms alone ({', '.join(ARMS)}). Repeatable."
)
@click.option(
    "--measure", "measures", multiple=True, metavar="NAME@K", help="Measures; the first is compared. Repeatable."
)
@click.option("--qrels", type=FILE, metavar="FILE", help="Judge by these TREC qrels over whole documents.")
@click.option("--corpus", type=FILE, metavar="DIR", help="With --run: the files that its spans refer to.")
@click.pass_obj
def retrieval(
    home: Home,
    queries: Path,
    collection: str | None,
    fail_under: Sequence[str],
    output: Path | None,
    k: int,
    run_files: Sequence[Path],
    baselines: Sequence[str],
    arms: Sequence[str],
    measures: Sequence[str],
    qrels: Path | None,
    corpus: Path | None,
) -> None:
    """Measure the ranking of the library's retriever, or of existing runs, on judged questions."""
    thresholds = parse_thresholds(fail_under)
    names = list(dict.fromkeys(map(measure_name, measures))) or list(MEASURES)
    chosen = [parse_arms(text) for text in arms]
    cases = load_cases(queries, qrels)
    files = {judgment.file for case in cases for judgment in case.relevant}
    if run_files:
        if baselines or arms:
            raise UsageError("--run scores existing runs; --baseline and --arms make new ones.", hint="Leave one out.")
        runs: dict[str, Run] = {path.stem: read_any_run(path) for path in run_files}
        if len(runs) < len(run_files):
            raise UsageError("Two of the runs have one name.", hint="Rename one of the files.")
        texts, about = _texts(home, collection, corpus, files)
    else:
        with home.open_parts() as parts:
            library = Library(parts.catalog, collection)
            library.must_hold(files if qrels is None and queries.is_file() else set())
            runs = make_runs(parts, library, cases, k, collection=collection, baselines=baselines, arms=chosen)
            texts, about = library.texts(files), _about(library)
    evaluations = [evaluate(name, cases, run, texts, measures=names) for name, run in runs.items()]
    folder = output or default_folder("eval-retrieval")
    summary = summarize_runs(evaluations, names[0], about, str(folder))
    main = summary["runs"][evaluations[0].name]
    figures = {**main["overall"], **main["abstention"], **main["latency_ms"]}
    summary["shortfalls"] = shortfalls(thresholds, figures, main["types"])
    config = {
        "queries": str(queries),
        "k": k,
        "measures": names,
        "collection": collection,
        "runs": [str(path) for path in run_files],
        "baselines": list(baselines),
        "arms": list(arms),
        "qrels": str(qrels) if qrels else None,
        "fail_under": list(fail_under),
    }
    write_results(
        folder,
        config=config,
        summary=summary,
        per_query=per_query(cases, evaluations, runs),
        report=report(summary, cases, evaluations[0]),
        runs=runs,
    )
    home.show(summary, overview)
    end(summary["shortfalls"])


def make_runs(
    parts: Parts,
    library: Library,
    cases: Sequence[Case],
    k: int,
    *,
    collection: str | None = None,
    baselines: Sequence[str] = (),
    arms: Sequence[tuple[Arm, ...]] = (),
) -> dict[str, Run]:
    """Ask the library's retriever everything, first as it is shipped, then every baseline and selection of arms."""

    def run(retriever: Any, depth: int) -> dict[str, Any]:
        return run_system(lambda query: returned(retriever.search(query, k=depth, collection=collection)), cases)

    # the first question pays for loading the model, which is no property of the ranking
    refuse_degraded(parts.retriever.search(cases[0].query, k=k, collection=collection))
    runs: dict[str, Run] = {MAIN: run(parts.retriever, k)}
    for names in arms:
        runs["arms:" + "+".join(names)] = run(only_arms(parts.retrieval, parts.catalog, names), k)
    lexical = run_system(rank_bm25(library.chunks(), _DEPTH), cases) if {"bm25", "rrf"} & set(baselines) else {}
    by_cosine = dense_only(parts.retrieval, parts.catalog, _DEPTH, collection)
    dense = run_system(by_cosine, cases) if {"dense", "rrf"} & set(baselines) else {}
    fused = reciprocal_rank_fusion([lexical, dense], k)
    made = {"bm25": first(lexical, k), "dense": first(dense, k), "rrf": fused}
    return runs | {f"baseline:{name}": made[name] for name in dict.fromkeys(baselines)}


def summarize_runs(
    evaluations: Sequence[Evaluation], measure: str, about: Mapping[str, Any], output: str
) -> dict[str, Any]:
    """`summary.json`: every run's figures, and the first run compared on `measure` with each other one."""
    ids = list(evaluations[0].per_query)
    values = {e.name: [e.per_query[query][measure] for query in ids] for e in evaluations}
    pairs = [(evaluations[0].name, other.name) for other in evaluations[1:]] if ids else []
    return {
        "corpus": dict(about),
        "measure": measure,
        "runs": {e.name: e.to_dict() for e in evaluations},
        "comparisons": [comparison_record(c) for c in compare(values, pairs)],
        "shortfalls": [],
        "output": output,
    }


def parse_arms(text: str) -> tuple[Arm, ...]:
    """`bm25,dense` -> the arms, in their usual order. Raises UsageError for one that is none."""
    given = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in given if name not in ARMS]
    if unknown or not given:
        raise UsageError(
            f"--arms {text!r}: {(unknown or ['nothing'])[0]} is no arm.", hint=f"There are {', '.join(ARMS)}."
        )
    return tuple(arm for arm in ARMS if arm in given)


def read_any_run(path: Path) -> Run:
    """A run file: JSON lines when it ends so, else TREC."""
    return read_run(path) if path.suffix in (".jsonl", ".json") else read_trec_run(path)


def _texts(
    home: Home, collection: str | None, corpus: Path | None, files: set[str]
) -> tuple[Mapping[str, str], dict[str, Any]]:
    """The texts that a run's spans refer to: a folder's, else the library's, else none, and the judges' spans serve."""
    if corpus is not None:
        return folder_texts(corpus, files), {"folder": str(corpus)}
    try:
        with home.open_parts() as parts:
            library = Library(parts.catalog, collection)
            return library.texts(files), _about(library)
    except NotFoundError:
        return {}, {}


def _about(library: Library) -> dict[str, Any]:
    return {"fingerprint": library.fingerprint, "documents": len(library)}
