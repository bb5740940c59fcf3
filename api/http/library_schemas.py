"""The shapes of the library on the wire: documents, versions, quarantine, changes, readiness."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from api.http.schemas import Shape

JOB: dict[str, Any] = {
    "id": "5f0c3ad1be2f8c47",
    "state": "done",
    "collection": "default",
    "documents": ["qa/python.md"],
    "entry": None,
    "report": {
        "documents": {"added": 1, "updated": 0, "renamed": 0, "unchanged": 0, "removed": 0, "quarantined": 0},
        "items": {"qa": 12, "note": 0, "guide": 0},
        "chunks": 14,
        "seconds": 0.6,
        "quarantine": [],
        "skipped": {},
    },
    "problem": None,
    "created_at": "2026-01-01T12:00:00.000000Z",
    "started_at": "2026-01-01T12:00:00.010000Z",
    "finished_at": "2026-01-01T12:00:00.640000Z",
}
"""The example of a job in OpenAPI."""


class DocumentFields(Shape):
    """What is known of a document. `source` is its file, `root` the folder that `path` counts from.

    `stale`: why it should not be relied on today, by its own dates; null where it may be.
    """

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
    stale: str | None


class DocumentInfoBody(DocumentFields):
    """A document that is served. `items` counts them by kind."""

    items: dict[str, int]


class DeletedBody(DocumentInfoBody):
    """A document that was served. `file_kept`: its file is still there, and brings it back with the next ingest."""

    file_kept: bool


class SpanBody(Shape):
    """A stretch of the canonical text: code points, end exclusive; lines 1-based, both inclusive."""

    start: int
    end: int
    line_start: int
    line_end: int
    page: int | None


class TwinBody(Shape):
    """An item of another document that asks the same question. `conflict`: what the two answers disagree on, or ""."""

    item_id: str
    document_id: str
    document: str
    question: str
    similarity: float
    conflict: str


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
    difficulty: str | None
    topic: str | None
    company: str | None
    tags: list[str]
    leftover: bool
    related: list[TwinBody]


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


class HeldQuestionBody(Shape):
    """A question that the library answers; `id` is its item's."""

    question: str
    document: str
    collection: str
    id: str


class QuestionsBody(Shape):
    """Questions, best fit first."""

    questions: list[HeldQuestionBody]


class FacetsBody(Shape):
    """By name of a filter, the values there are, each with its number of items."""

    facets: dict[str, dict[str, int]]


class VersionBody(Shape):
    """One version of a document; `state` is building, live or superseded. `changes` counts items, None if unknown."""

    key: int
    document_id: str
    path: str
    version: str
    state: str
    title: str
    items: dict[str, int]
    chunks: int
    lines: int
    effective_date: str | None
    expires: str | None
    changes: dict[str, int] | None
    created_at: str
    live_at: str | None
    retired_at: str | None


class VersionsBody(Shape):
    """All versions, newest first."""

    versions: list[VersionBody]


class ItemDiffBody(Shape):
    """What became of one item: added, removed, changed or moved. `diff`: its text as a unified diff."""

    id: str
    title: str
    change: str
    old_line: int | None
    new_line: int | None
    diff: str


class MetaChangeBody(Shape):
    """A field of the meta data, `path` or `title` that differs."""

    field: str
    old: Any
    new: Any


class DiffBody(Shape):
    """Two versions of a document, item by item."""

    document_id: str
    path: str
    old: VersionBody
    new: VersionBody
    changes: dict[str, int]
    items: list[ItemDiffBody]
    meta: list[MetaChangeBody]
    text_differs: bool


class QuarantineEntryBody(Shape):
    """Something that was offered and can't be served.

    `scope`: `document`, or `item` for a part of a document that is served. `dropped`: put aside until it changes.
    """

    id: str
    collection: str
    path: str
    source: str
    line: int | None
    reason: str
    hint: str
    since: str
    scope: str
    content: str | None
    dropped: bool


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


class ProblemEntryBody(Shape):
    """Something that could not be read, as a report tells of it."""

    path: str
    line: int | None
    reason: str
    hint: str


class ReportBody(BaseModel):
    """What an ingest did, as `cuecard ingest --json` prints it."""

    model_config = ConfigDict(extra="allow")

    documents: dict[str, int]
    items: dict[str, int]
    chunks: int
    seconds: float
    quarantine: list[ProblemEntryBody]


class JobProblemBody(Shape):
    """Why a job failed, or why it has to be tried again."""

    type: str
    title: str
    status: int
    detail: str


class JobBody(Shape):
    """An upload, or the retry of a quarantine `entry`. Done says that the report is there: read its quarantine."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [JOB]})

    id: str
    state: Literal["queued", "running", "done", "failed"]
    collection: str
    documents: list[str]
    entry: str | None
    report: ReportBody | None
    problem: JobProblemBody | None
    created_at: str
    started_at: str | None
    finished_at: str | None


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
