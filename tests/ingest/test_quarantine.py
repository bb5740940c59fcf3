"""What can't be taken: how long it is told, and what a person does about it."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from ingest.blocks import Flaw, SourceText
from ingest.catalog_info import QuarantineEntry
from ingest.catalog_quarantine import MAX_FLAWS
from ingest.errors import NotFoundError, UsageError
from ingest.formats import registry
from ingest.formats.markdown import read_markdown
from ingest.items import Meta
from ingest.quarantine import drop, retry
from ingest.schema import quarantine
from ingest.sync import SyncReport, delete
from ingest.sync_run import Parser
from tests.fakes import LINES, parse_lines
from tests.ingest.test_sync import Library, counts, library

__all__ = ["library"]

MALFORMED = "---\ntitle: [\n---\nbody"


def read_marked(data: bytes, path: str, folder: Meta) -> SourceText:
    """Markdown in which a line of the form `!reason` can't be taken."""
    source = read_markdown(data, path, folder)
    lines = enumerate(source.text.split("\n"), 1)
    return replace(source, flaws=tuple(Flaw(n, line[1:], f"Correct {n}.") for n, line in lines if line[:1] == "!"))


@pytest.fixture(autouse=True)
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format with parts that can't be taken: files that end in .marked."""
    readers = registry.READERS
    assert isinstance(readers, dict)
    monkeypatch.setitem(readers, ".marked", read_marked)


def told(report: SyncReport) -> list[tuple[str, int | None, str]]:
    return [(entry.path, entry.line, entry.reason) for entry in report.quarantine]


def news(library: Library, since: int = 0) -> list[tuple[str, str, str]]:
    return [(change.kind, change.path, change.detail) for change in library.catalog.changes(since)]


def only(library: Library, *, dropped: bool = False) -> QuarantineEntry:
    (entry,) = library.catalog.quarantine(dropped=dropped)
    return entry


def again(library: Library, entry: QuarantineEntry) -> SyncReport:
    return retry(library.catalog, library.indexer, entry.id, parser=LINES)


# parts of documents


def test_parts_are_told_while_their_document_is_served(library: Library) -> None:
    file = library.write("a.marked", "one\n!bad\ntwo\n!worse\n")
    report = library.sync()
    assert counts(report) == (1, 0, 0, 0, 2)
    assert report.to_dict()["documents"]["quarantined"] == 0
    assert told(report) == [("a.marked", 2, "bad"), ("a.marked", 4, "worse")]
    first, second = library.catalog.quarantine()
    content = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert (first.scope, first.hint, first.content, first.source) == ("item", "Correct 2.", content, str(file))
    assert first.id != second.id
    assert library.catalog.quarantine_entry(first.id[:6]) == first
    assert news(library) == [
        ("added", "a.marked", ""),
        ("quarantined", "a.marked", "bad"),
        ("quarantined", "a.marked", "worse"),
    ]


def test_they_stand_while_the_document_is_unchanged(library: Library) -> None:
    library.write("a.marked", "one\n!bad\n")
    library.write("b.md", "other")
    library.sync()
    entry, before = only(library), library.catalog.sequence()
    report = library.sync()
    assert (counts(report), told(report)) == ((0, 0, 2, 0, 1), [("a.marked", 2, "bad")])
    assert told(library.sync("b.md")) == []
    assert (only(library), library.catalog.sequence()) == (entry, before)


def test_they_go_when_the_file_changes_and_they_are_good(library: Library) -> None:
    library.write("a.marked", "one\n!bad\n!worse\n")
    library.sync()
    worse = library.catalog.quarantine()[1]
    before = library.catalog.sequence()
    library.write("a.marked", "one\ngood\n!worse\n")
    assert told(library.sync()) == [("a.marked", 3, "worse")]
    assert (only(library).id, only(library).since) == (worse.id, worse.since)
    assert only(library).content != worse.content
    assert news(library, before) == [("updated", "a.marked", ""), ("released", "a.marked", "bad")]
    library.write("a.marked", "good")
    assert counts(library.sync()) == (0, 1, 0, 0, 0)
    assert library.catalog.quarantine() == []


def test_they_go_with_their_document(library: Library) -> None:
    for name in ("a", "b", "c"):
        library.write(f"{name}.marked", f"one of {name}\n!bad\n")
    library.sync()
    (library.home / "a.marked").unlink()
    assert {entry.path for entry in library.sync().quarantine} == {"b.marked", "c.marked"}
    delete(library.catalog, library.indexer, "b.marked")
    assert library.quarantined() == {"c.marked": "bad"}
    library.sync("c.marked")
    assert library.quarantined() == {"c.marked": "bad"}


def test_they_follow_a_rename_and_a_moved_root(library: Library) -> None:
    library.write("one/a.marked", "one\n!bad\n")
    library.sync("one")
    (library.home / "one/a.marked").rename(library.home / "one/b.marked")
    assert told(library.sync("one")) == [("b.marked", 2, "bad")]
    (library.home / "one").rename(library.home / "two")
    before = library.catalog.sequence()
    assert told(library.sync("two")) == [("b.marked", 2, "bad")]
    assert only(library).source == str(library.home / "two/b.marked")
    assert library.catalog.sequence() == before


