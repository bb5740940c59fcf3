"""Errors as `application/problem+json` (RFC 9457). One place; never a traceback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api.errors import TYPE_PREFIX, kind_of
from api.http.schemas import (
    AskRequest,
    CheckRequest,
    FeedbackRequest,
    IngestRequest,
    KeyRequest,
    RetryRequest,
    SearchRequest,
    Shape,
    UploadForm,
)
from ingest.errors import CuecardError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""What Retry-After says: a home or model that is not available may be in a moment."""

FIELDS: dict[str, type[Shape]] = {
    "/ask": AskRequest,
    "/search": SearchRequest,
    "/check": CheckRequest,
    "/feedback": FeedbackRequest,
    "/documents": UploadForm,
    "/admin/ingest": IngestRequest,
    "/admin/keys": KeyRequest,
    "/admin/retry": RetryRequest,
}


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    name: str | None = None,
    title: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem response. Without `name` its type is `about:blank`, and its title the status's own phrase."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{name}" if name else "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request.state.request_id,
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def cuecard_problem(request: Request, error: CuecardError) -> JSONResponse:
    """The problem for an error of `ingest.errors`."""
    kind = kind_of(error)
    headers = headers_of(error)
    return problem(request, kind.status, str(error), name=kind.name, title=kind.title, headers=headers)


def headers_of(error: CuecardError) -> dict[str, str]:
    """The headers that go with an error, whatever form it is told in."""
    if kind_of(error).status not in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return {}
    return {"Retry-After": str(getattr(error, "retry_after", None) or RETRY_SECONDS)}


def handle_problems(app: FastAPI) -> None:
    """Have every error of `app` answered as a problem."""
    app.add_exception_handler(CuecardError, _on_cuecard_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)


def _on_cuecard_error(request: Request, error: Exception) -> JSONResponse:
    return cuecard_problem(request, cast(CuecardError, error))


def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    raised = cast(HTTPException, error)
    details = {
        404: f"There is nothing at {request.url.path}. See /docs for what there is.",
        405: f"{request.method} is not possible here. See /docs for what is.",
    }
    phrase = HTTPStatus(raised.status_code).phrase
    said = raised.detail if raised.detail and raised.detail != phrase else ""
    detail = said if said and raised.status_code not in details else details.get(raised.status_code, f"{phrase}.")
    return problem(request, raised.status_code, detail, headers=raised.headers)


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    found = cast(RequestValidationError, error).errors()
    if any(each["type"] == "json_invalid" for each in found):
        reason = next(each for each in found if each["type"] == "json_invalid").get("ctx", {}).get("error", "")
        return problem(request, 400, f"The body is not valid JSON: {reason}. Send one JSON object.", name="malformed")
    errors = [_describe(request, each) for each in found]
    detail = "; ".join(dict.fromkeys(_sentence(each) for each in errors))
    return problem(request, 422, detail, name="invalid", title="Invalid request", errors=errors)


def _describe(request: Request, found: Mapping[str, Any]) -> dict[str, str]:
    place, *path = found["loc"]
    # pydantic names the member of a union that it tried; it is no part of the body
    names = [str(name) for name in path if not str(name).startswith(("list[", "str", "function-"))]
    detail = _detail(request, found, names)
    if place == "body":
        return {"detail": detail, "pointer": "#" + "".join(f"/{name}" for name in names)}
    return {"detail": detail, "parameter": names[-1] if names else str(place)}


def _detail(request: Request, found: Mapping[str, Any], names: Sequence[str]) -> str:
    kind, context = found["type"], found.get("ctx") or {}
    shape = FIELDS.get(request.url.path)
    known = ", ".join(shape.model_fields) if shape else ""
    if not names:
        return f"a JSON object is needed, with these fields: {known}"
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"is not a known field; known are {known}" if len(names) == 1 else "is not a known field"
    if kind == "is_instance_of":
        return "must be a file, sent with a file name"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"is too long: at most {context['max_length']:,} characters are taken"
    if kind == "value_error":
        return str(context["error"])
    message = str(found["msg"])
    return message[:1].lower() + message[1:]


def _sentence(error: Mapping[str, str]) -> str:
    name = error.get("parameter") or error["pointer"].removeprefix("#").removeprefix("/").replace("/", ".")
    return f"{name}: {error['detail']}" if name else error["detail"]
