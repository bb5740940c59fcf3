"""A catalog in another database: the same rows under the same numbers, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select

from ingest import quarantine
from ingest.catalog import Catalog
from ingest.catalog_links import Link, relink
from ingest.copy import CatalogSum, TableSum, copy_catalog, differences, is_empty, same_library, sum_up
from ingest.jobs import Jobs
from ingest.schema import changes, documents, keys, metadata, sessions, versions
from ingest.schema_feedback import asked, feedback
from ingest.sync import delete, prune, sync
from tests.fakes import LINES, MemoryIndexer

PLAIN: dict[type, Any] = {str: "x “y”", float: 0.1 + 0.2, bool: True}
"""A value for each type of column; the same in every table, so that references hold."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalog with all that one can hold: history, renames, removals, quarantine, jobs, links. Only to be read."""
    folder = tmp_path_factory.mktemp("library")
    catalog, root, indexer = Catalog(f"sqlite:///{folder / 'catalog.db'}"), folder / "root", MemoryIndexer()
    root.mkdir()
    for round_ in range(3):
        (root / "a.md").write_text("one “two” 🙂\n" * (round_ + 1), encoding="utf-8")
        (root / f"b{round_}.md").write_text("what is renamed", encoding="utf-8")
        (root / f"b{round_ - 1}.md").unlink(missing_ok=True)
        (root / "bad.md").write_bytes(b"\x00" * (round_ + 1))
        (root / f"c{round_}.md").write_text(f"number {round_}", encoding="utf-8")
        sync(catalog, indexer, [root], parser=LINES)
    delete(catalog, indexer, "c1.md")
    prune(catalog, 1)
    (entry,) = catalog.quarantine()
    quarantine.drop(catalog, entry.id)
    a, b = (catalog.document(name).id for name in ("a.md", "c2.md"))
    relink(catalog, catalog.sequence(), {a, b}, [Link("default", a, "x", b, "y", 0.1 + 0.2, "they disagree")])
    jobs = Jobs(catalog)
    job = jobs.add("default", ["up.md"], key="key", body_hash="hash")
    jobs.take()
    jobs.finish(job.id, {"chunks": 3})
    with catalog.transaction() as connection:
        for table in (keys, sessions, asked, feedback):
            connection.execute(insert(table), {column.name: PLAIN[column.type.python_type] for column in table.columns})
    # a version that was begun, and its row gone: its number is not given again
    with catalog.transaction() as connection:
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = seq + 5 WHERE name = 'versions'")
    yield catalog
    catalog.close()


@pytest.fixture
def target(database: str) -> Iterator[Catalog]:
    """An empty catalog."""
    opened = Catalog(database)
    yield opened
    opened.close()


def rows(catalog: Catalog) -> dict[str, list[str]]:
    """Everything, table by table."""
    with catalog.transaction() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }


def test_everything_comes_over_and_nothing_is_changed_here(library: Catalog, target: Catalog) -> None:
    before = rows(library)
    assert all(before.values()), "no table is without rows"
    assert is_empty(target)
    assert not same_library(library, target)
    seen: list[tuple[str, int, int]] = []
    copy_catalog(library, target, {}, lambda *step: seen.append(step))
    assert rows(target) == before == rows(library)
    assert seen[-1] == ("rows", *[sum(map(len, before.values()))] * 2)
    assert not is_empty(target)
    assert same_library(library, target)
    assert [change.to_dict() for change in target.changes()] == [change.to_dict() for change in library.changes()]
    mine, theirs = sum_up(library), sum_up(target)
    assert mine == theirs
    assert mine.checksum == theirs.checksum
    assert mine.rows == sum(map(len, before.values()))
    assert differences(mine, theirs) == []


def test_the_copy_goes_on_where_the_library_stopped(library: Catalog, target: Catalog, tmp_path: Path) -> None:
    copy_catalog(library, target, {})
    root = tmp_path / "more"
    root.mkdir()
    (root / "new.md").write_text("new", encoding="utf-8")
    sync(target, MemoryIndexer(), [root], collection="more", parser=LINES)
    assert target.sequence() == library.sequence() + 1
    assert target.document("new.md").version_key == sum_up(library).last_key + 1, "no number is given twice"