def test_they_stand_while_the_whole_file_is_malformed(library: Library) -> None:
    library.write("a.marked", "one\n!bad\n")
    library.sync()
    library.write("a.marked", MALFORMED)
    report = library.sync()
    assert {entry.scope for entry in report.quarantine} == {"item", "document"}
    assert report.to_dict()["documents"]["quarantined"] == 1
    assert library.texts() == {"a.marked": "one\n!bad\n"}
    library.write("a.marked", "good")
    assert told(library.sync()) == []


def test_they_are_entered_with_the_version_whatever_comes_after(library: Library) -> None:
    library.write("a.marked", "one\n!bad\n")
    library.write("b.md", "two")
    library.sync()
    library.write("a.marked", "two\n!worse\n")
    library.indexer.fail_on_drop = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        library.sync()
    assert library.texts()["a.marked"] == "two\n!worse\n"
    assert library.quarantined() == {"a.marked": "worse"}
    report = library.sync()
    assert (counts(report), told(report)) == ((0, 0, 2, 0, 1), [("a.marked", 2, "worse")])


def test_of_very_many_the_rest_is_counted(library: Library) -> None:
    library.write("a.marked", "".join(f"!bad {n}\n" for n in range(MAX_FLAWS + 7)) + "good")
    report = library.sync()
    assert len(report.quarantine) == MAX_FLAWS + 1
    assert told(report)[-1] == ("a.marked", MAX_FLAWS + 1, "7 more parts from here on can't be taken")
    library.write("b.marked", "one\n!bad\n!bad\n" + "!same")
    assert len(library.sync("b.marked").quarantine) == 3


# putting aside


def test_what_was_dropped_is_told_no_more(library: Library) -> None:
    library.write("a.marked", "one\n!bad\n!worse\n")
    library.write("b.md", MALFORMED)
    library.write("c.md", MALFORMED)
    library.sync()
    bad, worse, b, c = library.catalog.quarantine()
    before = library.catalog.sequence()
    assert drop(library.catalog, bad.id) == replace(bad, dropped=True)
    assert drop(library.catalog, b.id[:8]).id == b.id
    assert drop(library.catalog, b.id).dropped
    assert news(library, before) == [("dropped", "a.marked", "bad"), ("dropped", "b.md", b.reason)]
    assert library.catalog.quarantine() == [worse, c]
    assert {entry.id for entry in library.catalog.quarantine(dropped=True)} == {bad.id, worse.id, b.id, c.id}
    assert library.catalog.stats()["quarantined"] == 2
    report = library.sync()
    assert [entry.id for entry in report.quarantine] == [worse.id, c.id]
    assert library.catalog.sequence() == before + 2


def test_it_comes_back_when_the_bytes_change(library: Library) -> None:
    library.write("a.marked", "one\n!bad\n")
    library.write("b.md", MALFORMED)
    library.sync()
    for entry in library.catalog.quarantine():
        drop(library.catalog, entry.id)
    # another reading of the same bytes changes nothing
    assert counts(library.sync(parser=Parser(parse_lines, "2"))) == (0, 1, 0, 0, 0)
    before = library.catalog.sequence()
    library.write("a.marked", "two\n!bad\n")
    library.write("b.md", MALFORMED + "!")
    assert counts(library.sync()) == (0, 1, 0, 0, 2)
    assert [kind for kind, _, _ in news(library, before)] == ["updated", "quarantined", "quarantined"]
    assert not any(entry.dropped for entry in library.catalog.quarantine(dropped=True))


def test_a_dropped_entry_goes_when_the_file_is_good_or_gone(library: Library) -> None:
    for name in ("a.md", "b.md", "c.marked"):
        library.write(name, MALFORMED if name != "c.marked" else "one\n!bad")
    library.sync()
    for entry in library.catalog.quarantine():
        drop(library.catalog, entry.id)
    library.write("a.md", "good")
    (library.home / "b.md").unlink()
    (library.home / "c.marked").unlink()
    library.sync(yes=True)
    assert library.catalog.quarantine(dropped=True) == []
    library.write("b.md", MALFORMED)
    assert counts(library.sync()) == (0, 0, 1, 0, 1)


def test_what_has_no_bytes_is_dropped_by_its_reason(library: Library) -> None:
    library.write("a.md")
    (library.home / "loop").symlink_to(library.home)
    library.sync()
    entry = only(library)
    assert entry.content is None
    drop(library.catalog, entry.id)
    assert told(library.sync()) == []
    (library.home / "loop").unlink()
    (library.home / "loop").symlink_to(library.home / "nowhere")
    assert [path for path, _, _ in told(library.sync())] == ["loop"]


def test_a_malformed_folder_meta_can_be_dropped(library: Library) -> None:
    library.write("in/_meta.yaml", "audience: {interviewer\n")
    library.write("in/a.md")
    library.sync()
    drop(library.catalog, only(library).id)
    report = library.sync()
    assert (told(report), library.texts()) == ([], {})
    library.write("in/_meta.yaml", "audience: [interviewer\n")
    assert [path for path, _, _ in told(library.sync())] == ["in/_meta.yaml"]


