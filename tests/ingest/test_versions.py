"""Every version a document ever served, also under former paths; and what is pruned of them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date

import pytest

from ingest.catalog_info import VersionInfo
from ingest.errors import NotFoundError, RefusedError, UsageError
from ingest.items import Meta
from ingest.sync import prune, rebuild
from tests.fakes import MemoryIndexer
from tests.ingest.test_sync import Library, counts, library

__all__ = ["library"]


def history(library: Library, path: str) -> list[tuple[str, str]]:
    """The paths and texts of a document's versions, newest first."""
    found = library.catalog.versions(library.catalog.document(path).id)
    return [(version.path, library.catalog.text(version.key)) for version in found]


def kinds(library: Library, since: int) -> list[tuple[str, str, str]]:
    return [(change.kind, change.path, change.detail) for change in library.catalog.changes(since)]


def move(library: Library, old: str, new: str) -> None:
    target = library.home / new
    target.parent.mkdir(parents=True, exist_ok=True)
    (library.home / old).rename(target)


def chunks(library: Library) -> dict[int, int]:
    """How many chunks are kept of each version."""
    with library.catalog.transaction() as connection:
        rows = connection.exec_driver_sql("SELECT version_key, count(*) FROM chunks GROUP BY version_key")
        return {row[0]: row[1] for row in rows}


# versions


def test_a_version_says_what_it_was_and_what_changed(library: Library) -> None:
    library.write("a.md", "---\neffective_date: 2024-01-01\n---\none\ntwo\n")
    library.sync()
    library.write("a.md", "---\nexpires: 2025-01-01\n---\ntwo\nthree\nfour\n")
    library.sync()
    info = library.catalog.document("a.md")
    second, first = library.catalog.versions(info.id)
    assert (first.state, first.effective_date, first.expires) == ("superseded", "2024-01-01", None)
    assert (second.state, second.effective_date, second.expires) == ("live", None, "2025-01-01")
    assert first.changes == {"added": 2, "removed": 0, "changed": 0, "moved": 0}
    assert second.changes == {"added": 2, "removed": 1, "changed": 0, "moved": 0}
    assert (second.version, second.path, second.document_id) == (info.version, "a.md", info.id)
    assert first.retired_at is not None
    assert second.retired_at is None
    assert set(second.to_dict()) == set(VersionInfo.__slots__)


def test_lines_that_only_shifted_are_no_change(library: Library) -> None:
    library.write("a.md", "one\ntwo")
    library.sync()
    library.write("a.md", "\n\none\n\n\ntwo")
    library.sync()
    newest, _ = library.catalog.versions(library.catalog.document("a.md").id)
    assert newest.changes == {"added": 0, "removed": 0, "changed": 0, "moved": 0}


def test_a_document_that_comes_back_goes_on_from_where_it_was(library: Library) -> None:
    library.write("a.md", "one\ntwo")
    library.write("b.md")
    library.sync()
    (library.home / "a.md").unlink()
    library.sync()
    document_id = library.catalog.changes()[0].document_id or ""
    assert [version.state for version in library.catalog.versions(document_id)] == ["superseded"]
    library.write("a.md", "one\nthree")
    library.sync()
    newest, _ = library.catalog.versions(document_id)
    assert newest.changes == {"added": 1, "removed": 1, "changed": 0, "moved": 0}
    assert [change.kind for change in library.catalog.changes() if change.path == "a.md"] == [
        "added",
        "removed",
        "added",
    ]


# renames


def test_a_renamed_file_keeps_its_history(library: Library) -> None:
    library.write("a.md", "first")
    library.write("other.md")
    library.sync()
    library.write("a.md", "second")
    library.sync()
    before, old = library.catalog.sequence(), library.catalog.document("a.md")
    move(library, "a.md", "in/b.md")
    report = library.sync()
    assert (counts(report), report.renamed) == ((0, 0, 1, 0, 0), 1)
    assert report.to_dict()["documents"]["renamed"] == 1
    assert kinds(library, before) == [("renamed", "in/b.md", "a.md")]
    with pytest.raises(NotFoundError):
        library.catalog.document("a.md")
    new = library.catalog.document("in/b.md")
    assert library.catalog.changes(before)[0].document_id == new.id
    newest = library.catalog.versions(new.id)[0]
    assert newest.changes == {"added": 0, "removed": 0, "changed": 0, "moved": 0}
    assert history(library, "in/b.md") == [("in/b.md", "second"), ("a.md", "second"), ("a.md", "first")]
    assert [version.path for version in library.catalog.versions(old.id)] == ["a.md", "a.md"]

    library.write("in/b.md", "third")
    library.sync()
    move(library, "in/b.md", "c.md")
    library.sync()
    paths = [path for path, _ in history(library, "c.md")]
    assert paths == ["c.md", "in/b.md", "in/b.md", "a.md", "a.md"]
    assert counts(library.sync()) == (0, 0, 2, 0, 0)


