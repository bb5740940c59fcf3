"""Texts to vectors through ONNX Runtime, from a folder that `retrieval.export` wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.errors import ModelError
from retrieval.ports import Vectors

GRAPH, WEIGHTS, TOKENIZER, CARD = "model.onnx", "model.onnx.data", "tokenizer.json", "card.json"
FILES = (GRAPH, WEIGHTS, TOKENIZER, CARD)

# Tokens of one padded batch, measured on two cores: larger ones leave the processor's caches and run slower.
_BATCH_TOKENS = 4096
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the graph does not say. `inputs`: the graph's inputs in order. `pad_id`: the tokenizer's padding token."""

    name: str
    fingerprint: str
    dim: int
    max_tokens: int
    inputs: tuple[str, ...]
    pad_id: int = 0
    query_prompt: str = ""
    passage_prompt: str = ""

    def write(self, folder: Path) -> None:
        """Keep the card beside the graph."""
        (folder / CARD).write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """The card of an exported model. Raises ModelError."""
        try:
            fields = json.loads((folder / CARD).read_text(encoding="utf-8"))
            return cls(**{**fields, "inputs": tuple(fields["inputs"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _broken(folder, error) from error


class OnnxEmbedder:
    """An exported sentence-transformers model: pooling, further layers and prompts are part of it. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        """Load the model (about 50 ms for MiniLM). Raises ModelError."""
        self.card = ModelCard.read(folder)
        self._tokenizer = _load_tokenizer(folder, self.card.max_tokens)
        self._session = open_session(folder)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.card.dim

    @property
    def fingerprint(self) -> str:
        """Names the model and everything that shapes its vectors."""
        return self.card.fingerprint

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut here, special tokens included."""
        return self.card.max_tokens

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError."""
        return self._embed([self.card.query_prompt + text for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError."""
        return self._embed([self.card.passage_prompt + text for text in texts])

    def _embed(self, texts: list[str]) -> Vectors:
        """Batches of texts of like length, each padded to its longest."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        encodings = self._tokenizer.encode_batch(texts)
        order = sorted(range(len(texts)), key=lambda i: -len(encodings[i].ids))
        start = 0
        while start < len(order):
            longest = max(1, len(encodings[order[start]].ids))
            batch = order[start : start + max(1, _BATCH_TOKENS // longest)]
            vectors[batch] = self._run([encodings[i] for i in batch], longest)
            start += len(batch)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)

    def _run(self, encodings: list[Any], longest: int) -> Vectors:
        fields = {
            "input_ids": _padded([e.ids for e in encodings], longest, self.card.pad_id),
            "attention_mask": _padded([e.attention_mask for e in encodings], longest, 0),
            "token_type_ids": _padded([e.type_ids for e in encodings], longest, 0),
        }
        try:
            found = self._session.run(None, {name: fields[name] for name in self.card.inputs})[0]
        except Exception as error:  # the runtime raises many kinds, all of them its own
            raise ModelError(f"The embedding model {self.card.name} failed: {error}.") from error
        return np.asarray(found, dtype=np.float32)


def open_session(folder: Path) -> Any:
    """An ONNX Runtime session over an exported graph, which is optimised already. Raises ModelError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = min(_MOST_THREADS, os.cpu_count() or 1)
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _broken(folder, error) from error


def _load_tokenizer(folder: Path, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:
        raise _broken(folder, error) from error
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def _padded(rows: list[list[int]], longest: int, filler: int) -> npt.NDArray[np.int64]:
    table = np.full((len(rows), longest), filler, dtype=np.int64)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    return table


def _broken(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"The embedding model in {folder} can't be loaded: {error}.",
        hint="Delete that folder and try again: it is exported anew.",
    )
