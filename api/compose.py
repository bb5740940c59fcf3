"""Opening a home: the one place where the parts of all rooms are wired. Each part is made when it is first needed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from api.settings import Settings

if TYPE_CHECKING:
    from answering.answerer import Answerer
    from answering.generate.generator import Generator
    from answering.generate.model import Kind, ModelSettings
    from answering.ground.checker import Checker
    from api.library import Body, Progress
    from api.shelf import Shelf
    from ingest.catalog import Catalog
    from retrieval.build import Retrieval
    from retrieval.indexer import ChunkIndexer
    from retrieval.mend import Diagnosis
    from retrieval.ports import Embedder
    from retrieval.retriever import Retriever
    from retrieval.server_options import Quantization, ServerOptions

CATALOG_FILE = "catalog.sqlite3"


def open_home(settings: Settings, tell: Callable[[str], None] | None = None) -> Parts:
    """The parts of the home, none of them made yet. Whoever calls this holds the home, and closes the parts.

    `tell` hears of what takes long and happens once.
    """
    return Parts(settings, tell or (lambda _: None))


class Parts:
    """Catalog, retriever, answerer, checker and indexer of one home. Thread-safe; a context manager that closes them.

    Raises IndexUnavailableError where the catalog can't be opened and ModelError where there is no embedding model,
    both when a part is first asked for.
    """

    def __init__(self, settings: Settings, tell: Callable[[str], None], embedder: Embedder | None = None) -> None:
        """`embedder` takes the place of the settings' model."""
        self.settings = settings
        self._embedder = embedder
        self._tell = tell
        self._making = threading.RLock()
        self._catalog: Catalog | None = None
        self._retrieval: Retrieval | None = None
        self._checker: Checker | None = None
        self._answerer: Answerer | None = None
        self._writer: Generator | None = None
        self._shelf: Shelf | None = None
        self._closed = False
        self.compared: tuple[int, Diagnosis, list[str]] | None = None
        """What `api.doctor` found last, and the catalog's sequence number then."""

    @property
    def catalog_url(self) -> str:
        """Where the catalog lives, as SQLAlchemy spells it."""
        return self.settings.database_url or f"sqlite:///{self.settings.home / CATALOG_FILE}"

    @property
    def catalog(self) -> Catalog:
        """The truth about documents, versions, quarantine and changes."""
        with self._making:
            if self._catalog is None:
                from ingest.catalog import Catalog

                self._catalog = Catalog(self.catalog_url)
            return self._catalog

    @property
    def retrieval(self) -> Retrieval:
        """The retrieval room."""
        with self._making:
            if self._retrieval is None:
                self._retrieval = self._open_retrieval()
            return self._retrieval

    @property
    def retriever(self) -> Retriever:
        """Finds what fits a question."""
        return self.retrieval.retriever

    @property
    def warm(self) -> bool:
        """Whether all that answers a question is made."""
        return self._answerer is not None

    @property
    def made_retrieval(self) -> Retrieval | None:
        """The retrieval room, if anybody asked for it yet: nothing is loaded for it."""
        return self._retrieval

    @property
    def made_writer(self) -> Generator | None:
        """What words answers with a language model, if there is one and anybody asked for it yet."""
        return self._writer

    @property
    def indexer(self) -> ChunkIndexer:
        """Writes to the index."""
        return self.retrieval.indexer

    @property
    def checker(self) -> Checker:
        """Checks claims against sources."""
        with self._making:
            if self._checker is None:
                self._checker = build_checker(self.settings)
            return self._checker

    @property
    def answerer(self) -> Answerer:
        """Answers questions."""
        with self._making:
            if self._answerer is None:
                from answering.build import build_answerer
                from retrieval.retriever import SearchedQuestions

                retrieval = self.retrieval
                self._answerer = build_answerer(
                    retrieval.retriever,
                    self.catalog,
                    embedder=SearchedQuestions(retrieval.retriever, retrieval.embedder),
                    checker=self.checker,
                    writer=self.writer,
                )
            return self._answerer

    @property
    def writer(self) -> Generator | None:
        """Words answers with the language model of the settings; None where there is none."""
        with self._making:
            if self._writer is None and self.settings.llm is not None:
                from answering.build import build_generator

                self._writer = build_generator(model_settings(self.settings))
            return self._writer

    @property
    def shelf(self) -> Shelf:
        """What there is to choose from."""
        with self._making:
            if self._shelf is None:
                from api.shelf import Shelf

                self._shelf = Shelf(self.catalog)
            return self._shelf

    def revive(self) -> None:
        """Open the index anew with the next call, where somebody else closed it."""
        with self._making:
            retrieval = self._retrieval
            if retrieval is not None and not self._closed and getattr(retrieval.index, "closed", False):
                retrieval.close()
                self._retrieval = self._answerer = None

    def close(self) -> None:
        """Let go of index and catalog. Closing twice is fine."""
        with self._making:
            self._closed = True
            try:
                if self._writer is not None:
                    self._writer.close()
                if self._retrieval is not None:
                    self._retrieval.close()
            finally:
                if self._catalog is not None:
                    self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open_retrieval(self) -> Retrieval:
        from retrieval.build import build_retrieval

        settings = self.settings
        if self._embedder is None and not _model_is_kept(settings):
            self._tell("preparing the embedding model; this happens once and takes about half a minute")
        return build_retrieval(
            settings.home,
            self.catalog,
            shared_cache=settings.cache,
            model=settings.embed_model or "",
            qdrant_url=settings.qdrant_url or "",
            qdrant_api_key=settings.qdrant_api_key or "",
            qdrant_collection=_collection_of(self.catalog_url),
            rerank_model=settings.rerank_model or "",
            qdrant_options=server_options(settings),
            embedder=self._embedder,
        )


