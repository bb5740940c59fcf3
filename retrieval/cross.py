"""Any cross-encoder as reranker: `CUECARD_RERANK_MODEL`. Far slower than late interaction; loaded where it is set."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from ingest.errors import ModelError
from retrieval.ports import Embedder, Vectors

_AT_ONCE = 16


class CrossEncoderReranker:
    """The `Reranker` over a sentence-transformers CrossEncoder with one output. Loaded with the first question.

    `weight`: a model that reads question and passage together is believed more than everything before it.
    """

    weight = 4.0

    def __init__(self, name: str, embedder: Embedder) -> None:
        """`name`: a hub name or a folder. Nothing is raised here."""
        self._name = name
        self._embedder = embedder
        self._loading = threading.Lock()
        self._model: Any = None

    def read(self, query: str) -> tuple[Vectors, str]:
        """As the port says."""
        return self._embedder.embed_queries([query])[0], query

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """The model's probability that each passage answers, 0..1. Raises ModelError."""
        if not passages:
            return []
        try:
            model = self._loaded()
            found = model.predict(
                [(question, passage) for passage in passages], batch_size=_AT_ONCE, show_progress_bar=False
            )
        except ModelError:
            raise
        except Exception as error:  # torch, transformers and the hub raise all kinds
            raise self._failed(error) from error
        return [min(1.0, max(0.0, float(score))) for score in found]

    def kept(self, passage: str) -> Iterator[tuple[str, str, str]]:  # noqa: ARG002 - nothing is kept
        """As the port says."""
        return iter(())

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                import torch
                from sentence_transformers import CrossEncoder

                model = CrossEncoder(self._name, device="cpu", activation_fn=torch.nn.Sigmoid())
                if model.num_labels != 1:
                    raise ModelError(
                        f"The reranker {self._name} gives {model.num_labels} scores for a passage; one is needed.",
                        hint="Set CUECARD_RERANK_MODEL to a cross-encoder for ranking.",
                    )
                self._model = model
            return self._model

    def _failed(self, error: Exception) -> ModelError:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return ModelError(
            f"The reranker {self._name} can't be used: {first}",
            hint="Set CUECARD_RERANK_MODEL to a cross-encoder that is on this machine, or to none.",
        )
