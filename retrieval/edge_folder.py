"""The folder of an embedded index: whose it is, which shard in it is the index, and whether there is room to write.

<folder>/lock                  held through the operating system by whoever has the index open
<folder>/index.json            the card: what the index holds, and its generation; replaced in one step
<folder>/shard-<generation>/   the engine's files; any other shard is half made or done with
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as qe
from filelock import FileLock, Timeout

from ingest.errors import HomeBusyError, IndexUnavailableError
from retrieval import edge_worker
from retrieval import points as p
from retrieval.edge_threads import spread_search_threads

_T = TypeVar("_T")

_LOCK, _CARD, _SHARD = "lock", "index.json", "shard-"
_SHARD_CARD = "edge_config.json"  # the engine's own
_SPARE_BYTES = 48 * 2**20
_HINT = "`cuecard doctor --repair` builds the index anew from the catalog."


@dataclass(slots=True)
class Shard:
    """A shard that is open. `dead`: about how many of its points were replaced or dropped, and are still kept by the
    engine; `tuned`: how many points it had when it was tuned. Both are known again after a close only."""

    engine: qe.EdgeShard
    path: Path
    generation: str
    dead: int = 0
    tuned: int = 0
    wrote: bool = field(default=False, compare=False)


class IndexFolder:
    """One index on disk. `wanted`: the vectors' `dim` and `fingerprint`, which the card has to name.

    Calls raise HomeBusyError where another process has the folder, and IndexUnavailableError. Not thread-safe.
    """

    def __init__(self, path: Path, *, dim: int, fingerprint: str) -> None:
        self.path = path
        self.dim = dim
        self._wanted: dict[str, Any] = {"dim": dim, "fingerprint": fingerprint}
        self._lock: FileLock | None = None

    def hold(self) -> None:
        """Keep other processes out, until `release`."""
        if self._lock is not None:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / _LOCK, timeout=0, thread_local=False)
            lock.acquire()
        except Timeout as error:
            raise self._busy() from error
        except OSError as error:
            raise self._unwritable(error) from error
        self._lock = lock
        card = self._read_card()
        self._sweep(str(card["generation"]) if card else "")

    def release(self) -> None:
        """Let other processes in."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def open(self) -> Shard:
        """The index; a new, empty one where there is none, or only half of one."""
        self.hold()
        card = self._read_card()
        path = self._shard_path(str(card["generation"])) if card else None
        if card is None or path is None or not (path / _SHARD_CARD).is_file():
            made = self.create()
            self.adopt(made)
            return made
        if {key: card.get(key) for key in self._wanted} != self._wanted:
            raise IndexUnavailableError(
                f"The index in {self.path} was made for another embedding model or by another cuecard.",
                hint="Run `cuecard ingest` on your documents again: it builds the index anew.",
            )
        return Shard(
            self._load(path), path, str(card["generation"]), int(card.get("dead", 0)), int(card.get("tuned", 0))
        )

    def create(self) -> Shard:
        """A new, empty shard, which is not the index until it is adopted."""
        self.hold()
        self.make_room(0)
        generation = uuid.uuid4().hex
        path = self._shard_path(generation)
        try:
            path.mkdir()
        except OSError as error:
            raise self._unwritable(error) from error
        with spread_search_threads():
            engine = self.do(lambda: qe.EdgeShard.create(str(path), edge_worker.config(self.dim)))
        self.do(
            lambda: engine.update(qe.UpdateOperation.create_field_index(p.VERSION_KEY, qe.PayloadSchemaType.Integer))
        )
        self.do(lambda: engine.update(qe.UpdateOperation.create_field_index(p.FACETS, qe.PayloadSchemaType.Keyword)))
        self.do(engine.flush)
        return Shard(engine, path, generation)

    def adopt(self, shard: Shard) -> None:
        """Make a shard the index, in one step; what was it before goes."""
        self.note(shard)
        self._sweep(shard.generation)

    def note(self, shard: Shard) -> None:
        """Write the index's card."""
        card = {**self._wanted, "generation": shard.generation, "dead": shard.dead, "tuned": shard.tuned}
        scratch = self.path / f"{_CARD}.new"
        try:
            with scratch.open("w", encoding="utf-8") as file:
                json.dump(card, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, self.path / _CARD)
        except OSError as error:
            raise self._unwritable(error) from error

    def tune(self, shard: Shard, *, whole: bool = True) -> None:
        """Close the part of a shard that is written to, in a process of its own, and begin another one.

        The shard is not the index; it is closed and opened. `whole`: nothing more is written, and where there are
        enough points they get graphs.
        """
        points = int(self.do(shard.engine.info).points_count)
        self.do(shard.engine.close)
        edge_worker.run("graph" if whole and points >= edge_worker.GRAPHS_FROM else "part", shard.path, self.dim)
        shard.engine = self._load(shard.path)
        shard.tuned = points

    def probe(self) -> None:
        """Read all of the index in a process of its own, which damage can't take this one down with."""
        self.hold()
        card = self._read_card()
        if card is None:
            return
        path = self._shard_path(str(card["generation"]))
        if {key: card.get(key) for key in self._wanted} == self._wanted and (path / _SHARD_CARD).is_file():
            edge_worker.run("read", path, self.dim)

    def discard(self, shard: Shard) -> None:
        """Remove a shard that will not be the index."""
        with suppress(IndexUnavailableError):
            self.do(shard.engine.close)
        shutil.rmtree(shard.path, ignore_errors=True)

    def make_room(self, bytes_wanted: int) -> None:
        """Refuse to write where the disk is nearly full.

        The engine writes to mapped files, and the operating system ends a process that does so without a disk block.
        """
        try:
            free = shutil.disk_usage(self.path).free
        except OSError as error:
            raise self._unwritable(error) from error
        needed = _SPARE_BYTES + bytes_wanted
        if free < needed:
            raise IndexUnavailableError(
                f"The disk that holds the index in {self.path} is nearly full: {free / 2**20:.0f} MB are free, "
                f"{needed / 2**20:.0f} MB are needed.",
                hint="Make room and run the command again; what was served is served still.",
            )

    def do(self, work: Callable[[], _T]) -> _T:
        """The one place where the engine's errors become ours."""
        try:
            return work()
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            if "WouldBlock" in str(error):
                raise self._busy() from error
            raise IndexUnavailableError(f"The index in {self.path} failed: {error}.", hint=_HINT) from error

    def _load(self, path: Path) -> qe.EdgeShard:
        with spread_search_threads():
            return self.do(lambda: qe.EdgeShard.load(str(path), edge_worker.config(self.dim)))

    def _shard_path(self, generation: str) -> Path:
        return self.path / f"{_SHARD}{generation}"

    def _read_card(self) -> dict[str, Any] | None:
        try:
            card = json.loads((self.path / _CARD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return card if isinstance(card, dict) and "generation" in card else None

    def _sweep(self, generation: str) -> None:
        """Remove all shards but this one."""
        for path in self.path.glob(f"{_SHARD}*"):
            if path != self._shard_path(generation):
                shutil.rmtree(path, ignore_errors=True)

    def _busy(self) -> HomeBusyError:
        return HomeBusyError(
            f"Another process has the index in {self.path} open.",
            hint="Stop it, or run your command through `cuecard serve` on the same home.",
        )

    def _unwritable(self, error: OSError) -> IndexUnavailableError:
        return IndexUnavailableError(f"The index in {self.path} can't be written: {error}.", hint=_HINT)
