"""`cuecard eval cases`: a query file from what people thought of answers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import click

from eval.cases import write_cases
from eval.feedback_cases import feedback_cases
from eval.options import FILE
from ingest.catalog import Catalog
from ingest.errors import UsageError
from ingest.feedback import FeedbackStore


class Parts(Protocol):
    """An opened home."""

    @property
    def catalog(self) -> Catalog: ...


class Home(Protocol):
    """The click context object."""

    def open_parts(self) -> AbstractContextManager[Parts]: ...

    def show(self, body: dict[str, Any], as_text: Any) -> None: ...


@click.command()
@click.option("--from-feedback", is_flag=True, required=True, help="Make them of the answers that people rated.")
@click.option("--output", required=True, type=FILE, metavar="Q.jsonl", help="The query file to write.")
@click.pass_obj
def cases(home: Home, from_feedback: bool, output: Path) -> None:  # noqa: ARG001 - the only source there is
    """Write a query file of the questions that people asked and rated; look it over before you trust it."""
    with home.open_parts() as parts:
        ratings = FeedbackStore(parts.catalog).ratings()
    made, disputed = feedback_cases(ratings)
    if not made:
        raise UsageError(
            "No answer was rated whose question is known.",
            hint="Answers are rated on the web page, in Slack, or with POST /feedback.",
        )
    try:
        write_cases(output, made)
    except OSError as error:
        raise UsageError(f"{output} can't be written ({error.strerror or error}).") from error
    summary = {"cases": len(made), "ratings": len(ratings), "disputed": disputed, "output": str(output)}
    home.show(summary, _as_text)


def _as_text(summary: dict[str, Any]) -> str:
    made = "{cases} questions from {ratings} ratings in {output}".format(**summary)
    return f"{made}; {summary['disputed']} left out: their ratings disagree" if summary["disputed"] else made