def test_there_and_back_again(library: Catalog, target: Catalog, tmp_path: Path) -> None:
    copy_catalog(library, target, {})
    back = Catalog(f"sqlite:///{tmp_path / 'back.db'}")
    copy_catalog(target, back, {})
    assert rows(back) == rows(library)
    assert sum_up(back) == sum_up(library)
    back.close()


def test_what_stood_there_goes_and_indexes_get_their_new_names(
    library: Catalog, target: Catalog, tmp_path: Path
) -> None:
    root = tmp_path / "other"
    root.mkdir()
    (root / "other.md").write_text("other\nlines", encoding="utf-8")
    sync(target, MemoryIndexer(), [root], parser=LINES)
    assert not same_library(library, target)
    renamed = {"memory": "another index"}
    copy_catalog(library, target, renamed)
    with target.transaction() as connection:
        assert set(connection.execute(select(versions.c.fingerprint)).scalars()) == {"another index"}
    assert differences(sum_up(library, renamed), sum_up(target)) == []
    assert differences(sum_up(library), sum_up(target)) == ["Rows of the table versions have other values there."]


def test_what_differs_is_named(library: Catalog, target: Catalog) -> None:
    copy_catalog(library, target, {})
    with target.transaction() as connection:
        connection.execute(documents.update().where(documents.c.path == "a.md").values(root="/elsewhere"))
        connection.execute(changes.delete().where(changes.c.sequence == 2))
    count = len(rows(library)["changes"])
    assert set(differences(sum_up(library), sum_up(target))) == {
        f"The table changes has {count - 1} rows there and {count} here.",
        "Rows of the table documents have other values there.",
    }
    assert not same_library(library, target)


def test_a_lower_number_for_the_next_version_is_a_difference() -> None:
    here = CatalogSum({"versions": TableSum(1, 5)}, last_key=9)
    there = CatalogSum({"versions": TableSum(1, 5)}, last_key=3)
    assert differences(here, there) == ["Versions are numbered from 4 there; 9 was given here."]
    assert differences(there, here) == []


def test_an_interrupt_at_any_statement_leaves_nothing_behind(library: Catalog, tmp_path: Path) -> None:
    stop_at, finished = 0, False
    while not finished:
        stop_at += 1
        target = Catalog(f"sqlite:///{tmp_path / f'{stop_at}.db'}")
        finished = _interrupted(library, target, stop_at)
        if not finished:
            assert is_empty(target)
            assert all(not found for name, found in rows(target).items() if name not in ("about", "counters"))
            copy_catalog(library, target, {})
        assert sum_up(target) == sum_up(library)
        target.close()
    assert stop_at > len(metadata.sorted_tables)


def _interrupted(library: Catalog, target: Catalog, stop_at: int) -> bool:
    """Whether a copy that is stopped before its `stop_at`th statement there runs through."""
    left = stop_at

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    event.listen(target.engine, "before_cursor_execute", count)
    try:
        copy_catalog(library, target, {})
    except KeyboardInterrupt:
        return False
    finally:
        event.remove(target.engine, "before_cursor_execute", count)
    return True


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(6)), drop=st.integers(0, 5))
def test_the_checksum_is_of_the_rows_and_not_of_their_order(order: list[int], drop: int) -> None:
    sums = []
    for numbers in (range(6), order, [number for number in order if number != drop]):
        catalog = Catalog("sqlite://")
        entries = [
            {"sequence": n, "at": "", "kind": "added", "collection": "", "path": f"{n}", "detail": ""} for n in numbers
        ]
        with catalog.transaction() as connection:
            connection.execute(changes.insert(), entries)
        sums.append(sum_up(catalog))
        catalog.close()
    assert sums[0] == sums[1]
    assert sums[0].tables["changes"].checksum != sums[2].tables["changes"].checksum
