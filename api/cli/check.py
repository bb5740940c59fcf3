"""`cuecard check`: is a text backed by its sources? Needs no home."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli import batch
from api.cli.context import Context
from api.cli.options import EXISTING_FILE, NEW_FILE, files_of_batch
from api.cli.render import render_check
from api.compose import build_checker, check_text
from api.library import Body
from ingest.errors import UsageError


@click.command()
@click.option("--answer", type=EXISTING_FILE, metavar="FILE", help="The text to check.")
@click.option("--source", "sources", type=EXISTING_FILE, metavar="FILE", multiple=True, help="A source; repeatable.")
@click.option("--question", help="The question that the text answers.")
@click.option(
    "--pairs", type=EXISTING_FILE, metavar="FILE.jsonl", help='Many at once: lines {"id", "answer", "sources": [text]}.'
)
@click.option("--output", type=NEW_FILE, metavar="OUT.jsonl", help="Where the verdicts of --pairs go.")
@click.pass_obj
def check(
    context: Context,
    answer: Path | None,
    sources: tuple[Path, ...],
    question: str | None,
    pairs: Path | None,
    output: Path | None,
) -> None:
    """Check every claim of a text against its sources."""
    checker = build_checker(context.settings())
    files = files_of_batch("--pairs", pairs, "--output", output)
    if (answer is None) == (files is None) or (files is not None and sources):
        raise UsageError("Give either --answer FILE with --source FILE, or --pairs FILE with --output FILE.")
    if files is not None:
        lines = batch.read_lines(files[0], {"answer": str, "sources": list}, _check_pair)
        summary = batch.run_lines(
            context,
            lines,
            lambda line: check_text(checker, line["answer"], _named(line["sources"]), line.get("question")),
            files[1],
        )
        context.show(summary, batch.describe)
        return
    if answer is None or not sources:
        raise UsageError("There is no source to check against.", hint="Give at least one with --source FILE.")
    given = [{"id": str(path), "text": _read(path)} for path in sources]
    context.show(check_text(checker, _read(answer), given, question), render_check)


def _check_pair(line: Body) -> None:
    if not all(isinstance(source, str) for source in line["sources"]):
        raise UsageError("`sources` must be a list of texts.")
    if not isinstance(line.get("question"), str | None):
        raise UsageError("`question` must be text.")


def _named(texts: list[str]) -> list[dict[str, str]]:
    return [{"id": str(number), "text": text} for number, text in enumerate(texts, 1)]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.", hint="Convert it, or name another file.") from error
