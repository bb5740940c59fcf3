"""Files deleted or cut short behind the library's back: the next run makes good what can be made good."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from ingest.errors import IndexUnavailableError
from ingest.ports import NewVersion
from retrieval.mend import diagnose, mend
from tests.crash import worker
from tests.crash.scene import Crashed, begin, seeded, update

Damage = Callable[[Path, random.Random], None]


def files_of(index: Path, dice: random.Random) -> list[Path]:
    """A few files of an index, the lock aside."""
    files = sorted(path for path in index.rglob("*") if path.is_file() and path.name != "lock")
    return dice.sample(files, max(1, len(files) // 4))


def delete_all(index: Path, _: random.Random) -> None:
    shutil.rmtree(index)


def delete_some(index: Path, dice: random.Random) -> None:
    for path in files_of(index, dice):
        path.unlink()


def cut_some(index: Path, dice: random.Random) -> None:
    for path in files_of(index, dice):
        os.truncate(path, dice.randrange(1 + path.stat().st_size // 2))


def delete_card(index: Path, _: random.Random) -> None:
    (index / "index.json").unlink()


def delete_shard(index: Path, _: random.Random) -> None:
    for path in index.glob("shard-*"):
        shutil.rmtree(path)


def put_file_in_the_way(index: Path, _: random.Random) -> None:
    (index / "shard-0").mkdir()
    (index / "shard-0" / "x").write_text("of another time", encoding="utf-8")


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    """A library in order, and beside it a copy that nobody touches."""
    place = tmp_path_factory.mktemp("in-order") / "now"
    (place / "folder").mkdir(parents=True)
    crashed = Crashed(place / "folder", place / "home")
    begin(crashed, seeded("damage"))
    crashed.heal()
    shutil.copytree(place, place.with_name("kept"))
    return crashed


@pytest.fixture
def settled(in_order: Crashed) -> Crashed:
    """That library, as it was."""
    place = in_order.folder.parent
    shutil.rmtree(place)
    shutil.copytree(place.with_name("kept"), place)
    return deepcopy(in_order)


@pytest.mark.parametrize("damage", [delete_all, delete_card, delete_shard, put_file_in_the_way])
def test_an_index_that_was_deleted_is_made_anew(settled: Crashed, damage: Damage) -> None:
    damage(settled.home / "index", seeded("deleted"))
    settled.heal()


@pytest.mark.parametrize("damage", [delete_some, cut_some])
@pytest.mark.parametrize("seed", range(6))
def test_an_index_with_damaged_files_is_made_anew(settled: Crashed, damage: Damage, seed: int) -> None:
    damage(settled.home / "index", seeded(seed))
    update(settled, seeded(seed))
    settled.heal()


@pytest.mark.parametrize("text", [None, b"", b"no database" * 1000])
def test_a_lost_embedding_cache_costs_work_only(settled: Crashed, text: bytes | None) -> None:
    for path in settled.home.glob("embeddings.sqlite3*"):
        path.unlink()
    if text is not None:
        (settled.home / "embeddings.sqlite3").write_bytes(text)
    shutil.rmtree(settled.home / "index")
    settled.heal()


def test_a_lost_catalog_is_filled_again_and_the_old_points_go(settled: Crashed) -> None:
    for path in settled.home.glob("catalog.sqlite3*"):
        path.unlink()
    settled.served.clear()
    with worker.opened(settled.home) as parts:
        found = diagnose(parts.catalog, parts.room)
        assert len(found.unknown) == len(settled.files)
        assert parts.room.retriever.search("line").hits == ()
    settled.heal()


def test_a_damaged_catalog_is_said_and_left_alone(settled: Crashed) -> None:
    path = settled.home / "catalog.sqlite3"
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    with pytest.raises(IndexUnavailableError, match=r"The catalog .* can't be used"), worker.opened(settled.home):
        pass
    path.write_bytes(data)
    settled.heal()


def test_points_that_are_missing_are_put_again_and_unknown_ones_go(settled: Crashed) -> None:
    with worker.opened(settled.home) as parts:
        keys = sorted(parts.catalog.live_versions())
        embedded = parts.room.indexer.embedded
        parts.room.index.drop_versions(keys[:3])
        version = parts.catalog.load(keys[5])
        parts.room.indexer.put([NewVersion(10**6, version)])
        found = diagnose(parts.catalog, parts.room)
        assert (found.uneven, found.unknown) == (tuple(keys[:3]), (10**6,))
        generation = parts.room.index.generation()
        mend(parts.catalog, parts.room)
        assert diagnose(parts.catalog, parts.room).sound
        assert parts.room.index.generation() == generation, "what is whole is not written again"
        assert parts.room.indexer.embedded == embedded
    settled.heal()


def test_an_index_that_is_mostly_dead_is_made_anew(settled: Crashed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.mend._DEAD_FROM", 50)
    dice = seeded("dead")
    generations = set()
    for _ in range(6):
        update(settled, dice)
        settled.heal()
        with worker.opened(settled.home) as parts:
            generations.add(parts.room.index.generation())
            assert parts.room.index.upkeep().dead <= 50 + 2 * parts.room.index.count()
    assert 1 < len(generations) < 6
