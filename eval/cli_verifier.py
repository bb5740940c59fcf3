"""`cuecard eval fit-verifier` and `cuecard eval perturb`: what the learned verifier is made and probed with."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import click

from answering.ground.verifier import FOLDER
from eval.options import FILE
from eval.perturb import answers_of, pairs
from eval.ports import Home
from ingest.errors import UsageError

_PROBED = 200


@click.command(name="perturb")
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="PATH...")
@click.option("--output", required=True, type=FILE, metavar="PAIRS.jsonl", help="Where the pairs go.")
@click.option("--count", type=click.IntRange(min=1), default=1000, show_default=True, help="So many of each label.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--unseen", is_flag=True, help="Exchange only words that `fit-verifier` has not been trained on: half of the lists."
)
@click.pass_obj
def perturb(home: Home, paths: Sequence[Path], output: Path, count: int, seed: int, unseen: bool) -> None:
    """Make a grounding set of the answers in documents: one fact changed, or only the wording.

    `cuecard eval grounding --pairs PAIRS.jsonl` then says how many of each kind the checker notices.
    """
    answers = answers_of(paths)
    if not answers:
        raise UsageError("These documents hold no answers.", hint="Name files or folders with questions and answers.")
    made = list(pairs(answers, count, seed, part=1 if unseen else None))
    output.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in made), encoding="utf-8")
    kinds = Counter(pair["type"] for pair in made)
    home.show({"pairs": len(made), "answers": len(answers), "kinds": dict(kinds), "output": str(output)}, _as_text)


@click.command(name="fit-verifier")
@click.option("--grounding", "sets", multiple=True, required=True, type=FILE, help="Labelled answers. Repeatable.")
@click.option("--documents", multiple=True, required=True, type=FILE, help="Documents to edit. Repeatable.")
@click.option("--edited", type=click.IntRange(min=0), default=8_000, show_default=True, help="Edited sentences.")
@click.option("--general", type=click.IntRange(min=0), default=7_000, show_default=True, help="Edited sources.")
@click.option("--encoder", default="", help="Folder of an encoder (default: the embedding model's).")
@click.option("--output", type=FILE, metavar="DIR", default=FOLDER, help="Where the verifier goes.")
@click.pass_obj
def fit_verifier(
    home: Home, sets: Sequence[Path], documents: Sequence[Path], edited: int, general: int, encoder: str, output: Path
) -> None:
    """Fine-tune the checker's verifier and write it as it ships. Takes about half an hour on two cores.

    A fifth of the labelled answers, by source, is left out: `python -m answering.ground.fit` weighs verifier and
    checks on those.
    """
    from eval.verifier_data import known
    from eval.verifier_train import Recipe, export, recipe_of, train
    from retrieval.export import quiet
    from retrieval.models import find_source

    examples, counts = known(sets, documents, edited, general)
    probe = Random(0).sample(examples, min(_PROBED, len(examples)))  # noqa: S311 - a sample, not a secret
    recipe = Recipe()
    with click.progressbar(length=1, label="training", file=sys.stderr, hidden=not home.chatty) as bar:

        def tell(steps: int, loss: float) -> None:
            bar.length = steps
            bar.label = f"training, loss {loss:.3f}"
            bar.update(1)

        with quiet():
            model, tokenizer = train(find_source(encoder), examples, recipe, tell)
    card = {"examples": counts, "recipe": recipe_of(recipe), "data": {path.name: _digest(path) for path in sets}}
    with quiet():
        written = export(model, tokenizer, output, card, probe)
    home.show({**written, "output": str(output)}, lambda body: json.dumps(body, indent=2))


def _digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _as_text(body: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in body["kinds"].items())
    return f"{body['pairs']} pairs from {body['answers']} answers: {kinds}\n{body['output']}"
