"""Making the catalog's tables, and bringing those that an older cuecard made up to date, in one transaction.

Each step is written out in SQL that SQLite and PostgreSQL both take: it must go on giving the tables of its time,
whatever `ingest.schema` becomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine, insert, inspect, select, update

from ingest import schema_feedback  # noqa: F401 - its tables are made too
from ingest.errors import SettingsError
from ingest.schema import SCHEMA_VERSION, SEQUENCE, about, counters, metadata

STEPS: Mapping[str, tuple[str, Sequence[str]]] = {
    "1": (
        "2",
        (
            "ALTER TABLE versions ADD COLUMN previous INTEGER",
            "ALTER TABLE versions ADD COLUMN diff TEXT",
            "ALTER TABLE versions ADD COLUMN pages TEXT",
            "UPDATE versions SET previous = (SELECT max(p.key) FROM versions p"
            " WHERE p.document_id = versions.document_id AND p.key < versions.key AND p.state <> 'building')"
            " WHERE state <> 'building'",
            "DELETE FROM chunks WHERE version_key IN"
            " (SELECT key FROM versions WHERE state = 'superseded' AND NOT \"indexed\")",
            "ALTER TABLE quarantine ADD COLUMN scope TEXT DEFAULT 'document' NOT NULL",
            "ALTER TABLE quarantine ADD COLUMN content TEXT",
            "ALTER TABLE quarantine ADD COLUMN dropped BOOLEAN DEFAULT false NOT NULL",
            "CREATE INDEX quarantine_by_path ON quarantine (collection, path)",
            "CREATE TABLE jobs (id TEXT NOT NULL PRIMARY KEY, collection TEXT NOT NULL, paths TEXT NOT NULL,"
            " entry TEXT, state TEXT NOT NULL, idempotency_key TEXT UNIQUE, body_hash TEXT NOT NULL, report TEXT,"
            " problem TEXT, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT)",
            "CREATE TABLE links (collection TEXT NOT NULL, document_id TEXT NOT NULL, item_id TEXT NOT NULL,"
            " other_document_id TEXT NOT NULL, other_item_id TEXT NOT NULL, similarity FLOAT NOT NULL, conflict TEXT,"
            " PRIMARY KEY (collection, document_id, item_id, other_document_id, other_item_id))",
        ),
    ),
    "2": (
        "3",
        (
            "ALTER TABLE jobs ADD COLUMN made_by TEXT",
            "CREATE TABLE keys (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,"
            " scopes TEXT NOT NULL, audience TEXT NOT NULL, collections TEXT, created_at TEXT NOT NULL,"
            " expires_at TEXT, revoked_at TEXT)",
            "CREATE TABLE sessions (hash TEXT NOT NULL PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys (id),"
            " expires_at TEXT NOT NULL)",
        ),
    ),
    "3": (
        "4",
        (
            "CREATE TABLE asked (id TEXT NOT NULL PRIMARY KEY, at TEXT NOT NULL, question TEXT, kind TEXT NOT NULL,"
            " confidence FLOAT NOT NULL, low_confidence BOOLEAN NOT NULL, reasons TEXT NOT NULL,"
            " sources TEXT NOT NULL, related TEXT, audience TEXT NOT NULL, collections TEXT)",
            "CREATE INDEX asked_by_time ON asked (at)",
            "CREATE TABLE feedback (answer_id TEXT NOT NULL REFERENCES asked (id), who TEXT NOT NULL,"
            " rating TEXT NOT NULL, comment TEXT, at TEXT NOT NULL, PRIMARY KEY (answer_id, who))",
        ),
    ),
}
"""By the schema they start from: the schema they lead to, and what to do."""

_LOCK = 0x63756563  # any number, the same for every cuecard


def prepare(engine: Engine) -> None:
    """Make the tables where there are none, and bring older ones up to date.

    Raises SettingsError, with nothing changed, for tables that no step starts from: a newer cuecard's.
    """
    with engine.begin() as connection:
        if _schema(connection) == SCHEMA_VERSION:
            return
    with engine.begin() as connection:
        _alone(connection)
        found = _schema(connection)  # another process may have been first
        if found is None:
            metadata.create_all(connection)
            connection.execute(insert(about), [{"name": "schema", "value": SCHEMA_VERSION}])
            connection.execute(insert(counters), [{"name": SEQUENCE, "value": 0}])
            return
        while found in STEPS:
            found, statements = STEPS[found]
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.execute(update(about).where(about.c.name == "schema").values(value=found))
        if found != SCHEMA_VERSION:
            where = engine.url.render_as_string(hide_password=True)
            message = f"The catalog {where} has schema {found}; this cuecard reads {SCHEMA_VERSION}."
            raise SettingsError(message, hint="Use the version that wrote it, or ingest into a new home.")


def _schema(connection: Connection) -> str | None:
    """The schema of the tables; None where there are none."""
    if not inspect(connection).has_table(about.name):
        return None
    return connection.execute(select(about.c.value).where(about.c.name == "schema")).scalar()


def _alone(connection: Connection) -> None:
    """Begin what no other process does at the same time. SQLite's driver would not begin before a CREATE or ALTER."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
