"""`cuecard gaps`: what people asked and the library could not answer."""

from __future__ import annotations

import click

from api.cli.context import Context
from api.library import Body


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 100_000), help="Only what was asked in so many days (default: all kept)."
)
@click.pass_obj
def gaps(context: Context, days: int | None) -> None:
    """Questions that the library could not answer, grouped, the most frequent first.

    A server writes down what it is asked, unless CUECARD_KEEP_QUESTIONS says no.
    """
    with context.connect() as library:
        body = library.gaps(days)
    context.show(body, _as_text)


def _as_text(body: Body) -> str:
    if not body["gaps"]:
        return f"Nothing is missing: {body['asked']:,} answers are remembered."
    lines = []
    for gap in body["gaps"]:
        lines.append(f"{click.style(str(gap['count']).rjust(5), bold=True)}  {gap['question']}")
        lines += [click.style(f"       {question}", dim=True) for question in gap["questions"][1:]]
        if gap["related"]:
            lines.append(click.style(f"       nearest: {gap['related']}", dim=True))
    lines.append("")
    lines.append(f"{body['unanswered']:,} of {body['asked']:,} remembered answers were of low confidence.")
    return "\n".join(lines)
