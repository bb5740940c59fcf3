"""Homes of any size for measuring speed, written through the doors of ingest: catalog, embedding cache, index."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from eval.latency_corpus import Embedded, embedded, fitting, make_documents
from ingest.catalog import Catalog
from ingest.catalog_switch import Incoming
from ingest.catalog_writer import CatalogWriter
from ingest.errors import UsageError
from ingest.sync import sync
from retrieval.build import Retrieval, build_retrieval
from retrieval.indexer import filter_values, passage_text
from retrieval.late import ROLE, LateReranker
from retrieval.ports import Embedder, IndexPoint, Vectors

CATALOG_FILE, FACTS_FILE = "catalog.sqlite3", "latency.json"
STEPS = ("make", "catalog", "embedding cache", "index", "tuning", "close")
"""Where the time of making a home goes; `make` is no part of any ingest."""

_DOCUMENTS_AT_ONCE = 50
_CHARS_A_TOKEN, _MOST_TOKENS = 4.5, 256


def read_real(path: Path, folder: Path, embedder: Embedder) -> tuple[list[Embedded], dict[str, Any]]:
    """The documents of `path` with their vectors, and how fast they came in: ingested into a home in `folder`.

    Raises UsageError where there is nothing to read in `path`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(f"sqlite:///{folder / CATALOG_FILE}")
    with closing(catalog), closing(build_retrieval(folder, catalog, shared_cache=folder, embedder=embedder)) as room:
        embedder.embed_queries(["warm"])
        started = time.perf_counter()
        report = sync(catalog, room.indexer, [path])
        spent = time.perf_counter() - started
        found = [catalog.load(info.version_key) for info in catalog.documents()]
        real = [
            embedded(
                document,
                room.indexer.embed_passages(document.chunks),
                room.indexer.embed_questions([form for chunk in document.chunks for form in chunk.questions]),
            )
            for document in found
            if document.chunks
        ]
    if not real:
        raise UsageError(f"Nothing in {path} could be ingested.", hint="Name a folder of documents with --texts.")
    # a kept home has it all already, which says nothing about the rate
    rate = report.chunks / spent if not report.unchanged else None
    return real, {"documents": len(real), "chunks": report.chunks, "seconds": spent, "chunks_per_s": rate}


def build_home(folder: Path, real: Sequence[Embedded], size: int, embedder: Embedder, *, tuned: bool) -> dict[str, Any]:
    """A home of `size` chunks in `folder`, for this embedder's vectors; seconds by STEPS.

    One that was built there from the same is left as it is. `tuned`: with an index
    as `cuecard doctor --repair` leaves it.
    """
    own = sum(len(each.document.chunks) for each in fitting(real, size))
    made_from = {"size": size, "real": own, "tuned": tuned, "tokens": True}
    facts_file = folder / FACTS_FILE
    if facts_file.is_file():
        facts: dict[str, Any] = json.loads(facts_file.read_text(encoding="utf-8"))
        if {key: facts.get(key) for key in made_from} == made_from:
            return facts
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seconds = dict.fromkeys(STEPS, 0.0)
    catalog = Catalog(f"sqlite:///{folder / CATALOG_FILE}")
    with closing(catalog):
        room = build_retrieval(folder, catalog, shared_cache=folder, embedder=embedder)
        try:
            with ExitStack() as stack:
                if tuned:
                    stack.enter_context(_timed(seconds, "tuning"))
                    stack.enter_context(room.index.renewed(tuned_for=size))
                filling = time.perf_counter()
                _fill(catalog, room, make_documents(real, size), seconds)
                filled = time.perf_counter() - filling
            wants_tuning = room.index.upkeep().wants_tuning
        finally:
            with _timed(seconds, "close"):
                room.close()
    seconds["tuning"] = max(0.0, seconds["tuning"] - filled) if tuned else 0.0
    seconds["make"] = filled - sum(seconds[step] for step in ("catalog", "embedding cache", "index"))
    facts = {**made_from, "wants_tuning": wants_tuning, "seconds": seconds, "written_per_s": size / filled}
    facts_file.write_text(json.dumps(facts), encoding="utf-8")
    return facts


