"""The library to look at: documents, versions, quarantine, changes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import StringConstraints
from starlette.responses import PlainTextResponse, Response

from api.http.access import Asker, Reader, TheRequester, TheView
from api.http.deps import DocumentId, EntryId, InCollection, JobId, TheLibrary, TheUploads, problems
from api.http.library_schemas import (
    ChangesBody,
    DiffBody,
    DocumentBody,
    DocumentsBody,
    FacetsBody,
    JobBody,
    QuarantineBody,
    QuarantineEntryBody,
    QuestionsBody,
    VersionsBody,
)
from api.library import MAX_CHANGES, MAX_QUESTION, MAX_SUGGESTED

router = APIRouter(tags=["library"], responses=problems(401, 403, 422, 503))

MAX_SEQUENCE = 2**63 - 1
"""The largest number that a database compares with."""

VersionName = Annotated[str | None, StringConstraints(min_length=1, max_length=100)]
"""The hash of a version, a beginning of that, or the catalog's key."""


@router.get("/documents", response_model=DocumentsBody, dependencies=[Asker])
def documents(library: TheLibrary, view: TheView, collection: InCollection = None) -> Any:
    """All documents that are served, by collection and path."""
    return library.documents(collection, view=view)


@router.get("/questions", response_model=QuestionsBody, dependencies=[Asker])
def questions(
    library: TheLibrary,
    view: TheView,
    q: Annotated[str, Query(description="Words; each stands in the question, or begins a word there.")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_SUGGESTED, description="How many at most.")] = 8,
) -> Any:
    """Questions that the library answers, the best fit first; without words a few of every document."""
    return library.questions(q[:MAX_QUESTION], limit=limit, view=view)


@router.get("/facets", response_model=FacetsBody, dependencies=[Asker])
def facets(library: TheLibrary, view: TheView) -> Any:
    """What questions can be narrowed by: values of topic, level, kind and collection, each with its number of items."""
    return library.facets(view=view)


@router.get("/documents/{id}", response_model=DocumentBody, responses=problems(404), dependencies=[Asker])
def document(id: DocumentId, library: TheLibrary, view: TheView, collection: InCollection = None) -> Any:  # noqa: A002 - as the route
    """One document, with its items and the account of what became of each of its lines."""
    return library.document(id, collection, view=view)


@router.get(
    "/documents/{id}/text",
    response_class=PlainTextResponse,
    responses={200: {"description": "The canonical text; its version is in ETag."}, **problems(404)},
    dependencies=[Asker],
)
def document_text(id: DocumentId, library: TheLibrary, view: TheView, collection: InCollection = None) -> Response:  # noqa: A002
    """The canonical text that all spans refer to: `text[start:end] == quote`, counted in code points."""
    body = library.document_text(id, collection, view=view)
    return PlainTextResponse(body["text"], headers={"ETag": f'"{body["version"]}"'})


@router.get("/documents/{id}/versions", response_model=VersionsBody, responses=problems(404), dependencies=[Asker])
def versions(id: DocumentId, library: TheLibrary, view: TheView, collection: InCollection = None) -> Any:  # noqa: A002
    """All versions of a document, newest first; with its whole id, also of one that is served no more."""
    return library.versions(id, collection, view=view)


@router.get("/documents/{id}/diff", response_model=DiffBody, responses=problems(404), dependencies=[Asker])
def diff(
    id: DocumentId,  # noqa: A002
    library: TheLibrary,
    view: TheView,
    collection: InCollection = None,
    from_: Annotated[
        VersionName, Query(alias="from", description="The older version; else the one before `to`.")
    ] = None,
    to: Annotated[VersionName, Query(description="The newer version; else the newest.")] = None,
) -> Any:
    """What changed between two versions of a document, by item."""
    return library.diff(id, from_, to, collection, view=view)


@router.get("/quarantine", response_model=QuarantineBody, dependencies=[Reader])
def quarantine(
    library: TheLibrary, view: TheView, dropped: Annotated[bool, Query(description="Also what was put aside.")] = False
) -> Any:
    """What was offered and could not be read, where, why, and what to do."""
    return library.quarantine(dropped=dropped, view=view)


@router.get("/quarantine/{id}", response_model=QuarantineEntryBody, responses=problems(404), dependencies=[Reader])
def quarantine_entry(id: EntryId, library: TheLibrary, view: TheView) -> Any:  # noqa: A002
    """One thing that could not be read."""
    return library.quarantine_entry(id, view=view)


@router.get("/changes", response_model=ChangesBody, dependencies=[Asker])
def changes(
    library: TheLibrary,
    view: TheView,
    since: Annotated[int, Query(ge=0, le=MAX_SEQUENCE, description="Sequence number; those after it are given.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_CHANGES, description="How many at most.")] = MAX_CHANGES,
) -> Any:
    """What changed after a sequence number, oldest first. Numbers rise without gaps: go on from the last one."""
    return library.changes(since, limit, view=view)


@router.get("/jobs/{id}", response_model=JobBody, responses=problems(404), dependencies=[Reader])
def job(id: JobId, uploads: TheUploads, requester: TheRequester) -> Any:  # noqa: A002 - as the route
    """What became of an upload or a retry. `report` is what `cuecard ingest --json` prints."""
    return uploads.job(id, requester).to_dict()
