"""`cuecard ask`: an answer with citations and verdict."""

from __future__ import annotations

from pathlib import Path

import click

from answering.answers import MODES
from api.cli import batch
from api.cli.context import Context
from api.cli.options import EXISTING_FILE, NEW_FILE, files_of_batch, narrowing, parse_filters
from api.cli.render import render_answer
from api.library import Body, Library, checked_question
from ingest.errors import UsageError


@click.command()
@click.argument("question", required=False)
@click.option("--mode", type=click.Choice(MODES), default="auto", show_default=True, help="How to answer.")
@click.option("--questions", type=EXISTING_FILE, metavar="FILE.jsonl", help='Many at once: lines {"id", "question"}.')
@click.option("--output", type=NEW_FILE, metavar="OUT.jsonl", help="Where the answers of --questions go.")
@narrowing
@click.pass_obj
def ask(
    context: Context,
    question: str | None,
    mode: str,
    questions: Path | None,
    output: Path | None,
    collection: str | None,
    filters: tuple[str, ...],
) -> None:
    """Answer QUESTION from the library, with citations of file and lines."""
    wanted = parse_filters(filters)
    files = files_of_batch("--questions", questions, "--output", output)
    if (question is None) == (files is None):
        raise UsageError("Give either a QUESTION, in quotes, or a file with --questions.")

    def answer(library: Library, text: str) -> Body:
        return library.ask(checked_question(text), collection=collection, filters=wanted, mode=mode, k=None)

    if files is not None:
        lines = batch.read_lines(files[0], {"question": str}, lambda line: checked_question(line["question"]))
        with context.connect() as library:
            summary = batch.run_lines(context, lines, lambda line: answer(library, line["question"]), files[1])
        context.show(summary, batch.describe)
    else:
        text = checked_question(question or "")
        with context.connect() as library:
            body = answer(library, text)
        context.show(body, render_answer)
