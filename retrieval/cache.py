"""Vectors that are known already: a persistent cache for what is indexed, and a bounded one in memory for questions."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from retrieval.ports import Vectors

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

_LOOKED_UP_AT_ONCE = 500  # under SQLite's limit on variables


class EmbeddingCache:
    """Vectors by model, role and text, in one SQLite file. Thread-safe.

    It only ever saves work: where the file is damaged or can't be written, everything is embedded again.
    """

    def __init__(self, path: Path, *, timeout_s: float = 2.0) -> None:
        """`timeout_s`: how long another process's writing is waited for."""
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = _open(path, timeout_s)
        except sqlite3.DatabaseError:
            for damaged in path.parent.glob(f"{path.name}*"):
                damaged.unlink()
            self._connection = _open(path, timeout_s)

    def embed(
        self, model: str, role: str, texts: Sequence[str], dim: int, embed: Callable[[list[str]], Vectors]
    ) -> Vectors:
        """float32 [n, dim]: each text's vector, from the cache or from `embed`, which sees each missing text once.

        `model`: the embedder's fingerprint. `role`: "query" or "passage". Raises what `embed` raises.
        """
        keys = [hashlib.sha256(f"{model}\0{role}\0{text}".encode("utf-8", "surrogatepass")).digest() for text in texts]
        known = self._read(keys, dim)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            fresh = dict(zip(missing, embed(list(missing.values())), strict=True))
            self._write(fresh)
            known.update(fresh)
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, dim), dtype=np.float32)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _read(self, keys: Sequence[bytes], dim: int) -> dict[bytes, Vectors]:
        known: dict[bytes, Vectors] = {}
        wanted = list(dict.fromkeys(keys))
        with self._lock, suppress(sqlite3.DatabaseError):
            for start in range(0, len(wanted), _LOOKED_UP_AT_ONCE):
                part = wanted[start : start + _LOOKED_UP_AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = self._connection.execute(f"SELECT key, vector FROM embeddings WHERE key IN ({marks})", part)  # noqa: S608
                known.update({key: np.frombuffer(blob, np.float32) for key, blob in rows if len(blob) == 4 * dim})
        return known

    def _write(self, vectors: dict[bytes, Vectors]) -> None:
        rows = [(key, np.ascontiguousarray(vector, np.float32).tobytes()) for key, vector in vectors.items()]
        with self._lock, suppress(sqlite3.DatabaseError), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)


class LruCache(Generic[_Key, _Value]):
    """The `size` values asked for last. Thread-safe; 0 keeps nothing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Value | None:
        """The value, if it is still there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
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
        connection.execute(
            "CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
        )
        with closing(connection.execute("SELECT key FROM embeddings LIMIT 1")) as cursor:
            cursor.fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
