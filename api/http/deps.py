"""What routes declare that they need."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request

from api.http.gate import Gate
from api.http.schemas import Problem
from api.library import Library
from api.uploads import Uploads
from ingest.errors import HomeBusyError


async def _library(request: Request) -> Library:
    library: Library = request.app.state.library
    return library


async def _uploads(request: Request) -> Uploads:
    uploads: Uploads | None = request.app.state.uploads
    if uploads is None:
        raise HomeBusyError("This server does no work in the background.", hint="Ask the one that holds the home.")
    return uploads


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


TheLibrary = Annotated[Library, Depends(_library)]
TheGate = Annotated[Gate, Depends(_gate)]
TheUploads = Annotated[Uploads, Depends(_uploads)]
DocumentId = Annotated[str, Path(description="Id of a document, or an unmistakable beginning of it.", max_length=500)]
EntryId = Annotated[
    str, Path(description="Id of a quarantine entry, or an unmistakable beginning of it.", max_length=200)
]
JobId = Annotated[str, Path(description="Id of a job, from the answer to an upload or retry.", max_length=200)]
KeyId = Annotated[str, Path(description="Id of a key, or an unmistakable beginning of it.", max_length=100)]
InCollection = Annotated[str | None, Query(description="Only in this collection.", max_length=200)]

_MEANINGS = {
    400: "The body is not JSON.",
    401: "A key is needed, or the one that was sent opens nothing.",
    403: "The key does not allow it, or a page of another web site asked for it.",
    404: "There is no such thing.",
    409: "Refused, or in conflict with an earlier request.",
    413: "The body is too large.",
    415: "The body, or a file in it, is of a type that is not read.",
    422: "Something in the request is invalid; `errors` says what to fix.",
    429: "Too many requests; try again after Retry-After seconds.",
    503: "Nothing useful can be said now; try again after Retry-After seconds.",
}


_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI documents the errors of a route."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {"application/problem+json": {"schema": schema}},
            **({"headers": _RETRY_AFTER} if status in (429, 503) else {}),
        }
        for status in statuses
    }
