"""`GET /`: a question and its answer on a page that needs no script; and what the script of that page needs."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from api.errors import kind_of
from api.http.access import Asker, Principal, ThePrincipal, TheView
from api.http.deps import TheGate, TheLibrary
from api.http.problems import headers_of
from api.http.schemas import AnswerBody
from api.library import Body, Library
from api.shelf import FACETS
from api.web.answers import answer_view
from api.web.pages import PageRoute, Reader, page
from ingest.errors import CuecardError
from ingest.view import View

router = APIRouter(route_class=PageRoute, include_in_schema=False)

EXAMPLES = 6
"""Questions of the library that the empty page offers."""

Chosen = Annotated[str, Query(max_length=500)]


@router.get("/", dependencies=[Reader])
async def ask(
    request: Request,
    library: TheLibrary,
    view: TheView,
    gate: TheGate,
    asker: ThePrincipal,
    q: Annotated[str, Query(max_length=20_000)] = "",
    topic: Chosen = "",
    level: Chosen = "",
    kind: Chosen = "",
    collection: Chosen = "",
    conversation_id: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """Ask, and read the answer."""
    chosen = {"topic": topic, "level": level, "kind": kind, "collection": collection}
    question = q.strip()
    values: dict[str, Any] = {"question": question, "chosen": chosen, "view": None, "problem": None, "status": 200}
    headers: dict[str, str] = {}
    if question:
        try:
            work = partial(_answered, library, question, chosen, conversation_id or None, view, asker)
            values["view"] = answer_view(await gate.run(work))
        except CuecardError as error:
            found = kind_of(error)
            values |= {"problem": {"title": found.title, "detail": str(error)}, "status": found.status}
            headers = headers_of(error)
    response = page(
        request,
        "ask.html",
        active="ask",
        facets=await run_in_threadpool(_facets, library, view),
        examples=[] if question else await run_in_threadpool(_examples, library, view),
        feedback=_has_feedback(request),
        filters=FACETS,
        **values,
    )
    response.headers.update(headers)
    return response


@router.post("/answers/page", dependencies=[Asker])
def answer_page(request: Request, body: AnswerBody) -> HTMLResponse:
    """An answer as a piece of the page: what the script of the page puts in place of the streamed text."""
    shown = answer_view(body.model_dump())
    return page(request, "answer.html", view=shown, question=body.question, feedback=_has_feedback(request))


def _answered(
    library: Library,
    question: str,
    chosen: dict[str, str],
    conversation: str | None,
    view: View,
    asker: Principal | None,
) -> Body:
    filters = {name: [value] for name, value in chosen.items() if value and name != "collection"}
    return library.ask(
        question,
        collection=chosen["collection"] or None,
        filters=filters,
        mode="auto",
        k=None,
        conversation_id=conversation,
        view=view,
        who=asker.id if asker else None,
    )


def _facets(library: Library, view: View) -> Body:
    """What there is to choose; nothing where the library can't be read, for then the page says so."""
    try:
        facets: Body = library.facets(view=view)["facets"]
    except CuecardError:
        return {}
    return {name: values for name, values in facets.items() if len(values) > 1}


def _examples(library: Library, view: View) -> list[Body]:
    try:
        found: list[Body] = library.questions("", limit=EXAMPLES, view=view)["questions"]
    except CuecardError:
        return []
    return found


def _has_feedback(request: Request) -> bool:
    return "/feedback" in request.app.openapi()["paths"]
