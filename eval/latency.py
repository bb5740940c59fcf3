"""`cuecard eval latency`: how fast a library answers and what it takes, at any size, beside others; with --ingest, how
fast documents come in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from eval.latency_bounds import TARGETS, figures_of, parse_bound, shortfalls, told
from eval.latency_home import PlacedHome, measure_home
from eval.latency_ingest import as_text, measure, summarize
from eval.latency_report import draw, overview, report
from eval.latency_sizes import Plan, measure_sizes
from eval.options import FILE, end, load_cases
from eval.peers import PEERS, versions
from eval.ports import Home
from eval.results import default_folder, environment, write_results
from ingest.errors import UsageError

QUERIES = Path(__file__).with_name("data") / "corpus_queries.jsonl"
TEXTS = Path(__file__).resolve().parents[1] / "corpus"
MOST_CHUNKS = 10_000_000


def _sizes(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[int, ...]:
    """`1000,10000` -> the numbers, ascending. Raises UsageError."""
    given = [text.strip().replace("_", "") for text in (value or "").split(",") if value is not None]
    if not all(text.isdecimal() and 1 <= int(text) <= MOST_CHUNKS for text in given):
        raise UsageError(f"--sizes {value!r} names no numbers of chunks.", hint="For instance 1000,10000,100000.")
    return tuple(sorted({int(text) for text in given}))


def _peers(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    """`lancedb,bm25s` -> the peers. Raises UsageError."""
    given = {"all": list(PEERS), "none": []}.get(value, [text.strip() for text in value.split(",") if text.strip()])
    unknown = [name for name in given if name not in PEERS]
    if unknown:
        raise UsageError(
            f"--peers: there is no {unknown[0]!r}.", hint=f"There are {', '.join(PEERS)}; or all, or none."
        )
    return tuple(given)


@click.command()
@click.option(
    "--ingest", "path", type=FILE, metavar="PATH", help="Only measure how fast these files or folder come in."
)
@click.option("--sizes", callback=_sizes, metavar="N,N,...", help="Measure homes of so many chunks, beside peers.")
@click.option(
    "--queries", type=FILE, default=QUERIES, metavar="Q.jsonl", help="What is asked (default: the bundled questions)."
)
@click.option("--rounds", type=click.IntRange(1, 100), help="Measure so often (default: 1 with --ingest, else 3).")
@click.option("--threads", type=click.IntRange(1, 64), help="So many ask at once (default: one a core).")
@click.option("--http/--no-http", default=True, show_default=True, help="Also over HTTP, and from process start.")
@click.option("--texts", type=FILE, default=TEXTS, metavar="PATH", help="With --sizes: the real texts to begin with.")
@click.option("--peers", callback=_peers, default="all", metavar="NAMES", help=f"all, none, or of {', '.join(PEERS)}.")
@click.option("--budget", type=click.FloatRange(1), default=120.0, show_default=True, help="Seconds for each peer.")
@click.option(
    "--tuned/--untuned",
    default=True,
    show_default=True,
    help="Indexes as `cuecard doctor --repair` leaves them, or as ingested.",
)
@click.option("--keep", type=FILE, metavar="DIR", help="With --sizes: make the homes here, or take those made before.")
@click.option("--output", type=FILE, metavar="DIR", help="Folder for the results (default: results/...).")
@click.option(
    "--fail-under",
    multiple=True,
    metavar="BOUND",
    help="Exit with 3 when a figure falls short: search_p95_ms@100000<=15, or with --ingest a ratio. Repeatable.",
)
@click.pass_obj
def latency(
    home: PlacedHome,
    path: Path | None,
    sizes: tuple[int, ...],
    queries: Path,
    rounds: int | None,
    threads: int | None,
    http: bool,
    texts: Path,
    peers: tuple[str, ...],
    budget: float,
    tuned: bool,
    keep: Path | None,
    output: Path | None,
    fail_under: Sequence[str],
) -> None:
    """Measure the speed of the library in --home; with --sizes that of made-up ones beside peers; with --ingest that
    of taking documents in.

    \b
    --home:    each stage of a question, in this process and over HTTP; memory and disk.
    --sizes:   the same for homes of given sizes, and peers on the same texts and vectors.
    --ingest:  the rate of ingest against the embedding model's alone; in chunks a second, medians of several rounds.

    With --sizes and --ingest the library in --home is neither read nor changed.
    """
    if path is not None:
        if sizes:
            raise UsageError("--ingest and --sizes measure different things.", hint="Give one of them.")
        _ingest(home, path, rounds or 1, _ratio(fail_under))
        return
    bounds = [parse_bound(text) for text in fail_under]
    cases, rounds = load_cases(queries), rounds or 3
    threads, folder = threads or os.cpu_count() or 1, output or default_folder("eval-latency")
    asked = tuple(case.query for case in cases)
    config: dict[str, Any] = {"queries": str(queries), "rounds": rounds, "threads": threads, "http": http}
    if sizes:
        settings = home.settings()
        plan = Plan(
            sizes=sizes, queries_file=queries, queries=asked, rounds=rounds, threads=threads, http=http, tuned=tuned,
            peers=peers, budget=budget, cache=settings.cache, model=settings.embed_model or "",
        )  # fmt: skip
        config |= {
            "sizes": list(sizes),
            "texts": str(texts),
            "peers": list(peers),
            "budget_s": budget,
            "tuned": tuned,
        }
        with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="cuecard-") as at:
            summary = measure_sizes(plan, texts, Path(at), folder, keep=keep is not None)
        found: dict[str, float] = {}
        for size in sizes:
            found |= figures_of(summary["sizes"][f"{size}"], size)
        per_query: list[dict[str, Any]] = []
    else:
        summary, samples = measure_home(home, asked, rounds=rounds, threads=threads, http=http)
        found = figures_of(summary)
        per_query = [{"id": case.id, **record} for case, record in zip(cases, samples.records(asked), strict=True)]
    summary |= {"targets": told(TARGETS, found), "shortfalls": [], "plot": "", "output": str(folder)}
    summary["shortfalls"] = shortfalls(bounds, found)
    _write(folder, config | {"fail_under": list(fail_under)}, summary, per_query)
    home.show(summary, overview)
    end(summary["shortfalls"])


def _write(folder: Path, config: dict[str, Any], summary: dict[str, Any], per_query: list[dict[str, Any]]) -> None:
    """The results folder; for several sizes the samples are in a folder each."""
    folder.mkdir(parents=True, exist_ok=True)
    if "sizes" in summary:
        summary["plot"] = draw(summary["sizes"], folder / "cost.svg")
    about = environment()
    about["packages"] |= versions()
    text = report(summary, about)
    write_results(folder, config=config | {"environment": about}, summary=summary, per_query=per_query, report=text)


def _ratio(given: Sequence[str]) -> float | None:
    try:
        return max(map(float, given), default=None)
    except ValueError:
        raise UsageError(
            "With --ingest, --fail-under is a number: the least ratio.", hint="For instance 0.9."
        ) from None


def _ingest(home: Home, path: Path, rounds: int, fail_under: float | None) -> None:
    settings = home.settings()
    done = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="cuecard-") as folder:
            done.append(measure(path, Path(folder), settings.cache, settings.embed_model or ""))
    summary = summarize(done)
    home.show(summary, as_text)
    short = fail_under is not None and summary["ratio"] < fail_under
    end([f"ratio {summary['ratio']:.3f} is under {fail_under}"] if short else [])
