"""A catalog that an older cuecard wrote goes on as one of today."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine

from ingest.catalog import Catalog
from ingest.errors import IndexUnavailableError, SettingsError
from ingest.migrate import STEPS
from ingest.schema import SCHEMA_VERSION, metadata
from ingest.sync import sync
from tests.fakes import LINES, MemoryIndexer

# the tables of schema 1, as SQLAlchemy made them
SCHEMA_1 = """
CREATE TABLE about (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE changes (sequence BIGINT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, collection TEXT NOT NULL,
    path TEXT NOT NULL, document_id TEXT, version TEXT, detail TEXT NOT NULL, PRIMARY KEY (sequence));
CREATE TABLE counters (name TEXT NOT NULL, value BIGINT NOT NULL, PRIMARY KEY (name));
CREATE TABLE documents (id TEXT NOT NULL, collection TEXT NOT NULL, path TEXT NOT NULL, root TEXT NOT NULL,
    source TEXT NOT NULL, PRIMARY KEY (id), UNIQUE (collection, path));
CREATE TABLE quarantine (id TEXT NOT NULL, collection TEXT NOT NULL, path TEXT NOT NULL, source TEXT NOT NULL,
    line INTEGER, reason TEXT NOT NULL, hint TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (id));
CREATE TABLE roots (collection TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (collection, path));
CREATE TABLE versions ("key" {serial}, document_id TEXT NOT NULL, state TEXT NOT NULL, "indexed" BOOLEAN NOT NULL,
    version TEXT NOT NULL, stamp TEXT NOT NULL, fingerprint TEXT NOT NULL, title TEXT NOT NULL, meta TEXT NOT NULL,
    items TEXT NOT NULL, chunks INTEGER NOT NULL, lines INTEGER NOT NULL, created_at TEXT NOT NULL, live_at TEXT,
    retired_at TEXT, account TEXT NOT NULL, text TEXT NOT NULL, FOREIGN KEY(document_id) REFERENCES documents (id));
CREATE INDEX versions_by_document ON versions (document_id, state);
CREATE TABLE chunks (ref TEXT NOT NULL, version_key INTEGER NOT NULL, ordinal INTEGER NOT NULL, item_id TEXT NOT NULL,
    data TEXT NOT NULL, context TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (ref),
    FOREIGN KEY(version_key) REFERENCES versions ("key"));
CREATE INDEX chunks_by_item ON chunks (version_key, item_id);
CREATE TABLE items (version_key INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (version_key, ordinal), UNIQUE (version_key, id), FOREIGN KEY(version_key) REFERENCES versions ("key"));
INSERT INTO about VALUES ('schema', '1');
INSERT INTO counters VALUES ('sequence', 3);
INSERT INTO roots VALUES ('default', '/root');
INSERT INTO documents VALUES ('{first}', 'default', 'a.md', '/root', '/root/a.md');
INSERT INTO documents VALUES ('d2', 'default', 'b.md', '/root', '/root/b.md');
INSERT INTO quarantine VALUES ('q1', 'default', 'c.md', '/root/c.md', 3, 'empty', 'hint', '2024-01-01T00:00:00.000Z');
INSERT INTO changes VALUES (3, '2024-01-01T00:00:00.000Z', 'updated', 'default', 'a.md', '{first}', 'sha256:2', '');
"""
VERSION = """
INSERT INTO versions (document_id, state, "indexed", version, stamp, fingerprint, title, meta, items, chunks, lines,
    created_at, live_at, retired_at, account, text)
VALUES (:document, :state, {indexed}, :version, 's', 'f', 'T', :meta, :items, 1, 1, :at, :at, NULL, :account, 'one')
"""
AT = "2024-01-01T00:00:00.000Z"
FIRST = hashlib.sha256(b"default\0a.md").hexdigest()[:16]
SPAN = [0, 3, 1, 1]
ITEM: dict[str, object] = {
    "id": "i",
    "kind": "note",
    "title": "one",
    "span": SPAN,
    "heading": [],
    "question": None,
    "level": None,
}
ITEM |= {"question_span": None, "answer": None, "talking_points": [], "tags": [], "leftover": False}
CHUNK: dict[str, object] = {
    "id": "i.0",
    "item_id": "i",
    "ordinal": 0,
    "kind": "note",
    "span": SPAN,
    "heading": [],
    "question": None,
}
CHUNK |= {"questions": [], "level": None, "tags": [], "answer": None, "talking_points": []}


@pytest.fixture
def old(database: str) -> Iterator[Engine]:
    """A database with schema 1: a.md in its third version (a fourth was being built), b.md in its first."""
    engine = sqlalchemy.create_engine(database)
    server = engine.dialect.name == "postgresql"
    serial = "SERIAL PRIMARY KEY" if server else "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT"
    with engine.begin() as connection:
        for statement in SCHEMA_1.format(serial=serial, first=FIRST).split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        for key, (document, state, indexed) in enumerate(
            [
                (FIRST, "superseded", "false"),
                ("d2", "live", "true"),
                (FIRST, "superseded", "true"),
                (FIRST, "live", "true"),
                (FIRST, "building", "true"),
            ],
            1,
        ):
            values = {"document": document, "state": state, "version": f"sha256:{key}", "meta": "{}", "at": AT}
            values |= {"items": '{"qa":0,"note":1,"guide":0}', "account": '[[1,1,"item","i"]]'}
            connection.execute(sqlalchemy.text(VERSION.format(indexed=indexed)), values)
            row = {"ref": f"{key}:i.0", "key": key, "item": json.dumps(ITEM), "chunk": json.dumps(CHUNK)}
            connection.execute(sqlalchemy.text("INSERT INTO items VALUES (:key, 0, 'i', :item)"), row)
            chunk = "INSERT INTO chunks VALUES (:ref, :key, 0, 'i', :chunk, '', 'one')"
            connection.execute(sqlalchemy.text(chunk), row)
    try:
        yield engine
    finally:
        metadata.drop_all(engine)
        engine.dispose()


def url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_what_was_there_is_still_there(old: Engine) -> None:
    catalog = Catalog(url(old))
    assert [(info.path, info.version) for info in catalog.documents()] == [("a.md", "sha256:4"), ("b.md", "sha256:2")]
    assert [(v.version, v.path, v.changes) for v in catalog.versions(FIRST)] == [
        ("sha256:5", "a.md", None),
        ("sha256:4", "a.md", None),
        ("sha256:3", "a.md", None),
        ("sha256:1", "a.md", None),
    ]
    (entry,) = catalog.quarantine()
    assert (entry.id, entry.line, entry.scope, entry.content, entry.dropped) == ("q1", 3, "document", None, False)
    assert [change.kind for change in catalog.changes()] == ["updated"]
    assert len(catalog.live_chunks([(4, "i.0"), (2, "i.0")])) == 2
    # chunks go where the index has forgotten a version, and stay where it may still hold it
    assert [len(catalog.load(key).chunks) for key in (1, 3, 4)] == [0, 1, 1]
    with catalog.transaction() as connection:
        before = connection.execute(sqlalchemy.text('SELECT "key", previous FROM versions ORDER BY "key"')).all()
    assert [tuple(row) for row in before] == [(1, None), (2, None), (3, 1), (4, 3), (5, None)]
    catalog.close()
    Catalog(url(old)).close()


def test_it_goes_on_with_what_is_new(old: Engine, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.md").write_text("one\ntwo")
    catalog = Catalog(url(old))
    sync(catalog, MemoryIndexer(), [root], parser=LINES)
    newest, *_, first = catalog.versions(FIRST)
    assert (newest.state, newest.changes) == ("live", {"added": 2, "removed": 1, "changed": 0, "moved": 0})
    assert newest.key > 5
    assert first.version == "sha256:1"
    assert "building" not in {version.state for version in catalog.versions(FIRST)}
    catalog.close()


def test_the_tables_are_those_of_a_new_catalog(old: Engine) -> None:
    Catalog(url(old)).close()
    upgraded = _tables(old)
    metadata.drop_all(old)
    Catalog(url(old)).close()
    assert upgraded == _tables(old)


def test_an_upgrade_that_fails_changes_nothing(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _tables(old)
    after, statements = STEPS["1"]
    with monkeypatch.context() as patch:
        patch.setitem(STEPS, "1", (after, [*statements, "SELECT nothing FROM nowhere"]))
        with pytest.raises(IndexUnavailableError):
            Catalog(url(old))
    assert _tables(old) == before
    catalog = Catalog(url(old))
    assert len(catalog.documents()) == 2
    catalog.close()


def test_several_processes_open_it_at_once(old: Engine) -> None:
    _open_at_once(url(old))
    metadata.drop_all(old)
    _open_at_once(url(old))


def test_a_catalog_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = f"sqlite:///{tmp_path / 'catalog.db'}"
    with monkeypatch.context() as patch:
        patch.setattr("ingest.migrate.SEQUENCE", None)
        with pytest.raises(IndexUnavailableError):
            Catalog(file)
    catalog = Catalog(file)
    assert catalog.documents() == []
    catalog.close()


@pytest.mark.parametrize("schema", ["0", "99", ""])
def test_an_unknown_schema_is_refused_and_left_alone(tmp_path: Path, schema: str) -> None:
    assert SCHEMA_VERSION not in STEPS
    file = tmp_path / "catalog.db"
    Catalog(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE about SET value = ? WHERE name = 'schema'", [schema])
    connection.close()
    before = file.read_bytes()
    with pytest.raises(SettingsError, match=f"has schema {schema}; this cuecard reads {SCHEMA_VERSION}") as caught:
        Catalog(f"sqlite:///{file}")
    assert "the version that wrote it" in caught.value.hint
    assert file.read_bytes() == before


def _open_at_once(where: str) -> None:
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Catalog(where).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def _tables(engine: Engine) -> dict[str, object]:
    """Columns, keys and indexes of all tables."""
    inspector = sqlalchemy.inspect(engine)
    return {
        name: (
            {column["name"]: (str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)},
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(index["name"] or "" for index in inspector.get_indexes(name)),
            sorted(tuple(unique["column_names"]) for unique in inspector.get_unique_constraints(name)),
        )
        for name in inspector.get_table_names()
    }
