"""The web page as a part of the HTTP application."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from api.http.access import Public
from api.web.asking import router as asking
from api.web.browsing import router as browsing
from api.web.evaluations import router as evaluations
from api.web.pages import STATIC

static = APIRouter(include_in_schema=False, dependencies=[Public])

_files = StaticFiles(directory=STATIC)


@static.get("/static/{name}")
async def static_file(name: str, request: Request) -> Response:
    """A style, a script or a picture of the page."""
    response = await _files.get_response(name, request.scope)
    # asked for each time, and sent when it is another than before: the server may have been updated
    response.headers["Cache-Control"] = "no-cache"
    return response


def add_site(app: FastAPI, results: str | None) -> None:
    """Add the pages to `app`. `results`: the folder whose evaluation reports are shown; None for the usual one."""
    app.state.results = results
    for router in (asking, browsing, evaluations, static):
        app.include_router(router)
