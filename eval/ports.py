"""What an evaluation needs from the other rooms and from the command line, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from answering.answers import Answer
from ingest.catalog_info import DocumentInfo
from ingest.items import Document
from retrieval.build import Retrieval
from retrieval.hits import SearchResult
from retrieval.ports import ChunkCatalog


class Catalog(ChunkCatalog, Protocol):
    """The library: which documents are served, and what is in them."""

    def documents(self, collection: str | None = None) -> Sequence[DocumentInfo]:
        """The documents that are served."""

    def load(self, version_key: int) -> Document:
        """A version as it was parsed, with its canonical text and its chunks."""


class Retriever(Protocol):
    """The system whose ranking is measured."""

    def search(self, query: str, *, k: int, collection: str | None) -> SearchResult:
        """The best `k` hits, of one collection where one is named."""


class Answerer(Protocol):
    """The system whose answers are measured."""

    def ask(self, question: str, *, collection: str | None) -> Answer:
        """An answer with its sources."""

    def evidence(self, question: str, *, collection: str | None) -> Mapping[str, float]:
        """How well what is found fits a question, in numbers."""


class Parts(Protocol):
    """An opened home."""

    @property
    def catalog(self) -> Catalog: ...

    @property
    def retrieval(self) -> Retrieval: ...

    @property
    def retriever(self) -> Retriever: ...

    @property
    def answerer(self) -> Answerer: ...


class Settings(Protocol):
    """What this process runs with."""

    @property
    def cache(self) -> Path:
        """The folder for exported models."""

    @property
    def verifier(self) -> str | None:
        """The model that checks claims, by name or path; None for the one that ships."""

    @property
    def embed_model(self) -> str | None:
        """The embedding model, by name or path; None for the default."""


class Home(Protocol):
    """The click context object that every command is given."""

    @property
    def chatty(self) -> bool:
        """Whether somebody watches a terminal, and wants no JSON."""

    def settings(self) -> Settings:
        """The settings of this process. Raises SettingsError."""

    def open_parts(self) -> AbstractContextManager[Parts]:
        """The parts of the home, while the block runs. Raises HomeBusyError, NotFoundError."""

    def show(self, body: dict[str, Any], as_text: Callable[[dict[str, Any]], str]) -> None:
        """Print `body` as one JSON document, or as `as_text` words it, whichever was asked for."""
