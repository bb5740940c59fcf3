"""`POST /ask`, `/search` and `/check`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response

from api.http.access import Asker, TheView
from api.http.deps import TheLibrary, problems
from api.http.schemas import AnswerBody, AskRequest, CheckReportBody, CheckRequest, SearchBody, SearchRequest
from api.library import Body

router = APIRouter(tags=["questions"], dependencies=[Asker], responses=problems(400, 401, 403, 413, 415, 422, 503))

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")
_EVENTS = {
    "description": "An answer; with `stream: true`, server-sent events `sources` (the list), `token` (pieces of the "
    "text, as `{text}`), and `answer` (the whole, as without `stream`).",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@router.post("/ask", response_model=AnswerBody, responses={200: _EVENTS})
def ask(body: AskRequest, library: TheLibrary, view: TheView) -> Any:
    """Answer a question from the library, with citations, verdicts and confidence."""
    answer = library.ask(
        body.question,
        collection=body.collection,
        filters=_lists(body.filters),
        mode=body.mode,
        k=body.k,
        conversation_id=body.conversation_id,
        view=view,
    )
    return _stream(answer) if body.stream else answer


@router.post("/search", response_model=SearchBody)
def search(body: SearchRequest, library: TheLibrary, view: TheView) -> Any:
    """Find the passages that fit a query best."""
    return library.search(body.query, k=body.k, collection=body.collection, filters=_lists(body.filters), view=view)


@router.post("/check", response_model=CheckReportBody)
def check(body: CheckRequest, library: TheLibrary) -> Any:
    """Check every claim of a text against given sources."""
    sources = [{"id": source.id, "text": source.text} for source in body.sources]
    return library.check(body.answer, sources, body.question)


def _stream(answer: Body) -> Response:
    return EventSourceResponse(_events(answer), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})


def _events(answer: Body) -> Iterator[bytes]:
    """The answer is complete and checked before its first token leaves."""
    yield _event("sources", answer["sources"])
    for piece in _PIECE.findall(answer["answer"]):
        yield _event("token", {"text": piece})
    yield _event("answer", answer)


def _event(name: str, data: object) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))


def _lists(filters: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in filters.items()}
