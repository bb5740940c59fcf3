"""What changes the library: uploads, deletions, and what is done about the quarantine."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from api.http.access import Changer, TheRequester, TheView
from api.http.deps import DocumentId, EntryId, InCollection, TheLibrary, TheUploads, problems
from api.http.library_schemas import DeletedBody, JobBody, QuarantineEntryBody
from api.http.schemas import UploadForm
from api.upload_store import MAX_FILES, Upload, document_path
from ingest.errors import IndexUnavailableError
from ingest.jobs import Job

router = APIRouter(tags=["library"], dependencies=[Changer], responses=problems(401, 403, 422, 503))

MAX_FIELDS = 20
"""Fields of a form that are looked at; it has three names, and an unknown one is told."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="Names the upload: sent again with the same files, it gives the same job, for a week.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]
_FORM = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": UploadForm.model_json_schema()}},
    }
}
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The job, which is at the address in `Location`.",
        "headers": {"Location": {"description": "Where the job can be looked at.", "schema": {"type": "string"}}},
    }
}


@router.post(
    "/documents",
    status_code=202,
    response_model=JobBody,
    responses={**_ACCEPTED, **problems(400, 409, 413, 415)},
    openapi_extra=_FORM,
)
async def upload(
    request: Request, response: Response, uploads: TheUploads, requester: TheRequester, key: IdempotencyKey = None
) -> Any:
    """Add documents, or new versions of them. The files are kept when this answers, and ingested in turn.

    An upload takes the place of the one of the same path. What can't be read is told in the job's report.
    """
    try:
        async with (
            contextmanager_in_threadpool(uploads.receiving(key, requester)),
            request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS) as form,
        ):
            fields = _read(form)
            files = [Upload(document_path(file.filename or "", fields.path), file.file) for file in fields.file]
            job = await run_in_threadpool(uploads.upload, fields.collection, files, key, requester)
    except OSError as error:
        message = f"The upload can't be kept: {error.strerror or error}."
        raise IndexUnavailableError(message, hint="Free some space on the server's disk.") from error
    return _accepted(response, job)


@router.delete("/documents/{id}", response_model=DeletedBody, responses=problems(404))
def delete_document(id: DocumentId, library: TheLibrary, view: TheView, collection: InCollection = None) -> Any:  # noqa: A002
    """Serve a document no more. An uploaded file is deleted; another stays, and comes back with the next ingest."""
    return library.delete_document(id, collection, view=view)


@router.post(
    "/quarantine/{id}/retry", status_code=202, response_model=JobBody, responses={**_ACCEPTED, **problems(404)}
)
def retry(id: EntryId, response: Response, uploads: TheUploads, requester: TheRequester) -> Any:  # noqa: A002
    """Try a file in quarantine again, also one that was put aside."""
    return _accepted(response, uploads.retry(id, requester))


@router.post("/quarantine/{id}/drop", response_model=QuarantineEntryBody, responses=problems(404))
def drop(id: EntryId, library: TheLibrary, view: TheView) -> Any:  # noqa: A002
    """Put an entry aside: it is told of no more until its file changes."""
    return library.drop(id, view=view)


def _read(form: FormData) -> UploadForm:
    """The fields of a form. Raises RequestValidationError."""
    values: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name != "file":
            values[name] = value
        elif not isinstance(value, UploadFile) or value.filename or value.size:
            # a browser sends a nameless, empty file for a field where none was chosen
            values.setdefault("file", []).append(value)
    try:
        return UploadForm.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error


def _accepted(response: Response, job: Job) -> dict[str, Any]:
    response.headers["Location"] = f"/jobs/{job.id}"
    return job.to_dict()
