"""The shapes on the wire, as OpenAPI documents them. Unknown fields are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from starlette.datastructures import UploadFile

from answering.answers import Mode, Reason, Verdict
from api.library import MAX_K, MAX_QUESTION
from retrieval.ports import FILTER_KEYS

MAX_CHECKED = 1_000_000
"""Characters of one text that is checked, or checked against."""

MAX_SOURCES = 200

MAX_COMMENT = 2_000
"""Characters of what somebody says about an answer."""


class Shape(BaseModel):
    """Nothing but the fields that are named."""

    model_config = ConfigDict(extra="forbid")


def _known_filters(filters: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
    for name in filters:
        if name not in FILTER_KEYS:
            raise ValueError(f"unknown filter {name!r}; known are {', '.join(FILTER_KEYS)}")
    return filters


Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION)]
Collection = Annotated[str | None, Field(description="Only in this collection.", min_length=1, max_length=200)]
HitCount = Annotated[int, Field(strict=True, ge=1, le=MAX_K, description="How many hits to work with.")]
FilterValues = Annotated[
    dict[str, str | list[str]],
    AfterValidator(_known_filters),
    Field(description=f"Only what has one of the values for every key. Keys: {', '.join(FILTER_KEYS)}."),
]


class AskRequest(Shape):
    """A question to the library."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "How do you deal with Lambda cold starts?"}]},
    )

    question: Question
    collection: Collection = None
    filters: FilterValues = Field(default_factory=dict, examples=[{"kind": ["qa"]}])
    mode: Mode = Field("auto", description="How to answer; `auto` takes the best that the library allows.")
    k: HitCount | None = None
    conversation_id: str | None = Field(None, max_length=200, description="Its questions complete each other.")
    stream: bool = Field(False, strict=True, description="Send the answer as server-sent events.")


class SearchRequest(Shape):
    """A query for passages."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"query": "redis eviction policy", "k": 5}]}
    )

    query: Question
    k: HitCount = 10
    collection: Collection = None
    filters: FilterValues = Field(default_factory=dict, examples=[{"topic": ["Python"]}])


class FeedbackRequest(Shape):
    """What somebody thinks of an answer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"answer_id": "0b0f2a55-8f0e-4d8f-9d0a-52d8c3a6f0b1", "rating": "up", "comment": "Just what I meant."}
            ]
        },
    )

    answer_id: str = Field(min_length=1, max_length=200, description="The `id` of the answer.")
    rating: Literal["up", "down"]
    comment: str | None = Field(None, max_length=MAX_COMMENT)


class FeedbackBody(Shape):
    """What was kept. `at`: ISO 8601, UTC."""

    answer_id: str
    rating: Literal["up", "down"]
    comment: str | None
    at: str


class GivenSourceBody(Shape):
    """A source to check against."""

    id: str = Field(max_length=500)
    text: str = Field(max_length=MAX_CHECKED)


class CheckRequest(Shape):
    """A text and what is meant to back it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "answer": "Redis evicts the least recently used keys under allkeys-lru.",
                    "sources": [{"id": "notes", "text": "allkeys-lru evicts the least recently used keys."}],
                }
            ]
        },
    )

    answer: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHECKED)]
    sources: list[GivenSourceBody] = Field(max_length=MAX_SOURCES)
    question: str | None = Field(None, max_length=MAX_QUESTION)


class CheckBody(Shape):
    """One deterministic check of a claim."""

    name: str
    ok: bool
    detail: str


class ClaimBody(Shape):
    """One sentence or clause of an answer, with its verdict."""

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    sources: list[int]
    checks: list[CheckBody]


class SourceBody(Shape):
    """What a marker points to: `canonical_text[start:end] == quote`, always."""

    marker: int
    id: str
    document: str
    collection: str
    version: str
    title: str
    heading: list[str]
    kind: str
    question: str | None
    quote: str
    start: int
    end: int
    line_start: int
    line_end: int
    page: int | None
    score: float
    effective_date: str | None


class ConflictBody(Shape):
    """Sources that disagree."""

    sources: list[int]
    detail: str


class RelatedBody(Shape):
    """A question that the library holds, near the one that was asked."""

    question: str
    document: str
    id: str


class AnswerBody(Shape):
    """An answer with its citations and verdicts."""

    id: str
    question: str
    answer: str
    kind: Literal["model_answer", "extractive", "generated", "abstained"]
    sources: list[SourceBody]
    claims: list[ClaimBody]
    confidence: float
    low_confidence: bool
    reasons: list[Reason]
    conflicts: list[ConflictBody]
    related: list[RelatedBody]
    partial: bool
    cached: bool
    latency_ms: float
    timings_ms: dict[str, float]
    conversation_id: str | None = None
    effective_question: str | None = None


class FoundBy(Shape):
    """The rank that each arm of the retrieval gave a hit; null where it did not find it."""

    bm25: int | None
    dense: int | None
    question: int | None


class HitBody(Shape):
    """A passage with its score and place."""

    rank: int
    score: float
    id: str
    kind: str
    text: str
    question: str | None
    document: str
    collection: str
    version: str
    title: str
    heading: list[str]
    start: int
    end: int
    line_start: int
    line_end: int
    page: int | None
    found_by: FoundBy


class SearchBody(Shape):
    """Hits, best first."""

    query: str
    hits: list[HitBody]
    timings_ms: dict[str, float]


class CheckReportBody(Shape):
    """The verdict on a text."""

    score: float
    low_confidence: bool
    reasons: list[Reason]
    claims: list[ClaimBody]


class ErrorDetail(Shape):
    """One thing to correct. `pointer` names it in the body, `parameter` in the address."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(BaseModel):
    """An error, as RFC 9457 spells it. `request_id` is in the X-Request-ID header and in the log, too."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ErrorDetail] | None = None


class IngestRequest(Shape):
    """What `cuecard ingest` asks of the server that holds the home. Paths are absolute, on the server's machine."""

    paths: list[str] = Field(min_length=1)
    collection: str = Field(min_length=1, max_length=200)
    yes: bool = Field(False, strict=True)


class RetryRequest(Shape):
    """What `cuecard quarantine retry` asks of the server that holds the home."""

    entry: str = Field(min_length=1, max_length=200)


class KeyRequest(Shape):
    """What `cuecard keys create` asks of the server that holds the home."""

    name: str = Field(max_length=200)
    scopes: list[str] = Field(max_length=10)
    audience: str | None = None
    collections: list[str] = Field(default_factory=list, max_length=1000)
    expires: str | None = Field(None, max_length=50)


class UploadForm(Shape):
    """The form of an upload: files, and where they go."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    file: Annotated[
        list[Annotated[UploadFile, WithJsonSchema({"type": "string", "format": "binary"})]],
        Field(description="One file or many. A file name may have folders: `qa/python.md`.", min_length=1),
    ]
    collection: str = Field("default", min_length=1, max_length=200, description="Where the documents go.")
    path: str = Field("", max_length=1000, description="A folder that all file names are put below.", examples=["qa"])
