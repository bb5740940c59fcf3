"""`cuecard search`: ranked hits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from api.cli import batch
from api.cli.context import Context
from api.cli.options import EXISTING_FILE, NEW_FILE, files_of_batch, narrowing, parse_filters
from api.cli.render import render_hits
from api.library import Body, Library, checked_k, checked_question
from ingest.errors import UsageError


@click.command()
@click.argument("query", required=False)
@click.option("-k", "k", type=int, default=10, show_default=True, help="How many hits.")
@click.option("--queries", type=EXISTING_FILE, metavar="FILE.jsonl", help='Many at once: lines {"id", "query"}.')
@click.option("--run", "run_file", type=NEW_FILE, metavar="OUT.jsonl", help="Where the results of --queries go.")
@narrowing
@click.pass_obj
def search(
    context: Context,
    query: str | None,
    k: int,
    queries: Path | None,
    run_file: Path | None,
    collection: str | None,
    filters: tuple[str, ...],
) -> None:
    """Find what fits QUERY best: ranked passages with file and lines."""
    wanted = parse_filters(filters)
    checked_k(k)
    files = files_of_batch("--queries", queries, "--run", run_file)
    if (query is None) == (files is None):
        raise UsageError("Give either a QUERY, in quotes, or a file with --queries.")

    def hits(library: Library, text: str) -> Body:
        return library.search(checked_question(text, what="query"), k=k, collection=collection, filters=wanted)

    if files is not None:
        lines = batch.read_lines(files[0], {"query": str}, lambda line: checked_question(line["query"], what="query"))
        with context.connect() as library:
            summary = batch.run_lines(context, lines, lambda line: _run_line(hits, library, line), files[1])
        context.show(summary, batch.describe)
    else:
        text = checked_question(query or "", what="query")
        with context.connect() as library:
            body = hits(library, text)
        context.show(body, render_hits)


def _run_line(hits: Callable[[Library, str], Body], library: Library, line: Body) -> Body:
    started = time.perf_counter()
    result = hits(library, line["query"])
    latency = (time.perf_counter() - started) * 1000
    found = [
        {
            "file": hit["document"],
            "start": hit["start"],
            "end": hit["end"],
            "text": hit["text"],
            "score": hit["score"],
            "chunk_id": hit["id"],
        }
        for hit in result["hits"]
    ]
    return {"results": found, "latency_ms": round(latency, 3)}
