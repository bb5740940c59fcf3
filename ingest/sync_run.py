"""The way of one sync's files into the library: read, parsed, indexed in batches, served."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.blocks import Flaw, SourceText
from ingest.catalog_quarantine import Refusal
from ingest.catalog_switch import Incoming, Known
from ingest.catalog_writer import CatalogWriter
from ingest.discover import Problem, read_bytes
from ingest.errors import DocumentError
from ingest.formats.registry import READERS, READERS_VERSION
from ingest.items import Document, Meta
from ingest.ports import Indexer
from ingest.sync_plan import Job, content_hash

BATCH_CHUNKS = 1024
"""Documents are indexed together until they have this many chunks: small files share embedding batches.

Ingest over what the embedder alone does: 0.839 with 256, 0.851 to 0.902 with 512, 0.911 with 1,024 (docs/latency.md).
"""

_FAULT = "This is a fault in cuecard; please report it."
_log = logging.getLogger(__name__)


class Progress(Protocol):
    """Told how far a phase is: `files` (documents settled, of all) or `index` (chunks put, of all)."""

    def __call__(self, phase: str, done: int, total: int) -> None: ...


class ParseFunction(Protocol):
    """`ingest.parse.document.parse_document`, as sync calls it. Raises DocumentError."""

    def __call__(self, *, collection: str, path: str, version: str, source: SourceText) -> Document: ...


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
    renamed: Mapping[str, Known] = field(default_factory=dict)
    """Documents that go on under another path, by that path."""
    batch: list[Incoming] = field(default_factory=list)
    size: int = 0
    """Of the batch, in chunks; a document without any counts as one, so that a batch has an end."""
    expected: list[Incoming] = field(default_factory=list)
    """The batch before it, which the indexer has begun to embed."""
    moved: list[tuple[Known, str, str]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    held: list[Job] = field(default_factory=list)
    """Files that wait because the meta data of a folder above them can't be understood."""
    served: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        self.fingerprint = self.indexer.fingerprint()

    def take(self, job: Job) -> None:
        """Read a file, and put its document into the batch unless it is unchanged or can't be taken."""
        found, content = job.found, None
        if isinstance(found.folder, DocumentError):
            self.held.append(job)
            self.settled()
            return
        try:
            data = read_bytes(found.source, found.path)
            content = content_hash(data)
            incoming = self.make(job, data, content, found.folder)
        except DocumentError as error:
            self.refused.append(Refusal(Problem.of(error, found.source), content))
            self.settled()
            return
        if incoming is None:
            self.counts["unchanged"] += 1
            self.served.add(found.path)
            self.settled()
            return
        self.batch.append(incoming)
        self.size += len(incoming.document.chunks) or 1
        if self.size >= BATCH_CHUNKS:
            self.flush()

    def make(self, job: Job, data: bytes, version: str, folder: Meta) -> Incoming | None:
        """The document of a file; None where what is served was made from the same. Raises DocumentError."""
        found, known = job.found, job.known
        made_by = f"{version} {READERS_VERSION} {self.parser.version} {folder}"
        stamp = hashlib.sha256(made_by.encode()).hexdigest()
        if known and (known.stamp, known.fingerprint) == (stamp, self.fingerprint):
            if (known.root, known.source) != (job.root, found.source):
                self.moved.append((known, job.root, found.source))
            return None
        document, flaws = self.parse(found.path, version, data, folder)
        _refuse_twins(document)
        return Incoming(
            document,
            job.root,
            found.source,
            stamp,
            self.fingerprint,
            renamed=self.renamed.get(found.path),
            flaws=flaws,
        )

    def parse(self, path: str, version: str, data: bytes, folder: Meta) -> tuple[Document, tuple[Flaw, ...]]:
        """The document of a file's bytes, and what of it can't be taken.

        Raises DocumentError, whatever the parser trips over.
        """
        try:
            source = READERS[os.path.splitext(path)[1].lower()](data, path, folder)
            return self.parser.parse(
                collection=self.collection, path=path, version=version, source=source
            ), source.flaws
        except DocumentError:
            raise
        except Exception as error:
            # one document must not keep the others out
            _log.debug("parsing %s failed", path, exc_info=True)
            reason = f"the parser failed: {type(error).__name__}: {error}"
            raise DocumentError(path, reason, hint=_FAULT) from error

    def flush(self) -> None:
        """Have the batch embedded, and meanwhile index and serve the one before it."""
        batch, self.batch, self.size = self.batch, [], 0
        if batch:
            self.indexer.expect([each.document for each in batch])
        before, self.expected = self.expected, batch
        if before:
            self.serve(before)

    def finish(self) -> None:
        """Index and serve all that is left."""
        self.flush()
        self.flush()

    def serve(self, batch: Sequence[Incoming]) -> None:
        """Write versions, index them, and let them go live."""
        versions = self.writer.begin(batch)
        self.indexer.put(versions)
        done = self.writer.switch(list(zip(versions, batch, strict=True)))
        for each, switched in zip(batch, done, strict=True):
            self.counts[switched.kind] += 1
            self.served.add(each.document.path)
            self.settled()
        self.drop([key for switched in done for key in switched.replaced])

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
