"""The catalog's tables. Plain SQL types only, so that SQLite and PostgreSQL hold the same thing.

Everything a version consists of is written once and never changed; only its `state` does, and that decides what is
served. When it goes live it is written down which version it follows and what changed. Compound values are JSON in
text columns, read by `ingest.catalog_rows`.

What grows with the years: `versions` and `items`, which keep the text of every version (`ingest.sync.prune` deletes
old ones), and `changes`, a row for each change. `chunks` are kept of what is served; `quarantine` and `links` tell of
now; `jobs` go some days after they end. `keys` stay after they were revoked, so that their ids go on naming somebody.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = "4"

BUILDING, LIVE, SUPERSEDED = "building", "live", "superseded"
"""States of a version: written but not served yet; served; served once."""

SEQUENCE = "sequence"
"""The counter that numbers changes. Whoever changes what is served raises it first, and so waits for its turn."""

metadata = MetaData()

about = Table("about", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

counters = Table(
    "counters", metadata, Column("name", Text, primary_key=True), Column("value", BigInteger, nullable=False)
)

roots = Table(
    "roots",
    metadata,
    Column("collection", Text, primary_key=True),
    Column("path", Text, primary_key=True),
)
"""Folders that were ingested as such."""

documents = Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("source", Text, nullable=False),
    UniqueConstraint("collection", "path"),
)

versions = Table(
    "versions",
    metadata,
    # a number is never used twice: the index may still hold points of one whose row is gone
    Column("key", Integer, primary_key=True),
    Column("document_id", Text, ForeignKey("documents.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("indexed", Boolean, nullable=False),
    Column("version", Text, nullable=False),
    Column("stamp", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("meta", Text, nullable=False),
    Column("items", Text, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("live_at", Text),
    Column("retired_at", Text),
    Column("account", Text, nullable=False),
    Column("text", Text, nullable=False),
    # the lines at which pages begin, where the format has pages
    Column("pages", Text),
    # the version served before it; where the file got another path, that of the document it was before
    Column("previous", Integer),
    # what changed against that, by item
    Column("diff", Text),
    Index("versions_by_document", "document_id", "state"),
    sqlite_autoincrement=True,
)

items = Table(
    "items",
    metadata,
    Column("version_key", Integer, ForeignKey("versions.key"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("data", Text, nullable=False),
    UniqueConstraint("version_key", "id"),
)

chunks = Table(
    "chunks",
    metadata,
    # version key and chunk id in one column: a list of pairs is not looked up by index everywhere
    Column("ref", Text, primary_key=True),
    Column("version_key", Integer, ForeignKey("versions.key"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("chunks_by_item", "version_key", "item_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("line", Integer),
    Column("reason", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("since", Text, nullable=False),
    # "document": nothing of it could be taken; "item": a part of a document that is served
    Column("scope", Text, nullable=False),
    # the hash of the bytes that were refused; an entry that was dropped stays away until they change
    Column("content", Text),
    Column("dropped", Boolean, nullable=False),
    Index("quarantine_by_path", "collection", "path"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection", Text, nullable=False),
    Column("paths", Text, nullable=False),
    # the quarantine entry whose file is tried again; none where files were uploaded
    Column("entry", Text),
    Column("state", Text, nullable=False),
    Column("idempotency_key", Text, unique=True),
    Column("body_hash", Text, nullable=False),
    Column("report", Text),
    Column("problem", Text),
    Column("created_at", Text, nullable=False),
    Column("started_at", Text),
    Column("finished_at", Text),
    # the key that asked for it; none where it was somebody at the server's own machine
    Column("made_by", Text),
)
"""Uploads and retries on their way into the library. `state`: queued, running, done or failed."""

links = Table(
    "links",
    metadata,
    Column("collection", Text, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("other_document_id", Text, primary_key=True),
    Column("other_item_id", Text, primary_key=True),
    Column("similarity", Float, nullable=False),
    Column("conflict", Text),
)
"""Items of different documents that ask the same question, each pair once in both directions."""

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # sha256 of the key, in hexadecimal digits; the key itself is kept nowhere
    Column("hash", Text, nullable=False, unique=True),
    # lists, as JSON; no collections: all of them
    Column("scopes", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("collections", Text),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
)

sessions = Table(
    "sessions",
    metadata,
    # sha256 of what the cookie holds
    Column("hash", Text, primary_key=True),
    Column("key_id", Text, ForeignKey("keys.id"), nullable=False),
    Column("expires_at", Text, nullable=False),
)
"""People who gave their key to the web page."""

changes = Table(
    "changes",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("document_id", Text),
    Column("version", Text),
    Column("detail", Text, nullable=False),
)


def chunk_ref(version_key: int, chunk_id: str) -> str:
    """What names a chunk among all versions."""
    return f"{version_key}:{chunk_id}"
