"""Small stand-ins that go through the same doors as the real parts."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ingest.blocks import SourceText
from ingest.items import AccountLine, Chunk, Document, Item, Span
from ingest.ports import NewVersion
from ingest.sync_run import Parser
from retrieval.ports import Vectors
from retrieval.terms import content_terms


class MemoryIndexer:
    """An index that only remembers. `fail_on_put` and `fail_on_drop` are raised, once, after half of the work."""

    def __init__(self, fingerprint: str = "memory") -> None:
        self.name = fingerprint
        self.versions: dict[int, Document] = {}
        self.puts: list[list[int]] = []
        self.expected: list[list[str]] = []
        self.fail_on_put: BaseException | None = None
        self.fail_on_drop: BaseException | None = None

    def expect(self, documents: Sequence[Document]) -> None:
        self.expected.append([document.path for document in documents])

    def put(self, versions: Sequence[NewVersion]) -> None:
        self.puts.append([version.key for version in versions])
        failure, self.fail_on_put = self.fail_on_put, None
        done = versions[: len(versions) // 2] if failure else versions
        self.versions.update({version.key: version.document for version in done})
        if failure:
            raise failure

    def drop(self, keys: Sequence[int]) -> None:
        failure, self.fail_on_drop = self.fail_on_drop, None
        for key in keys[: len(keys) // 2] if failure else keys:
            self.versions.pop(key, None)
        if failure:
            raise failure

    def fingerprint(self) -> str:
        return self.name


def parse_lines(*, collection: str, path: str, version: str, source: SourceText) -> Document:
    """Every line of the body that isn't blank is a note of one chunk, named by its words (and which of those it is)."""
    seen: Counter[str] = Counter()
    items: list[Item] = []
    chunks: list[Chunk] = []
    account: list[AccountLine] = []
    text, meta, start = source.text, source.meta, 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and number >= source.body_line:
            span = Span(start, start + len(line), number, number)
            seen[line] += 1
            name = hashlib.sha256(f"{path}\0{line}\0{seen[line]}".encode()).hexdigest()[:16]
            items.append(Item(name, "note", line[:40], span))
            chunks.append(Chunk(f"{name}-0", name, 0, "note", span, line, context=path))
            account.append(AccountLine(number, number, "item", name))
        start += len(line) + 1
    return Document(
        id=hashlib.sha256(f"{collection}\0{path}".encode()).hexdigest()[:16],
        collection=collection,
        path=path,
        version=version,
        title=meta.title or path,
        text=text,
        meta=meta,
        items=tuple(items),
        chunks=tuple(chunks),
        account=tuple(account),
    )


LINES = Parser(parse_lines, "1")
"""The parser for tests that are about something else."""


class HashingEmbedder:
    """Texts as bags of content words: each word is one of `dim` axes, so that the cosine is the share of common words.

    `seen` are all texts it was given, in order. `fail` is raised by every call while it is set.
    """

    max_tokens = 256

    def __init__(self, dim: int = 256, fingerprint: str = "hashing") -> None:
        self.dim = dim
        self.fingerprint = fingerprint
        self.seen: list[str] = []
        self.fail: Exception | None = None

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if self.fail:
            raise self.fail
        self.seen.extend(texts)
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for term in content_terms(text) or [""]:
                vector[zlib.crc32(term.encode()) % self.dim] += 1.0
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)
