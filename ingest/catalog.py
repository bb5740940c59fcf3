"""The truth about the library: which documents are served, in which version, and with which items and chunks.

The index is derived from it: what is not live here is invisible, whatever the index says. Reading happens here;
`ingest.catalog_writer` changes it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    bindparam,
    create_engine,
    func,
    make_url,
    select,
)
from sqlalchemy.event import listen
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.sql import Select

from ingest import catalog_rows as rows
from ingest.catalog_history import history, load
from ingest.catalog_info import Change, DocumentInfo, QuarantineEntry, VersionInfo
from ingest.errors import IndexUnavailableError, NotFoundError, SettingsError, UsageError
from ingest.items import KINDS, Document, Item, StoredChunk
from ingest.migrate import prepare
from ingest.schema import (
    LIVE,
    SEQUENCE,
    changes,
    chunk_ref,
    chunks,
    counters,
    documents,
    items,
    links,
    quarantine,
    versions,
)
from ingest.view import EVERYTHING, View

MIN_ID_PREFIX = 4
"""The shortest beginning of a document id that is taken for one."""

_KEPT_TEXTS = 32
_KEPT_ITEMS = 4096  # items of versions, which never change; some 2 kB each

_header_columns: list[ColumnElement[Any]] = [
    *(versions.c[name] for name in ("key", "document_id", "version", "title", "meta", "items", "chunks", "lines")),
    *(versions.c[name] for name in ("created_at", "live_at")),
    *(documents.c[name] for name in ("collection", "path", "root", "source")),
]
_header = select(*_header_columns).join_from(versions, documents, documents.c.id == versions.c.document_id)
_live = _header.where(versions.c.state == LIVE).order_by(documents.c.collection, documents.c.path)
_other = versions.alias()
_stored = (
    select(chunks.c.data, chunks.c.context, chunks.c.text, versions.c.key, documents.c.id, documents.c.path)
    .add_columns(documents.c.collection, versions.c.version, versions.c.title, versions.c.meta)
    .join_from(chunks, versions, versions.c.key == chunks.c.version_key)
    .join(documents, documents.c.id == versions.c.document_id)
    .where(versions.c.state == LIVE)
)
_open = quarantine.c.dropped.is_(False)
_stored_by_ref = _stored.where(chunks.c.ref.in_(bindparam("refs", expanding=True)))


class Catalog:
    """One catalog, open. Safe to use from many threads; `writing` is held by whoever changes the library.

    `url` is an SQLAlchemy database URL; an SQLite file is made where there is none. Raises SettingsError for a URL
    that can't be used, IndexUnavailableError where the database can't be reached.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.writing = threading.Lock()
        try:
            with self._told():
                prepare(self.engine)
        except BaseException:
            self.engine.dispose()
            raise
        self._quick = _QuickSequence(self.engine)
        self.text = lru_cache(maxsize=_KEPT_TEXTS)(self._text)
        self.pages = lru_cache(maxsize=_KEPT_TEXTS)(self._pages)
        self.item = lru_cache(maxsize=_KEPT_ITEMS)(self._item)

    def close(self) -> None:
        """Let go of the database."""
        self._quick.close()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose changes are kept together, or not at all when the block raises."""
        with self._told(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            where = self.engine.url.render_as_string(hide_password=True)
            hint = "`cuecard doctor` says more."
            raise IndexUnavailableError(f"The catalog {where} can't be used: {error.orig}.", hint=hint) from error

    def live_chunks(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], StoredChunk]:
        """The chunks named by version key and chunk id, as far as their versions are live."""
        if not keys:
            return {}
        stored = map(rows.read_stored, self._all(_stored_by_ref, refs=list({chunk_ref(*key) for key in keys})))
        return {(chunk.version_key, chunk.id): chunk for chunk in stored}

    def item_chunks(self, version_key: int, item_id: str) -> list[StoredChunk]:
        """All chunks of an item of a live version, in order; none where the version isn't live."""
        query = _stored.where(chunks.c.version_key == version_key, chunks.c.item_id == item_id)
        return [rows.read_stored(row) for row in self._all(query.order_by(chunks.c.ordinal))]

    def _item(self, version_key: int, item_id: str) -> Item:
        """An item of any version. NotFoundError where there is none."""
        query = select(items.c.data).where(items.c.version_key == version_key, items.c.id == item_id)
        data = self._scalar(query)
        if data is None:
            raise NotFoundError(f"Version {version_key} has no item {item_id}.")
        return rows.read_item(data)

    def documents(self, collection: str | None = None, view: View = EVERYTHING) -> list[DocumentInfo]:
        """The documents that are served and that `view` may see, by collection and path."""
        query = _live if collection is None else _live.where(documents.c.collection == collection)
        return [rows.read_document_info(row) for row in self._seen(query, view)]

    def document(self, id_or_path: str, collection: str | None = None, view: View = EVERYTHING) -> DocumentInfo:
        """The document with this id, this path, or an id that begins so.

        NotFoundError where none is served that `view` may see; UsageError where several are meant.
        """
        scoped = _live if collection is None else _live.where(documents.c.collection == collection)
        for condition in (documents.c.id == id_or_path, documents.c.path == id_or_path):
            found = self._seen(scoped.where(condition), view)
            if found:
                return _only(found, id_or_path)
        if len(id_or_path) >= MIN_ID_PREFIX:
            found = self._seen(scoped.where(documents.c.id.startswith(id_or_path, autoescape=True)), view)
            if found:
                return _only(found, id_or_path)
        hint = "`cuecard docs list` names them all."
        raise NotFoundError(f"No document is called {id_or_path}.", hint=hint)

    def load(self, version_key: int) -> Document:
        """A version as it was parsed, live or not; without chunks where the index has forgotten it.

        NotFoundError where there is none.
        """
        with self.transaction() as connection:
            return load(connection, version_key)

    def _pages(self, version_key: int) -> tuple[int, ...]:
        """The 1-based lines at which the pages of a version begin; none where its format has no pages."""
        return rows.read_pages(self._scalar(select(versions.c.pages).where(versions.c.key == version_key)))

    def _text(self, version_key: int) -> str:
        """The canonical text of a version, live or not. NotFoundError where there is none."""
        text = self._scalar(select(versions.c.text).where(versions.c.key == version_key))
        if text is None:
            raise NotFoundError(f"There is no version {version_key}.")
        return cast(str, text)

    def versions(self, document_id: str) -> list[VersionInfo]:
        """All versions of a document, newest first: also of one that is no longer served, and of its former paths."""
        return [rows.read_version_info(row) for row in self._all(history(document_id))]

    def quarantine(self, *, dropped: bool = False) -> list[QuarantineEntry]:
        """What was offered and can't be served, by collection and path; with `dropped` also what was put aside."""
        query = select(quarantine).order_by(quarantine.c.collection, quarantine.c.path, quarantine.c.source)
        query = query.order_by(func.coalesce(quarantine.c.line, 0), quarantine.c.id)
        return [rows.read_quarantine(row) for row in self._all(query if dropped else query.where(_open))]

    def quarantine_entry(self, id_or_prefix: str) -> QuarantineEntry:
        """The entry with this id, or one that begins so; also one that was dropped.

        NotFoundError where there is none; UsageError where several are meant.
        """
        found = self._all(select(quarantine).where(quarantine.c.id == id_or_prefix))
        if not found and len(id_or_prefix) >= MIN_ID_PREFIX:
            found = self._all(select(quarantine).where(quarantine.c.id.startswith(id_or_prefix, autoescape=True)))
        if not found:
            hint = "`cuecard quarantine list` names them all."
            raise NotFoundError(f"Nothing in quarantine has the id {id_or_prefix}.", hint=hint)
        if len(found) > 1:
            names = ", ".join(f"{row.id} ({row.path})" for row in found[:5])
            raise UsageError(f"{id_or_prefix} names several entries: {names}.", hint="Give the whole id.")
        return rows.read_quarantine(found[0])

    def changes(self, since: int = 0, limit: int = 1000) -> list[Change]:
        """At most `limit` changes after the sequence number `since`, oldest first."""
        query = select(changes).where(changes.c.sequence > since).order_by(changes.c.sequence).limit(limit)
        return [rows.read_change(row) for row in self._all(query)]

    def sequence(self) -> int:
        """The number of the last visible change, 0 before the first: a cache keyed on it never tells old news."""
        known = self._quick.read()
        if known is not None:
            return known
        return int(self._scalar(select(counters.c.value).where(counters.c.name == SEQUENCE)))

    def live_versions(self, view: View = EVERYTHING) -> set[int]:
        """The keys of all versions that are served and that `view` may see."""
        if view == EVERYTHING:
            return {row.key for row in self._all(select(versions.c.key).where(versions.c.state == LIVE))}
        query = select(versions.c.key, versions.c.meta, documents.c.collection).join(documents)
        return {row.key for row in self._seen(query.where(versions.c.state == LIVE), view)}

    def twins(self, version_key: int, item_id: str) -> set[tuple[int, str]]:
        """The items of other documents, by live version, that ask what this one asks."""
        mine = select(versions.c.document_id).where(versions.c.key == version_key).scalar_subquery()
        query = (
            select(_other.c.key, links.c.other_item_id)
            .join_from(links, _other, _other.c.document_id == links.c.other_document_id)
            .where(links.c.document_id == mine, links.c.item_id == item_id, _other.c.state == LIVE)
        )
        return {(row.key, row.other_item_id) for row in self._all(query)}

    def stats(self, view: View = EVERYTHING) -> dict[str, Any]:
        """Counts: documents, items by kind, chunks, versions, quarantine entries; by collection as well.

        Of what `view` may see; versions and quarantine only where that is everything.
        """
        collections: dict[str, dict[str, Any]] = {}
        for info in self.documents(view=view):
            empty = {"documents": 0, "items": dict.fromkeys(KINDS, 0), "chunks": 0}
            mine = collections.setdefault(info.collection, empty)
            mine["documents"] += 1
            mine["chunks"] += info.chunks
            for kind, count in info.items.items():
                mine["items"][kind] += count
        shown = {
            "documents": sum(each["documents"] for each in collections.values()),
            "items": {kind: sum(each["items"][kind] for each in collections.values()) for kind in KINDS},
            "chunks": sum(each["chunks"] for each in collections.values()),
            "collections": collections,
        }
        if view != EVERYTHING:
            return shown
        return shown | {
            "versions": self._scalar(select(func.count()).select_from(versions)),
            "quarantined": self._scalar(select(func.count()).select_from(quarantine).where(_open)),
            "sequence": self.sequence(),
        }

    def _all(self, query: Select[Any], **values: object) -> Sequence[Row[Any]]:
        with self.transaction() as connection:
            return connection.execute(query, values).all()

    def _seen(self, query: Select[Any], view: View) -> Sequence[Row[Any]]:
        """The rows, which have a collection and meta data, of what `view` may see."""
        found = self._all(query)
        if view == EVERYTHING:
            return found
        return [row for row in found if view.shows(row.collection, rows.read_meta(row.meta).audience)]

    def _scalar(self, query: Select[Any]) -> Any:
        with self.transaction() as connection:
            return connection.execute(query).scalar()


