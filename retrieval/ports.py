"""What retrieval needs from models, indexes and the catalog, in its own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ingest.items import StoredChunk
from ingest.view import EVERYTHING, View
from retrieval.hits import Arm

Vectors = npt.NDArray[np.float32]

# The payload keys of every point that a search can be filtered by.
FILTER_KEYS = (
    "collection",
    "kind",
    "document",
    "topic",
    "level",
    "difficulty",
    "role",
    "company",
    "candidate",
    "audience",
    "trust",
    "tags",
)
Filters = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Dimensions (unsigned 32-bit, ascending, distinct) with their values (> 0). May be empty."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """One chunk of one version as the index keeps it.

    `payload`: values to filter by, under FILTER_KEYS. `passage`: float32 [d]. `questions`: float32 [n, d], n may be 0.
    """

    version_key: int
    chunk_id: str
    payload: Mapping[str, Sequence[str]]
    passage: Vectors
    questions: Vectors
    terms: SparseVector


class ArmHit(NamedTuple):
    """What one arm found. `score`: cosine for the dense arms (the best of a chunk's questions), BM25 for the sparse."""

    version_key: int
    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class ArmResults:
    """The hits of each arm, best first, and the IDF of query terms by dimension.

    An IDF of 0 means that no point has the term. Of a very long query not every term has one. `floors`: the lowest
    score of an arm that takes in every chunk and gave as many hits as it was asked for: what others score at most.
    """

    arms: Mapping[Arm, Sequence[ArmHit]] = field(default_factory=dict)
    idf: Mapping[int, float] = field(default_factory=dict)
    floors: Mapping[Arm, float] = field(default_factory=dict)


class Upkeep(NamedTuple):
    """What an index needs from time to time: to be made anew.

    `dead`: about how many points were replaced or dropped that the engine still keeps. `wants_tuning`: so many points
    came since it was last arranged for questions, if ever, that doing so would make them faster.
    """

    dead: int
    wants_tuning: bool


class Embedder(Protocol):
    """Texts to unit vectors. Queries and passages may be embedded differently."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def fingerprint(self) -> str:
        """Names the model and everything that shapes its vectors."""

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut here."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError."""


class Reranker(Protocol):
    """Looks again at the passages that the arms found. Thread-safe."""

    @property
    def weight(self) -> float:
        """How much its scores count beside the fused score, which counts 1."""

    def read(self, query: str) -> tuple[Vectors, Any]:
        """The question's vector, float32 [dim], and what `scores` wants to know of it. Raises ModelError."""

    def scores(self, question: Any, passages: Sequence[str]) -> Sequence[float]:
        """How well each passage answers, 0..1. `question`: as `read` gave it. Raises ModelError."""

    def kept(self, passage: str) -> Iterator[tuple[str, str, str]]:
        """(model, role, text) of what it keeps of a passage in the embedding cache."""


class VectorIndex(Protocol):
    """Three arms over the same points. Safe to call from several threads.

    Opened or connected with the first call. Every call but `close` raises IndexUnavailableError, also where the index
    was made for other vectors, and HomeBusyError where another process has it.
    """

    def generation(self) -> str:
        """Names this very index: changes when it is made anew, so that its owner knows to fill it."""

    def renewed(self, *, tuned_for: int = 0) -> AbstractContextManager[None]:
        """Make the index anew, also where it can't be used: what is written in the block is all it holds afterwards.

        Meanwhile questions are answered by what there was, as far as it could. `tuned_for`: about so many points
        come, and what makes questions to that many faster is done too, which may take minutes; 0: none of that.
        """

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced."""

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored."""

    def query(
        self,
        terms: SparseVector,
        vector: Vectors | None,
        *,
        limit: int,
        filters: Filters,
        view: View = EVERYTHING,
    ) -> ArmResults:
        """Ask all arms at once, for `limit` hits each. `vector`: float32 [d]; None leaves the dense arms out.

        A point passes `filters` when for every key it has one of the values. What `view` hides is not there: neither
        as a hit nor as a point that has a term.
        """

    def nearest_questions(self, vectors: Vectors, *, limit: int, filters: Filters) -> list[list[ArmHit]]:
        """For each of float32 [n, d], the `limit` points whose questions come nearest, best first."""

    def stored_vectors(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], tuple[Vectors, Vectors]]:
        """float32 [d] and [n, d]: the passage's vector and the questions' of (version key, chunk id) pairs.

        As the index keeps them, of unit length, maybe rounded to 16 bits; points that are not there are left out.
        """

    def held_terms(self, keys: Sequence[tuple[int, str]], terms: Set[int]) -> dict[tuple[int, str], frozenset[int]]:
        """Which of these terms, by dimension, each of (version key, chunk id) pairs has.

        Points that are not there are left out.
        """

    def count(self) -> int:
        """How many points there are."""

    def version_counts(self) -> dict[int, int]:
        """How many points each version has, of those that have any."""

    def upkeep(self) -> Upkeep:
        """What it drags along, and whether tuning would make it faster."""

    def probe(self) -> None:
        """Look for damage, as far as that can be done. Raises IndexUnavailableError where there is some."""

    def flush(self) -> None:
        """Returns when everything written is durable."""

    def close(self) -> None:
        """Flush and let go. Closing twice is fine."""


class ChunkCatalog(Protocol):
    """The catalog as retrieval sees it: what is live, and its text."""

    def live_chunks(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], StoredChunk]:
        """The chunks of (version key, chunk id) pairs; those of versions that are not live are left out."""

    def live_versions(self, view: View = EVERYTHING) -> set[int]:
        """The keys of all live versions that `view` may see."""

    def sequence(self) -> int:
        """Grows with every change of the library."""
