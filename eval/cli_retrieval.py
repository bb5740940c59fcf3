"""`cuecard eval retrieval`: ranking measured on judged questions, beside baselines, arms alone, and other systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval.cases import Case
from eval.earlier import Earlier, evaluate_earlier, read_earlier
from eval.evaluation import Evaluation, evaluate
from eval.factories import load_factory
from eval.held import comparison_record, regressions
from eval.library import Library, folder_texts
from eval.metrics import MEASURES, measure_name
from eval.options import FILE, common, end, load_cases, results
from eval.pages import html, markdown
from eval.ports import Home
from eval.reports import TITLE, overview, per_query, report
from eval.results import default_folder, write_results
from eval.running import SYSTEMS, Wanted, make_runs, parse_arms
from eval.runs import Run
from eval.stats import compare
from eval.systems import STEPS
from eval.thresholds import parse_thresholds, shortfalls
from ingest.errors import NotFoundError, UsageError
from retrieval.hits import ARMS

if TYPE_CHECKING:
    from eval.endpoint import Endpoint


@click.command()
@common
@results("ndcg@10=0.80 or ndcg@10:conceptual=0.5")
@click.option("-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, help="Hits a question.")
@click.option(
    "--run",
    "run_files",
    type=FILE,
    multiple=True,
    metavar="RUN",
    help="Score this run (.jsonl, or TREC) in place of the library's retriever. Repeatable.",
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    metavar="MODULE:FACTORY",
    help="Measure the llama-index retriever that this function makes instead. It is given what it has parameters for: "
    "folder (--corpus), nodes (the library's chunks), embed_model, k. Repeatable.",
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="http://...",
    help="Measure this server instead: it answers POST /search (or /ask, where the address ends so). Repeatable.",
)
@click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds the key for --url.")
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="NAME|RESULTS",
    help=f"Compare with it: {', '.join(SYSTEMS)}, or earlier results (their folder, or a run file). Repeatable.",
)
@click.option(
    "--max-regression",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Exit with 3 when the first measure is more than X under that of a --baseline.",
)
@click.option(
    "--arms", multiple=True, metavar="A,B", help=f"Compare with these arms alone ({', '.join(ARMS)}). Repeatable."
)
@click.option(
    "--without",
    "steps",
    type=click.Choice(STEPS),
    multiple=True,
    help="Compare with the retriever without this step. Repeatable.",
)
@click.option(
    "--compare",
    "pairs",
    type=click.Choice(["first", "all"]),
    default="first",
    show_default=True,
    help="Compare the first run with each other one, or every run with every other one.",
)
@click.option(
    "--measure", "measures", multiple=True, metavar="NAME@K", help="Measures; the first is compared. Repeatable."
)
@click.option("--qrels", type=FILE, metavar="FILE", help="Judge by these TREC qrels over whole documents.")
@click.option("--corpus", type=FILE, metavar="DIR", help="The files that are searched, where it is not the library.")
@click.pass_obj
def retrieval(
    home: Home,
    queries: Path,
    collection: str | None,
    fail_under: Sequence[str],
    output: Path | None,
    k: int,
    run_files: Sequence[Path],
    systems: Sequence[str],
    urls: Sequence[str],
    key_env: str | None,
    baselines: Sequence[str],
    max_regression: float | None,
    arms: Sequence[str],
    steps: Sequence[str],
    pairs: str,
    measures: Sequence[str],
    qrels: Path | None,
    corpus: Path | None,
) -> None:
    """Measure the ranking of the library's retriever, or of other systems and existing runs, on judged questions."""
    thresholds = parse_thresholds(fail_under)
    names = list(dict.fromkeys(map(measure_name, measures))) or list(MEASURES)
    if max_regression is not None and not baselines:
        raise UsageError("--max-regression says how far to fall, not from where.", hint="Name a --baseline.")
    cases = load_cases(queries, qrels)
    earlier = [read_earlier(path) for path in _paths(baselines)]
    folder = output or default_folder("eval-retrieval")
    with ExitStack() as stack:
        servers = [stack.enter_context(closing(server)) for server in _servers(urls, k, collection, key_env)]
        wanted = Wanted(
            files=run_files,
            factories=[load_factory(spec) for spec in systems],
            servers=servers,
            arms=[parse_arms(text) for text in arms],
            without=list(dict.fromkeys(steps)),
            named=[name for name in baselines if name in SYSTEMS],
            k=k,
            collection=collection,
            folder=corpus,
        )
        files = {judgment.file for case in cases for judgment in case.relevant}
        parts = stack.enter_context(home.open_parts()) if wanted.needs_library else None
        library = Library(parts.catalog, collection) if parts is not None else None
        if library is not None:
            library.must_hold(files if qrels is None and queries.is_file() else set())
        runs = make_runs(wanted, cases, parts, library)
        texts, about = _texts(home, library, servers, corpus, collection, files)
    evaluations = [evaluate(name, cases, run, texts, measures=names) for name, run in runs.items()]
    notes = _add_earlier(earlier, runs, evaluations, cases, texts, about.get("fingerprint"))
    summary = summarize_runs(evaluations, names[0], about, str(folder), pairs=pairs, notes=notes)
    main = summary["runs"][evaluations[0].name]
    known = {**main["overall"], **main["abstention"], **main["latency_ms"]}
    summary["shortfalls"] = shortfalls(thresholds, known, main["types"])
    if max_regression is not None:
        against = [f"baseline:{name}" for name in wanted.named] + [each.name for each in earlier]
        values = values_of(evaluations, names[0])
        summary["regressions"], fell = regressions(summary["comparisons"], values, against, max_regression)
        summary["shortfalls"] += fell
    config = {
        "queries": str(queries),
        "k": k,
        "measures": names,
        "collection": collection,
        "runs": [str(path) for path in run_files],
        "systems": list(systems),
        "urls": list(urls),
        "baselines": list(baselines),
        "max_regression": max_regression,
        "arms": list(arms),
        "without": list(steps),
        "compare": pairs,
        "qrels": str(qrels) if qrels else None,
        "corpus": str(corpus) if corpus else None,
        "fail_under": list(fail_under),
    }
    blocks = report(summary, cases, evaluations)
    write_results(
        folder,
        config=config,
        summary=summary,
        per_query=per_query(cases, evaluations, runs),
        report=markdown(TITLE, blocks),
        page=html(TITLE, blocks),
        runs=runs,
    )
    home.show(summary, overview)
    end(summary["shortfalls"])


