"""The library to look at: documents, versions, quarantine, changes; and whether the server is well."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from api.http.deps import DocumentId, InCollection, TheLibrary, problems
from api.http.library_schemas import (
    ChangesBody,
    DocumentBody,
    DocumentsBody,
    QuarantineBody,
    ReadyBody,
    VersionsBody,
)
from api.http.problems import RETRY_SECONDS, problem

router = APIRouter(tags=["library"], responses=problems(422, 503))

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>cuecard</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>cuecard</h1>
<p>A grounded knowledge base over interview material is running here.
<p>Try it in the <a href="/docs">API documentation</a>, or ask from a terminal: <code>cuecard ask "…"</code>
</html>
"""


@router.get("/", include_in_schema=False)
def root() -> HTMLResponse:
    """A page that says where to go."""
    return HTMLResponse(_PAGE)


@router.get("/documents", response_model=DocumentsBody)
def documents(library: TheLibrary, collection: InCollection = None) -> Any:
    """All documents that are served, by collection and path."""
    return library.documents(collection)


@router.get("/documents/{id}", response_model=DocumentBody, responses=problems(404))
def document(id: DocumentId, library: TheLibrary, collection: InCollection = None) -> Any:  # noqa: A002 - as the route
    """One document, with its items and the account of what became of each of its lines."""
    return library.document(id, collection)


@router.get(
    "/documents/{id}/text",
    response_class=PlainTextResponse,
    responses={200: {"description": "The canonical text; its version is in ETag."}, **problems(404)},
)
def document_text(id: DocumentId, library: TheLibrary, collection: InCollection = None) -> Response:  # noqa: A002
    """The canonical text that all spans refer to: `text[start:end] == quote`, counted in code points."""
    body = library.document_text(id, collection)
    return PlainTextResponse(body["text"], headers={"ETag": f'"{body["version"]}"'})


@router.get("/documents/{id}/versions", response_model=VersionsBody, responses=problems(404))
def versions(id: DocumentId, library: TheLibrary, collection: InCollection = None) -> Any:  # noqa: A002
    """All versions of a document, newest first; with its whole id, also of one that is served no more."""
    return library.versions(id, collection)


@router.get("/quarantine", response_model=QuarantineBody)
def quarantine(library: TheLibrary) -> Any:
    """What was offered and could not be read, where, why, and what to do."""
    return library.quarantine()


@router.get("/changes", response_model=ChangesBody)
def changes(library: TheLibrary, since: Annotated[int, Query(ge=0, description="Sequence number.")] = 0) -> Any:
    """What changed after a sequence number, oldest first; at most 1000 at once."""
    return library.changes(since)


@router.get("/healthz", tags=["operations"])
def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@router.get("/readyz", tags=["operations"], response_model=ReadyBody)
def readyz(request: Request, library: TheLibrary) -> Any:
    """Whether questions can be answered, and what is degraded. 503 where nothing useful can be said."""
    report = library.doctor()
    degraded = [check for check in report["checks"] if check["state"] in ("degraded", "failed")]
    if not report["ready"]:
        said = " ".join(f"{check['name']}: {check['detail']} {check['hint']}".strip() for check in degraded)
        return problem(
            request, 503, f"Not ready. {said}", name="not-ready", headers={"Retry-After": str(RETRY_SECONDS)}
        )
    return {"status": "degraded" if degraded else "ready", "degraded": degraded}
