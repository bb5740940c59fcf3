"""Documents to rows and back. JSON is kept compact, and read only where its value is asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from ingest.catalog_info import ITEM_CHANGES, Change, DocumentInfo, ItemChange, QuarantineEntry, VersionInfo, said
from ingest.items import KINDS, AccountLine, Chunk, Document, Item, Meta, Span, StoredChunk
from ingest.schema import chunk_ref

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def version_row(document: Document) -> dict[str, Any]:
    """What the `versions` table keeps of a document."""
    kinds = Counter(item.kind for item in document.items)
    return {
        "document_id": document.id,
        "version": document.version,
        "title": document.title,
        "meta": _encode(said(document.meta)),
        "items": _encode({kind: kinds[kind] for kind in KINDS}),
        "chunks": len(document.chunks),
        "lines": document.text.count("\n") + (not document.text.endswith("\n")),
        "account": _encode([[a.line_start, a.line_end, a.role, a.item_id] for a in document.account]),
        "text": document.text,
        "pages": _encode(document.pages) if document.pages else None,
    }


def item_rows(key: int, document: Document) -> list[dict[str, Any]]:
    """The items of a version, in order."""
    return [
        {"version_key": key, "ordinal": ordinal, "id": item.id, "data": _encode(_item_data(item))}
        for ordinal, item in enumerate(document.items)
    ]


def chunk_rows(key: int, document: Document) -> list[dict[str, Any]]:
    """The chunks of a version, in order, each with what a citation needs of its item."""
    by_id = {item.id: item for item in document.items}
    return [
        {
            "ref": chunk_ref(key, chunk.id),
            "version_key": key,
            "ordinal": ordinal,
            "item_id": chunk.item_id,
            "data": _encode(_chunk_data(chunk, by_id.get(chunk.item_id))),
            "context": chunk.context,
            "text": chunk.text,
        }
        for ordinal, chunk in enumerate(document.chunks)
    ]


def read_item(data: str) -> Item:
    """An item from its row."""
    d = json.loads(data)
    return Item(
        id=d["id"],
        kind=d["kind"],
        title=d["title"],
        span=Span(*d["span"]),
        heading=tuple(d["heading"]),
        question=d["question"],
        question_span=_span(d["question_span"]),
        answer=_span(d["answer"]),
        talking_points=tuple(Span(*s) for s in d["talking_points"]),
        level=d["level"],
        difficulty=d.get("difficulty"),
        topic=d.get("topic"),
        company=d.get("company"),
        tags=tuple(d["tags"]),
        leftover=d["leftover"],
    )


def read_chunk(data: str, context: str, text: str) -> Chunk:
    """A chunk from its row."""
    d = json.loads(data)
    return Chunk(
        id=d["id"],
        item_id=d["item_id"],
        ordinal=d["ordinal"],
        kind=d["kind"],
        span=Span(*d["span"]),
        text=text,
        context=context,
        heading=tuple(d["heading"]),
        question=d["question"],
        questions=tuple(d["questions"]),
        level=d["level"],
        difficulty=d.get("difficulty"),
        topic=d.get("topic"),
        company=d.get("company"),
        tags=tuple(d["tags"]),
    )


def read_stored(row: Sequence[Any]) -> StoredChunk:
    """A chunk with its document, from a row in the order of `ingest.catalog`'s query for them."""
    data, context, text, version_key, document_id, document, collection, version, title, meta = row
    d = json.loads(data)
    return StoredChunk(
        id=d["id"],
        item_id=d["item_id"],
        version_key=version_key,
        ordinal=d["ordinal"],
        kind=d["kind"],
        text=text,
        context=context,
        span=Span(*d["span"]),
        heading=tuple(d["heading"]),
        question=d["question"],
        questions=tuple(d["questions"]),
        answer=_span(d["answer"]),
        talking_points=tuple(Span(*s) for s in d["talking_points"]),
        document_id=document_id,
        document=document,
        collection=collection,
        version=version,
        title=title,
        meta=read_meta(meta),
    )


