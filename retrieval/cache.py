"""Vectors that are known already: a persistent cache for what is indexed, and a bounded one in memory for questions."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from retrieval.ports import Vectors

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

_T = TypeVar("_T")

_LOOKED_UP_AT_ONCE = 500  # under SQLite's limit on variables
# Vectors from which pruning is thought of, and how many times those in use there may be: so the size stays within
# bounds, and all the pruning there ever is reads about as many chunks as were embedded.
_PRUNED_FROM, _PRUNED_FACTOR = 10_000, 2


class EmbeddingCache:
    """Vectors, and whatever else a model says of a text, by model, role and text, in one SQLite file. Thread-safe.

    It only ever saves work: where the file is damaged it is begun anew, and where it can't be used (a folder that is
    read-only, a full disk) everything is embedded again.
    """

    def __init__(self, path: Path, *, timeout_s: float = 2.0) -> None:
        """`timeout_s`: how long another process's writing is waited for."""
        self._lock = threading.Lock()
        self._path, self._timeout_s = path, timeout_s
        self._connection = self._opened()
        self._hits = self._misses = 0

    @property
    def counts(self) -> tuple[int, int]:
        """Of how many texts the vector was known, and of how many not."""
        return self._hits, self._misses

    def embed(
        self, model: str, role: str, texts: Sequence[str], dim: int, embed: Callable[[list[str]], Vectors]
    ) -> Vectors:
        """float32 [n, dim]: each text's vector, from the cache or from `embed`, which sees each missing text once.

        `model`: the embedder's fingerprint. `role`: "query" or "passage". Raises what `embed` raises.
        """
        kept = self.read_blobs(model, role, texts)
        known = {text: np.frombuffer(blob, np.float32) for text, blob in kept.items() if len(blob) == 4 * dim}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        with self._lock:
            self._hits, self._misses = self._hits + len(known), self._misses + len(missing)
        if missing:
            fresh = dict(zip(missing, embed(missing), strict=True))
            blobs = {text: np.ascontiguousarray(vector, np.float32).tobytes() for text, vector in fresh.items()}
            self.write_blobs(model, role, blobs)
            known |= fresh
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, dim), dtype=np.float32)

    def read_blobs(self, model: str, role: str, texts: Sequence[str]) -> dict[str, bytes]:
        """What is kept of these texts, by text."""
        wanted = {_key(model, role, text): text for text in texts}

        def read(connection: sqlite3.Connection) -> dict[str, bytes]:
            known: dict[str, bytes] = {}
            keys = list(wanted)
            for start in range(0, len(keys), _LOOKED_UP_AT_ONCE):
                part = keys[start : start + _LOOKED_UP_AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = connection.execute(f"SELECT key, vector FROM embeddings WHERE key IN ({marks})", part)  # noqa: S608
                known.update({wanted[key]: blob for key, blob in rows})
            return known

        return self._try(read, {}) if wanted else {}

    def write_blobs(self, model: str, role: str, blobs: Mapping[str, bytes]) -> None:
        """Keep these bytes of these texts."""
        rows = [(_key(model, role, text), blob) for text, blob in blobs.items()]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)

        self._try(write, None)

    def __len__(self) -> int:
        """How many entries there are (1 ms for 60,000)."""
        return self._try(_count, 0)

    def overgrown(self) -> bool:
        """Whether it has grown to several times what was in use when it was pruned last: then it is worth pruning."""
        kept = self._try(lambda connection: int(connection.execute("PRAGMA user_version").fetchone()[0]), 0)
        return len(self) > _PRUNED_FROM + _PRUNED_FACTOR * kept

    def prune(self, texts: Iterable[tuple[str, str, str]]) -> int:
        """Forget all but what is kept of these (model, role, text); how much was forgotten. A full disk keeps all."""
        return self._try(lambda connection: _prune(connection, (_key(*each) for each in texts)), 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _try(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """What the file gives; `otherwise` where it can't. A damaged file is begun anew, for the calls that come."""
        with self._lock:
            if self._connection is None:
                return otherwise
            try:
                return work(self._connection)
            except sqlite3.OperationalError:
                return otherwise  # busy, full, read-only
            except sqlite3.ProgrammingError:
                return otherwise  # closed
            except sqlite3.DatabaseError:
                self._connection.close()
                self._connection = self._opened(anew=True)
                return otherwise

    def _opened(self, *, anew: bool = False) -> sqlite3.Connection | None:
        """The file, open; None where it can't be used."""
        try:
            if anew:
                for damaged in self._path.parent.glob(f"{self._path.name}*"):
                    damaged.unlink()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _open(self._path, self._timeout_s)
        except (OSError, sqlite3.OperationalError):
            return None
        except sqlite3.DatabaseError:
            return None if anew else self._opened(anew=True)


class LruCache(Generic[_Key, _Value]):
    """The `size` values asked for last. Thread-safe; 0 keeps nothing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def get(self, key: _Key) -> _Value | None:
        """The value, if it is still there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                self.hits += 1
            else:
                self.misses += 1
            return self._values.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        """Keep a value, and forget the one not asked for the longest."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)


def _open(path: Path, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout_s, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # with row numbers: without, 60,000 vectors took twice the space and six times as long to read
        connection.execute("CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        with closing(connection.execute("SELECT key FROM embeddings LIMIT 1")) as cursor:
            cursor.fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _key(model: str, role: str, text: str) -> bytes:
    return hashlib.sha256(f"{model}\0{role}\0{text}".encode("utf-8", "surrogatepass")).digest()


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM embeddings").fetchone()[0])


def _prune(connection: sqlite3.Connection, used: Iterable[bytes]) -> int:
    """Delete all other rows, and give their space back; how many they were."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY)")
    with connection:
        connection.execute("DELETE FROM used")
        connection.executemany("INSERT OR IGNORE INTO used VALUES (?)", ((key,) for key in used))
        gone = connection.execute("DELETE FROM embeddings WHERE key NOT IN (SELECT key FROM used)").rowcount
        connection.execute("DELETE FROM used")
    connection.execute(f"PRAGMA user_version = {_count(connection)}")
    connection.execute("VACUUM")
    return gone
