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
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ingest.errors import HomeBusyError, IndexUnavailableError
from retrieval import edge, edge_worker
from retrieval.edge import EdgeIndex
from retrieval.edge_threads import search_threads
from retrieval.ports import IndexPoint, SparseVector
from tests.chunk_names import chunk_id, named
from tests.services import unprivileged

DIM = 3


def opened(folder: Path, fingerprint: str = "one", dim: int = DIM) -> EdgeIndex:
    return EdgeIndex(folder, dim=dim, fingerprint=fingerprint)


def points(*names: str, version: int = 1, axis: int = 0) -> list[IndexPoint]:
    vector = np.eye(DIM, dtype=np.float32)[axis]
    terms = SparseVector((1,), (1.0,))
    return [
        IndexPoint(version, chunk_id(name), {"kind": ["note"]}, vector, vector.reshape(1, -1), terms) for name in names
    ]


def shard(folder: Path) -> Path:
    """The one shard of an index."""
    (path,) = folder.glob("shard-*")
    return path


def names(index: EdgeIndex) -> set[str]:
    found = index.query(SparseVector((), ()), np.eye(1, DIM, dtype=np.float32)[0], limit=100, filters={})
    return set(named(list(found.arms["dense"])))


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
            index.renewed().__enter__()
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
    with index.renewed():
        pass
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
    assert "cuecard doctor --repair" in caught.value.hint
    index.close()


def test_an_index_that_was_never_finished_is_begun_again(folder: Path) -> None:
    (folder / "index.json").unlink()
    index = opened(folder)
    assert index.count() == 0
    index.upsert(points("a"))
    index.close()


def test_a_damaged_index_is_refused_until_it_is_created_anew(folder: Path) -> None:
    (shard(folder) / "edge_config.json").write_text("{", encoding="utf-8")
    index = opened(folder)
    with pytest.raises(IndexUnavailableError, match="failed"):
        index.count()
    with index.renewed():
        index.upsert(points("a"))
    assert names(index) == {"a"}
    index.close()
    assert names(opened(folder)) == {"a"}


@pytest.mark.parametrize("file", ["segment.json", "is_null/status.dat", "page_0.dat", "mutable_id_tracker.mappings"])
@pytest.mark.parametrize("rest", [0.0, 0.5])
def test_a_file_cut_short_is_an_error_of_ours_or_missing_points(folder: Path, file: str, rest: float) -> None:
    """The engine panics, fails, or goes on with the points it still knows; a count or a question tells."""
    for path in shard(folder).rglob(file):
        os.truncate(path, int(path.stat().st_size * rest))
    index = opened(folder)
    with suppress(IndexUnavailableError):
        assert index.count() < 2 or names(index) == {"a", "b"}
    with index.renewed():
        index.upsert(points("a", "b"))
    assert names(index) == {"a", "b"}
    index.close()


def test_damage_that_ends_a_process_is_found_by_another_one(folder: Path) -> None:
    sound = opened(folder)
    sound.probe()
    sound.close()
    for path in shard(folder).rglob("mutable_id_tracker.mappings"):
        path.write_bytes(b"\xff" * path.stat().st_size)  # the engine asks for more memory than there is, and aborts
    index = opened(folder)
    with pytest.raises(IndexUnavailableError, match="can't be read"):
        index.probe()
    with index.renewed():
        index.upsert(points("a"))
    assert names(index) == {"a"}
    index.close()


def test_questions_are_answered_by_the_old_index_until_the_new_one_is_there(folder: Path) -> None:
    index = opened(folder)
    with index.renewed():
        index.upsert(points("c", version=2))
        assert names(index) == {"a", "b"}
        assert index.version_counts() == {1: 2}
        assert len(list(folder.glob("shard-*"))) == 2
    assert names(index) == {"c"}
    assert len(list(folder.glob("shard-*"))) == 1
    index.close()


def test_compressed_vectors_find_what_whole_ones_find(tmp_path: Path) -> None:
    """Over vectors in clusters, of a length as models give them, with one question or several or none."""
    dice, dim, none = np.random.default_rng(7), 128, SparseVector((), ())
    rows = dice.normal(size=(20, dim))[np.arange(1200) % 20] + 0.6 * dice.normal(size=(1200, dim))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    index = EdgeIndex(tmp_path / "index", dim=dim, fingerprint="test")
    own = {f"{at}": rows[600 + at : 600 + at + at % 3] for at in range(598)}
    index.upsert(
        [IndexPoint(1, chunk_id(name), {}, rows[int(name)], questions, none) for name, questions in own.items()]
    )
    for vector in rows[::60]:
        found = index.query(none, vector, limit=20, filters={}).arms
        passages = sorted(rows[:598] @ vector, reverse=True)[:20]
        questions = sorted((max(each @ vector) for each in own.values() if len(each)), reverse=True)[:20]
        # 16 bits a number: each is off by 2**-11 at most
        assert [hit.score for hit in found["dense"]] == pytest.approx(passages, abs=2**-11)
        assert [hit.score for hit in found["question"]] == pytest.approx(questions, abs=2**-11)
        assert max(hit.score for arm in ("dense", "question") for hit in found[arm]) <= 1
    index.close()
    assert any(file.name.startswith("quantized") for file in shard(tmp_path / "index").rglob("*"))


