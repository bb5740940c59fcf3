"""The answering room wired from plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from answering import logistic
from answering.answerer import Answerer
from answering.confidence import ConfidenceModel
from answering.ground.checker import Checker as GroundingChecker
from answering.ground.verifier import Verifier
from answering.ports import Catalog, Checker, Embedder, Retriever

if TYPE_CHECKING:
    from answering.generate.generator import Generator
    from answering.generate.model import ModelSettings


def build_checker(weights: Path | None = None, *, verifier: Verifier | None = None) -> GroundingChecker:
    """The grounding checker; `weights` and `verifier` take the place of those that ship. Raises ModelError."""
    return GroundingChecker(logistic.load(weights) if weights else None, verifier)


def build_answerer(
    retriever: Retriever,
    catalog: Catalog,
    *,
    embedder: Embedder | None = None,
    checker: Checker | None = None,
    writer: Generator | None = None,
    confidence: Path | None = None,
    today: Callable[[], date] | None = None,
) -> Answerer:
    """Everything that answering needs.

    `embedder`: the retriever's own, so that one model is loaded. `checker`: a new one where None.
    `writer`: words answers, see `build_generator`; without one they are quoted. `confidence`: a
    fitted model in the place of the one that ships. `today`: injected by tests. Raises ModelError.
    """
    model = ConfidenceModel(logistic.load(confidence) if confidence else None)
    return Answerer(retriever, catalog, embedder, checker or build_checker(), model, writer=writer, today=today)


def build_generator(settings: ModelSettings) -> Generator:
    """What words answers with a language model; `timeout_s` is for all that is done for one answer.

    Raises ModelError where the model's package is not installed. No connection is made yet.
    """
    from answering.generate.calling import Caller
    from answering.generate.generator import Generator
    from answering.generate.model import open_model

    return Generator(Caller(open_model(settings)), settings.timeout_s)