def mend_index(parts: Parts, progress: Progress | None = None) -> None:
    """Make the index hold everything that is served, where it was lost, damaged, or made for another model.

    Raises IndexUnavailableError where it can't be made anew either.
    """
    from retrieval.mend import mend

    mend(parts.catalog, parts.retrieval, progress)


def repair(parts: Parts, progress: Progress | None = None) -> Body:
    """Make anew what is derived: the model's export where it can't be used, and the index from the catalog.

    `{"found": [...], "done": [...], "seconds"}`, both in words. Interrupted anywhere, what there was goes on serving.
    Raises IndexUnavailableError where the catalog is damaged, which nothing can be made of, or the disk is full.
    """
    from api.repair import repair_home

    return repair_home(parts, progress)


def _model_is_kept(settings: Settings) -> bool:
    from retrieval.models import find_source, fingerprint

    if (settings.home / "models").is_dir():
        return True
    return (settings.cache / "models" / fingerprint(find_source(settings.embed_model or ""))).is_dir()


def server_options(settings: Settings) -> ServerOptions:
    """What is wanted of a Qdrant server, as the adapter takes it."""
    from retrieval.server_options import TIMEOUT_S, ServerOptions

    def number(value: str | None) -> int | None:
        return None if value is None else int(value)

    return ServerOptions(
        shards=number(settings.qdrant_shards),
        replicas=number(settings.qdrant_replicas),
        write_consistency=number(settings.qdrant_write_consistency),
        on_disk=None if settings.qdrant_on_disk is None else settings.qdrant_on_disk == "yes",
        quantization=cast("Quantization | None", settings.qdrant_quantization),
        timeout_s=number(settings.qdrant_timeout) or TIMEOUT_S,
    )


def model_settings(settings: Settings) -> ModelSettings:
    """The language model of the settings, as the adapter takes it; only where there is one."""
    from answering.generate.generator import DEFAULT_TIMEOUT_S
    from answering.generate.model import ModelSettings

    return ModelSettings(
        kind=cast("Kind", settings.llm),
        model=settings.llm_model or "",
        url=settings.llm_url or "",
        api_key=settings.llm_api_key or "",
        timeout_s=float(settings.llm_timeout or DEFAULT_TIMEOUT_S),
    )


def _collection_of(catalog_url: str) -> str:
    """The Qdrant collection that belongs to a catalog: two catalogs number their versions alike."""
    from sqlalchemy import make_url

    name = make_url(catalog_url).render_as_string(hide_password=True)
    return f"cuecard-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def build_checker(settings: Settings) -> Checker:
    """The checker of claims; needs no home. Its verifier is loaded with the first claim that it has to read."""
    from answering import build
    from answering.ground.verifier import find_verifier

    return build.build_checker(verifier=find_verifier(settings.verifier or ""))


def check_text(checker: Checker, answer: str, sources: Sequence[Mapping[str, str]], question: str | None) -> Body:
    """Check a text against sources (`{"id", "text"}`)."""
    from answering.answers import GivenSource

    given = [GivenSource(source["id"], source["text"]) for source in sources]
    return checker.check(answer, given, question).to_dict()
