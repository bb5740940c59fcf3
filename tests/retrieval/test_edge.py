"""What is particular to the embedded index: its folder, its owner, and what survives."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import HomeBusyError, IndexUnavailableError
from retrieval.edge import EdgeIndex
from retrieval.ports import IndexPoint, SparseVector

DIM = 3


def opened(folder: Path, fingerprint: str = "one", dim: int = DIM) -> EdgeIndex:
    return EdgeIndex(folder, dim=dim, fingerprint=fingerprint)


def points(*names: str, version: int = 1, axis: int = 0) -> list[IndexPoint]:
    vector = np.eye(DIM, dtype=np.float32)[axis]
    terms = SparseVector((1,), (1.0,))
    return [IndexPoint(version, name, {"kind": ["note"]}, vector, vector.reshape(1, -1), terms) for name in names]


def names(index: EdgeIndex) -> set[str]:
    found = index.query(SparseVector((), ()), np.eye(1, DIM, dtype=np.float32)[0], limit=100, filters={})
    return {hit.chunk_id for hit in found.arms["dense"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of two points, closed."""
    index = opened(tmp_path / "index")
    index.upsert(points("a", "b"))
    index.close()
    return tmp_path / "index"


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the index open, has written a point, and waits."""
    script = (
        "import sys, time; from pathlib import Path; from tests.retrieval.test_edge import opened, points; "
        "index = opened(Path(sys.argv[1])); index.upsert(points('c')); print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def test_what_was_written_is_there_again_under_the_same_generation(folder: Path) -> None:
    first = opened(folder)
    generation = first.generation()
    first.close()
    again = opened(folder)
    assert names(again) == {"a", "b"}
    assert again.generation() == generation
    again.close()
    again.close()


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    index = opened(tmp_path / "index")
    assert not (tmp_path / "index").exists()
    index.close()
    assert not (tmp_path / "index").exists()
    with pytest.raises(IndexUnavailableError, match="is closed"):
        index.count()


def test_a_second_process_is_refused_and_the_first_not_disturbed(folder: Path, holder: subprocess.Popen[str]) -> None:
    for index in (opened(folder), opened(folder, fingerprint="other")):
        with pytest.raises(HomeBusyError, match=f"Another process has the index in {folder} open") as caught:
            index.recreate()
        assert "cuecard serve" in caught.value.hint
    with pytest.raises(HomeBusyError):
        opened(folder).count()
    holder.kill()
    holder.wait()
    index = opened(folder)
    assert names(index) == {"a", "b", "c"}
    index.close()


def test_a_kill_loses_nothing_that_was_acknowledged(folder: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    index = opened(folder)
    assert names(index) == {"a", "b", "c"}
    index.close()


@pytest.mark.parametrize(("fingerprint", "dim"), [("two", DIM), ("one", DIM + 1)])
def test_an_index_of_other_vectors_is_refused_until_it_is_created_anew(
    folder: Path, fingerprint: str, dim: int
) -> None:
    index = opened(folder, fingerprint, dim)
    with pytest.raises(IndexUnavailableError, match="another embedding model") as caught:
        index.count()
    assert "cuecard ingest" in caught.value.hint
    index.recreate()
    assert index.count() == 0
    index.close()
    again = opened(folder, fingerprint, dim)
    assert again.count() == 0
    again.close()


def test_a_folder_deleted_by_hand_becomes_an_empty_index_of_a_new_generation(folder: Path) -> None:
    index = opened(folder)
    generation = index.generation()
    index.close()
    shutil.rmtree(folder)
    again = opened(folder)
    assert again.count() == 0
    assert again.generation() != generation
    again.close()


def test_a_folder_deleted_while_it_is_open_fails_the_next_flush(folder: Path) -> None:
    index = opened(folder)
    index.upsert(points("c"))
    shutil.rmtree(folder)
    with pytest.raises(IndexUnavailableError, match="failed") as caught:
        index.flush()
    assert "cuecard ingest" in caught.value.hint
    index.close()


def test_an_index_that_was_never_finished_is_begun_again(folder: Path) -> None:
    (folder / "index.json").unlink()
    index = opened(folder)
    assert index.count() == 0
    index.upsert(points("a"))
    index.close()


def test_a_damaged_index_is_refused_until_it_is_created_anew(folder: Path) -> None:
    (folder / "shard" / "edge_config.json").write_text("{", encoding="utf-8")
    index = opened(folder)
    with pytest.raises(IndexUnavailableError, match="failed"):
        index.count()
    index.recreate()
    index.upsert(points("a"))
    assert names(index) == {"a"}
    index.close()


def test_vectors_of_another_length_are_an_error_of_ours(folder: Path) -> None:
    index = opened(folder)
    wrong = IndexPoint(1, "c", {}, np.ones(DIM + 2, np.float32), np.zeros((0, DIM), np.float32), SparseVector((), ()))
    with pytest.raises(IndexUnavailableError, match="failed"):
        index.upsert([wrong])
    assert names(index) == {"a", "b"}
    index.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_can_not_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(IndexUnavailableError, match="can't be created"):
        opened(tmp_path / "closed" / "index").count()


def test_a_file_in_the_way_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("in the way", encoding="utf-8")
    with pytest.raises(IndexUnavailableError, match="can't be created"):
        opened(tmp_path / "index").count()


def test_questions_and_writes_may_come_at_once(folder: Path) -> None:
    index = opened(folder)
    done = threading.Event()

    def write() -> None:
        for at in range(40):
            index.upsert(points(*(f"{at}-{i}" for i in range(5)), version=2, axis=1))
            if at % 3 == 0:
                index.flush()
        index.drop_versions([2])
        done.set()

    def search() -> int:
        asked = 0
        while not done.is_set() or not asked:
            assert {"a", "b"} <= names(index)
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(write)
        searching = [pool.submit(search) for _ in range(3)]
        writing.result(timeout=60)
        assert all(search.result(timeout=60) > 0 for search in searching)
    assert names(index) == {"a", "b"}
    index.close()
