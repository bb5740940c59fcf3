"""How near short texts are to a question, by the embedding model; vectors are remembered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from answering.ports import Embedder, Vectors
from ingest.errors import ModelError
from retrieval.cache import LruCache

CUT = 160  # characters of a text that are embedded: what a unit is about shows early, and time grows with length
_KEPT_PASSAGES, _KEPT_QUESTIONS = 4096, 256


class Similarity:
    """Cosines between questions and passages. Thread-safe. Without an embedder there are none."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._passages: LruCache[str, Vectors] = LruCache(_KEPT_PASSAGES)
        self._questions: LruCache[str, Vectors] = LruCache(_KEPT_QUESTIONS)

    def of(self, question: str, texts: Sequence[str]) -> list[float] | None:
        """The cosine of each text to the question, -1..1; None where there is no model, or it fails."""
        if self._embedder is None or not texts:
            return None
        try:
            return self._cosines(self._embedder, question, [text[:CUT] for text in texts])
        except ModelError:
            return None

    def _cosines(self, embedder: Embedder, question: str, texts: Sequence[str]) -> list[float]:
        query = self._questions.get(question)
        if query is None:
            query = embedder.embed_queries([question])[0]
            self._questions.put(question, query)
        fresh = [text for text in dict.fromkeys(texts) if self._passages.get(text) is None]
        known = dict(zip(fresh, embedder.embed_passages(fresh) if fresh else (), strict=True))
        for text, vector in known.items():
            self._passages.put(text, vector)
        found = [known[text] if text in known else self._passages.get(text) for text in texts]
        return [float(np.dot(vector, query)) if vector is not None else 0.0 for vector in found]
