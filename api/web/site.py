"""The web page as a part of the HTTP application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from api.web.asking import router as asking
from api.web.browsing import router as browsing
from api.web.evaluations import router as evaluations
from api.web.pages import STATIC


def add_site(app: FastAPI, results: str | None) -> None:
    """Add the pages to `app`. `results`: the folder whose evaluation reports are shown; None for the usual one."""
    app.state.results = results
    for router in (asking, browsing, evaluations):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