def test_entries_of_files_that_wait_for_a_folder_stand(library: Library) -> None:
    library.write("in/a.md", MALFORMED)
    library.write("in/b.marked", "one\n!bad")
    library.write("in/c.md", "good")
    library.sync()
    library.write("in/_meta.yaml", "audience: {interviewer\n")
    report = library.sync()
    assert [entry.path for entry in report.quarantine] == ["in/_meta.yaml", "in/a.md", "in/b.marked"]
    assert "3 files below it stay as they were" in report.quarantine[0].hint
    assert set(library.texts()) == {"in/b.marked", "in/c.md"}


# trying again


def test_one_file_is_tried_again(library: Library) -> None:
    library.write("in/a.md", MALFORMED)
    library.write("in/b.md", MALFORMED)
    library.sync(collection="other")
    entry = library.catalog.quarantine()[0]
    report = again(library, entry)
    assert (counts(report), told(report)) == ((0, 0, 0, 0, 1), [("in/a.md", entry.line, entry.reason)])
    library.write("in/a.md", "good")
    library.write("in/b.md", "good")
    seen: list[tuple[str, int, int]] = []
    report = retry(library.catalog, library.indexer, entry.id[:5], lambda *step: seen.append(step), parser=LINES)
    assert (counts(report), seen) == ((1, 0, 0, 0, 0), [("files", 1, 1)])
    assert library.texts("other") == {"in/a.md": "good"}
    assert [each.path for each in library.catalog.quarantine()] == ["in/b.md"]


def test_a_dropped_entry_is_open_again(library: Library) -> None:
    library.write("a.md", MALFORMED)
    library.sync()
    entry = drop(library.catalog, only(library).id)
    before = library.catalog.sequence()
    assert [path for path, _, _ in told(again(library, entry))] == ["a.md"]
    assert not only(library).dropped
    assert news(library, before) == [("quarantined", "a.md", entry.reason)]
    library.write("a.md", "good")
    assert counts(again(library, entry)) == (1, 0, 0, 0, 0)


def test_a_part_of_an_unchanged_document_still_stands(library: Library) -> None:
    library.write("a.marked", "one\n!bad")
    library.sync()
    entry = drop(library.catalog, only(library).id)
    report = again(library, entry)
    assert (counts(report), told(report)) == ((0, 0, 1, 0, 1), [("a.marked", 2, "bad")])


def test_a_folder_meta_is_tried_with_its_folder(library: Library) -> None:
    library.write("a.md")
    library.write("in/_meta.yaml", "audience: {interviewer\n")
    library.write("in/b.md")
    library.sync()
    entry = only(library)
    library.write("in/_meta.yaml", "audience: interviewer\n")
    library.write("a.md", "changed")
    assert counts(again(library, entry)) == (1, 0, 0, 0, 0)
    assert library.catalog.document("in/b.md").meta.audience == "interviewer"
    assert library.texts()["a.md"] == "text"
    assert library.catalog.quarantine() == []


def test_a_file_in_an_archive_is_tried_with_its_archive(library: Library) -> None:
    _pack(library.home / "a.zip", {"in/b.md": "good", "c.md": MALFORMED})
    library.sync()
    assert library.texts() == {"a.zip/in/b.md": "good"}
    entry = only(library)
    assert (entry.path, entry.source) == ("a.zip/c.md", str(library.home / "a.zip/c.md"))
    assert counts(again(library, entry)) == (0, 0, 1, 0, 1)
    _pack(library.home / "a.zip", {"in/b.md": "good", "c.md": "good too"})
    assert counts(again(library, entry)) == (1, 0, 1, 0, 0)
    assert library.catalog.quarantine() == []


def test_what_is_gone_cannot_be_tried(library: Library) -> None:
    library.write("in/a.md", MALFORMED)
    library.write("in/b.md")
    library.sync()
    entry = only(library)
    os.unlink(entry.source)
    with pytest.raises(NotFoundError, match="is not there any more") as caught:
        again(library, entry)
    assert "Ingest its folder" in caught.value.hint
    assert only(library) == entry
    library.sync()
    with pytest.raises(NotFoundError, match="Nothing in quarantine"):
        again(library, entry)


def test_entries_are_found_by_the_beginning_of_their_id(library: Library) -> None:
    library.write("a.md", MALFORMED)
    library.sync()
    entry = only(library)
    assert library.catalog.quarantine_entry(entry.id) == library.catalog.quarantine_entry(entry.id[:4]) == entry
    for unknown in ("", entry.id[:3], "nothing", "%%%%%"):
        with pytest.raises(NotFoundError):
            library.catalog.quarantine_entry(unknown)
    with library.catalog.transaction() as connection:
        alike = [{**asdict(entry), "id": entry.id[:-1] + last} for last in "xyz"]
        connection.execute(insert(quarantine), alike)
    with pytest.raises(UsageError, match="names several entries"):
        library.catalog.quarantine_entry(entry.id[:8])


def _pack(file: Path, texts: dict[str, str]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in texts.items():
            archive.writestr(path, text)
