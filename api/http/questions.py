"""`POST /ask`, `/search`, `/check` and `/feedback`."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from api.http.access import Asker, ThePrincipal, TheView
from api.http.deps import TheGate, TheLibrary, problems
from api.http.examples import EVENTS
from api.http.schemas import (
    AnswerBody,
    AskRequest,
    CheckReportBody,
    CheckRequest,
    FeedbackBody,
    FeedbackRequest,
    SearchBody,
    SearchRequest,
)
from api.http.streaming import streamed
from api.library import Body, Library
from api.local import LocalLibrary

router = APIRouter(tags=["questions"], dependencies=[Asker], responses=problems(400, 413, 415, 422, 429, 503))

_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["sources", "token", "answer", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_EVENTS: dict[str, Any] = {
    "description": "An answer; with `stream: true`, server-sent events `sources` (the list), `token` (pieces of the "
    "text, as `{text}`), and `answer` (the whole, as without `stream`); or `error`, a problem, where it breaks off.",
    "content": {
        "application/json": {},
        "text/event-stream": {"itemSchema": _EVENT, "example": EVENTS},
    },
}


@router.post("/ask", response_model=AnswerBody, responses={200: _EVENTS})
async def ask(
    body: AskRequest, request: Request, library: TheLibrary, gate: TheGate, view: TheView, asker: ThePrincipal
) -> Response:
    """Answer a question from the library, with citations, verdicts and confidence."""
    wanted: dict[str, Any] = {
        "collection": body.collection,
        "filters": _lists(body.filters),
        "mode": body.mode,
        "k": body.k,
        "view": view,
    }
    _log(request, {"question": body.question})
    who = asker.id if asker else None
    work = partial(library.ask, body.question, conversation_id=body.conversation_id, who=who, **wanted)
    if body.stream:
        return await streamed(request, gate, lambda listener: work(listener=listener))
    answer = await _known(library, body, wanted)
    return JSONResponse(await gate.run(work) if answer is None else answer)


@router.post("/search", response_model=SearchBody)
async def search(body: SearchRequest, request: Request, library: TheLibrary, gate: TheGate, view: TheView) -> Response:
    """Find the passages that fit a query best."""
    _log(request, {"query": body.query})
    filters = _lists(body.filters)
    work = partial(library.search, body.query, k=body.k, collection=body.collection, filters=filters, view=view)
    return JSONResponse(await gate.run(work))


@router.post("/check", response_model=CheckReportBody)
async def check(body: CheckRequest, library: TheLibrary, gate: TheGate) -> Response:
    """Check every claim of a text against given sources."""
    sources = [{"id": source.id, "text": source.text} for source in body.sources]
    return JSONResponse(await gate.run(partial(library.check, body.answer, sources, body.question)))


@router.post("/feedback", response_model=FeedbackBody, responses=problems(404))
def feedback(body: FeedbackRequest, library: TheLibrary, view: TheView, asker: ThePrincipal) -> Any:
    """Say what an answer was worth. Said again, it takes the place of what was said before."""
    return library.feedback(body.answer_id, body.rating, body.comment, view=view, who=asker.id if asker else None)


def _log(request: Request, fields: dict[str, str]) -> None:
    """Have the request's line in the log say what was asked, where that is wanted."""
    if request.app.state.log_questions:
        request.state.log = fields


async def _known(library: Library, body: AskRequest, wanted: dict[str, Any]) -> Body | None:
    """The answer, where it is remembered; it then waits for nobody."""
    if body.conversation_id is not None or not isinstance(library, LocalLibrary) or not library.warm:
        return None
    known = partial(library.known, body.question, **wanted)
    return known() if library.embedded else await run_in_threadpool(known)


def _lists(filters: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in filters.items()}
