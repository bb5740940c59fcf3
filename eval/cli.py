"""`cuecard eval`: offline evaluation."""

from __future__ import annotations

import click

from eval.cli_answers import answers
from eval.cli_cases import cases
from eval.cli_confidence import fit_confidence
from eval.cli_conflicts import conflicts
from eval.cli_export import export
from eval.cli_grounding import grounding
from eval.cli_reranker import fit_reranker
from eval.cli_retrieval import retrieval
from eval.cli_verifier import fit_verifier, perturb
from eval.latency import latency
from eval.load import load
from eval.parsing import parsing


@click.group()
def command() -> None:
    """Measure retrieval, answers, grounding, parsing and speed, and fit what is fitted."""


command.add_command(retrieval)
command.add_command(answers)
command.add_command(grounding)
command.add_command(fit_confidence)
command.add_command(fit_reranker)
command.add_command(cases)
command.add_command(fit_verifier)
command.add_command(perturb)
command.add_command(conflicts)
command.add_command(export)
command.add_command(latency)
command.add_command(parsing)
command.add_command(load)
