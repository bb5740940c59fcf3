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

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem

REQUEST_ID = "X-Request-ID"
MAX_BODY = 16 * 1024 * 1024
"""Bytes of a request body that are read."""

PROBES = ("/healthz", "/readyz")
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
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._answer(scope, receive, send_with_id)
        except Exception:
            _log.exception("unexpected error")
            if status:
                raise
            detail = "Something went wrong inside the server. Its log says more under this request_id."
            await problem(Request(scope), 500, detail)(scope, receive, send_with_id)
        finally:
            spent = round((time.perf_counter() - started) * 1000, 1)
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "ms": spent}
            level = logging.DEBUG if scope["path"] in PROBES else logging.INFO
            _log.log(level, "request", extra={"fields": fields})
            _request_id.reset(reset)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        has_body = headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
        if has_body and scope["method"] in ("POST", "PUT", "PATCH") and media_type != "application/json":
            detail = f"The body is {media_type or 'of no stated type'}. Send JSON, with Content-Type: application/json."
            await problem(Request(scope), 415, detail)(scope, receive, send)
        else:
            await self.app(scope, _limited(receive), send)


def _limited(receive: Receive) -> Receive:
    """`receive`, until MAX_BODY bytes have come; what is more raises the error that becomes a 413."""
    left = MAX_BODY

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return limited


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
