"""The way of one sync's files into the library: read, parsed, indexed in batches, served."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.catalog_writer import CatalogWriter, Incoming, Known
from ingest.discover import Problem, read_bytes
from ingest.errors import DocumentError
from ingest.formats.registry import READERS, READERS_VERSION
from ingest.items import Document, Meta
from ingest.ports import Indexer
from ingest.sync_plan import Job

BATCH_CHUNKS = 64
"""Documents are indexed together until they have this many chunks: small files share one embedding batch."""

_FAULT = "This is a fault in cuecard; please report it."
_log = logging.getLogger(__name__)


class Progress(Protocol):
    """Told how far a phase is: `files` (documents settled, of all) or `index` (chunks put, of all)."""

    def __call__(self, phase: str, done: int, total: int) -> None: ...


class ParseFunction(Protocol):
    """`ingest.parse.document.parse_document`, as sync calls it. Raises DocumentError."""

    def __call__(
        self, *, collection: str, path: str, version: str, text: str, meta: Meta, body_line: int, plain: bool
    ) -> Document: ...


@dataclass(frozen=True, slots=True)
class Parser:
    """How text becomes a document. `version` rises when the same text would give another document."""

    parse: ParseFunction
    version: str


def default_parser() -> Parser:
    """The parser of `ingest.parse`."""
    from ingest.parse.document import PARSER_VERSION, parse_document

    return Parser(parse_document, PARSER_VERSION)


@dataclass(slots=True)
class Run:
    """The documents of one sync on their way in."""

    writer: CatalogWriter
    indexer: Indexer
    collection: str
    parser: Parser
    progress: Progress | None
    total: int
    batch: list[Incoming] = field(default_factory=list)
    moved: list[tuple[Known, str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    served: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        self.fingerprint = self.indexer.fingerprint()

    def take(self, job: Job) -> None:
        """Read a file, and put its document into the batch unless it is unchanged or can't be taken."""
        try:
            incoming = self.read(job)
        except DocumentError as error:
            self.problems.append(Problem.of(error, job.found.source))
            self.settled()
            return
        if incoming is None:
            self.counts["unchanged"] += 1
            self.served.add(job.found.path)
            self.settled()
            return
        self.batch.append(incoming)
        # a document without chunks counts as one, so that a batch has an end
        if sum(len(each.document.chunks) or 1 for each in self.batch) >= BATCH_CHUNKS:
            self.flush()

    def read(self, job: Job) -> Incoming | None:
        """The document of a file; None where what is served was made from the same. Raises DocumentError."""
        found, known = job.found, job.known
        if isinstance(found.folder, DocumentError):
            raise DocumentError(found.path, str(found.folder.args[0]), hint=found.folder.hint) from found.folder
        data = read_bytes(found.source, found.path)
        version = f"sha256:{hashlib.sha256(data).hexdigest()}"
        made_by = f"{version} {READERS_VERSION} {self.parser.version} {found.folder}"
        stamp = hashlib.sha256(made_by.encode()).hexdigest()
        if known and (known.stamp, known.fingerprint) == (stamp, self.fingerprint):
            if (known.root, known.source) != (job.root, found.source):
                self.moved.append((known, job.root, found.source))
            return None
        document = self.parse(found.path, version, data, found.folder)
        _refuse_twins(document)
        return Incoming(document, job.root, found.source, stamp, self.fingerprint)

    def parse(self, path: str, version: str, data: bytes, folder: Meta) -> Document:
        """The document of a file's bytes. Raises DocumentError, whatever the parser trips over."""
        source = READERS[os.path.splitext(path)[1].lower()](data, path, folder)
        try:
            return self.parser.parse(
                collection=self.collection,
                path=path,
                version=version,
                text=source.text,
                meta=source.meta,
                body_line=source.body_line,
                plain=source.plain,
            )
        except DocumentError:
            raise
        except Exception as error:
            # one document must not keep the others out
            _log.debug("parsing %s failed", path, exc_info=True)
            reason = f"the parser failed: {type(error).__name__}: {error}"
            raise DocumentError(path, reason, hint=_FAULT) from error

    def flush(self) -> None:
        """Index the batch and serve it, document by document."""
        if not self.batch:
            return
        batch, self.batch = self.batch, []
        versions = self.writer.begin(batch)
        self.indexer.put(versions)
        replaced: list[int] = []
        for new, incoming in zip(versions, batch, strict=True):
            old = self.writer.switch(new, incoming)
            self.counts["updated" if old else "added"] += 1
            self.served.add(new.document.path)
            replaced += old
            self.settled()
        self.drop(replaced)

    def drop(self, keys: Sequence[int]) -> None:
        """Let the index forget versions that are not served any more."""
        if keys:
            self.indexer.drop(keys)
            self.writer.forget(keys)

    def settled(self) -> None:
        """One more file is dealt with."""
        self.counts["settled"] += 1
        if self.progress:
            self.progress("files", self.counts["settled"], self.total)


def _refuse_twins(document: Document) -> None:
    """Ids must tell the items and chunks of a document apart."""
    for ids in ([item.id for item in document.items], [chunk.id for chunk in document.chunks]):
        twin, count = Counter(ids).most_common(1)[0] if ids else ("", 0)
        if count > 1:
            raise DocumentError(document.path, f"the parser gave the id {twin} to {count} parts", hint=_FAULT)
