"""The catalog as somebody sees it who may not see everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.catalog import Catalog
from ingest.catalog_view import CatalogView
from ingest.diff import diff_versions
from ingest.errors import NotFoundError, UsageError
from ingest.sync import delete, sync
from ingest.view import EVERYTHING, View, is_for_interviewers
from tests.fakes import LINES, MemoryIndexer

CANDIDATE = View("candidate")
FOR_INTERVIEWERS = "---\naudience: interviewer\n---\n"


class Library:
    """Files of one folder, and the catalog that mirrors them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
        self.indexer = MemoryIndexer()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def sync(self, collection: str = "default") -> None:
        sync(self.catalog, self.indexer, [self.root], collection=collection, yes=True, parser=LINES)

    def seen(self, view: View = CANDIDATE) -> CatalogView:
        return CatalogView(self.catalog, view)

    def id_of(self, path: str) -> str:
        return self.catalog.document(path).id

    def told(self, view: View = CANDIDATE) -> list[tuple[str, str, str]]:
        return [(change.kind, change.path, change.detail) for change in self.seen(view).changes()]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.catalog.close()


@pytest.mark.parametrize(
    ("said", "hidden"),
    [("interviewer", True), (" Interviewer ", True), ("INTERVIEWERS", True), ("candidate", False), (None, False)],
)
def test_who_a_document_is_for(said: str | None, hidden: bool) -> None:
    assert is_for_interviewers(said) is hidden
    assert CANDIDATE.shows("c", said) is not hidden
    assert EVERYTHING.shows("c", said)
    assert not View("interviewer", frozenset({"d"})).shows("c", said)


def test_views_can_only_be_narrowed() -> None:
    ab, bc = frozenset({"a", "b"}), frozenset({"b", "c"})
    assert View("interviewer", ab).within(View("candidate", bc)) == View("candidate", frozenset({"b"}))
    assert EVERYTHING.within(View("interviewer", ab)) == View("interviewer", ab).within(EVERYTHING)
    assert View("candidate").within(EVERYTHING) == View("candidate")


def test_a_hidden_document_is_as_if_it_were_not_there(library: Library) -> None:
    library.write("open.md", "one")
    library.write("guide.md", f"{FOR_INTERVIEWERS}two")
    library.sync()
    catalog, guide = library.catalog, library.id_of("guide.md")
    assert [info.path for info in catalog.documents(view=CANDIDATE)] == ["open.md"]
    assert len(catalog.live_versions(CANDIDATE)) == 1
    assert catalog.stats(CANDIDATE)["documents"] == 1
    assert "versions" not in catalog.stats(CANDIDATE)
    for name in (guide, guide[:6], "guide.md"):
        with pytest.raises(NotFoundError) as hidden:
            catalog.document(name, view=CANDIDATE)
        with pytest.raises(NotFoundError) as missing:
            catalog.document(f"{name[:-1]}#", view=CANDIDATE)
        assert hidden.value.message.replace(name, "") == missing.value.message.replace(f"{name[:-1]}#", "")
    assert library.seen().versions(guide) == []
    with pytest.raises(NotFoundError, match="No document has the id"):
        diff_versions(catalog, guide, view=CANDIDATE)
    assert library.told() == [("added", "open.md", "")]
    assert library.seen().hides_path("default", "guide.md")
    assert not library.seen().hides_path("default", "open.md")
    assert not library.seen(EVERYTHING).hides_path("default", "guide.md")


def test_an_ambiguous_beginning_names_no_hidden_document(library: Library) -> None:
    library.write("x/same.md", "one")
    library.write("y/same.md", f"{FOR_INTERVIEWERS}two")
    library.sync("a")
    library.sync("b")
    with pytest.raises(UsageError, match=r"a/x/same\.md .*b/x/same\.md") as caught:
        library.catalog.document("x/same.md", view=CANDIDATE)
    assert "y/" not in caught.value.message
    assert library.catalog.document("x/same.md", view=View("candidate", frozenset({"b"}))).collection == "b"


