"""The answering room wired from plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from answering import logistic
from answering.answerer import Answerer
from answering.confidence import ConfidenceModel
from answering.ground.checker import Checker as GroundingChecker
from answering.ground.verifier import Verifier
from answering.ports import Catalog, Checker, Embedder, Retriever


def build_checker(weights: Path | None = None, *, verifier: Verifier | None = None) -> GroundingChecker:
    """The grounding checker; `weights` and `verifier` take the place of those that ship. Raises ModelError."""
    return GroundingChecker(logistic.load(weights) if weights else None, verifier)


def build_answerer(
    retriever: Retriever,
    catalog: Catalog,
    *,
    embedder: Embedder | None = None,
    checker: Checker | None = None,
    confidence: Path | None = None,
    today: Callable[[], date] | None = None,
) -> Answerer:
    """Everything that answering needs.

    `embedder`: the retriever's own, so that one model is loaded. `checker`: a new one where None. `confidence`: a
    fitted model in the place of the one that ships. `today`: injected by tests. Raises ModelError.
    """
    model = ConfidenceModel(logistic.load(confidence) if confidence else None)
    return Answerer(retriever, catalog, embedder, checker or build_checker(), model, today=today)
