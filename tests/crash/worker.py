"""One run of an ingest in a process that is to be killed: real catalog, real index, an embedder that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from ingest import sync_run
from ingest.catalog import Catalog
from ingest.errors import CuecardError
from ingest.ports import NewVersion
from ingest.sync import SyncReport, sync
from retrieval import edge_folder
from retrieval.build import Retrieval, build_retrieval
from retrieval.edge import EdgeIndex
from retrieval.edge_folder import IndexFolder, Shard
from retrieval.indexer import ChunkIndexer, index_fingerprint
from retrieval.mend import mend, rebuild_index
from retrieval.ports import IndexPoint
from tests.fakes import LINES, HashingEmbedder

INSTANTS = ("begun", "half put", "put", "switched", "half dropped", "dropped")
"""Where a run can be told to wait for its end: at the first such moment after `LET_PASS` others."""

LET_PASS = 1

BATCH_CHUNKS = 48
"""In these processes, so that a folder of a few small files is several batches."""


@dataclass(frozen=True)
class Home:
    """A catalog with its index, open."""

    catalog: Catalog
    room: Retrieval


@contextmanager
def opened(home: Path) -> Iterator[Home]:
    """The catalog and the index of a home."""
    home.mkdir(exist_ok=True)
    catalog = Catalog(f"sqlite:///{home / 'catalog.sqlite3'}")
    room = build_retrieval(home, catalog, shared_cache=home, embedder=HashingEmbedder(32))
    try:
        yield Home(catalog, room)
    finally:
        room.close()
        catalog.close()


def ingest(home: Home, folder: Path, told: Connection | None = None, indexer: ChunkIndexer | None = None) -> SyncReport:
    """What `cuecard ingest` does with its parts. `told` hears how many files are settled."""

    def progress(phase: str, done: int, total: int) -> None:  # noqa: ARG001 - as it is called
        if told and phase == "files":
            told.send(done)

    mend(home.catalog, home.room, progress)
    return sync(home.catalog, indexer or home.room.indexer, [folder], yes=True, parser=LINES, progress=progress)


def run(home: Path, folder: Path, told: Connection) -> None:
    """Ingest the folder. Says "ready", "open" once the home is, then how many files are settled, then "done"."""
    sync_run.BATCH_CHUNKS = BATCH_CHUNKS
    told.send("ready")
    with opened(home) as parts:
        told.send("open")
        ingest(parts, folder, told)
    told.send("done")


def run_and_wait(home: Path, folder: Path, told: Connection, instant: str) -> None:
    """Ingest the folder up to an instant; says its name there, and waits to be killed."""
    sync_run.BATCH_CHUNKS, passed = BATCH_CHUNKS, 0

    def at(name: str) -> None:
        nonlocal passed
        if name == instant:
            passed += 1
            if passed > LET_PASS:
                told.send(name)
                time.sleep(600)

    class Halves(EdgeIndex):
        def upsert(self, points: Sequence[IndexPoint]) -> None:
            super().upsert(points[: len(points) // 2])
            self.flush()
            at("half put")
            super().upsert(points[len(points) // 2 :])

        def drop_versions(self, keys: Sequence[int]) -> None:
            super().drop_versions(keys[: len(keys) // 2])
            self.flush()
            at("half dropped")
            super().drop_versions(keys[len(keys) // 2 :])

    class Steps(ChunkIndexer):
        def put(self, versions: Sequence[NewVersion]) -> None:
            at("begun")
            super().put(versions)
            at("put")

        def drop(self, keys: Sequence[int]) -> None:
            at("switched")
            super().drop(keys)
            at("dropped")

    with opened(home) as parts:
        fingerprint = parts.room.indexer.fingerprint()
        parts.room.index.close()
        index = Halves(home / "index", dim=32, fingerprint=index_fingerprint(parts.room.embedder))
        steps = Steps(parts.room.embedder, index, parts.room.cache)
        assert steps.fingerprint() == fingerprint
        sync(parts.catalog, steps, [folder], yes=True, parser=LINES, progress=lambda *_: None)
    told.send("done")


def rebuild_and_wait(home: Path, _: Path, told: Connection, instant: str) -> None:
    """Make the index anew up to an instant ("filled", "noted"); says its name there, and waits to be killed."""

    class Stopping(IndexFolder):
        def note(self, shard: Shard) -> None:
            at("filled")
            super().note(shard)
            at("noted")

    def at(name: str) -> None:
        if name == instant:
            told.send(name)
            time.sleep(600)

    with opened(home) as parts:
        assert isinstance(parts.room.index, EdgeIndex)
        parts.room.index.count()
        parts.room.index._folder.__class__ = Stopping
        rebuild_index(parts.catalog, parts.room)
    told.send("done")


def run_with_small_files(home: Path, folder: Path, told: Connection, most_bytes: int) -> None:
    """Ingest where no file may grow beyond `most_bytes`, as on a disk that is full. Says what was raised, or "done"."""
    import resource

    with opened(home) as parts:
        parts.room.index.count()
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
        try:
            ingest(parts, folder)
            said = "done"
        except CuecardError as error:
            said = str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    told.send(said)


def run_to_the_last_block(home: Path, folder: Path, told: Connection) -> None:
    """Ingest without looking for room first: what happens when others fill the disk meanwhile. Says what was raised."""
    edge_folder._SPARE_BYTES, sync_run.BATCH_CHUNKS = -(10**12), BATCH_CHUNKS
    try:
        with opened(home) as parts:
            told.send("ready")
            ingest(parts, folder, told)
        told.send("done")
    except CuecardError as error:
        told.send(str(error))
