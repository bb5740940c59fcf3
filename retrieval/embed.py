"""Texts to vectors through ONNX Runtime, from a folder that `retrieval.export` wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.errors import ModelError
from retrieval.ports import Vectors

TEXT_VECTORS, TOKEN_VECTORS = "text_vectors", "token_vectors"
"""The graph's outputs; a model that has no tokens lacks the second."""
GRAPH, WEIGHTS, TOKENIZER, CARD = "model.onnx", "model.onnx.data", "tokenizer.json", "card.json"
QUICK, QUICK_WEIGHTS = "quick-3.onnx", "quick-3.onnx.data"  # other names, and kept exports are made anew
"""A smaller graph, for single questions; empty where the model has none."""
FILES = (GRAPH, WEIGHTS, QUICK, QUICK_WEIGHTS, TOKENIZER, CARD)

# Tokens of one padded batch, measured on two cores: larger ones leave the processor's caches and run slower. And what
# a run of the graph costs by itself, in tokens: batches of 512 tokens took 12 % longer for each than those of 4096.
_BATCH_TOKENS, _RUN_TOKENS = 4096, 64
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the graph does not say. `inputs`: the graph's inputs in order. `pad_id`: the tokenizer's padding token.

    `tokens`: whether the graph gives the vectors of tokens as well.
    """

    name: str
    fingerprint: str
    dim: int
    max_tokens: int
    inputs: tuple[str, ...]
    pad_id: int = 0
    query_prompt: str = ""
    passage_prompt: str = ""
    tokens: bool = False

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

    def __init__(self, folder: Path, *, quick: bool = False) -> None:
        """Load the model (about 50 ms for MiniLM). Raises ModelError.

        `quick`: its smaller graph, where it has one (`retrieval.quick`). Texts go through that one by one, on one
        thread: so a vector never depends on others, and with few tokens a second thread made it slower.
        """
        self.card = ModelCard.read(folder)
        self._tokenizer = _load_tokenizer(folder, self.card.max_tokens)
        self._alone = quick and (folder / QUICK).is_file() and (folder / QUICK).stat().st_size > 0
        self._session = _open_session(folder, QUICK, 1) if self._alone else _open_session(folder, GRAPH, _MOST_THREADS)

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

    def read_queries(self, texts: Sequence[str]) -> tuple[Vectors, list[Vectors]]:
        """`embed_queries`, and of each text the vectors of its tokens, special ones left out. Raises ModelError."""
        return self._read([self.card.query_prompt + text for text in texts])

    def read_passages(self, texts: Sequence[str]) -> tuple[Vectors, list[Vectors]]:
        """`embed_passages`, and of each text the vectors of its tokens, special ones left out. Raises ModelError."""
        return self._read([self.card.passage_prompt + text for text in texts])

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each passage the word pieces that `read_passages` gives the vectors of."""
        encodings = self._tokenizer.encode_batch([self.card.passage_prompt + text for text in texts])
        return [
            [piece for piece, special in zip(e.ids, e.special_tokens_mask, strict=True) if not special]
            for e in encodings
        ]

    def _embed(self, texts: list[str]) -> Vectors:
        """In batches of texts of like length, each padded to its longest."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for batch, _, (found,) in self._batches(texts, [TEXT_VECTORS]):
            vectors[batch] = found
        return _unit(vectors)

    def _read(self, texts: list[str]) -> tuple[Vectors, list[Vectors]]:
        if not self.card.tokens:
            raise ModelError(f"The embedding model {self.card.name} has no tokens.", hint="Take another model.")
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        tokens = [vectors[:0]] * len(texts)
        for batch, encodings, (found, inner) in self._batches(texts, [TEXT_VECTORS, TOKEN_VECTORS]):
            vectors[batch] = found
            for at, encoding, rows in zip(batch, encodings, inner, strict=True):
                words = np.flatnonzero(np.asarray(encoding.special_tokens_mask) == 0)
                tokens[at] = rows[words].astype(np.float32)
        return _unit(vectors), tokens

    def _batches(self, texts: list[str], outputs: list[str]) -> Iterator[tuple[list[int], list[Any], list[Any]]]:
        """Which texts, their encodings, and the graph's outputs for them."""
        encodings = self._tokenizer.encode_batch(texts)
        order = sorted(range(len(texts)), key=lambda i: -len(encodings[i].ids))
        lengths = [max(1, len(encodings[i].ids)) for i in order]
        for start, end in [(at, at + 1) for at in range(len(texts))] if self._alone else batches(lengths):
            batch = order[start:end]
            chosen = [encodings[i] for i in batch]
            yield batch, chosen, self._run(chosen, lengths[start], outputs)

    def feed(self, text: str) -> dict[str, npt.NDArray[np.int64]]:
        """What the graph is given for one text, as it stands."""
        encoding = self._tokenizer.encode(text)
        return self._inputs([encoding], max(1, len(encoding.ids)))

    def _inputs(self, encodings: list[Any], longest: int) -> dict[str, npt.NDArray[np.int64]]:
        fields = {
            "input_ids": _padded([e.ids for e in encodings], longest, self.card.pad_id),
            "attention_mask": _padded([e.attention_mask for e in encodings], longest, 0),
            "token_type_ids": _padded([e.type_ids for e in encodings], longest, 0),
        }
        return {name: fields[name] for name in self.card.inputs}

    def _run(self, encodings: list[Any], longest: int, outputs: list[str]) -> list[Any]:
        try:
            found: list[Any] = self._session.run(outputs, self._inputs(encodings, longest))
        except Exception as error:  # the runtime raises many kinds, all of them its own
            raise ModelError(f"The embedding model {self.card.name} failed: {error}.") from error
        return found


def batches(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Where to cut a descending list of lengths in tokens, so that padding and runs together cost the least.

    For 4,117 passages, 64 at a time: 595,000 tokens in greedily filled batches and 434,000 without any padding; cut
    so, padding and runs together cost 523,000 (659,000 before).
    """
    costs = [0, *[sum(lengths) * len(lengths) + 1] * len(lengths)]
    starts = [0] * len(costs)
    for start, longest in enumerate(lengths):
        for end in range(start + 1, min(len(lengths), start + max(1, _BATCH_TOKENS // longest)) + 1):
            cost = costs[start] + (end - start) * longest + _RUN_TOKENS
            if cost < costs[end]:
                costs[end], starts[end] = cost, start
    cuts = []
    end = len(lengths)
    while end:
        cuts.append((starts[end], end))
        end = starts[end]
    return cuts[::-1]


def _open_session(folder: Path, graph: str, threads: int) -> Any:
    """An ONNX Runtime session over an exported graph, which is optimised already. Raises ModelError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = min(threads, os.cpu_count() or 1)
    # Threads that wait for the next query by spinning take the cores from the index: with them a search over 4,116
    # chunks took 20 to 35 ms (p95 40 to 54) and 40 to 58 of processor time, without 16 to 18 (26 to 31) and 29 to 33.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(folder / graph), options, providers=["CPUExecutionProvider"])
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


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _padded(rows: list[list[int]], longest: int, filler: int) -> npt.NDArray[np.int64]:
    table = np.full((len(rows), longest), filler, dtype=np.int64)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    return table


def _broken(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"The embedding model in {folder} can't be loaded: {error}.",
        hint="`cuecard doctor --repair` prepares it anew.",
    )
