"""What administrators may do. What names files of the server's machine, or takes it over: its own `cuecard` command."""

from __future__ import annotations

import contextvars
import json
import logging
import queue
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from api.errors import TYPE_PREFIX, kind_of
from api.http.access import Administrator, LocalCommand
from api.http.deps import KeyId, TheLibrary
from api.http.schemas import IngestRequest, KeyRequest, RetryRequest
from api.library import Body, Progress
from ingest.errors import CuecardError

router = APIRouter()


class Work(Protocol):
    """Something that takes long, tells how far it is, and ends with a report."""

    def __call__(self, *, progress: Progress) -> Body: ...


_log = logging.getLogger("cuecard.http")


@router.get("/admin/stats", include_in_schema=False, dependencies=[Administrator])
def stats(library: TheLibrary) -> Body:
    """Counts and sizes."""
    return library.stats()


@router.get("/admin/doctor", include_in_schema=False, dependencies=[Administrator])
def doctor(library: TheLibrary) -> Body:
    """What is on, what is off and why."""
    return library.doctor()


@router.get("/admin/gaps", include_in_schema=False, dependencies=[Administrator])
def gaps(library: TheLibrary, days: Annotated[int | None, Query(ge=1, le=100_000)] = None) -> Body:
    """What was asked and not answered."""
    return library.gaps(days)


@router.get("/admin/keys", include_in_schema=False, dependencies=[Administrator])
def list_keys(library: TheLibrary) -> Body:
    """All keys, without their secrets."""
    return library.list_keys()


@router.post("/admin/keys", include_in_schema=False, status_code=201, dependencies=[Administrator])
def create_key(body: KeyRequest, library: TheLibrary) -> Body:
    """Make a key. Its secret is told this once."""
    return library.create_key(
        body.name, scopes=body.scopes, audience=body.audience, collections=body.collections, expires=body.expires
    )


@router.delete("/admin/keys/{id}", include_in_schema=False, dependencies=[Administrator])
def revoke_key(id: KeyId, library: TheLibrary) -> Body:  # noqa: A002 - as the route
    """Let a key open nothing any more."""
    return library.revoke_key(id)


@router.post("/admin/ingest", include_in_schema=False, dependencies=[LocalCommand])
def ingest(body: IngestRequest, library: TheLibrary) -> StreamingResponse:
    """Mirror files and folders of this machine."""
    paths = [Path(path) for path in body.paths]
    return _told(partial(library.ingest, paths, collection=body.collection, yes=body.yes))


@router.post("/admin/retry", include_in_schema=False, dependencies=[LocalCommand])
def retry(body: RetryRequest, library: TheLibrary) -> StreamingResponse:
    """Ingest the file of a quarantine entry alone."""
    return _told(partial(library.retry, body.entry))


@router.post("/admin/repair", include_in_schema=False, dependencies=[LocalCommand])
def repair(library: TheLibrary) -> StreamingResponse:
    """Make catalog and index agree again."""
    return _told(partial(library.repair))


def _told(work: Work) -> StreamingResponse:
    """Long work, as JSON lines: progress, then `report`, or `problem` where it broke off.

    What is refused before anything is done is an ordinary problem response.
    """
    events: queue.Queue[Body | CuecardError] = queue.Queue()
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=[_do, work, events]).start()
    first = events.get()
    if isinstance(first, CuecardError):
        raise first
    return StreamingResponse(_lines(first, events), media_type="application/x-ndjson")


def _do(work: Work, events: queue.Queue[Body | CuecardError]) -> None:
    def progress(phase: str, done: int, total: int) -> None:
        events.put({"phase": phase, "done": done, "total": total})

    try:
        events.put({"report": work(progress=progress)})
    except CuecardError as error:
        events.put(error)
    except Exception:
        _log.exception("work of an administrator failed")
        events.put(CuecardError("The work broke off.", hint="The server's log says more."))


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
