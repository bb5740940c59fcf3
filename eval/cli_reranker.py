"""`cuecard eval fit-reranker`: the small head that makes the embedding model's tokens short, and weighs them."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from eval.options import FILE
from eval.ports import Home
from ingest.errors import UsageError
from retrieval.late import LateHead, TokenEmbedder, unit
from retrieval.ports import Vectors

LEAST = 0.3
"""The least weight of a token, as an inverse document frequency: a stop word counts a little."""

_RIDGE = 1e-4  # of the mean square of the tokens
_AT_ONCE = 256
_MOST_CHARS = 900  # of a passage, as long as a chunk

Matrix = npt.NDArray[np.float64]


@click.command(name="fit-reranker")
@click.option("--passages", "files", required=True, multiple=True, type=FILE, help="JSON lines with passages.")
@click.option("--field", default="answer", show_default=True, help="The field that holds the passage.")
@click.option("--sample", type=click.IntRange(min=100), default=3000, show_default=True, help="Passages to look at.")
@click.option("--dim", type=click.IntRange(8, 384), default=64, show_default=True, help="Length of a token.")
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the head goes.")
@click.pass_obj
def fit_reranker(home: Home, files: Sequence[Path], field: str, sample: int, dim: int, output: Path) -> None:
    """Fit the late-interaction head for the embedding model in use, on passages alone: no judgments are needed.

    The projection keeps the directions in which tokens differ most (the principal components of the tokens' second
    moments); the weight of a token is what a ridge regression makes of its vector to foresee how rare it is.
    """
    from retrieval.embed import OnnxEmbedder
    from retrieval.models import ensure_model

    settings = home.settings()
    texts = read_passages(files, field, sample)
    embedder = OnnxEmbedder(ensure_model(settings.embed_model or "", settings.cache, settings.cache))
    head, report = fit(embedder, texts, dim)
    head.write(output)
    home.show({**report, "output": str(output)}, _as_text)


def read_passages(files: Sequence[Path], field: str, sample: int) -> list[str]:
    """A sample of the passages in these files, always the same. Raises UsageError where there are too few."""
    texts: list[str] = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip():
                continue
            try:
                text = json.loads(line)[field]
            except (ValueError, KeyError, TypeError) as error:
                hint = f"Each line is a JSON object with a field {field!r}; --field names another one."
                raise UsageError(f"{path}:{number}: no passage can be read: {error}.", hint=hint) from error
            if isinstance(text, str) and text.strip():
                texts.append(text.strip()[:_MOST_CHARS])
    distinct = list(dict.fromkeys(texts))
    if len(distinct) < min(sample, 100):
        raise UsageError(f"There are only {len(distinct)} passages.", hint="Name more files.")
    random.Random(0).shuffle(distinct)  # noqa: S311 - a sample, not a secret
    return distinct[:sample]


def fit(embedder: TokenEmbedder, texts: Sequence[str], dim: int) -> tuple[LateHead, dict[str, Any]]:
    """The head for `embedder`, and figures on how well it fits: `variance` that is kept, `r` of the weights."""
    tokens, rarities = _tokens(embedder, texts)
    moments = tokens.T @ tokens / len(tokens)
    values, directions = np.linalg.eigh(moments)
    order = np.argsort(-values)[:dim]
    extended = np.hstack([tokens, np.ones((len(tokens), 1))])
    gram = extended.T @ extended / len(tokens) + _RIDGE * np.eye(extended.shape[1])
    salience = np.linalg.solve(gram, extended.T @ rarities / len(tokens))
    foreseen = extended @ salience
    projection = _signed(directions[:, order])
    report = {
        "passages": len(texts),
        "tokens": len(tokens),
        "dim": len(order),
        "variance": float(values[order].sum() / values.sum()),
        "r": float(np.corrcoef(foreseen, rarities)[0, 1]),
    }
    head = LateHead(embedder.fingerprint, projection.astype(np.float32), salience.astype(np.float32), LEAST)
    return head, report


def _signed(directions: Matrix) -> Matrix:
    """A principal component points either way: the one in which its greatest part is positive."""
    greatest = np.abs(directions).argmax(axis=0)
    return np.asarray(directions * np.sign(directions[greatest, np.arange(directions.shape[1])]))


def _tokens(embedder: TokenEmbedder, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
    """All tokens at length 1, float64 [n, h], and the inverse document frequency of each word piece, as BM25 has it."""
    rows: list[Vectors] = []
    names: list[list[int]] = []
    for start in range(0, len(texts), _AT_ONCE):
        _, found = embedder.read_passages(texts[start : start + _AT_ONCE])
        rows += found
        names += [list(ids) for ids in embedder.token_ids(texts[start : start + _AT_ONCE])]
    documents = Counter(token for own in names for token in set(own))
    rarity = {token: math.log(1 + (len(texts) - count + 0.5) / (count + 0.5)) for token, count in documents.items()}
    rarities = np.array([rarity[token] for own in names for token in own], dtype=np.float64)
    return unit(np.concatenate(rows)).astype(np.float64), rarities


def _as_text(body: dict[str, Any]) -> str:
    return (
        f"{body['passages']:,} passages, {body['tokens']:,} tokens: {body['dim']} of their dimensions hold "
        f"{body['variance']:.1%} of what they say; weights foreseen with r = {body['r']:.3f}.\n"
        f"Written to {body['output']}."
    )
