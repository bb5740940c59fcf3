"""How fast documents come in, against what the embedding model alone could do with the very same texts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ingest.catalog import Catalog
from ingest.errors import UsageError
from ingest.ports import NewVersion
from ingest.sync import sync
from retrieval.build import build_retrieval
from retrieval.edge import EdgeIndex
from retrieval.indexer import ChunkIndexer, index_fingerprint
from retrieval.ports import Embedder, IndexPoint, Vectors

STAGES = ("read and parse", "embed", "terms and waiting", "index", "catalog")
"""Where the time of an ingest goes. `embed` runs beside the others; `terms and waiting`: making the sparse vectors, and
waiting for the dense ones."""

_ALONE_AT_ONCE = 4096  # texts that the model alone is given at a time: more would only take memory


@dataclass
class Clock:
    """Seconds by stage, and the texts that were embedded."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    passages: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """Counts the block's time to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - started


class TimedEmbedder:
    """An embedder whose time is told, and whose texts are kept."""

    def __init__(self, inner: Embedder, clock: Clock) -> None:
        self.inner, self.clock = inner, clock
        self.dim, self.fingerprint, self.max_tokens = inner.dim, inner.fingerprint, inner.max_tokens

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As the port says."""
        self.clock.questions += texts
        with self.clock.running("embed"):
            return self.inner.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """As the port says."""
        self.clock.passages += texts
        with self.clock.running("embed"):
            return self.inner.embed_passages(texts)


class TimedIndex(EdgeIndex):
    """The embedded index, whose time is told."""

    clock: Clock

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """As the port says."""
        with self.clock.running("index"):
            super().upsert(points)

    def drop_versions(self, keys: Sequence[int]) -> None:
        """As the port says."""
        with self.clock.running("index"):
            super().drop_versions(keys)

    def flush(self) -> None:
        """As the port says."""
        with self.clock.running("index"):
            super().flush()


class TimedIndexer(ChunkIndexer):
    """The indexer, whose time is told, that of the index included."""

    clock: Clock

    def put(self, versions: Sequence[NewVersion]) -> None:
        """As the port says."""
        with self.clock.running("terms and waiting"):
            super().put(versions)


class TimedCatalog(Catalog):
    """The catalog, whose time in transactions is told."""

    clock: Clock

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As the catalog says."""
        with self.clock.running("catalog"), super().transaction() as connection:
            yield connection


def measure(path: Path, folder: Path, cache: Path, model: str) -> dict[str, Any]:
    """One ingest of `path` into the empty `folder`, and its texts embedded alone. Seconds, and chunks a second."""
    clock = Clock()
    TimedCatalog.clock = TimedIndex.clock = TimedIndexer.clock = clock
    catalog = TimedCatalog(f"sqlite:///{folder / 'catalog.sqlite3'}")
    with closing(catalog), closing(build_retrieval(folder, catalog, shared_cache=cache, model=model)) as room:
        room.embedder.embed_queries(["warm"])
        embedder = TimedEmbedder(room.indexing or room.embedder, clock)
        index = TimedIndex(folder / "measured", dim=embedder.dim, fingerprint=index_fingerprint(embedder))
        indexer = TimedIndexer(embedder, index, room.cache)
        with closing(index), closing(indexer):
            started = time.perf_counter()
            report = sync(catalog, indexer, [path])
            whole = time.perf_counter() - started
        started = time.perf_counter()
        for texts, embed in (
            (clock.passages, room.embedder.embed_passages),
            (clock.questions, room.embedder.embed_queries),
        ):
            for start in range(0, len(texts), _ALONE_AT_ONCE):
                embed(texts[start : start + _ALONE_AT_ONCE])
        alone = time.perf_counter() - started
    if not clock.passages:
        raise UsageError(f"Nothing in {path} could be ingested.", hint="Name a folder of documents.")
    seconds = clock.seconds
    seconds["terms and waiting"] -= seconds["index"]
    seconds["read and parse"] = whole - sum(seconds[stage] for stage in ("terms and waiting", "index", "catalog"))
    return {
        "documents": report.added,
        "chunks": report.chunks,
        "embedded": {"passages": len(clock.passages), "questions": len(clock.questions)},
        "ingest_s": whole,
        "embedder_s": alone,
        "ingest_rate": len(clock.passages) / whole,
        "embedder_rate": len(clock.passages) / alone,
        "ratio": alone / whole,
        "stages_s": seconds,
    }


def summarize(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The medians of several rounds, each ratio of its own round, and the rounds."""
    names = ("ingest_s", "embedder_s", "ingest_rate", "embedder_rate", "ratio")
    medians = {name: statistics.median(one[name] for one in rounds) for name in names}
    stages = {stage: statistics.median(one["stages_s"][stage] for one in rounds) for stage in STAGES}
    return {**rounds[0], **medians, "stages_s": stages, "rounds": [one["ratio"] for one in rounds]}


def as_text(summary: dict[str, Any]) -> str:
    """The rates and the stages as the terminal shows them."""
    texts = summary["embedded"]
    lines = [
        f"{summary['documents']} documents, {summary['chunks']} chunks "
        f"({texts['passages']} passages and {texts['questions']} questions embedded)",
        f"ingest          {summary['ingest_rate']:8.1f} chunks/s  {summary['ingest_s']:8.1f} s",
        f"embedder alone  {summary['embedder_rate']:8.1f} chunks/s  {summary['embedder_s']:8.1f} s",
        f"ratio           {summary['ratio']:8.3f}",
        "",
        *(f"  {stage:<18}{seconds:8.1f} s" for stage, seconds in summary["stages_s"].items()),
    ]
    return "\n".join(lines)