class _QuickSequence:
    """The sequence number of a catalog in an SQLite file, through a connection that does nothing else.

    Every question reads it before any cache answers: 3 µs, where a transaction through SQLAlchemy takes 100.
    """

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        file = engine.url.database
        if engine.dialect.name == "sqlite" and file and file != ":memory:" and not engine.url.query:
            with suppress(sqlite3.Error):
                self._connection = sqlite3.connect(file, timeout=30, check_same_thread=False)

    def read(self) -> int | None:
        """The number; None where it has to be asked for the long way, which says what is wrong."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                row = self._connection.execute("SELECT value FROM counters WHERE name = ?", (SEQUENCE,)).fetchone()
            except sqlite3.Error:
                return None
        return None if row is None else int(row[0])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        engine = create_engine(parsed, connect_args={"timeout": 30} if sqlite else {})
    except (ArgumentError, NoSuchModuleError) as error:
        hint = "Give one like sqlite:///catalog.db or postgresql+psycopg://user:password@host/name"
        raise SettingsError(f"The catalog's database URL can't be used: {error}.", hint=hint) from error
    except ModuleNotFoundError as error:
        hint = f"Install it: pip install {error.name}"
        raise SettingsError(f"The catalog's database needs the package {error.name}.", hint=hint) from error
    if sqlite:
        listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    """Readers don't wait for the writer; a commit that returned survives a power cut."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _only(found: Sequence[Row[Any]], asked: str) -> DocumentInfo:
    if len(found) > 1:
        names = ", ".join(f"{row.collection}/{row.path} ({row.document_id})" for row in found[:5])
        raise UsageError(f"{asked} names several documents: {names}.", hint="Give the whole id, or a collection.")
    return rows.read_document_info(found[0])