def test_another_file_under_the_old_path_has_a_history_of_its_own(library: Library) -> None:
    library.write("a.md", "first")
    library.sync()
    move(library, "a.md", "b.md")
    library.sync()
    library.write("a.md", "another")
    library.sync()
    assert history(library, "b.md") == [("b.md", "first"), ("a.md", "first")]
    assert history(library, "a.md") == [("a.md", "another"), ("a.md", "first")]


def test_there_and_back_again(library: Library) -> None:
    library.write("a.md", "text")
    library.sync()
    for old, new in (("a.md", "b.md"), ("b.md", "a.md"), ("a.md", "b.md")):
        move(library, old, new)
        assert library.sync().renamed == 1
    assert [path for path, _ in history(library, "b.md")] == ["b.md", "a.md", "b.md", "a.md"]


def test_only_the_same_bytes_are_the_same_document(library: Library) -> None:
    library.write("a.md", "one\n" * 20)
    library.write("b.md")
    library.sync()
    (library.home / "a.md").unlink()
    library.write("c.md", "one\n" * 20 + "two")
    report = library.sync()
    assert (counts(report), report.renamed) == ((1, 0, 1, 1, 0), 0)
    assert history(library, "c.md") == [("c.md", "one\n" * 20 + "two")]


def test_of_several_the_one_with_the_same_name_was_renamed(library: Library) -> None:
    for path in ("in/x.md", "in/y.md", "in/z.md"):
        library.write(path)
    library.sync()
    for path, to in (("in/x.md", "out/a.md"), ("in/y.md", "out/y.md"), ("in/z.md", "out/b.md")):
        move(library, path, to)
    library.write("out/more.md")
    before = library.catalog.sequence()
    report = library.sync()
    assert (report.renamed, report.added, report.removed) == (3, 1, 0)
    assert [change for change in kinds(library, before) if change[0] == "renamed"] == [
        ("renamed", "out/a.md", "in/x.md"),
        ("renamed", "out/b.md", "in/z.md"),
        ("renamed", "out/y.md", "in/y.md"),
    ]


def test_a_name_in_other_case_is_a_rename(library: Library) -> None:
    library.write("Notes.md", "text")
    library.sync()
    move(library, "Notes.md", "notes.md")
    assert library.sync().renamed == 1
    assert [path for path, _ in history(library, "notes.md")] == ["notes.md", "Notes.md"]


def test_files_that_swap_their_paths_are_updated(library: Library) -> None:
    library.write("a.md", "one")
    library.write("b.md", "two")
    library.sync()
    library.write("a.md", "two")
    library.write("b.md", "one")
    report = library.sync()
    assert (counts(report), report.renamed) == ((0, 2, 0, 0, 0), 0)
    assert library.texts() == {"a.md": "two", "b.md": "one"}


def test_a_file_becomes_a_folder_of_its_name_and_back(library: Library) -> None:
    library.write("a.md", "text")
    library.sync()
    move(library, "a.md", "held")
    move(library, "held", "a.md/b.md")
    assert library.sync().renamed == 1
    move(library, "a.md/b.md", "held")
    (library.home / "a.md").rmdir()
    move(library, "held", "a.md")
    assert library.sync().renamed == 1
    assert [path for path, _ in history(library, "a.md")] == ["a.md", "a.md/b.md", "a.md"]


