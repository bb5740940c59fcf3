"""The same question in several documents, from files on disk to the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from answering.answerer import Answerer
from answering.build import build_answerer
from answering.links import link
from ingest.catalog import Catalog
from ingest.catalog_links import twins
from ingest.sync import delete, sync
from retrieval.build import Retrieval, build_retrieval
from tests.fakes import HashingEmbedder

POOL = "## How large should a database connection pool be?\n\n"
OLD = f"# Pools\n\n{POOL}Set the maximum pool size of each service instance to 100 connections.\n"
NEW = f"# Pools, again\n\n{POOL}Set the maximum pool size of each service instance to 20 connections.\n"
COPY = NEW.replace("Pools, again", "Pools")
OTHER = "# Pools\n\n## How do you drain a connection pool?\n\nStop lending, wait, then close.\n"


class Library:
    """A folder of files, and the rooms over it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notes"
        self.root.mkdir()
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
        self.retrieval: Retrieval = build_retrieval(
            folder, self.catalog, shared_cache=folder, embedder=HashingEmbedder()
        )
        self.answerer: Answerer = build_answerer(
            self.retrieval.retriever, self.catalog, embedder=self.retrieval.embedder
        )

    def write(self, **texts: str) -> int:
        for name, text in texts.items():
            (self.root / f"{name}.md").write_text(text)
        sync(self.catalog, self.retrieval.indexer, [self.root])
        return self.link()

    def link(self) -> int:
        return link(self.catalog, self.retrieval.index, self.retrieval.indexer.embed_questions)

    def twins(self, name: str) -> list[tuple[str, str]]:
        document = self.catalog.document(f"{name}.md")
        return [(twin.document, twin.conflict) for twin in twins(self.catalog, document.id)]

    def close(self) -> None:
        self.retrieval.close()
        self.catalog.close()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path)
    yield opened
    opened.close()


def test_the_same_question_is_linked_both_ways_with_what_the_answers_disagree_on(library: Library) -> None:
    library.write(old=OLD, new=NEW, other=OTHER)
    ((named, conflict),) = library.twins("old")
    assert named == "new.md"
    assert "100" in conflict
    assert "20" in conflict
    ((named, _),) = library.twins("new")
    assert named == "old.md"
    assert library.twins("other") == []


def test_links_follow_every_change(library: Library) -> None:
    library.write(old=OLD, other=OTHER)
    assert library.twins("old") == []
    library.write(new=NEW)
    assert [name for name, _ in library.twins("old")] == ["new.md"]
    library.write(new=NEW.replace("20", "100"))
    assert library.twins("old") == [("new.md", "")]
    library.write(new=OTHER)
    assert library.twins("old") == []
    library.write(new=NEW)
    delete(library.catalog, library.retrieval.indexer, "new.md")
    library.link()
    assert library.twins("old") == []


def test_nothing_changed_is_nothing_to_link(library: Library) -> None:
    assert library.write(old=OLD, new=NEW) == 2
    assert library.link() == 0
    assert len(library.twins("old")) == 1


def test_a_question_that_a_document_asks_twice_identifies_nothing(library: Library) -> None:
    twice = "# Code\n\n## What is the output?\n\n`1`\n\n## What is the output?\n\n`2`\n"
    library.write(one=twice, two="# Code\n\n## What is the output?\n\n`3`\n")
    assert library.twins("two") == []


def test_another_collection_is_another_library(library: Library, tmp_path: Path) -> None:
    library.write(old=OLD)
    apart = tmp_path / "apart"
    apart.mkdir()
    (apart / "new.md").write_text(NEW)
    sync(library.catalog, library.retrieval.indexer, [apart], collection="apart")
    library.link()
    assert library.twins("old") == []


def test_an_answer_shows_what_a_linked_document_says_against_it(library: Library) -> None:
    library.write(old=OLD, new=NEW, other=OTHER)
    answer = library.answerer.ask("How large should a database connection pool be?")
    assert answer.kind == "model_answer"
    assert {source.document for source in answer.sources} == {"old.md", "new.md"}
    assert [conflict.sources for conflict in answer.conflicts] == [(1, 2)]
    assert "conflicting_sources" in answer.reasons
    for source in answer.sources:
        text = library.catalog.text(library.catalog.document(source.document).version_key)
        assert text[source.start : source.end] == source.quote


def test_a_copy_elsewhere_is_named_and_not_repeated(library: Library) -> None:
    library.write(new=NEW, copy=COPY, other=OTHER)
    answer = library.answerer.ask("How large should a database connection pool be?")
    (source,) = answer.sources
    assert answer.conflicts == ()
    assert answer.related[0].document == ({"new.md", "copy.md"} - {source.document}).pop()
