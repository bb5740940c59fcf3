"""Versions as the catalog keeps them: a whole one as it was parsed, and the line of those that a document served."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.sql import Select

from ingest import catalog_rows as rows
from ingest.errors import NotFoundError
from ingest.items import Document
from ingest.schema import chunks, documents, items, versions

# what a history tells of a version: not its text, nor what became of each line
_told = [column for column in versions.c if column.name not in ("text", "account", "pages")]

_one = (
    select(versions, documents.c.collection, documents.c.path)
    .join(documents, documents.c.id == versions.c.document_id)
    .where(versions.c.key == bindparam("of"))
)
_items = select(items.c.data).where(items.c.version_key == bindparam("of")).order_by(items.c.ordinal)
_chunks = select(chunks.c.data, chunks.c.context, chunks.c.text).where(chunks.c.version_key == bindparam("of"))
_chunks = _chunks.order_by(chunks.c.ordinal)


def history(document_id: str) -> Select[Any]:
    """A query for all versions of a document, newest first, those before a rename included.

    Each version names the one that was served before it; across a rename that is a version of another document.
    """
    line = select(versions.c.key, versions.c.previous).where(versions.c.document_id == document_id).cte(recursive=True)
    before = select(versions.c.key, versions.c.previous).join(line, versions.c.key == line.c.previous)
    line = line.union(before)
    return (
        select(*_told, documents.c.path)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.key.in_(select(line.c.key)))
        .order_by(versions.c.key.desc())
    )


def load(connection: Connection, version_key: int) -> Document:
    """A version as it was parsed, live or not; without chunks where it is no longer served.

    NotFoundError where there is none.
    """
    wanted = {"of": version_key}
    row = connection.execute(_one, wanted).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no version {version_key}.")
    return Document(
        id=row.document_id,
        collection=row.collection,
        path=row.path,
        version=row.version,
        title=row.title,
        text=row.text,
        meta=rows.read_meta(row.meta),
        items=tuple(rows.read_item(item.data) for item in connection.execute(_items, wanted)),
        chunks=tuple(rows.read_chunk(*chunk) for chunk in connection.execute(_chunks, wanted)),
        account=rows.read_account(row.account),
        pages=rows.read_pages(row.pages),
    )
