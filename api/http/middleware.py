"""What surrounds every request: an id, one log line, the content type, and an answer whatever happens."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.access import is_foreign
from api.http.problems import problem
from api.upload_store import MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from api.tracing import Tracing

REQUEST_ID = "X-Request-ID"
MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request body that are read; of an upload MAX_REQUEST_BYTES."""

UPLOADS = "/documents"
"""The one route that takes files in place of JSON."""

SIGNED = ("/slack/", "/mattermost/")
"""Beginnings of paths whose requests prove by themselves who sent them, whatever name they were sent to."""

FORMS = frozenset({"/login", "/logout"})
"""Routes that take what a page's form sends, without any script. They see that the page is the server's own."""

CLIENT_GONE = 499
"""Logged, as other servers do, for a client that left before it had sent its request."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked all the time, and worth no line of the log."""

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_log = logging.getLogger("cuecard.http")


class Requests:
    """Gives each request an id (the caller's, where usable), logs it in one line, and answers what nothing else did."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        reset = _request_id.set(request_id)
        tracing: Tracing | None = scope["app"].state.tracing
        try:
            if tracing is None or scope["path"] in PROBES:
                await self._measured(scope, receive, send)
                return
            with tracing.request(_method(scope), Headers(scope=scope)) as said:
                status = await self._measured(scope, receive, send)
                said |= {"http.route": _route(scope), "http.response.status_code": status, "request_id": request_id}
        finally:
            _request_id.reset(reset)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer, count and log; the status. An error once the answer has begun is raised."""
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = scope["state"]["request_id"]
            await send(message)

        try:
            await self._answer(scope, receive, send_with_id)
        except ClientDisconnect:
            status = status or CLIENT_GONE
        except Exception:
            _log.exception("unexpected error")
            if status:
                raise
            detail = "Something went wrong inside the server. Its log says more under this request_id."
            await problem(Request(scope), 500, detail)(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            scope["app"].state.metrics.request(_method(scope), _route(scope), status, seconds)
            fields = {"method": scope["method"], "path": scope["path"], "status": status}
            fields |= {"ms": round(seconds * 1000, 1), **scope["state"].get("log", {})}
            level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
            _log.log(level, "request", extra={"fields": fields})
        return status

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = _refusal(scope, headers)
        if refusal is not None:
            await problem(Request(scope), *refusal, headers={"Connection": "close"})(scope, receive, send)
        else:
            await self.app(scope, _limited(receive, _limit(scope)), send)


def _refusal(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    """Status and detail for a request that is refused before its body is read."""
    signed = scope["path"].startswith(SIGNED)
    if scope["app"].state.access.local and is_foreign(headers) and not signed:
        return 403, "This server answers at the address of its own machine only, such as localhost or 127.0.0.1."
    size = headers.get("Content-Length", "0")
    has_body = size != "0" or "Transfer-Encoding" in headers
    if not has_body or scope["method"] not in ("POST", "PUT", "PATCH"):
        return None
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    wanted, how = "application/json", "Send JSON"
    if _is_upload(scope):
        wanted, how = "multipart/form-data", "Send the files as a form (curl -F file=@notes.md)"
    elif scope["path"] in FORMS:
        wanted, how = "application/x-www-form-urlencoded", "Send a form"
    elif signed and media_type == "application/x-www-form-urlencoded":
        wanted = media_type
    if media_type != wanted:
        sent = media_type or "of no stated type"
        return 415, f"The body is {sent}. {how}, with Content-Type: {wanted}."
    if size.isdecimal() and int(size) > _limit(scope):
        return 413, _too_large(_limit(scope))
    return None


def _is_upload(scope: Scope) -> bool:
    return bool(scope["method"] == "POST" and scope["path"] == UPLOADS)


def _limit(scope: Scope) -> int:
    return MAX_REQUEST_BYTES if _is_upload(scope) else MAX_BODY


def _too_large(limit: int) -> str:
    return f"The request is too large: at most {limit // 1024**2} MiB are taken. Send less at once."


def _limited(receive: Receive, limit: int) -> Receive:
    """`receive`, until `limit` bytes have come; what is more raises the error that becomes a 413."""
    left = limit

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, _too_large(limit))
        return message

    return limited


def _method(scope: Scope) -> str:
    """The method, as a label: whatever else is sent is one."""
    return scope["method"] if scope["method"] in METHODS else "other"


def _route(scope: Scope) -> str:
    """The route as it is declared, as a label: there are only so many."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) or "none"


class JsonLines(logging.Formatter):
    """Each record as one line of JSON, with the id of the request it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": _request_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value is not None}, ensure_ascii=False)


def log_to_stderr() -> None:
    """Send all log records of this process to stderr, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for noisy in ("httpx", "httpcore", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # it warns of every malformed form; its sender is told
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