def summarize_runs(
    evaluations: Sequence[Evaluation],
    measure: str,
    about: Mapping[str, Any],
    output: str,
    *,
    pairs: str = "first",
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """`summary.json`: every run's figures, and runs compared on `measure`.

    `pairs`: "first" compares the first run with each other one, "all" every run with every other one.
    """
    values = values_of(evaluations, measure)
    names = list(values)
    chosen = list(combinations(names, 2)) if pairs == "all" else [(names[0], other) for other in names[1:]]
    return {
        "corpus": dict(about),
        "measure": measure,
        "runs": {e.name: e.to_dict() for e in evaluations},
        "comparisons": [comparison_record(c, measure) for c in compare(values, chosen)],
        "notes": list(notes),
        "shortfalls": [],
        "output": output,
    }


def values_of(evaluations: Sequence[Evaluation], measure: str) -> dict[str, dict[str, float]]:
    """Run -> question id -> value of one measure."""
    return {e.name: {query: row[measure] for query, row in e.per_query.items()} for e in evaluations}


def _paths(baselines: Sequence[str]) -> list[Path]:
    """Those baselines that are earlier results. Raises UsageError for what is neither these nor a known system."""
    paths = [Path(name) for name in baselines if name not in SYSTEMS]
    for path in paths:
        if not path.exists():
            hint = f"Systems are {', '.join(SYSTEMS)}; results are a folder or a run file."
            raise UsageError(f"--baseline {str(path)!r} is neither a system nor there as results.", hint=hint)
    return paths


def _servers(urls: Sequence[str], k: int, collection: str | None, key_env: str | None) -> list[Endpoint]:
    if not urls and key_env is None:
        return []
    from eval.endpoint import Endpoint, key_from

    key = key_from(key_env, urls)
    return [Endpoint(url, k=k, collection=collection, key=key) for url in urls]


def _add_earlier(
    earlier: Sequence[Earlier],
    runs: dict[str, Run],
    evaluations: list[Evaluation],
    cases: Sequence[Case],
    texts: Mapping[str, str],
    fingerprint: str | None,
) -> list[str]:
    """Put earlier results beside today's runs; what a reader must know of them."""
    notes = []
    for each in earlier:
        if each.name in runs:
            raise UsageError(f"Two of the runs have one name: {each.name}.", hint="Rename one, or leave it out.")
        measures = list(next(iter(evaluations[0].per_query.values()), {}))
        evaluation, told = evaluate_earlier(each, cases, texts, measures, fingerprint)
        evaluations.append(evaluation)
        runs[each.name] = each.run
        notes.extend(told)
    return notes


def _texts(
    home: Home,
    library: Library | None,
    servers: Sequence[Endpoint],
    corpus: Path | None,
    collection: str | None,
    files: set[str],
) -> tuple[Mapping[str, str], dict[str, Any]]:
    """The texts that spans refer to, and what is known of them.

    A folder's where one is named, else the library's that was searched, else the server's, else the library's where
    there is one, else none: then the judges' own spans serve.
    """
    if corpus is not None:
        return folder_texts(corpus, files), {"folder": str(corpus)}
    if library is not None:
        return library.texts(files), _about(library)
    for server in servers:
        texts, about = server.texts(files)
        if about:
            return texts, about
    try:
        with home.open_parts() as parts:
            library = Library(parts.catalog, collection)
            return library.texts(files), _about(library)
    except NotFoundError:
        return {}, {}


def _about(library: Library) -> dict[str, Any]:
    return {"fingerprint": library.fingerprint, "documents": len(library)}
