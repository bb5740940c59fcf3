"""What routes declare that they need."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from starlette.exceptions import HTTPException

from api.http.schemas import Problem
from api.library import Library


def _library(request: Request) -> Library:
    library: Library = request.app.state.library
    return library


def _administrator(request: Request) -> None:
    token: str | None = request.app.state.token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
        raise HTTPException(
            401,
            "This needs the token of the server's own machine. Use the `cuecard` command there.",
            headers={"WWW-Authenticate": "Bearer"},
        )


TheLibrary = Annotated[Library, Depends(_library)]
Administrator = Depends(_administrator)
DocumentId = Annotated[str, Path(description="Id of a document, or an unmistakable beginning of it.", max_length=500)]
InCollection = Annotated[str | None, Query(description="Only in this collection.", max_length=200)]

_MEANINGS = {
    400: "The body is not JSON.",
    401: "A token is needed.",
    404: "There is no such thing.",
    409: "Refused.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "Something in the request is invalid; `errors` says what to fix.",
    503: "Nothing useful can be said now; try again after Retry-After seconds.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI documents the errors of a route."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {"description": _MEANINGS[status], "content": {"application/problem+json": {"schema": schema}}}
        for status in statuses
    }