def test_what_was_hidden_once_stays_hidden_in_the_history(library: Library) -> None:
    library.write("a.md", f"{FOR_INTERVIEWERS}secret\nmore")
    library.sync()
    library.write("a.md", "open")
    library.sync()
    name = library.id_of("a.md")
    [version] = library.seen().versions(name)
    assert version.state == "live"
    assert version.changes is None, "it would count the items of the hidden one"
    assert library.seen(EVERYTHING).versions(name)[0].changes is not None
    hidden = library.seen(EVERYTHING).versions(name)[1]
    assert library.told() == [("updated", "a.md", "")]
    with pytest.raises(UsageError, match="nothing to compare it with"):
        diff_versions(library.catalog, name, view=CANDIDATE)
    for asked in (str(hidden.key), hidden.version, hidden.version[7:15]):
        with pytest.raises(NotFoundError):
            diff_versions(library.catalog, name, asked, view=CANDIDATE)
    library.write("a.md", f"{FOR_INTERVIEWERS}secret again")
    library.sync()
    assert library.seen().versions(name) == []
    assert library.told() == []
    delete(library.catalog, library.indexer, name)
    assert library.seen().versions(name) == []
    assert library.told() == []
    assert len(library.told(EVERYTHING)) == 4


def test_a_rename_does_not_tell_a_hidden_path(library: Library) -> None:
    library.write("open.md", "one\ntwo\nthree")
    library.write("guide.md", f"{FOR_INTERVIEWERS}four\nfive")
    library.sync()
    (library.root / "open.md").rename(library.root / "public.md")
    (library.root / "guide.md").rename(library.root / "secret.md")
    library.sync()
    assert library.told() == [("added", "open.md", ""), ("renamed", "public.md", "open.md")]
    assert [version.path for version in library.seen().versions(library.id_of("public.md"))] == [
        "public.md",
        "open.md",
    ]
    assert ("renamed", "secret.md", "guide.md") in library.told(EVERYTHING)


def test_the_quarantine_tells_of_nothing_that_might_be_hidden(library: Library) -> None:
    library.write("open.csv", "question,answer\nWhat?,This.\n,no question\n")
    library.write("guide.csv", "question,answer\nWhat?,This.\n,no question\n")
    library.write("_meta.yaml", "topic: x\n")
    library.write("bad.md", "---\naudience: [interviewer\n---\nsecret")
    library.write("guides/_meta.yaml", "audience: interviewer\n")
    library.write("guides/guide.csv", "question,answer\nWhat?,This.\n,no question\n")
    sync(library.catalog, library.indexer, [library.root], collection="default", yes=True)
    everything = {entry.path for entry in library.seen(EVERYTHING).quarantine()}
    assert {"bad.md", "guides/guide.csv"} <= everything
    shown = library.seen().quarantine()
    assert {entry.path for entry in shown} == {"open.csv", "guide.csv"}
    for entry in library.seen(EVERYTHING).quarantine():
        for name in (entry.id, entry.id[:6]):
            if entry in shown:
                assert library.seen().quarantine_entry(name) == entry
            else:
                with pytest.raises(NotFoundError):
                    library.seen().quarantine_entry(name)
    assert not [each for each in library.told() if each[0] == "quarantined"]
    assert {entry.path for entry in library.seen(View("interviewer", frozenset({"other"}))).quarantine()} == set()
    elsewhere = View("interviewer", frozenset({"default"}))
    assert {entry.path for entry in library.seen(elsewhere).quarantine()} == everything


def test_the_feed_goes_on_behind_what_is_hidden(library: Library) -> None:
    for at in range(12):
        library.write(f"{at:02}.md", f"{FOR_INTERVIEWERS if at % 3 else ''}{at}")
    library.sync()
    seen, told, since = library.seen(), [], 0
    while part := seen.changes(since, 2):
        told += [change.path for change in part]
        since = part[-1].sequence
    assert told == ["00.md", "03.md", "06.md", "09.md"]
    assert library.seen(View("interviewer", frozenset({"other"}))).changes() == []
