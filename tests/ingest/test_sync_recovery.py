"""Whatever interrupts a sync, the library stays whole, and the next sync finishes the work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy

from ingest.catalog import Catalog
from ingest.errors import IndexUnavailableError
from ingest.sync import rebuild, sync
from tests.fakes import LINES, MemoryIndexer
from tests.services import unprivileged


@pytest.fixture
def catalog(database: str) -> Iterator[Catalog]:
    opened = Catalog(database)
    yield opened
    opened.close()


def fill(root: Path, texts: dict[str, str]) -> None:
    root.mkdir(exist_ok=True)
    for old in root.glob("*.md"):
        old.unlink()
    for path, text in texts.items():
        (root / path).write_text(text)


def served(catalog: Catalog) -> dict[str, str]:
    return {info.path: catalog.text(info.version_key) for info in catalog.documents()}


BEFORE = {"a.md": "one\n" * 260, "b.md": "two", "c.md": "three", "gone.md": "four", "old.md": "six"}
AFTER = {"a.md": "one\n" * 261, "b.md": "two, changed", "c.md": "three", "new.md": "five", "renamed.md": "six"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), IndexUnavailableError("The index is gone.")])
@pytest.mark.parametrize("moment", ["put", "drop"])
def test_a_failing_index_leaves_the_old_version_serving(
    catalog: Catalog, tmp_path: Path, error: BaseException, moment: str
) -> None:
    root, indexer = tmp_path / "root", MemoryIndexer()
    fill(root, BEFORE)
    sync(catalog, indexer, [root], parser=LINES)
    fill(root, AFTER)
    setattr(indexer, f"fail_on_{moment}", error)
    with pytest.raises(type(error)):
        sync(catalog, indexer, [root], parser=LINES)
    for path, text in served(catalog).items():
        assert text in (BEFORE.get(path), AFTER.get(path))
    assert catalog.live_versions() <= set(indexer.versions)

    sync(catalog, indexer, [root], parser=LINES)
    assert served(catalog) == AFTER
    assert set(indexer.versions) == catalog.live_versions()
    assert _states(catalog) <= {("live", True), ("superseded", False)}


def test_an_interrupt_at_any_database_statement(tmp_path: Path) -> None:
    """Stops a sync before its first, second, … statement, until one runs through."""
    root, first = tmp_path / "root", MemoryIndexer()
    fill(root, BEFORE)
    seed = Catalog(f"sqlite:///{tmp_path / 'seed.db'}")
    sync(seed, first, [root], parser=LINES)
    seed.close()
    fill(root, AFTER)
    stop_at, finished = 0, False
    while not finished:
        stop_at += 1
        shutil.copy(tmp_path / "seed.db", tmp_path / f"{stop_at}.db")
        catalog, indexer = Catalog(f"sqlite:///{tmp_path / f'{stop_at}.db'}"), MemoryIndexer()
        indexer.versions = dict(first.versions)
        finished = _interrupted(catalog, indexer, root, stop_at)
        assert catalog.live_versions() <= set(indexer.versions)
        numbers = [change.sequence for change in catalog.changes()]
        assert numbers == list(range(1, catalog.sequence() + 1))
        sync(catalog, indexer, [root], parser=LINES)
        assert served(catalog) == AFTER
        assert set(indexer.versions) == catalog.live_versions()
        catalog.close()
    assert stop_at > 20


def _interrupted(catalog: Catalog, indexer: MemoryIndexer, root: Path, stop_at: int) -> bool:
    """A sync stopped before its statement number `stop_at`; whether it ended before that."""
    left = stop_at

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    sqlalchemy.event.listen(catalog.engine, "before_cursor_execute", count)
    try:
        sync(catalog, indexer, [root], parser=LINES)
    except KeyboardInterrupt:
        return False
    finally:
        sqlalchemy.event.remove(catalog.engine, "before_cursor_execute", count)
    return True


def test_rebuilding_forgets_what_was_left_over(catalog: Catalog, tmp_path: Path) -> None:
    root, indexer = tmp_path / "root", MemoryIndexer()
    fill(root, BEFORE)
    indexer.fail_on_put = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        sync(catalog, indexer, [root], parser=LINES)
    rebuild(catalog, indexer)
    assert set(indexer.versions) == catalog.live_versions()
    assert ("building", True) not in _states(catalog)


def test_unreadable_folders_keep_what_they_held(open_folder: Path) -> None:
    root = open_folder / "root"
    (root / "shut").mkdir(parents=True)
    for name in ("a.md", "b.md", "shut/c.md", "shut/d.md", "shut/e.md"):
        (root / name).write_text("text")
    (root / "shut/e.md").write_text("")
    catalog, indexer = Catalog(f"sqlite:///{open_folder / 'catalog.db'}"), MemoryIndexer()
    sync(catalog, indexer, [root], parser=LINES)
    (root / "b.md").unlink()
    (root / "a.md").chmod(0)
    (root / "shut").chmod(0)
    paths: Sequence[Path] = [root]
    for path in open_folder.glob("catalog.db*"):
        path.chmod(0o666)
    open_folder.chmod(0o777)
    with unprivileged():
        report = sync(catalog, indexer, paths, parser=LINES)
        whole = sync(catalog, indexer, [root / "shut"], parser=LINES)
    (root / "shut").chmod(0o755)
    catalog.close()
    assert [(problem.path, "Permission denied" in problem.reason) for problem in report.quarantine] == [
        ("a.md", True),
        ("shut", True),
        ("shut/e.md", False),
    ]
    assert (report.removed, report.unchanged) == (1, 0)
    assert [problem.path for problem in whole.quarantine] == ["shut", "shut/e.md"]
    again = Catalog(f"sqlite:///{open_folder / 'catalog.db'}")
    assert set(served(again)) == {"a.md", "shut/c.md", "shut/d.md"}
    assert {entry.path for entry in again.quarantine()} == {"a.md", "shut", "shut/e.md"}
    again.close()


def _states(catalog: Catalog) -> set[tuple[str, bool]]:
    with catalog.transaction() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT state, indexed FROM versions"))
        return {(row.state, bool(row.indexed)) for row in rows}
