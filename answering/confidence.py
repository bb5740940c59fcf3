"""How sure the library is that it answers a question: a logistic model over the evidence of its search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from answering import logistic

MODEL = Path(__file__).with_name("confidence.json")


class ConfidenceModel:
    """Probabilities, 0..1. Below `threshold` an answer is not given (mode "auto") or marked as low confidence."""

    def __init__(self, model: logistic.Logistic | None = None) -> None:
        """`model`: over the features of `retrieval.evidence`; the one that ships where None. Raises ModelError."""
        self._model = model or logistic.load(MODEL)

    @property
    def threshold(self) -> float:
        """The probability from which a question counts as answerable."""
        return self._model.threshold

    def answerable(self, evidence: Mapping[str, float]) -> float:
        """The probability that something in the library answers the question, from what its search found."""
        return self._model.probability(evidence) if evidence else 0.0

    def of_answer(self, answerable: float, grounding: float) -> float:
        """The probability that an answer is right: that there is one, and that its weakest claim is supported.

        `grounding`: the weakest claim's score, 0..1. The two are taken as independent.
        """
        return answerable * grounding