@lru_cache(maxsize=1024)
def read_meta(data: str) -> Meta:
    """What a version says about itself. Many say the same, or nothing."""
    fields = json.loads(data)
    tags, columns = tuple(fields.get("tags", ())), tuple(tuple(pair) for pair in fields.get("columns", ()))
    return Meta(**{**fields, "tags": tags, "columns": columns})


def read_pages(data: str | None) -> tuple[int, ...]:
    """The lines at which a version's pages begin; none where its format has no pages."""
    return tuple(json.loads(data)) if data else ()


def read_account(data: str) -> tuple[AccountLine, ...]:
    """A version's account."""
    return tuple(AccountLine(*entry) for entry in json.loads(data))


def read_document_info(row: Row[Any]) -> DocumentInfo:
    """A document from a row of `ingest.catalog`'s header query."""
    return DocumentInfo(
        id=row.document_id,
        collection=row.collection,
        path=row.path,
        title=row.title,
        version=row.version,
        version_key=row.key,
        items=json.loads(row.items),
        chunks=row.chunks,
        lines=row.lines,
        meta=read_meta(row.meta),
        ingested_at=row.live_at or row.created_at,
        root=row.root,
        source=row.source,
    )


def read_version_info(row: Row[Any]) -> VersionInfo:
    """A version from a row of `ingest.catalog`'s history query."""
    meta = read_meta(row.meta)
    return VersionInfo(
        key=row.key,
        document_id=row.document_id,
        path=row.path,
        version=row.version,
        state=row.state,
        title=row.title,
        items=json.loads(row.items),
        chunks=row.chunks,
        lines=row.lines,
        effective_date=meta.effective_date,
        expires=meta.expires,
        changes=read_counts(row.diff),
        created_at=row.created_at,
        live_at=row.live_at,
        retired_at=row.retired_at,
    )


def diff_row(changes: Sequence[ItemChange]) -> str:
    """What the `versions` table keeps of what changed: how many items, and which."""
    counts = Counter(each.change for each in changes)
    listed = [[each.id, each.title, each.change] for each in changes]
    return _encode({**{kind: counts[kind] for kind in ITEM_CHANGES}, "items": listed})


def first_diff_row(document: Document) -> str:
    """The same for a first version: all of its items are new, and need no list."""
    return _encode({**dict.fromkeys(ITEM_CHANGES, 0), "added": len(document.items), "items": []})


def read_counts(diff: str | None) -> dict[str, int] | None:
    """How many items changed, by kind of change; None where that was never compared."""
    if diff is None:
        return None
    counts = json.loads(diff)
    return {kind: counts[kind] for kind in ITEM_CHANGES}


def read_quarantine(row: Row[Any]) -> QuarantineEntry:
    """A quarantine entry from its row."""
    return QuarantineEntry(**row._asdict())


def read_change(row: Row[Any]) -> Change:
    """A change from its row."""
    return Change(**row._asdict())


def _span(values: list[int] | None) -> Span | None:
    return Span(*values) if values else None


def _span_data(span: Span | None) -> list[int] | None:
    if span is None:
        return None
    place = [span.start, span.end, span.line_start, span.line_end]
    return place if span.page is None else [*place, span.page]


def _item_data(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "title": item.title,
        "span": _span_data(item.span),
        "heading": item.heading,
        "question": item.question,
        "question_span": _span_data(item.question_span),
        "answer": _span_data(item.answer),
        "talking_points": [_span_data(span) for span in item.talking_points],
        "level": item.level,
        "difficulty": item.difficulty,
        "topic": item.topic,
        "company": item.company,
        "tags": item.tags,
        "leftover": item.leftover,
    }


def _chunk_data(chunk: Chunk, item: Item | None) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "item_id": chunk.item_id,
        "ordinal": chunk.ordinal,
        "kind": chunk.kind,
        "span": _span_data(chunk.span),
        "heading": chunk.heading,
        "question": chunk.question,
        "questions": chunk.questions,
        "level": chunk.level,
        "difficulty": chunk.difficulty,
        "topic": chunk.topic,
        "company": chunk.company,
        "tags": chunk.tags,
        "answer": _span_data(item.answer) if item else None,
        "talking_points": [_span_data(span) for span in item.talking_points] if item else [],
    }
