"""The reports of `cuecard eval`, latest first: their figures, and the page that each run left.

A report is somebody's file: its page is shown in a frame that may run nothing and load nothing.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse

from api.http.access import TheView
from api.web.pages import PageRoute, Reader, page
from api.web.reports import Report, find_report, find_reports, results_folder
from ingest.errors import NotFoundError
from ingest.view import EVERYTHING, View

router = APIRouter(prefix="/evaluations", route_class=PageRoute, include_in_schema=False, dependencies=[Reader])

FRAMED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox; "
    "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}
"""What the page of a report may do: be looked at, on a page of this server."""


@router.get("")
def evaluations(request: Request, view: TheView) -> HTMLResponse:
    """The latest reports."""
    folder = results_folder(request.app.state.results)
    reports = find_reports(folder) if view == EVERYTHING else []
    return page(
        request,
        "evaluations.html",
        active="evaluations",
        reports=reports,
        folder=folder.name,
        kept=view != EVERYTHING,
    )


@router.get("/{name}")
def evaluation(request: Request, name: str, view: TheView) -> HTMLResponse:
    """One report with its figures and plots."""
    report = _report(request, name, view)
    words = "" if report.has_page else report.words()
    return page(request, "evaluation.html", active="evaluations", report=report, words=words)


@router.get("/{name}/report")
def report_page(request: Request, name: str, view: TheView) -> FileResponse:
    """The page that a run left, for the frame."""
    return FileResponse(_report(request, name, view).page(), media_type="text/html; charset=utf-8", headers=FRAMED)


def _report(request: Request, name: str, view: View) -> Report:
    """A report quotes documents of all kinds: it is there for those who may see all of them."""
    if view != EVERYTHING:
        raise NotFoundError(f"There is no report {name!r} that you may see.")
    return find_report(results_folder(request.app.state.results), name)
