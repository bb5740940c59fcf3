"""The items that are served, as a reader picks among them: their questions, and what they can be narrowed by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from ingest.catalog_rows import read_item, read_meta
from ingest.items import Kind
from ingest.schema import LIVE, documents, items, versions

if TYPE_CHECKING:
    from ingest.catalog import Catalog


@dataclass(frozen=True, slots=True)
class ListedItem:
    """One item that is served. `question` is None where it asks none, or the document says nothing in reply."""

    id: str
    kind: Kind
    document: str
    collection: str
    audience: str | None
    question: str | None
    topic: str | None
    level: str | None


def listed_items(catalog: Catalog) -> list[ListedItem]:
    """All of them, by collection, path and place."""
    query = (
        select(documents.c.collection, documents.c.path, versions.c.meta, items.c.data)
        .join_from(items, versions, items.c.version_key == versions.c.key)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.state == LIVE)
        .order_by(documents.c.collection, documents.c.path, items.c.ordinal)
    )
    with catalog.transaction() as connection:
        rows = connection.execute(query).all()
    out = []
    for row in rows:
        item = read_item(row.data)
        out.append(
            ListedItem(
                id=item.id,
                kind=item.kind,
                document=row.path,
                collection=row.collection,
                audience=read_meta(row.meta).audience,
                question=item.question if item.has_answer else None,
                topic=item.topic,
                level=item.level,
            )
        )
    return out
