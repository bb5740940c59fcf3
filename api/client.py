"""A typed client of the HTTP API, for Python programs; the `cuecard` command talks to servers through the same code.

with Client("http://127.0.0.1:8000", key="...") as client:
    answer = client.ask("How do you prevent a cache stampede?")
    print(answer.answer, [source.document for source in answer.sources])
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from answering.answers import Mode
from api.errors import from_problem
from api.http.library_schemas import (
    ChangeBody,
    DiffBody,
    DocumentBody,
    DocumentInfoBody,
    JobBody,
    QuarantineEntryBody,
    VersionBody,
)
from api.http.schemas import AnswerBody, CheckReportBody, FeedbackBody, SearchBody, SourceBody
from api.library import MAX_CHANGES, Filters
from api.remote import RemoteLibrary
from ingest.errors import DocumentError, HomeBusyError

POLL_S = 0.2


class Client:
    """One server. Every method raises errors of `ingest.errors` and `api.errors` only; thread-safe; a context manager.

    Bodies are those of OpenAPI, validated as they come.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        """`key`: as `cuecard keys create` prints it; None where the server wants none."""
        self._remote = RemoteLibrary(url, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._remote.close()

    def ask(
        self,
        question: str,
        *,
        collection: str | None = None,
        filters: Filters | None = None,
        mode: Mode = "auto",
        k: int | None = None,
        conversation_id: str | None = None,
    ) -> AnswerBody:
        """An answer with its sources, claims and verdicts."""
        body = self._remote.ask(
            question, collection=collection, filters=filters or {}, mode=mode, k=k, conversation_id=conversation_id
        )
        return AnswerBody.model_validate(body)

    def stream(self, question: str, **narrowing: Any) -> Iterator[Sequence[SourceBody] | str | AnswerBody]:
        """The same as it is made: the sources, then pieces of its text, at last the whole answer.

        `narrowing`: as for `ask`. What breaks off later is raised where it does.
        """
        for name, data in self._remote.stream({"question": question, **narrowing}):
            if name == "sources":
                yield [SourceBody.model_validate(source) for source in data]
            elif name == "token":
                yield str(data["text"])
            elif name == "answer":
                yield AnswerBody.model_validate(data)
            elif name == "error":
                raise from_problem(data["type"], data["detail"], data["status"])

    def search(
        self, query: str, *, k: int = 10, collection: str | None = None, filters: Filters | None = None
    ) -> SearchBody:
        """The passages that fit a query best."""
        return SearchBody.model_validate(self._remote.search(query, k=k, collection=collection, filters=filters or {}))

    def check(self, answer: str, sources: Mapping[str, str], question: str | None = None) -> CheckReportBody:
        """A verdict for every claim of a text; `sources`: their texts by id."""
        given = [{"id": name, "text": text} for name, text in sources.items()]
        return CheckReportBody.model_validate(self._remote.check(answer, given, question))

    def feedback(self, answer_id: str, rating: Literal["up", "down"], comment: str | None = None) -> FeedbackBody:
        """Say what an answer was worth."""
        return FeedbackBody.model_validate(self._remote.feedback(answer_id, rating, comment))

    def documents(self, collection: str | None = None) -> list[DocumentInfoBody]:
        """What is served, by collection and path."""
        return [DocumentInfoBody.model_validate(each) for each in self._remote.documents(collection)["documents"]]

    def document(self, id_or_path: str, collection: str | None = None) -> DocumentBody:
        """One document with its items. NotFoundError where there is none."""
        return DocumentBody.model_validate(self._remote.document(id_or_path, collection))

    def text(self, id_or_path: str, collection: str | None = None) -> str:
        """The canonical text that all spans refer to, in code points."""
        return str(self._remote.document_text(id_or_path, collection)["text"])

    def versions(self, id_or_path: str, collection: str | None = None) -> list[VersionBody]:
        """All versions of a document, newest first."""
        return [VersionBody.model_validate(each) for each in self._remote.versions(id_or_path, collection)["versions"]]

    def diff(
        self, id_or_path: str, old: str | None = None, new: str | None = None, collection: str | None = None
    ) -> DiffBody:
        """What changed between two versions; the last change where none is named."""
        return DiffBody.model_validate(self._remote.diff(id_or_path, old, new, collection))

    def upload(
        self, *files: Path, collection: str = "default", path: str = "", idempotency_key: str | None = None
    ) -> JobBody:
        """Add files, or new versions of them. The job that ingests them; `wait_for` says what became of it."""
        contents = {file.name: file.read_bytes() for file in files}
        return JobBody.model_validate(
            self._remote.upload(contents, collection=collection, path=path, key=idempotency_key)
        )

    def wait_for(self, job: JobBody, seconds: float = 300.0) -> JobBody:
        """The job once it is done. HomeBusyError where that takes longer, DocumentError where it failed."""
        ends = time.monotonic() + seconds
        while job.state in ("queued", "running"):
            if time.monotonic() >= ends:
                raise HomeBusyError(f"Job {job.id} is {job.state} after {seconds:g} seconds.", hint="Ask again later.")
            time.sleep(POLL_S)
            job = JobBody.model_validate(self._remote.job(job.id))
        if job.state == "failed":
            raise DocumentError(", ".join(job.documents), job.problem.detail if job.problem else "failed")
        return job

    def quarantine(self, *, dropped: bool = False) -> list[QuarantineEntryBody]:
        """What could not be read, and why."""
        found = self._remote.quarantine(dropped=dropped)["quarantine"]
        return [QuarantineEntryBody.model_validate(each) for each in found]

    def changes(self, since: int = 0, limit: int = MAX_CHANGES) -> list[ChangeBody]:
        """What changed after that sequence number, oldest first."""
        return [ChangeBody.model_validate(each) for each in self._remote.changes(since, limit)["changes"]]
