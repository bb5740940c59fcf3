"""What only the machine's own `cuecard` command may do, with the token from the owner file."""

from __future__ import annotations

import contextvars
import json
import logging
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from api.errors import TYPE_PREFIX, kind_of
from api.http.deps import Administrator, DocumentId, InCollection, TheLibrary, problems
from api.http.library_schemas import DocumentInfoBody
from api.http.schemas import IngestRequest
from api.library import Body, Library
from ingest.errors import CuecardError

router = APIRouter(dependencies=[Administrator])

_log = logging.getLogger("cuecard.http")


@router.delete(
    "/documents/{id}", tags=["library"], response_model=DocumentInfoBody, responses=problems(401, 404, 422, 503)
)
def delete_document(id: DocumentId, library: TheLibrary, collection: InCollection = None) -> Any:  # noqa: A002
    """Serve a document no more; its file stays, and comes back with the next ingest. Needs the local token."""
    return library.delete_document(id, collection)


@router.get("/admin/stats", include_in_schema=False)
def stats(library: TheLibrary) -> Body:
    """Counts and sizes."""
    return library.stats()


@router.get("/admin/doctor", include_in_schema=False)
def doctor(library: TheLibrary) -> Body:
    """What is on, what is off and why."""
    return library.doctor()


@router.post("/admin/ingest", include_in_schema=False)
def ingest(body: IngestRequest, library: TheLibrary) -> StreamingResponse:
    """Mirror files and folders of this machine. JSON lines: progress, then `report`, or `problem` where it broke off.

    What is refused before anything is done is an ordinary problem response.
    """
    events: queue.Queue[Body | CuecardError] = queue.Queue()
    work = contextvars.copy_context()
    threading.Thread(target=work.run, args=[_ingest, library, body, events]).start()
    first = events.get()
    if isinstance(first, CuecardError):
        raise first
    return StreamingResponse(_lines(first, events), media_type="application/x-ndjson")


def _ingest(library: Library, body: IngestRequest, events: queue.Queue[Body | CuecardError]) -> None:
    def progress(phase: str, done: int, total: int) -> None:
        events.put({"phase": phase, "done": done, "total": total})

    try:
        paths = [Path(path) for path in body.paths]
        report = library.ingest(paths, collection=body.collection, yes=body.yes, progress=progress)
        events.put({"report": report})
    except CuecardError as error:
        events.put(error)
    except Exception:
        _log.exception("ingest failed")
        events.put(CuecardError("The ingest broke off.", hint="The server's log says more."))


def _lines(first: Body, events: queue.Queue[Body | CuecardError]) -> Iterator[str]:
    event: Body | CuecardError = first
    while True:
        if isinstance(event, CuecardError):
            kind = kind_of(event)
            event = {"problem": {"type": f"{TYPE_PREFIX}{kind.name}", "status": kind.status, "detail": str(event)}}
        yield json.dumps(event) + "\n"
        if "phase" not in event:
            return
        event = events.get()