def passages_of(real: Sequence[Embedded], size: int) -> Iterator[tuple[str, Vectors]]:
    """(text, vector) of each chunk of a home of `size`, as they are embedded and matched."""
    for each in make_documents(real, size):
        yield from zip(map(passage_text, each.document.chunks), each.passages, strict=True)


def disk_mb(folder: Path) -> dict[str, float]:
    """Megabytes (10^6 bytes) that a home takes on disk, by its entries."""
    found = {}
    for entry in sorted(folder.iterdir()):
        files = [entry, *entry.rglob("*")] if entry.is_dir() else [entry]
        # blocks, not lengths: the engine's files have holes
        found[entry.name] = sum(file.lstat().st_blocks * 512 for file in files) / 1e6
    return found


def _fill(catalog: Catalog, room: Retrieval, documents: Iterable[Embedded], seconds: dict[str, float]) -> None:
    writer, fingerprint = CatalogWriter(catalog), room.indexer.fingerprint()
    for batch in _batches(documents, _DOCUMENTS_AT_ONCE):
        places = [f"/recombined/{each.document.path}" for each in batch]
        with _timed(seconds, "catalog"):
            incoming = [
                Incoming(each.document, "/recombined", place, "", fingerprint)
                for each, place in zip(batch, places, strict=True)
            ]
            versions = writer.begin(incoming)
        with _timed(seconds, "embedding cache"):
            _remember(room, batch)
        with _timed(seconds, "index"):
            keyed = zip(versions, batch, strict=True)
            room.index.upsert(list(chain.from_iterable(_points(version.key, each) for version, each in keyed)))
        with _timed(seconds, "catalog"):
            writer.switch(list(zip(versions, incoming, strict=True)))


def _points(key: int, made: Embedded) -> Iterator[IndexPoint]:
    taken = 0
    for chunk, passage, terms in zip(made.document.chunks, made.passages, made.terms, strict=True):
        own = made.questions[taken : taken + len(chunk.questions)]
        taken += len(chunk.questions)
        yield IndexPoint(key, chunk.id, filter_values(made.document, chunk), passage, own, terms)


def _remember(room: Retrieval, batch: Sequence[Embedded]) -> None:
    """Put the vectors into the home's cache of embeddings, as an ingest would have."""
    chunks = [chunk for each in batch for chunk in each.document.chunks]
    model, dim = room.embedder.fingerprint, room.embedder.dim
    for role, texts, vectors in (
        ("passage", [passage_text(chunk) for chunk in chunks], np.concatenate([each.passages for each in batch])),
        ("query", [form for c in chunks for form in c.questions], np.concatenate([e.questions for e in batch])),
    ):
        known = dict(zip(texts, vectors, strict=True))
        room.cache.embed(model, role, texts, dim, lambda missing, known=known: np.stack([known[t] for t in missing]))  # type: ignore[misc]
    if isinstance(room.reranker, LateReranker):
        head = room.reranker.head
        tokens = {text: _tokens(text, head.projection.shape[1]) for text in map(passage_text, chunks)}
        room.cache.write_blobs(head.fingerprint, ROLE, tokens)


def _tokens(text: str, width: int) -> bytes:
    """Tokens for the reranker, as many as the text may have: what they say changes the order, and not the time."""
    count = min(_MOST_TOKENS, max(1, round(len(text) / _CHARS_A_TOKEN)))
    dice = np.random.default_rng(zlib.crc32(text.encode()))
    return dice.integers(-127, 128, (count, width), dtype=np.int8).tobytes()


def _batches(documents: Iterable[Embedded], size: int) -> Iterator[list[Embedded]]:
    batch: list[Embedded] = []
    for each in documents:
        batch.append(each)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[step] += time.perf_counter() - started
