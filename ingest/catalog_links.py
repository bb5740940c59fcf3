"""Items of different documents that ask the same question: kept beside the documents, and derived from them.

Nothing is merged or left out for it. Whoever links (`answering.links`) asks what changed since it last did, and hands
in all links of those documents at once, so that an interrupted run is made good by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from ingest.catalog import Catalog
from ingest.schema import LIVE, about, changes, documents, items, links, versions

_LINKED = "linked"
"""The name in `about` of the sequence number up to which links are made."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two items of different documents of one collection that ask the same question. `similarity`: cosine, 0..1.

    `conflict` says what their answers disagree about; empty where they don't.
    """

    collection: str
    document_id: str
    item_id: str
    other_document_id: str
    other_item_id: str
    similarity: float
    conflict: str = ""

    def turned(self) -> Link:
        """The same link seen from the other item."""
        mine, other = (self.document_id, self.item_id), (self.other_document_id, self.other_item_id)
        return Link(self.collection, *other, *mine, self.similarity, self.conflict)


@dataclass(frozen=True, slots=True)
class Twin:
    """An item that asks what another one asks, with the document that holds it."""

    item_id: str
    of: str
    version_key: int
    document_id: str
    document: str
    question: str
    similarity: float
    conflict: str

    def to_dict(self) -> dict[str, Any]:
        """What a reader of the library is told."""
        told = asdict(self)
        del told["of"], told["version_key"]
        return told


def unlinked(catalog: Catalog) -> tuple[int, set[str]]:
    """The sequence number of now, and the documents that changed since links were last made."""
    number = catalog.sequence()
    with catalog.transaction() as connection:
        done = connection.execute(select(about.c.value).where(about.c.name == _LINKED)).scalar()
        changed = select(changes.c.document_id).distinct()
        changed = changed.where(changes.c.sequence > int(done or 0), changes.c.document_id.is_not(None))
        return number, set(connection.execute(changed).scalars())


def relink(catalog: Catalog, number: int, document_ids: Iterable[str], found: Sequence[Link]) -> None:
    """Replace all links of these documents, and of those that are not served any more; `number`: as of when."""
    both = {(link.document_id, link.item_id, link.other_document_id, link.other_item_id): link for link in found}
    both |= {(t.document_id, t.item_id, t.other_document_id, t.other_item_id): t for t in map(Link.turned, found)}
    gone = or_(links.c.document_id == bindparam("gone"), links.c.other_document_id == bindparam("gone"))
    served = select(versions.c.document_id).where(versions.c.state == LIVE)
    with catalog.transaction() as connection:
        parameters = [{"gone": each} for each in document_ids]
        if parameters:
            connection.execute(delete(links).where(gone), parameters)
        connection.execute(delete(links).where(links.c.document_id.not_in(served)))
        connection.execute(delete(links).where(links.c.other_document_id.not_in(served)))
        if both:
            connection.execute(insert(links), [asdict(link) for link in both.values()])
        mark = {"value": str(number)}
        if not connection.execute(update(about).where(about.c.name == _LINKED).values(mark)).rowcount:
            connection.execute(insert(about), [{"name": _LINKED, **mark}])


def questions(catalog: Catalog, version_key: int) -> Mapping[str, str]:
    """The questions that a version asks, by item."""
    query = select(items.c.id, items.c.data).where(items.c.version_key == version_key).order_by(items.c.ordinal)
    with catalog.transaction() as connection:
        rows = connection.execute(query).all()
    return {row.id: asked for row in rows if (asked := json.loads(row.data)["question"])}


def twins(catalog: Catalog, document_id: str) -> list[Twin]:
    """The items elsewhere that ask what items of this document ask, by item, nearest first."""
    query = (
        select(links.c.other_item_id, links.c.item_id, versions.c.key, documents.c.id, documents.c.path, items.c.data)
        .add_columns(links.c.similarity, links.c.conflict)
        .join_from(links, documents, documents.c.id == links.c.other_document_id)
        .join(versions, (versions.c.document_id == documents.c.id) & (versions.c.state == LIVE))
        .join(items, (items.c.version_key == versions.c.key) & (items.c.id == links.c.other_item_id))
        .where(links.c.document_id == document_id)
        .order_by(links.c.item_id, links.c.similarity.desc(), documents.c.path)
    )
    with catalog.transaction() as connection:
        rows = connection.execute(query).all()
    return [
        Twin(
            item_id=row.other_item_id,
            of=row.item_id,
            version_key=row.key,
            document_id=row.id,
            document=row.path,
            question=json.loads(row.data)["question"],
            similarity=row.similarity,
            conflict=row.conflict or "",
        )
        for row in rows
    ]
