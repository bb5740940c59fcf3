"""`cuecard eval`: offline evaluation."""

from __future__ import annotations

import click

from eval.cli_answers import answers
from eval.cli_confidence import fit_confidence
from eval.cli_export import export
from eval.cli_retrieval import retrieval


@click.group()
def command() -> None:
    """Measure retrieval and answers against judged questions, and fit the confidence model."""


command.add_command(retrieval)
command.add_command(answers)
command.add_command(fit_confidence)
command.add_command(export)
