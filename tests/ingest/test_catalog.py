"""The catalog: what it gives back is what was put in, and only what is served."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from ingest import catalog as catalog_module
from ingest.catalog import Catalog
from ingest.catalog_quarantine import Refusal
from ingest.catalog_switch import Incoming
from ingest.catalog_writer import CatalogWriter
from ingest.discover import Problem
from ingest.errors import HomeBusyError, IndexUnavailableError, NotFoundError, SettingsError, UsageError
from ingest.formats.markdown import from_markdown
from ingest.items import AccountLine, Chunk, Document, Item, Meta, Span
from ingest.ports import NewVersion
from ingest.schema import metadata
from tests.fakes import parse_lines


@pytest.fixture
def catalog(database: str) -> Iterator[Catalog]:
    """An empty catalog."""
    opened = Catalog(database)
    yield opened
    opened.close()


def lines(path: str, text: str, *, collection: str = "default", meta: Meta | None = None) -> Document:
    return parse_lines(
        collection=collection,
        path=path,
        version=f"sha256:{text}",
        source=from_markdown(text, meta),
    )


def serve(catalog: Catalog, document: Document) -> int:
    writer = CatalogWriter(catalog)
    incoming = Incoming(document, "/root", f"/root/{document.path}", "stamp", "print")
    (new,) = writer.begin([incoming])
    writer.switch([(new, incoming)])
    return new.key


def rich_document() -> Document:
    text = "What is a cache?\n\nA cache keeps “answers” 🙂.\nSay: LRU.\n"
    question, answer, point = Span(0, 16, 1, 1), Span(18, 44, 3, 3, 7), Span(45, 54, 4, 4)
    item = Item(
        id="qa-1",
        kind="qa",
        title="What is a cache?",
        span=Span(18, 54, 3, 4),
        heading=("Caching", "Basics"),
        question="What is a cache?",
        question_span=question,
        answer=answer,
        talking_points=(point,),
        level="senior",
        tags=("redis",),
    )
    rest = Item(id="rest", kind="note", title="", span=point, leftover=True)
    chunk = Chunk(
        id="qa-1.0",
        item_id="qa-1",
        ordinal=0,
        kind="qa",
        span=answer,
        text=text[18:44],
        context="Caching > Basics",
        heading=("Caching", "Basics"),
        question="What is a cache?",
        questions=("What is a cache?", "cache?"),
        level="senior",
        tags=("redis",),
    )
    second = Chunk("qa-1.1", "qa-1", 1, "qa", point, text[45:54], "")
    third = Chunk("rest.0", "rest", 0, "note", point, text[45:54], "")
    return Document(
        id="0123456789abcdef",
        collection="default",
        path="qa/cache.md",
        version="sha256:00",
        title="Caching",
        text=text,
        meta=Meta(title="Caching", audience="interviewer", effective_date="2024-01-31", tags=("a", "b")),
        items=(item, rest),
        chunks=(chunk, second, third),
        account=(AccountLine(1, 4, "item", "qa-1"), AccountLine(5, 5, "structure")),
    )


def test_a_document_comes_back_as_it_went_in(catalog: Catalog) -> None:
    document = rich_document()
    key = serve(catalog, document)
    assert catalog.load(key) == document
    assert catalog.text(key) == document.text
    assert catalog.item(key, "qa-1") == document.items[0]
    info = catalog.document("qa/cache.md")
    assert info.to_dict() == {
        "id": "0123456789abcdef",
        "collection": "default",
        "path": "qa/cache.md",
        "title": "Caching",
        "version": "sha256:00",
        "version_key": key,
        "items": {"qa": 1, "note": 1, "guide": 0},
        "chunks": 3,
        "lines": 4,
        "effective_date": "2024-01-31",
        "meta": {"title": "Caching", "audience": "interviewer", "effective_date": "2024-01-31", "tags": ("a", "b")},
        "ingested_at": info.ingested_at,
        "root": "/root",
        "source": "/root/qa/cache.md",
    }


def test_stored_chunks_know_their_item_and_document(catalog: Catalog) -> None:
    document = rich_document()
    key = serve(catalog, document)
    found = catalog.live_chunks([(key, "qa-1.0"), (key, "nothing"), (key + 1, "qa-1.0"), (key, "qa-1.0")])
    assert list(found) == [(key, "qa-1.0")]
    chunk = found[key, "qa-1.0"]
    item = document.items[0]
    assert chunk.text == document.text[chunk.span.start : chunk.span.end]
    assert (chunk.answer, chunk.talking_points, chunk.questions) == (
        item.answer,
        item.talking_points,
        ("What is a cache?", "cache?"),
    )
    assert (chunk.document_id, chunk.document, chunk.version, chunk.title, chunk.meta) == (
        document.id,
        document.path,
        document.version,
        document.title,
        document.meta,
    )
    assert [each.id for each in catalog.item_chunks(key, "qa-1")] == ["qa-1.0", "qa-1.1"]
    assert catalog.item_chunks(key, "qa-1")[0] == chunk
    assert catalog.live_chunks([]) == {}


def test_only_live_versions_are_seen(catalog: Catalog) -> None:
    first = serve(catalog, lines("a.md", "one\ntwo"))
    chunk = catalog.load(first).chunks[0].id
    writer = CatalogWriter(catalog)
    (building,) = writer.begin([Incoming(lines("a.md", "one"), "/root", "/root/a.md", "s", "f")])
    same = building.document.chunks[0].id
    assert same == chunk
    assert set(catalog.live_chunks([(first, chunk), (building.key, chunk)])) == {(first, chunk)}
    assert catalog.live_versions() == {first}
    switched = writer.switch([(building, Incoming(building.document, "/new", "/new/a.md", "s", "f"))])
    assert switched == [("updated", (first,))]
    assert set(catalog.live_chunks([(first, chunk), (building.key, chunk)])) == {(building.key, chunk)}
    assert catalog.item_chunks(first, chunk.removesuffix(".0")) == []
    assert catalog.document("a.md").root == "/new"
    assert [(each.key, each.state) for each in catalog.versions(building.document.id)] == [
        (building.key, "live"),
        (first, "superseded"),
    ]
    assert catalog.load(first).text == "one\ntwo"


def test_a_version_that_was_tidied_away_cannot_go_live(catalog: Catalog) -> None:
    incoming = Incoming(lines("a.md", "one"), "/root", "/root/a.md", "s", "f")
    writer = CatalogWriter(catalog)
    (new,) = writer.begin([incoming])
    assert writer.leftovers() == [new.key]
    writer.forget([new.key])
    assert writer.leftovers() == []
    with pytest.raises(HomeBusyError):
        writer.switch([(new, incoming)])
    assert (catalog.documents(), catalog.sequence(), catalog.changes()) == ([], 0, [])
    with pytest.raises(NotFoundError):
        catalog.load(new.key)
    (again,) = writer.begin([incoming])
    assert again.key > new.key
    writer.switch([(again, incoming)])
    with pytest.raises(HomeBusyError):
        writer.switch([(again, incoming)])
    assert catalog.live_versions() == {again.key}


def test_documents_are_found_by_id_prefix_and_path(catalog: Catalog) -> None:
    key = serve(catalog, rich_document())
    serve(catalog, lines("b.md", "one"))
    for name in ("0123456789abcdef", "01234567", "qa/cache.md"):
        assert catalog.document(name).version_key == key
    for name in ("012", "0_2345", "cache.md", "nothing"):
        with pytest.raises(NotFoundError):
            catalog.document(name)
    with pytest.raises(NotFoundError):
        catalog.document("qa/cache.md", "other")
    serve(catalog, lines("b.md", "one", collection="other"))
    with pytest.raises(UsageError, match="several"):
        catalog.document("b.md")
    assert catalog.document("b.md", "other").collection == "other"
    assert [info.path for info in catalog.documents()] == ["b.md", "qa/cache.md", "b.md"]
    assert [info.collection for info in catalog.documents("other")] == ["other"]


def test_every_visible_change_is_numbered(catalog: Catalog) -> None:
    assert catalog.sequence() == 0
    serve(catalog, lines("a.md", "one"))
    serve(catalog, lines("a.md", "two"))
    writer = CatalogWriter(catalog)
    problem = Refusal(Problem("b.md", "/root/b.md", "empty", 3, "hint"))
    writer.set_quarantine("default", [problem], [])
    writer.set_quarantine("default", [problem], [])
    (entry,) = catalog.quarantine()
    assert (entry.path, entry.line, entry.reason, entry.hint) == ("b.md", 3, "empty", "hint")
    writer.set_quarantine("default", [], [entry])
    writer.retire("default", list(writer.known("default").values()))
    log = catalog.changes()
    assert [(each.sequence, each.kind, each.path) for each in log] == [
        (1, "added", "a.md"),
        (2, "updated", "a.md"),
        (3, "quarantined", "b.md"),
        (4, "released", "b.md"),
        (5, "removed", "a.md"),
    ]
    assert catalog.changes(since=2, limit=2) == log[2:4]
    assert catalog.sequence() == 5
    assert (catalog.documents(), catalog.quarantine()) == ([], [])


def test_stats(catalog: Catalog) -> None:
    serve(catalog, rich_document())
    serve(catalog, lines("a.md", "one\ntwo", collection="other"))
    stats = catalog.stats()
    assert (stats["documents"], stats["items"], stats["chunks"]) == (2, {"qa": 1, "note": 3, "guide": 0}, 5)
    assert stats["collections"]["other"] == {"documents": 1, "items": {"qa": 0, "note": 2, "guide": 0}, "chunks": 2}
    assert (stats["versions"], stats["quarantined"], stats["sequence"]) == (2, 0, 2)


def test_what_is_not_there(catalog: Catalog) -> None:
    for ask in (lambda: catalog.load(7), lambda: catalog.text(7), lambda: catalog.item(7, "x")):
        with pytest.raises(NotFoundError):
            ask()
    assert catalog.versions("nothing") == []


def test_threads_read_while_another_writes(catalog: Catalog) -> None:
    key = serve(catalog, rich_document())
    errors: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(40):
                assert catalog.live_chunks([(key, "qa-1.0")])
                assert catalog.text(key)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        serve(catalog, lines("b.md", f"text {number}"))
    for thread in threads:
        thread.join()
    assert not errors
    assert catalog.sequence() == 21


def test_it_is_still_there_when_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    first = Catalog(url)
    key = serve(first, rich_document())
    first.close()
    again = Catalog(url)
    assert again.load(key) == rich_document()
    again.close()


def test_a_catalog_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalog.db"
    Catalog(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE about SET value = '99' WHERE name = 'schema'")
    connection.close()
    with pytest.raises(SettingsError, match="schema 99"):
        Catalog(f"sqlite:///{file}")


@pytest.mark.parametrize("url", ["no url", "nosuch://host/db", ""])
def test_an_unusable_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        Catalog(url)


def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailableError, match="missing"):
        Catalog(f"sqlite:///{tmp_path}/missing/catalog.db")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, whatever its name says " * 100)
    with pytest.raises(IndexUnavailableError, match="not a database"):
        Catalog(f"sqlite:///{broken}")


def test_tables_and_queries_are_valid_for_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=dialect))
    assert "JOIN documents" in str(catalog_module._live.compile(dialect=dialect))


def test_lookups_go_by_index(tmp_path: Path) -> None:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    asked: list[tuple[str, object]] = []

    @sqlalchemy.event.listens_for(opened.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    key = serve(opened, rich_document())
    asked.clear()
    opened.live_chunks([(key, "qa-1.0")] * 60)
    opened.item_chunks(key, "qa-1")
    opened.item(key, "qa-1")
    opened.sequence()
    seen = tuple(asked)
    assert len(seen) == 3, "one each, chunks with their documents; the sequence goes a quicker way"
    with opened.engine.connect() as connection:
        for statement, parameters in seen:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()  # type: ignore[arg-type]
            assert not any("SCAN" in row[3] for row in plan), (statement, plan)
    opened.close()


def test_opening_needs_nothing_slow(tmp_path: Path) -> None:
    code = (
        f"import sys; from ingest.catalog import Catalog; Catalog('sqlite:///{tmp_path / 'c.db'}'); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "sqlalchemy" in loaded
    unwanted = {"torch", "transformers", "numpy", "ftfy", "markdown_it", "pathspec", "yaml", "rich", "pydantic"}
    assert not unwanted & set(loaded)


def test_new_versions_carry_their_document(catalog: Catalog) -> None:
    document = rich_document()
    (new,) = CatalogWriter(catalog).begin([Incoming(document, "/root", "/root/a.md", "s", "f")])
    assert new == NewVersion(new.key, document)