def test_a_moved_folder_is_no_loss(library: Library) -> None:
    for number in range(6):
        library.write(f"in/{number}.md", f"text {number}")
    library.write("stays.md")
    library.sync()
    (library.home / "in").rename(library.home / "out")
    report = library.sync()
    assert (counts(report), report.renamed) == ((0, 0, 1, 0, 0), 6)
    for number in range(4):
        (library.home / f"out/{number}.md").unlink()
    move(library, "out/5.md", "new/5.md")
    with pytest.raises(RefusedError, match="4 of the 7"):
        library.sync()
    report = library.sync(yes=True)
    assert (counts(report), report.renamed) == ((0, 0, 2, 4, 0), 1)


def test_the_old_path_serves_until_the_new_one_can(library: Library) -> None:
    library.write("a.md", "text")
    library.write("b.md", "other")
    library.sync()
    library.write("in/_meta.yaml", "audience: {interviewer\n")
    move(library, "a.md", "in/a.md")
    report = library.sync()
    assert (counts(report), report.renamed) == ((0, 0, 1, 0, 1), 0)
    assert set(library.texts()) == {"a.md", "b.md"}
    library.write("in/_meta.yaml", "audience: interviewer\n")
    assert library.sync().renamed == 1
    assert set(library.texts()) == {"in/a.md", "b.md"}
    assert library.catalog.document("in/a.md").meta.audience == "interviewer"


def test_an_interrupted_rename_is_made_good(library: Library) -> None:
    library.write("a.md", "text")
    library.sync()
    move(library, "a.md", "b.md")
    library.indexer.fail_on_put = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        library.sync()
    assert library.texts() == {"a.md": "text"}
    assert library.sync().renamed == 1
    move(library, "b.md", "c.md")
    library.indexer.fail_on_drop = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        library.sync()
    assert library.texts() == {"c.md": "text"}
    assert counts(library.sync()) == (0, 0, 1, 0, 0)
    assert history(library, "c.md") == [("c.md", "text"), ("b.md", "text"), ("a.md", "text")]


def test_a_file_that_moves_into_an_archive_keeps_its_history(library: Library) -> None:
    library.write("a.md", "text")
    library.write("b.md", "other")
    library.sync()
    with zipfile.ZipFile(library.home / "c.zip", "w") as archive:
        archive.write(library.home / "a.md", "a.md")
    (library.home / "a.md").unlink()
    assert library.sync().renamed == 1
    assert history(library, "c.zip/a.md") == [("c.zip/a.md", "text"), ("a.md", "text")]


def test_an_archive_of_another_root_keeps_its_paths(library: Library) -> None:
    for folder, text in (("one", "first"), ("two", "second")):
        (library.home / folder).mkdir()
        with zipfile.ZipFile(library.home / folder / "a.zip", "w") as archive:
            archive.writestr("x.md", text)
    library.sync("one")
    report = library.sync("two")
    assert counts(report) == (0, 0, 0, 0, 1)
    assert library.texts() == {"a.zip/x.md": "first"}
    (library.home / "one/a.zip").unlink()
    assert counts(library.sync("two")) == (0, 1, 0, 0, 0)
    assert library.texts() == {"a.zip/x.md": "second"}


# pruning


def test_chunks_go_when_the_index_has_forgotten_a_version(library: Library) -> None:
    for text in ("one", "one\ntwo", "one\ntwo\nthree"):
        library.write("a.md", text)
        library.sync()
    versions = library.catalog.versions(library.catalog.document("a.md").id)
    assert chunks(library) == {versions[0].key: 3}
    old = library.catalog.load(versions[1].key)
    assert (old.text, len(old.items), old.chunks) == ("one\ntwo", 2, ())
    assert versions[1].chunks == 2
    library.write("a.md", "two")
    library.indexer.fail_on_drop = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        library.sync()
    assert len(chunks(library)) == 2
    library.sync()
    assert list(chunks(library).values()) == [1]
    (library.home / "a.md").unlink()
    library.sync(yes=True)
    assert chunks(library) == {}


