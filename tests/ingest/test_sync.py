"""Mirroring files and folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from ingest.catalog import Catalog
from ingest.errors import NotFoundError, RefusedError, UsageError
from ingest.items import Document
from ingest.sync import SyncReport, delete, rebuild, sync
from ingest.sync_run import BATCH_CHUNKS, Parser
from tests.fakes import LINES, MemoryIndexer, parse_lines


class Library:
    """A catalog and an index over a folder `home`, with the steps that the tests are made of."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
        self.indexer = MemoryIndexer()
        self.home = folder / "home"
        self.home.mkdir()

    def write(self, path: str, text: str = "text") -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def sync(self, *paths: str, **options: Any) -> SyncReport:
        options = {"parser": LINES, **options}
        report = sync(self.catalog, self.indexer, [self.home / path for path in paths or [""]], **options)
        assert set(self.indexer.versions) == self.catalog.live_versions()
        documents = [entry for entry in report.quarantine if entry.scope == "document"]
        assert report.to_dict()["documents"]["quarantined"] == len(documents)
        return report

    def texts(self, collection: str = "default") -> dict[str, str]:
        return {info.path: self.catalog.text(info.version_key) for info in self.catalog.documents(collection)}

    def quarantined(self) -> dict[str, str]:
        return {entry.path: entry.reason for entry in self.catalog.quarantine()}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.catalog.close()