@pytest.mark.parametrize("graphs_from", [600, 601])
def test_an_index_is_tuned_by_another_process(folder: Path, monkeypatch: pytest.MonkeyPatch, graphs_from: int) -> None:
    index = opened(folder)
    monkeypatch.setattr(edge, "TUNED_FROM", 2)
    monkeypatch.setattr(edge_worker, "GRAPHS_FROM", graphs_from)
    monkeypatch.setattr(edge, "search_threads", lambda: 2)
    assert index.upkeep().wants_tuning
    many = [f"{at}" for at in range(600)]
    with index.renewed(tuned_for=600):
        index.upsert(points(*many))
    assert len(list(shard(folder).glob("segments/*"))) > 2, "parts, and an empty one to write to"
    assert len(names(index)) == 100, "as many as were asked for"
    assert index.version_counts() == {1: 600}
    assert not index.upkeep().wants_tuning
    index.close()
    again = opened(folder)
    assert not again.upkeep().wants_tuning
    again.upsert(points("new"))
    again.drop_versions([1])
    again.upsert(points("newer"))
    assert names(again) == {"newer"}
    again.close()


def test_an_interrupt_while_it_is_tuned_leaves_the_old_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = "import time; time.sleep(60)"
    started: list[subprocess.Popen[str]] = []

    class Slow(subprocess.Popen[str]):
        def __init__(self, command: list[str], **options: Any) -> None:
            super().__init__([command[0], "-c", slow], **options)
            started.append(self)
            main = threading.main_thread().ident
            threading.Timer(0.3, lambda: signal.pthread_kill(main or 0, signal.SIGINT)).start()

    monkeypatch.setattr(subprocess, "Popen", Slow)
    monkeypatch.setattr(edge, "TUNED_FROM", 2)
    index = opened(folder)
    with pytest.raises(KeyboardInterrupt), index.renewed(tuned_for=2):
        index.upsert(points("c"))
    assert started[0].poll() is not None
    assert names(index) == {"a", "b"}
    assert len(list(folder.glob("shard-*"))) == 1
    index.close()


def test_what_was_replaced_or_dropped_is_counted_over_processes(folder: Path) -> None:
    index = opened(folder)
    index.upsert(points("a", "c"))
    index.drop_versions([1, 7])
    assert index.upkeep().dead == 1 + 3
    index.close()
    again = opened(folder)
    assert again.upkeep().dead == 4
    with again.renewed():
        again.upsert(points("a"))
    assert again.upkeep().dead == 0
    again.close()


def test_nothing_is_written_to_a_disk_that_is_nearly_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = opened(folder)
    assert names(index) == {"a", "b"}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    with pytest.raises(IndexUnavailableError, match=r"nearly full: 1 MB are free, \d+ MB are needed") as caught:
        index.upsert(points("c"))
    assert "Make room" in caught.value.hint
    with pytest.raises(IndexUnavailableError, match="nearly full"), index.renewed():
        pass
    assert names(index) == {"a", "b"}
    index.close()


def test_vectors_of_another_length_are_an_error_of_ours(folder: Path) -> None:
    index = opened(folder)
    wrong = IndexPoint(
        1, chunk_id("c"), {}, np.ones(DIM + 2, np.float32), np.zeros((0, DIM), np.float32), SparseVector((), ())
    )
    with pytest.raises(IndexUnavailableError, match="failed"):
        index.upsert([wrong])
    assert names(index) == {"a", "b"}
    index.close()


def test_a_place_that_can_not_be_written_is_an_error_of_ours(open_folder: Path) -> None:
    (open_folder / "closed").mkdir(mode=0o555)
    with unprivileged(), pytest.raises(IndexUnavailableError, match="can't be written"):
        opened(open_folder / "closed" / "index").count()


def test_a_file_in_the_way_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("in the way", encoding="utf-8")
    with pytest.raises(IndexUnavailableError, match="can't be written"):
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


@pytest.mark.skipif(sys.platform != "linux", reason="threads can be placed on Linux only")
def test_every_search_thread_has_a_core_of_its_own_where_there_are_as_many(folder: Path) -> None:
    cores = os.sched_getaffinity(0)
    with_index = opened(folder)
    try:
        assert names(with_index) == {"a", "b"}
        tasks = [task for task in Path("/proc/self/task").iterdir() if "edge-search-" in (task / "comm").read_text()]
        placed = [os.sched_getaffinity(int(task.name)) for task in tasks]
    finally:
        with_index.close()
    assert len(placed) >= search_threads()
    if 1 < len(cores) == search_threads():
        assert {frozenset(each) for each in placed} == {frozenset({core}) for core in cores}
    else:
        assert all(each == cores for each in placed)
    assert os.sched_getaffinity(0) == cores, "whoever asks may run anywhere"
