"""Options and endings that the evaluation commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from eval.cases import Case, read_cases
from eval.formats import cases_of, read_beir, read_trec_qrels
from ingest.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

FELL_SHORT = 3
"""The exit code of a command that did its work, with a figure under its threshold."""

FILE = click.Path(path_type=Path)


def results(example: str) -> Callable[[Command], Command]:
    """--output and --fail-under; `example`: a bound on one of the command's figures."""

    def add(function: Command) -> Command:
        for option in (
            click.option("--output", type=FILE, metavar="DIR", help="Folder for the results (default: results/...)."),
            click.option(
                "--fail-under",
                multiple=True,
                metavar="NAME=VALUE",
                help=f"Exit with 3 when a figure falls short, e.g. {example}. Repeatable.",
            ),
        ):
            function = option(function)
        return function

    return add


def against(measure: str) -> Callable[[Command], Command]:
    """--baseline and --max-regression of a command whose main figure is `measure`."""

    def add(function: Command) -> Command:
        for option in (
            click.option(
                "--max-regression",
                type=click.FloatRange(0, 1),
                metavar="X",
                help=f"Exit with 3 when {measure} is more than X under that of --baseline.",
            ),
            click.option("--baseline", type=FILE, metavar="DIR", help="Compare with the results in this folder."),
        ):
            function = option(function)
        return function

    return add


def common(function: Command) -> Command:
    """--queries and --collection."""
    for option in (
        click.option("--collection", help="Ask one collection only."),
        click.option(
            "--queries",
            required=True,
            type=FILE,
            metavar="Q.jsonl",
            help="Judged questions: JSON lines or a BEIR folder.",
        ),
    ):
        function = option(function)
    return function


def load_cases(queries: Path, qrels: Path | None = None) -> list[Case]:
    """The cases of a query file or BEIR folder; with `qrels` (TREC, over whole documents) judged by those instead."""
    cases = read_beir(queries)[1] if queries.is_dir() else read_cases(queries)
    if qrels is None:
        return cases
    judged = read_trec_qrels(qrels)
    unasked = sorted(set(judged) - {case.id for case in cases})
    if unasked:
        raise UsageError(f"{qrels} judges {unasked[0]!r}, which {queries} does not ask.")
    return [replace(cases_of(case.id, case.query, judged.get(case.id, {})), type=case.type) for case in cases]


def end(shortfalls: Sequence[str]) -> None:
    """Leave with exit code 3 where something fell short."""
    if shortfalls:
        for line in shortfalls:
            click.echo(f"cuecard: fell short: {line}", err=True)
        click.get_current_context().exit(FELL_SHORT)
