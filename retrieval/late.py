"""Late interaction: how well the tokens of a passage answer those of a question, one by one.

MaxSim (Khattab and Zaharia, ColBERT, 2020): each token of the question meets the most similar token of the passage.
The tokens are those that the embedding model gives anyway, on their way to the one vector of a text; a small head
(`late.npz`) makes them short, and tells how much a token of a question counts. `cuecard eval fit-reranker` makes it.

    question tokens [n, 384] -> unit [n, 64] · weight [n]      passage tokens [m, 384] -> unit [m, 64], as int8

No pass through a model is needed at question time, and no token of a passage is computed twice: they are kept beside
the embeddings, and computed once more only where they were lost.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ingest.errors import ModelError
from retrieval.cache import EmbeddingCache, LruCache
from retrieval.ports import Vectors

HEAD = Path(__file__).with_name("late.npz")
"""The head of the default model."""
ROLE = "tokens"
"""Of the rows in the embedding cache that hold the tokens of passages."""

_SCALE = 127  # of unit vectors as int8
_KEPT = 4096  # passages' tokens in memory, some 8 kB each
_MOST = 256  # tokens of one question or passage that count; the model cuts there too

Tokens = npt.NDArray[np.int8]


class TokenEmbedder(Protocol):
    """An embedder that gives its tokens away."""

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def max_tokens(self) -> int: ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors: ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors: ...

    def read_queries(self, texts: Sequence[str]) -> tuple[Vectors, list[Vectors]]:
        """`embed_queries`, and of each text its tokens: float32 [n, h]. Raises ModelError."""

    def read_passages(self, texts: Sequence[str]) -> tuple[Vectors, list[Vectors]]:
        """`embed_passages`, and of each text its tokens: float32 [n, h]. Raises ModelError."""

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each passage the word pieces that `read_passages` gives the vectors of."""


