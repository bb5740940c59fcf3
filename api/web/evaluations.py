"""The reports of `cuecard eval`, latest first: their figures, and the page that each run left.

A report is somebody's file: its page is shown in a frame that may run nothing and load nothing.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse

from api.web.pages import PageRoute, page
from api.web.reports import find_report, find_reports, results_folder

router = APIRouter(prefix="/evaluations", route_class=PageRoute, include_in_schema=False)

FRAMED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox; frame-ancestors 'self'"
"""What the page of a report may do: be looked at, on a page of this server."""


@router.get("")
def evaluations(request: Request) -> HTMLResponse:
    """The latest reports."""
    folder = results_folder(request.app.state.results)
    return page(request, "evaluations.html", active="evaluations", reports=find_reports(folder), folder=folder.name)


@router.get("/{name}")
def evaluation(request: Request, name: str) -> HTMLResponse:
    """One report with its figures and plots."""
    report = find_report(results_folder(request.app.state.results), name)
    words = "" if report.has_page else report.words()
    return page(request, "evaluation.html", active="evaluations", report=report, words=words)


@router.get("/{name}/report")
def report_page(request: Request, name: str) -> FileResponse:
    """The page that a run left, for the frame."""
    report = find_report(results_folder(request.app.state.results), name)
    headers = {"Content-Security-Policy": FRAMED, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return FileResponse(report.page(), media_type="text/html; charset=utf-8", headers=headers)
