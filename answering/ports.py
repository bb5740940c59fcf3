"""What answering needs from retrieval, the catalog, and a checker, in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from answering.answers import CheckReport, Claim, GivenSource, Source
from ingest.items import Item
from ingest.view import EVERYTHING, View
from retrieval.hits import SearchResult
from retrieval.ports import ArmHit

Vectors = npt.NDArray[np.float32]
Filters = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class MarkedSource:
    """A source's text, and the marker under which an answer cites it."""

    marker: int
    text: str


@dataclass(frozen=True, slots=True)
class CitedStretch:
    """`answer[start:end]` cites the source of this marker."""

    start: int
    end: int
    marker: int


class Listener(Protocol):
    """Hears an answer while it is made."""

    def sources(self, sources: Sequence[Source]) -> None:
        """What the answer may cite; told once, before any text."""

    def text(self, piece: str) -> None:
        """The next piece of the text; told once it is checked, and never taken back."""


class Retriever(Protocol):
    """Finds what fits a question."""

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        collection: str | None = None,
        filters: Filters | None = None,
        view: View = EVERYTHING,
    ) -> SearchResult:
        """The best `k` hits that `view` may see. Raises UsageError for an unknown filter."""

    def unknown_terms(self, terms: Sequence[str], *, view: View = EVERYTHING) -> Set[str]:
        """Of these index terms those that nothing which `view` may see has; none where that can't be told."""


class Catalog(Protocol):
    """The truth that citations are checked against."""

    def text(self, version_key: int) -> str:
        """The canonical text of a version. Raises NotFoundError."""

    def pages(self, version_key: int) -> Sequence[int]:
        """The 1-based lines at which pages begin; none where the format has no pages."""

    def item(self, version_key: int, item_id: str) -> Item:
        """An item of a version. Raises NotFoundError."""

    def twins(self, version_key: int, item_id: str) -> Set[tuple[int, str]]:
        """The items of other documents, by version, that ask what this one asks."""


class QuestionIndex(Protocol):
    """The index as linking sees it."""

    def nearest_questions(
        self, vectors: Vectors, *, limit: int, filters: Mapping[str, Sequence[str]]
    ) -> Sequence[Sequence[ArmHit]]:
        """For each of float32 [n, d], the points whose questions come nearest. Raises IndexUnavailableError."""


class Embedder(Protocol):
    """Texts to unit vectors."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, d], unit length. Raises ModelError."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, d], unit length. Raises ModelError."""


class Checker(Protocol):
    """Says whether sources support a text."""

    @property
    def threshold(self) -> float:
        """The score from which a claim counts as supported, 0..1."""

    def check(self, answer: str, sources: Sequence[GivenSource], question: str | None = None) -> CheckReport:
        """Check any text against any sources."""

    def check_cited(
        self,
        answer: str,
        sources: Sequence[MarkedSource],
        cited: Sequence[CitedStretch],
        question: str | None = None,
    ) -> tuple[Claim, ...]:
        """Check an answer whose stretches cite one source each."""
