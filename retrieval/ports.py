"""What retrieval needs from models, indexes and the catalog, in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ingest.items import StoredChunk
from retrieval.hits import Arm

Vectors = npt.NDArray[np.float32]

# The payload keys of every point that a search can be filtered by.
FILTER_KEYS = (
    "collection",
    "kind",
    "document",
    "topic",
    "level",
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


class VectorIndex(Protocol):
    """Three arms over the same points. Safe to call from several threads.

    Opened or connected with the first call. Every call but `close` raises IndexUnavailableError, also where the index
    was made for other vectors, and HomeBusyError where another process has it.
    """

    def generation(self) -> str:
        """Names this very index: changes when it is created anew, so that its owner knows to fill it."""

    def recreate(self) -> None:
        """Remove what there is, and begin with an empty index, of a new generation."""

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced."""

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored."""

    def query(self, terms: SparseVector, vector: Vectors | None, *, limit: int, filters: Filters) -> ArmResults:
        """Ask all arms at once, for `limit` hits each. `vector`: float32 [d]; None leaves the dense arms out.

        A point passes `filters` when for every key it has one of the values.
        """

    def count(self) -> int:
        """How many points there are."""

    def flush(self) -> None:
        """Returns when everything written is durable."""

    def close(self) -> None:
        """Flush and let go. Closing twice is fine."""


class ChunkCatalog(Protocol):
    """The catalog as retrieval sees it: what is live, and its text."""

    def live_chunks(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], StoredChunk]:
        """The chunks of (version key, chunk id) pairs; those of versions that are not live are left out."""

    def live_versions(self) -> set[int]:
        """The keys of all live versions."""

    def sequence(self) -> int:
        """Grows with every change of the library."""
