"""A real home for these tests: catalog, parser and embedded index, with a model that only knows words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from answering.answers import Answer, Source
from api.settings import Settings, load_settings
from eval.ports import Answerer
from ingest.catalog import Catalog
from ingest.errors import NotFoundError
from ingest.sync import sync
from retrieval.build import Retrieval, build_retrieval
from retrieval.hits import Hit
from retrieval.retriever import Retriever
from tests.fakes import HashingEmbedder

NOTES = {
    "qa/caching.md": """# Caching

### What is a cache stampede?

Many requests miss the same expired key at once and all of them recompute it. A short lock per key lets one request do \
the work while the others wait for its result.

### When is a TTL enough as invalidation?

When readers can live with a value as old as the lifetime, for instance a list of countries.
""",
    "qa/queues.md": """# Queues

### How do you keep a message from being handled twice?

Record the message id in the same transaction as the effect, and skip ids that are already recorded.

### What is a dead letter queue?

A place for messages that failed too often, so that they stop blocking the rest and somebody can look at them.
""",
}

QUERIES = [
    ("s1", "cache stampede lock", "keyword", "qa/caching.md", "A short lock per key lets one request do the work"),
    (
        "s2",
        "is a lifetime enough for some countries?",
        "paraphrase",
        "qa/caching.md",
        "readers can live with a value",
    ),
    ("s3", "message handled twice", "keyword", "qa/queues.md", "Record the message id in the same transaction"),
    ("s4", "messages failed too often", "paraphrase", "qa/queues.md", "A place for messages that failed too often"),
    ("u1", "which colour suits a garden fence", "absent", None, None),
    ("u2", "borrow checker lifetimes elision", "absent", None, None),
]


class FakeAnswerer:
    """Quotes the first hit where enough of the question's words stand in it, else abstains."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever

    def evidence(self, question: str, *, collection: str | None) -> Mapping[str, float]:
        return self._retriever.search(question, k=10, collection=collection).evidence

    def ask(self, question: str, *, collection: str | None) -> Answer:
        found = self._retriever.search(question, k=1, collection=collection)
        confidence = found.evidence["coverage_first"]
        if confidence < 0.5:
            return Answer("id", question, "The library does not cover this.", "abstained", confidence=confidence)
        source = source_of(found.hits[0])
        return Answer("id", question, f"{source.quote} [1]", "extractive", (source,), (), confidence, False)


def source_of(hit: Hit) -> Source:
    """The whole hit as a source."""
    c = hit.chunk
    return Source(
        1, c.id, c.document, c.collection, c.version, c.title, c.heading, c.kind, c.question, c.text, c.span.start,
        c.span.end, c.span.line_start, c.span.line_end, None, hit.score, None,
    )  # fmt: skip


@dataclass
class FakeParts:
    catalog: Catalog
    retrieval: Retrieval
    answerer: Answerer

    @property
    def retriever(self) -> Retriever:
        return self.retrieval.retriever


@dataclass
class FakeHome:
    """What the command line hands to a command; `shown` is what the command printed."""

    parts: FakeParts | None
    shown: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    chatty: bool = False

    def settings(self) -> Settings:
        return load_settings(environ={})

    @contextmanager
    def open_parts(self) -> Iterator[FakeParts]:
        if self.parts is None:
            raise NotFoundError("There is no home.")
        yield self.parts

    def show(self, body: dict[str, Any], as_text: Callable[[dict[str, Any]], str]) -> None:
        self.shown.append(json.loads(json.dumps(body, allow_nan=False)))
        self.texts.append(as_text(body))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeParts]:
    folder = tmp_path_factory.mktemp("home")
    for name, text in NOTES.items():
        (folder / "notes" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite3")
    retrieval = build_retrieval(folder, catalog, shared_cache=folder, embedder=HashingEmbedder())
    sync(catalog, retrieval.indexer, [folder / "notes"])
    yield FakeParts(catalog, retrieval, FakeAnswerer(retrieval.retriever))
    retrieval.close()
    catalog.close()


@pytest.fixture
def home(parts: FakeParts) -> FakeHome:
    return FakeHome(parts)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    """QUERIES as a query file."""
    lines = []
    for name, query, kind, file, quote in QUERIES:
        relevant = [{"file": file, "quote": quote, "grade": 2}] if file else []
        record = {"id": name, "query": query, "type": kind, "relevant": relevant, "reference": quote}
        lines.append(json.dumps(record))
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
