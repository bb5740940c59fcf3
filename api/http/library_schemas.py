"""The shapes of the library on the wire: documents, versions, quarantine, changes, readiness."""

from __future__ import annotations

from typing import Any, Literal

from api.http.schemas import Shape


class DocumentFields(Shape):
    """What is known of a document. `source` is its file, `root` the folder that `path` counts from."""

    id: str
    collection: str
    path: str
    title: str
    version: str
    version_key: int
    chunks: int
    lines: int
    meta: dict[str, Any]
    effective_date: str | None
    ingested_at: str
    root: str
    source: str


class DocumentInfoBody(DocumentFields):
    """A document that is served. `items` counts them by kind."""

    items: dict[str, int]


class SpanBody(Shape):
    """A stretch of the canonical text: code points, end exclusive; lines 1-based, both inclusive."""

    start: int
    end: int
    line_start: int
    line_end: int
    page: int | None


class ItemBody(Shape):
    """A question with its answer and talking points, a note, or a part of a guide."""

    id: str
    kind: str
    title: str
    span: SpanBody
    heading: list[str]
    question: str | None
    question_span: SpanBody | None
    answer: SpanBody | None
    talking_points: list[SpanBody]
    level: str | None
    tags: list[str]
    leftover: bool


class AccountLineBody(Shape):
    """What the parser made of a stretch of lines: an item, structure, or leftover text."""

    line_start: int
    line_end: int
    role: str
    item_id: str | None


class DocumentBody(DocumentFields):
    """A document with its items, and the account of what became of each line."""

    items: list[ItemBody]
    item_counts: dict[str, int]
    account: list[AccountLineBody]


class DocumentsBody(Shape):
    """All documents, by collection and path."""

    documents: list[DocumentInfoBody]


class VersionBody(Shape):
    """One version of a document; `state` is building, live or superseded."""

    key: int
    document_id: str
    version: str
    state: str
    title: str
    items: dict[str, int]
    chunks: int
    lines: int
    created_at: str
    live_at: str | None
    retired_at: str | None


class VersionsBody(Shape):
    """All versions, newest first."""

    versions: list[VersionBody]


class QuarantineEntryBody(Shape):
    """Something that was offered and can't be served."""

    id: str
    collection: str
    path: str
    source: str
    line: int | None
    reason: str
    hint: str
    since: str


class QuarantineBody(Shape):
    """All of them, by collection and path."""

    quarantine: list[QuarantineEntryBody]


class ChangeBody(Shape):
    """One visible change of the library."""

    sequence: int
    at: str
    kind: str
    collection: str
    path: str
    document_id: str | None
    version: str | None
    detail: str


class ChangesBody(Shape):
    """Changes, oldest first."""

    changes: list[ChangeBody]


class StateBody(Shape):
    """One thing that questions depend on: how it is, and what to do about it."""

    name: str
    state: str
    detail: str
    hint: str


class ReadyBody(Shape):
    """`degraded`: answers come, but without what is listed."""

    status: Literal["ready", "degraded"]
    degraded: list[StateBody]
