from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retrieval.cache import EmbeddingCache, LruCache
from retrieval.ports import Vectors
from tests.fakes import HashingEmbedder

DIM = 8


def embed(cache: EmbeddingCache, embedder: HashingEmbedder, texts: list[str], role: str = "passage") -> Vectors:
    return cache.embed(embedder.fingerprint, role, texts, embedder.dim, embedder.embed_passages)


def test_a_text_is_embedded_once_even_by_another_process(tmp_path: Path) -> None:
    embedder = HashingEmbedder(DIM)
    cache = EmbeddingCache(tmp_path / "home" / "embeddings.sqlite3")
    first = embed(cache, embedder, ["redis", "kafka", "redis"])
    cache.close()
    assert embedder.seen == ["redis", "kafka"]
    again = EmbeddingCache(tmp_path / "home" / "embeddings.sqlite3")
    second = embed(again, embedder, ["kafka", "new", "redis"])
    again.close()
    assert embedder.seen == ["redis", "kafka", "new"]
    assert second.dtype == np.float32
    assert np.array_equal(second, embedder.embed_passages(["kafka", "new", "redis"]))
    assert np.array_equal(first[0], first[2])


def test_models_roles_and_dimensions_are_kept_apart(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite3")
    one, other = HashingEmbedder(DIM, "one"), HashingEmbedder(DIM, "other")
    wide = HashingEmbedder(2 * DIM, "one")
    for embedder in (one, other, wide):
        assert embed(cache, embedder, ["redis"]).shape == (1, embedder.dim)
        assert embedder.seen == ["redis"]
    embed(cache, one, ["redis"], role="query")
    assert one.seen == ["redis", "redis"]
    cache.close()


def test_nothing_in_nothing_out(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite3")
    assert embed(cache, HashingEmbedder(DIM), []).shape == (0, DIM)
    cache.close()


def test_what_embedding_raises_comes_through_and_nothing_is_kept(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite3")
    embedder = HashingEmbedder(DIM)
    embedder.fail = RuntimeError("no memory")
    with pytest.raises(RuntimeError, match="no memory"):
        embed(cache, embedder, ["redis"])
    embedder.fail = None
    embed(cache, embedder, ["redis"])
    assert embedder.seen == ["redis"]
    cache.close()


def test_a_damaged_file_costs_work_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.sqlite3"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 40)
    embedder = HashingEmbedder(DIM)
    cache = EmbeddingCache(path)
    for _ in range(2):
        assert embed(cache, embedder, ["redis"]).shape == (1, DIM)
    assert embedder.seen == ["redis"]
    cache.close()


def test_a_locked_file_costs_work_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.sqlite3"
    cache = EmbeddingCache(path, timeout_s=0.05)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    assert embed(cache, HashingEmbedder(DIM), ["redis"]).shape == (1, DIM)
    other.close()
    cache.close()


def test_a_full_or_closed_folder_costs_work_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    embedder = HashingEmbedder(DIM)
    cache = EmbeddingCache(tmp_path / "file" / "embeddings.sqlite3")
    for _ in range(2):
        assert embed(cache, embedder, ["redis"]).shape == (1, DIM)
    assert embedder.seen == ["redis", "redis"]
    assert (len(cache), cache.overgrown(), cache.prune([])) == (0, False, 0)
    cache.close()


def test_a_file_damaged_in_its_middle_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "embeddings.sqlite3"
    texts = [f"text {at}" for at in range(200)]
    first = EmbeddingCache(path)
    embed(first, HashingEmbedder(DIM), texts)
    first.close()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)
    cache = EmbeddingCache(path)
    for _ in range(2):
        assert embed(cache, HashingEmbedder(DIM), texts).shape == (200, DIM)
    unused = HashingEmbedder(DIM)
    embed(cache, unused, texts)
    assert unused.seen == [], "what came after the damage was noticed is kept"
    cache.close()


def test_what_nobody_uses_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.cache._PRUNED_FROM", 100)
    path = tmp_path / "embeddings.sqlite3"
    cache = EmbeddingCache(path)
    embedder = HashingEmbedder(DIM)
    embed(cache, embedder, [f"text {at}" for at in range(5000)])
    assert len(cache) == 5000
    assert cache.overgrown()
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    used = [("passage", f"text {at}") for at in range(30)] + [("query", "text 40"), ("passage", "new")]
    assert cache.prune((embedder.fingerprint, *each) for each in used) == 4970
    assert (len(cache), cache.overgrown()) == (30, False)
    cache.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < size / 4
    again = EmbeddingCache(path)
    asked = HashingEmbedder(DIM)
    embed(again, asked, [f"text {at}" for at in range(31)])
    assert asked.seen == ["text 30"]
    embed(again, asked, [f"later {at}" for at in range(129)])
    assert not again.overgrown(), "160 are not more than 100 and twice the 30 that were kept"
    embed(again, asked, ["one more"])
    assert again.overgrown()
    again.close()


def test_threads_may_share_it(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "embeddings.sqlite3")
    embedder = HashingEmbedder(DIM)
    lists = [[f"text {(start + at) % 50}" for at in range(20)] for start in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for texts, vectors in zip(lists, pool.map(lambda texts: embed(cache, embedder, texts), lists), strict=True):
            assert np.array_equal(vectors, HashingEmbedder(DIM).embed_passages(texts))
    cache.close()


def test_the_least_recently_used_goes_first() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    nothing: LruCache[str, int] = LruCache(0)
    nothing.put("a", 1)
    assert nothing.get("a") is None