def counts(report: SyncReport) -> tuple[int, int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.removed, len(report.quarantine)


def test_adding_changing_removing_and_adding_again(library: Library) -> None:
    library.write("a.md", "one\ntwo")
    library.write("in/b.txt", "three")
    library.write("c.md", "four")
    library.write("x.py")
    report = library.sync()
    assert counts(report) == (3, 0, 0, 0, 0)
    assert library.texts() == {"a.md": "one\ntwo", "in/b.txt": "three", "c.md": "four"}
    assert report.to_dict() == {
        "documents": {"added": 3, "updated": 0, "renamed": 0, "unchanged": 0, "removed": 0, "quarantined": 0},
        "items": {"qa": 0, "note": 4, "guide": 0},
        "chunks": 4,
        "seconds": report.seconds,
        "quarantine": [],
        "skipped": {".py": 1},
    }

    before = library.catalog.sequence()
    report = library.sync()
    assert counts(report) == (0, 0, 3, 0, 0)
    assert (report.items["note"], report.chunks) == (4, 4)
    assert library.catalog.sequence() == before
    assert len(library.indexer.puts) == 1

    library.write("a.md", "one\nchanged")
    (library.home / "in/b.txt").unlink()
    assert counts(library.sync()) == (0, 1, 1, 1, 0)
    assert library.texts() == {"a.md": "one\nchanged", "c.md": "four"}

    first = library.catalog.document("a.md").id
    library.write("in/b.txt", "three")
    assert counts(library.sync()) == (1, 0, 2, 0, 0)
    assert library.texts()["in/b.txt"] == "three"
    assert library.catalog.document("a.md").id == first
    kinds = [(each.kind, each.path) for each in library.catalog.changes(since=before)]
    assert kinds == [("updated", "a.md"), ("removed", "in/b.txt"), ("added", "in/b.txt")]


def test_what_a_document_is_known_by(library: Library) -> None:
    file = library.write("in/a.md", "---\ntitle: T\n---\nbody\n")
    library.sync()
    info = library.catalog.document("in/a.md")
    assert info.version == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert (info.title, info.root, info.source) == ("T", str(library.home), str(file))
    assert (info.lines, info.chunks) == (4, 1)
    chunk = next(iter(library.indexer.versions.values())).chunks[0]
    assert library.catalog.text(info.version_key)[chunk.span.start : chunk.span.end] == "body"


def test_small_documents_are_indexed_together(library: Library) -> None:
    for number in range(60):
        library.write(f"{number:02}.md", "\n".join(f"line {i}" for i in range(40)))
    seen: list[tuple[str, int, int]] = []
    library.sync(progress=lambda phase, done, total: seen.append((phase, done, total)))
    together = -(-BATCH_CHUNKS // 40)
    assert [len(keys) for keys in library.indexer.puts] == [together, together, 60 - 2 * together]
    assert seen == [("files", done, 60) for done in range(1, 61)]


def test_the_database_is_asked_by_batch_and_not_by_file(library: Library) -> None:
    asked: list[str] = []

    @sqlalchemy.event.listens_for(library.catalog.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    def statements_of_a_sync() -> int:
        asked.clear()
        library.sync()
        return len(asked)

    library.write("bad.md", "---\ntitle: [\n---\nbody")
    statements_of_a_sync()
    unchanged = statements_of_a_sync()
    for number in range(BATCH_CHUNKS):
        library.write(f"{number}.md", f"text {number}")
    first = statements_of_a_sync()
    assert statements_of_a_sync() == unchanged
    for number in range(BATCH_CHUNKS, 3 * BATCH_CHUNKS):
        library.write(f"{number}.md", f"text {number}")
    assert statements_of_a_sync() - unchanged <= 2 * (first - unchanged)
    assert statements_of_a_sync() == unchanged


def test_only_what_shapes_a_document_makes_it_new(library: Library) -> None:
    library.write("in/a.md")
    library.write("b.md")
    library.sync()
    os.utime(library.home / "b.md", (1, 1))
    assert counts(library.sync()) == (0, 0, 2, 0, 0)
    library.write("in/_meta.yaml", "level: senior\n")
    assert counts(library.sync()) == (0, 1, 1, 0, 0)
    assert library.catalog.document("in/a.md").meta.level == "senior"
    assert counts(library.sync(parser=Parser(parse_lines, "2"))) == (0, 2, 0, 0, 0)
    library.indexer.name = "another model"
    assert counts(library.sync(parser=Parser(parse_lines, "2"))) == (0, 2, 0, 0, 0)
    assert counts(library.sync(parser=Parser(parse_lines, "2"))) == (0, 0, 2, 0, 0)


def test_bad_documents_are_told_and_the_rest_goes_in(library: Library) -> None:
    library.write("good.md")
    library.write("empty.md", " \n")
    library.write("front.md", "---\ntitle: a: b\n---\nbody")
    (library.home / "image.md").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (library.home / "latin.md").write_bytes(b"one\ncaf\xe9\n")
    (library.home / "line.md").write_bytes(b"x" * 50_000_000)
    (library.home / "loop").symlink_to(library.home)
    report = library.sync()
    assert counts(report) == (1, 0, 0, 0, 6)
    told = {entry["path"]: (entry["line"], entry["reason"]) for entry in report.to_dict()["quarantine"]}
    assert {path: line for path, (line, _) in told.items()} == {
        "empty.md": None,
        "front.md": 2,
        "image.md": None,
        "latin.md": 2,
        "line.md": None,
        "loop": None,
    }
    assert all(reason for _, reason in told.values())
    assert library.quarantined() == {path: reason for path, (_, reason) in told.items()}
    assert library.texts() == {"good.md": "text"}


def test_the_last_good_version_serves_while_a_document_is_malformed(library: Library) -> None:
    library.write("a.md", "good")
    library.sync()
    library.write("a.md", "---\ntitle: [\n---\nbad")
    report = library.sync()
    assert counts(report) == (0, 0, 0, 0, 1)
    assert (library.texts(), report.chunks) == ({"a.md": "good"}, 1)
    since = library.catalog.quarantine()[0].since
    assert counts(library.sync()) == (0, 0, 0, 0, 1)
    assert library.catalog.quarantine()[0].since == since
    library.write("a.md", "good")
    assert counts(library.sync()) == (0, 0, 1, 0, 0)
    assert library.quarantined() == {}


def test_entries_go_when_the_file_is_gone(library: Library) -> None:
    library.write("a.md")
    library.write("in/b.md", "")
    library.write("in/c.md", "")
    library.sync()
    assert set(library.quarantined()) == {"in/b.md", "in/c.md"}
    (library.home / "in/b.md").unlink()
    library.write("in/c.md", "good")
    library.sync("a.md")
    assert set(library.quarantined()) == {"in/b.md", "in/c.md"}
    assert counts(library.sync("in")) == (1, 0, 0, 0, 0)
    assert library.quarantined() == {}


def test_a_malformed_folder_meta_keeps_everything_below_it_out(library: Library) -> None:
    library.write("a.md")
    library.write("in/b.md")
    library.write("in/deep/c.md")
    library.write("in/_meta.yaml", "audience: {interviewer\n")
    report = library.sync()
    (entry,) = report.quarantine
    assert (entry.path, entry.line) == ("in/_meta.yaml", 2)
    assert "2 files below it" in entry.hint
    assert set(library.texts()) == {"a.md"}
    before = library.catalog.sequence()
    library.write("in/d.md", "---\ntitle: [\n---\nbody")
    (entry,) = library.sync().quarantine
    assert "3 files below it" in entry.hint
    assert library.catalog.sequence() == before
    (library.home / "in/d.md").unlink()
    library.write("in/_meta.yaml", "audience: interviewer\n")
    assert counts(library.sync()) == (2, 0, 1, 0, 0)
    assert library.catalog.document("in/deep/c.md").meta.audience == "interviewer"


def test_a_fault_of_the_parser_costs_one_document(library: Library) -> None:
    def parse(*, path: str, **rest: Any) -> Document:
        if path == "b.md":
            raise RecursionError("too deep")
        document = parse_lines(path=path, **rest)
        twins = document.chunks * 2 if path == "c.md" else document.chunks
        return Document(**{**{name: getattr(document, name) for name in Document.__slots__}, "chunks": twins})

    for path in ("a.md", "b.md", "c.md", "d.md"):
        library.write(path)
    report = library.sync(parser=Parser(parse, "1"))
    assert counts(report) == (2, 0, 0, 0, 2)
    assert "RecursionError: too deep" in report.quarantine[0].reason
    assert "to 2 parts" in report.quarantine[1].reason


def test_missing_paths_are_refused_before_anything_happens(library: Library) -> None:
    library.write("a.md")
    for paths in (["", "nowhere"], ["nowhere.md"], ["a.md/b.md"], ["a\0.md"]):
        with pytest.raises(UsageError):
            library.sync(*paths)
    with pytest.raises(UsageError):
        sync(library.catalog, library.indexer, [])
    assert library.catalog.sequence() == 0


def test_a_great_loss_is_refused_before_anything_happens(library: Library) -> None:
    for name in "abcd":
        library.write(f"{name}.md", f"text of {name}")
    library.sync()
    for name in "abc":
        (library.home / f"{name}.md").unlink()
    library.write("new.md")
    before = library.catalog.sequence()
    with pytest.raises(RefusedError, match="3 of the 4 documents") as caught:
        library.sync()
    assert "--yes" in caught.value.hint
    assert library.catalog.sequence() == before
    library.write("a.md", "text of a")
    assert counts(library.sync()) == (1, 0, 2, 2, 0)
    (library.home / "a.md").unlink()
    (library.home / "d.md").unlink()
    assert counts(library.sync(yes=True)) == (0, 0, 1, 2, 0)


def test_a_part_of_a_root_is_synced_alone(library: Library) -> None:
    for path in ("a.md", "in/b.md", "in/c.md", "out/d.md"):
        library.write(path, f"text of {path}")
    library.sync()
    for path in ("a.md", "in/b.md", "out/d.md"):
        (library.home / path).unlink()
    library.write("in/e.md")
    library.write("f.md")
    assert counts(library.sync("in")) == (1, 0, 1, 1, 0)
    assert set(library.texts()) == {"a.md", "in/c.md", "in/e.md", "out/d.md"}
    assert counts(library.sync("f.md")) == (1, 0, 0, 0, 0)
    assert library.catalog.document("f.md").root == str(library.home)
    assert counts(library.sync("in/c.md", "in")) == (0, 0, 2, 0, 0)


def test_a_single_file_counts_from_its_folder(library: Library) -> None:
    library.write("in/a.md")
    library.write("in/b.md")
    library.write("in/deep/c.md")
    assert counts(library.sync("in/a.md", "in/b.md")) == (2, 0, 0, 0, 0)
    assert set(library.texts()) == {"a.md", "b.md"}
    assert counts(library.sync("in/deep")) == (1, 0, 0, 0, 0)
    assert set(library.texts()) == {"a.md", "b.md", "c.md"}
    assert counts(library.sync("in/a.md")) == (0, 0, 1, 0, 0)
    report = library.sync("in")
    assert (counts(report), report.renamed) == ((0, 0, 2, 0, 0), 1)
    assert set(library.texts()) == {"a.md", "b.md", "deep/c.md"}


def test_a_wider_root_takes_over(library: Library) -> None:
    for path in ("in/a.md", "in/b.md", "in/old.md", "a.md"):
        library.write(path, f"text of {path}")
    library.sync("in")
    assert set(library.texts()) == {"a.md", "b.md", "old.md"}
    (library.home / "in/old.md").unlink()
    report = library.sync()
    assert library.texts() == {path: f"text of {path}" for path in ("a.md", "in/a.md", "in/b.md")}
    assert (counts(report), report.renamed) == ((1, 1, 0, 1, 0), 1)
    library.write("in/c.md")
    assert counts(library.sync("in")) == (1, 0, 2, 0, 0)
    assert "in/c.md" in library.texts()
    assert counts(library.sync()) == (0, 0, 4, 0, 0)


def test_an_old_path_serves_until_the_new_one_does(library: Library) -> None:
    library.write("in/a.md", "good")
    library.sync("in")
    library.write("in/a.md", "")
    assert counts(library.sync()) == (0, 0, 0, 0, 1)
    assert library.texts() == {"a.md": "good"}
    library.write("in/a.md", "better")
    report = library.sync()
    assert (counts(report), report.renamed) == ((0, 0, 0, 0, 0), 1)
    assert library.texts() == {"in/a.md": "better"}


def test_two_files_of_one_path(library: Library) -> None:
    first = library.write("one/x.md", "first")
    library.write("two/x.md", "second")
    library.write("two/y.md")
    library.sync("one")
    report = library.sync("two")
    assert counts(report) == (1, 0, 0, 0, 1)
    (problem,) = report.quarantine
    assert str(first) in problem.reason
    assert "--collection" in problem.hint
    assert library.texts() == {"x.md": "first", "y.md": "text"}
    assert counts(library.sync("two", collection="other")) == (2, 0, 0, 0, 0)
    assert library.texts("other") == {"x.md": "second", "y.md": "text"}

    first.unlink()
    report = library.sync("one", "two")
    assert counts(report) == (0, 1, 1, 0, 0)
    assert library.texts() == {"x.md": "second", "y.md": "text"}
    assert library.quarantined() == {}


def test_two_files_of_one_path_in_one_call(library: Library) -> None:
    library.write("one/x.md", "first")
    library.write("two/x.md", "second")
    assert counts(library.sync("two", "one")) == (1, 0, 0, 0, 1)
    assert library.texts() == {"x.md": "second"}
    assert counts(library.sync("one", "two")) == (0, 0, 1, 0, 1)
    assert library.texts() == {"x.md": "second"}


def test_a_root_that_was_moved_is_known_again(library: Library) -> None:
    library.write("one/x.md", "first")
    library.sync("one")
    (library.home / "one").rename(library.home / "two")
    assert counts(library.sync("two")) == (0, 0, 1, 0, 0)
    assert library.catalog.document("x.md").root == str(library.home / "two")
    assert counts(library.sync("two")) == (0, 0, 1, 0, 0)


def test_what_cannot_be_seen_is_not_removed(library: Library) -> None:
    outside = library.home.parent / "outside"
    outside.mkdir()
    (outside / "b.md").write_text("text")
    library.write("a.md")
    (library.home / "link").symlink_to(outside)
    library.sync()
    outside.rename(library.home.parent / "moved")
    report = library.sync()
    assert counts(report) == (0, 0, 1, 0, 1)
    assert set(library.texts()) == {"a.md", "link/b.md"}
    (library.home / "link").unlink()
    assert counts(library.sync()) == (0, 0, 1, 1, 0)


def test_an_ignored_file_is_removed(library: Library) -> None:
    library.write("a.md")
    library.write("b.md")
    library.write("c.md")
    library.sync()
    library.write(".cuecardignore", "b.md\n")
    assert counts(library.sync()) == (0, 0, 2, 1, 0)


def test_paths_through_links_lead_to_the_same_documents(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.write("in/a.md")
    (library.home.parent / "alias").symlink_to(library.home)
    library.sync()
    assert counts(library.sync("../alias/in")) == (0, 0, 1, 0, 0)
    assert counts(library.sync("../alias/in/a.md")) == (0, 0, 1, 0, 0)
    monkeypatch.chdir(library.home / "in")
    assert sync(library.catalog, library.indexer, ["."], parser=LINES).unchanged == 1
    assert set(library.texts()) == {"in/a.md"}


def test_collections_do_not_touch_each_other(library: Library) -> None:
    library.write("a.md")
    library.sync(collection="one")
    library.sync(collection="two")
    (library.home / "a.md").unlink()
    library.write("b.md", "")
    assert counts(library.sync(collection="one", yes=True)) == (0, 0, 0, 1, 1)
    assert (library.texts("one"), library.texts("two")) == ({}, {"a.md": "text"})
    assert [entry.collection for entry in library.catalog.quarantine()] == ["one"]
    library.sync(collection="two", yes=True)
    assert [entry.collection for entry in library.catalog.quarantine()] == ["one", "two"]


def test_deleting_a_document(library: Library) -> None:
    library.write("a.md")
    library.write("b.md")
    library.sync()
    info = delete(library.catalog, library.indexer, "a.md")
    assert info.path == "a.md"
    assert set(library.texts()) == {"b.md"}
    assert set(library.indexer.versions) == library.catalog.live_versions()
    with pytest.raises(NotFoundError):
        delete(library.catalog, library.indexer, "a.md")
    assert counts(library.sync()) == (1, 0, 1, 0, 0)


def test_rebuilding_the_index(library: Library) -> None:
    for name in "abc":
        library.write(f"{name}.md", "\n".join(f"line {i}" for i in range(BATCH_CHUNKS // 2 + 2)))
    library.sync()
    before = library.catalog.sequence()
    library.indexer = MemoryIndexer("another model")
    seen: list[tuple[str, int, int]] = []
    rebuild(library.catalog, library.indexer, lambda phase, done, total: seen.append((phase, done, total)))
    assert set(library.indexer.versions) == library.catalog.live_versions()
    assert library.indexer.versions == {key: library.catalog.load(key) for key in library.catalog.live_versions()}
    each = BATCH_CHUNKS // 2 + 2
    assert seen == [("index", 2 * each, 3 * each), ("index", 3 * each, 3 * each)]
    assert library.catalog.sequence() > before
    assert counts(library.sync()) == (0, 0, 3, 0, 0)
    rebuild(Catalog("sqlite://"), library.indexer)