@dataclass(frozen=True)
class LateHead:
    """`projection`: float32 [h, d]. `salience`: float32 [h + 1], a linear model of a token's weight, intercept last.

    `model`: the fingerprint of the embedding model it was made for. `least`: the least weight of a token.
    """

    model: str
    projection: Vectors
    salience: Vectors
    least: float

    @classmethod
    def read(cls, path: Path) -> LateHead:
        """The head in a file. Raises ModelError."""
        try:
            with np.load(path, allow_pickle=False) as file:
                projection = file["projection"].astype(np.float32)
                salience = file["salience"].astype(np.float32)
                return cls(str(file["model"]), projection, salience, float(file["least"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"The reranker in {path} can't be read: {error}.", hint="Install cuecard anew.") from error

    def write(self, path: Path) -> None:
        """Keep the head in a file."""
        short = self.projection.astype(np.float16)
        np.savez_compressed(
            path, model=self.model, least=self.least, projection=short, salience=self.salience.astype(np.float32)
        )

    @cached_property
    def fingerprint(self) -> str:
        """Names everything that shapes a passage's tokens."""
        return f"late-1 {self.model} {hashlib.sha256(self.projection.tobytes()).hexdigest()[:16]}"

    def passage(self, tokens: Vectors) -> Tokens:
        """int8 [n, d]: a passage's tokens, short, as they are kept."""
        return np.rint(unit(unit(tokens[:_MOST]) @ self.projection) * _SCALE).astype(np.int8)

    def query(self, tokens: Vectors) -> Vectors:
        """float32 [n, d]: a question's tokens, short, each as long as its share in the score."""
        whole = unit(tokens[:_MOST])
        weights = np.maximum(whole @ self.salience[:-1] + self.salience[-1], self.least)
        return np.asarray(unit(whole @ self.projection) * (weights / max(weights.sum(), 1e-9))[:, None], np.float32)


class LateReranker:
    """The `Reranker` of the default model: passages are scored by their tokens. Thread-safe.

    `weight`: nDCG@10 on the development benchmark 0.816 at 0, 0.829 at 0.5, 0.834 at 1, 0.829 at 2; on the bundled
    corpus 0.730, 0.755, 0.749, 0.740. See docs/reranker.md.
    """

    weight = 1.0

    def __init__(
        self, embedder: TokenEmbedder, head: LateHead, cache: EmbeddingCache, *, asking: TokenEmbedder | None = None
    ) -> None:
        """`asking`: reads the questions, where that is another one than `embedder`, which reads passages."""
        self._embedder = embedder
        self._asking = asking or embedder
        self.head = head
        self._cache = cache
        self._kept: LruCache[str, Tokens] = LruCache(_KEPT)

    def read(self, query: str) -> tuple[Vectors, Vectors]:
        """The question's vector, float32 [dim], and its tokens as `scores` takes them. Raises ModelError."""
        vectors, tokens = self._asking.read_queries([query])
        return vectors[0], self.head.query(tokens[0])

    def scores(self, question: Vectors, passages: Sequence[str]) -> list[float]:
        """MaxSim of each passage, 0..1: the weighted mean of the cosines of the question's tokens. Raises ModelError.

        `question`: as `read` gives it. `passages`: texts as they were embedded.
        """
        if not len(question) or not passages:
            return [0.0] * len(passages)
        return [min(1.0, max(0.0, score)) for score in max_sim(question, self._tokens(passages))]

    def kept(self, passage: str) -> Iterator[tuple[str, str, str]]:
        """As the port says."""
        yield self.head.fingerprint, ROLE, passage

    def _tokens(self, passages: Sequence[str]) -> list[Tokens]:
        found = {text: tokens for text in passages if (tokens := self._kept.get(text)) is not None}
        wanted = [text for text in dict.fromkeys(passages) if text not in found]
        width = self.head.projection.shape[1]
        for text, blob in self._cache.read_blobs(self.head.fingerprint, ROLE, wanted).items():
            if len(blob) % width == 0:
                found[text] = np.frombuffer(blob, np.int8).reshape(-1, width)
        lost = [text for text in wanted if text not in found]
        if lost:
            found |= keep_tokens(self._cache, self.head, lost, self._embedder.read_passages(lost)[1])
        for text in wanted:
            self._kept.put(text, found[text])
        return [found[text] for text in passages]


class LateEmbedder:
    """An embedder that keeps the tokens of every passage it embeds, for the reranker."""

    def __init__(self, inner: TokenEmbedder, head: LateHead, cache: EmbeddingCache) -> None:
        self.inner, self._head, self._cache = inner, head, cache
        self.dim, self.fingerprint, self.max_tokens = inner.dim, inner.fingerprint, inner.max_tokens

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As the port says."""
        return self.inner.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """As the port says."""
        vectors, tokens = self.inner.read_passages(texts)
        keep_tokens(self._cache, self._head, texts, tokens)
        return vectors


def keep_tokens(
    cache: EmbeddingCache, head: LateHead, texts: Sequence[str], tokens: Sequence[Vectors]
) -> dict[str, Tokens]:
    """Write the tokens of these passages to the cache; them, by text."""
    short = {text: head.passage(own) for text, own in zip(texts, tokens, strict=True)}
    cache.write_blobs(head.fingerprint, ROLE, {text: own.tobytes() for text, own in short.items()})
    return short


def max_sim(query: Vectors, passages: Sequence[Tokens]) -> list[float]:
    """The sum over the question's tokens of the greatest product with a token of the passage; 0 without any.

    `query`: float32 [n, d], lengths that add up to 1. `passages`: int8 [m, d] each, as `LateHead.passage` makes them.
    """
    scores = np.zeros(len(passages), dtype=np.float32)
    filled = [at for at, tokens in enumerate(passages) if len(tokens)]
    if filled:
        together = np.concatenate([passages[at] for at in filled]).astype(np.float32)
        starts = np.cumsum([0, *(len(passages[at]) for at in filled[:-1])])
        scores[filled] = np.maximum.reduceat(together @ query.T, starts, axis=0).sum(axis=1) / _SCALE
    return [float(score) for score in scores]


def unit(vectors: Vectors) -> Vectors:
    """Each row at length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), dtype=np.float32)