def test_old_versions_are_pruned(library: Library) -> None:
    for number in range(5):
        library.write("a.md", f"text {number}")
        library.write("b.md", f"other {min(number, 1)}")
        library.sync()
    (library.home / "b.md").unlink()
    library.sync()
    before = library.catalog.sequence()
    document_id = library.catalog.document("a.md").id
    assert prune(library.catalog, 10) == 0
    assert prune(library.catalog, 3) == 2
    assert history(library, "a.md") == [("a.md", f"text {number}") for number in (4, 3, 2)]
    assert prune(library.catalog, 1) == 2 + 1
    assert history(library, "a.md") == [("a.md", "text 4")]
    assert library.texts() == {"a.md": "text 4"}
    gone = next(c.document_id for c in library.catalog.changes() if c.path == "b.md") or ""
    assert [version.state for version in library.catalog.versions(gone)] == ["superseded"]
    assert library.catalog.sequence() == before
    library.write("a.md", "text 5")
    library.sync()
    assert [version.changes for version in library.catalog.versions(document_id)] == [
        {"added": 1, "removed": 1, "changed": 0, "moved": 0},
        {"added": 1, "removed": 1, "changed": 0, "moved": 0},
    ]
    for keep in (0, -1):
        with pytest.raises(UsageError, match="At least 1 version"):
            prune(library.catalog, keep)


def test_pruning_keeps_the_newest_of_a_renamed_document(library: Library) -> None:
    for path in ("a.md", "b.md", "c.md"):
        for text in ("one", "two"):
            library.write(path, text)
            library.sync()
        if path != "c.md":
            (library.home / path).rename(library.home / {"a.md": "b.md", "b.md": "c.md"}[path])
            library.sync()
    library.write("c.md", "three")
    library.sync()
    assert len(history(library, "c.md")) > 4
    prune(library.catalog, 1)
    assert history(library, "c.md") == [("c.md", "three")]


def test_pruning_leaves_what_the_index_may_hold(library: Library) -> None:
    library.write("a.md", "one")
    library.sync()
    library.write("a.md", "two")
    library.indexer.fail_on_drop = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        library.sync()
    assert prune(library.catalog, 1) == 0
    rebuild(library.catalog, library.indexer)
    assert set(library.indexer.versions) == library.catalog.live_versions()
    assert prune(library.catalog, 1) == 1


def test_an_index_is_rebuilt_after_pruning(library: Library) -> None:
    for text in ("one", "two"):
        library.write("a.md", text)
        library.sync()
    prune(library.catalog, 1)
    library.indexer = MemoryIndexer()
    rebuild(library.catalog, library.indexer)
    (document,) = library.indexer.versions.values()
    assert [chunk.text for chunk in document.chunks] == ["two"]


# dates


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        (Meta(), None),
        (Meta(expires="2024-06-14"), "expired on 2024-06-14"),
        (Meta(expires="2024-06-15"), None),
        (Meta(effective_date="2024-06-15"), None),
        (Meta(effective_date="2024-06-16"), "takes effect on 2024-06-16"),
        (Meta(effective_date="2025-01-01", expires="2024-01-01"), "expired on 2024-01-01"),
    ],
)
def test_documents_out_of_date_are_served_and_said_to_be(library: Library, meta: Meta, words: str | None) -> None:
    said = {"effective_date": meta.effective_date, "expires": meta.expires}
    front = "".join(f"{name}: {value}\n" for name, value in said.items() if value)
    library.write("a.md", f"---\n{front or 'title: T'}\n---\ntext")
    library.sync()
    info = library.catalog.document("a.md")
    assert info.stale(date(2024, 6, 15)) == meta.stale(date(2024, 6, 15)) == words


def test_the_feed_has_no_gaps(library: Library) -> None:
    _live_a_little(library, ["one", "two", "three"])
    feed = library.catalog.changes()
    assert [change.sequence for change in feed] == list(range(1, library.catalog.sequence() + 1))
    assert {change.kind for change in feed} == {
        "added",
        "updated",
        "removed",
        "renamed",
        "quarantined",
        "dropped",
        "released",
        "reindexed",
    }
    parts = [change for since in range(0, len(feed), 4) for change in library.catalog.changes(since, 4)]
    assert parts == feed


def _live_a_little(library: Library, texts: Sequence[str]) -> None:
    from ingest.quarantine import drop

    for number, text in enumerate(texts):
        library.write("a.md", text)
        library.write("bad.md", "---\ntitle: [\n---\nbody" if number % 2 else "good")
        library.write(f"{number}.md", f"number {number}")
        library.sync()
        for entry in library.catalog.quarantine():
            drop(library.catalog, entry.id)
    (library.home / "0.md").unlink()
    move(library, "a.md", "b.md")
    library.sync()
    rebuild(library.catalog, library.indexer)
