"""The queue in the background: files that were uploaded, and quarantined ones to try again, one after the other.

A job is written down before its request is answered, and its files lie in their place by then: whatever happens to
the process, the next one goes on with it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import TYPE_PREFIX, ConflictError, ForbiddenError, QueueFullError, kind_of
from api.library import Body
from api.upload_store import Draft, Upload, UploadStore, body_hash
from ingest.errors import CuecardError, NotFoundError
from ingest.view import EVERYTHING, View

if TYPE_CHECKING:
    from api.local import LocalLibrary
    from ingest.catalog_view import CatalogView
    from ingest.jobs import Job, Jobs

MAX_WAITING = 64
"""Jobs that may wait; a client is told to come back later, before memory or disk would run full."""

GRACE_SECONDS = 20.0
"""How long the job that runs may take to end when the process is told to stop. Then it is left for the next start."""

FIRST_PAUSE, LAST_PAUSE = 1.0, 64.0
"""Seconds before a job is tried again that index, model or catalog kept from being done; they double each time."""

DONE, FAILED = "done", "failed"

_log = logging.getLogger("cuecard.jobs")


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks for a job: the id of their key, None where they have none, and what they may see."""

    key_id: str | None = None
    view: View = EVERYTHING

    def own(self, key: str | None) -> str | None:
        """An idempotency key of theirs, which is nobody else's."""
        return f"{self.key_id}:{key}" if key and self.key_id else key


ANYONE = Requester()
"""Whoever sits at the server's own machine."""


class Uploads:
    """The jobs of a home that this process holds, and the thread that does them. `close` before the library's own."""

    def __init__(self, library: LocalLibrary, ended: Callable[[str, str, float], None] | None = None) -> None:
        """`ended` is told of every job that ended: its kind, how it ended, and the seconds it took."""
        self._library = library
        self._ended = ended
        self.working = False
        """Whether a job is being done."""
        self.store = UploadStore(library.settings.home)
        self._adding = threading.Lock()
        self._receiving = 0
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._leaving = threading.Event()
        self._worker = threading.Thread(target=self._run, name="cuecard-jobs", daemon=True)

    @property
    def jobs(self) -> Jobs:
        """The jobs, written down in the catalog."""
        from ingest.jobs import Jobs

        return Jobs(self._library.parts.catalog)

    def start(self) -> None:
        """Take up what an earlier process left, and then what comes."""
        self._worker.start()

    def close(self) -> None:
        """Take up no more. The job that runs may end; where it takes too long, it is left for the next start."""
        self._stopping.set()
        self._news.set()
        self._worker.join(GRACE_SECONDS)
        self._leaving.set()
        self._worker.join(GRACE_SECONDS)

    @contextmanager
    def receiving(self, key: str | None, by: Requester = ANYONE) -> Iterator[None]:
        """While files are read from the network they take the place of a job that waits.

        QueueFullError where there is no such place; one with a `key` that is known needs none.
        """
        with self._adding:
            own = by.own(key)
            if own is None or self.jobs.by_key(own) is None:
                self._refuse_if_full()
            self._receiving += 1
        try:
            yield
        finally:
            with self._adding:
                self._receiving -= 1

    def upload(self, collection: str, uploads: Sequence[Upload], key: str | None, by: Requester = ANYONE) -> Job:
        """Keep files and write down the job that ingests them. With a `key` that is known: the job it stands for.

        To be called while `receiving`. Raises ConflictError where that one was about other files, ForbiddenError for
        a place that they may not write to, and what `UploadStore` raises.
        """
        self._refuse_hidden(collection, uploads, by.view)
        with self.store.drafts(uploads) as drafts, self._adding:
            given = body_hash(collection, drafts)
            own = by.own(key)
            known = self.jobs.by_key(own) if own else None
            if known is None:
                return self._add_upload(collection, drafts, own, given, by)
        if known.body_hash != given:
            message = f"The Idempotency-Key {key} was used for another upload (job {known.id})."
            raise ConflictError(message, hint="Use a new key for every upload.")
        return known

    def job(self, job_id: str, by: Requester = ANYONE) -> Job:
        """A job that they asked for, or any for who sees everything. NotFoundError where there is none."""
        job = self.jobs.get(job_id)
        if by.view != EVERYTHING and (by.key_id is None or job.made_by != by.key_id):
            from ingest.jobs import no_job

            raise no_job(job_id)
        return job

    def retry(self, entry_id: str, by: Requester = ANYONE) -> Job:
        """Write down the job that tries a quarantine entry again; the one that waits for it already, if there is one.

        Raises what `CatalogView.quarantine_entry` raises, and QueueFullError.
        """
        entry = self._seen(by.view).quarantine_entry(entry_id)
        with self._adding:
            waiting = self.jobs.of_entry(entry.id)
            if waiting is not None:
                return waiting
            self._refuse_if_full()
            job = self.jobs.add(entry.collection, [entry.path], entry=entry.id, made_by=by.key_id)
        self._news.set()
        return job

    def _refuse_if_full(self) -> None:
        if self.jobs.waiting() + self._receiving >= MAX_WAITING:
            raise QueueFullError(f"{MAX_WAITING} jobs wait already.", hint="Try again later.")

    def _seen(self, view: View) -> CatalogView:
        from ingest.catalog_view import CatalogView

        return CatalogView(self._library.parts.catalog, view)

    def _refuse_hidden(self, collection: str, uploads: Sequence[Upload], view: View) -> None:
        if not view.has(collection):
            raise ForbiddenError("This key may not write to that collection.", hint="Name one of its own.")
        seen = self._seen(view)
        for upload in uploads:
            if seen.hides_path(collection, upload.path):
                raise ForbiddenError(f"This key may not write to {upload.path}.", hint="Take another path.")

    def _add_upload(self, collection: str, drafts: Sequence[Draft], key: str | None, given: str, by: Requester) -> Job:
        self.store.place(collection, drafts)
        paths = [draft.path for draft in drafts]
        job = self.jobs.add(collection, paths, key=key, body_hash=given, made_by=by.key_id)
        self._news.set()
        return job

    def _run(self) -> None:
        """The thread: one job after the other, until the process is told to stop."""
        recovered = False
        while not self._stopping.is_set():
            self._news.clear()
            try:
                if not recovered:
                    self.store.tidy()
                    waiting = self.jobs.recover()
                    recovered = True
                    if waiting:
                        _log.info("taking up %d jobs", waiting)
                job = self.jobs.take()
                if job is not None:
                    self._turn(job)
                    continue
                self.jobs.forget_old()
            except CuecardError as error:
                # the catalog can't be used now; what was asked for is written down
                _log.warning("jobs have to wait: %s", error)
            except Exception:
                _log.exception("jobs have to wait")
            else:
                self._news.wait()
                continue
            recovered = False
            self._stopping.wait(LAST_PAUSE)

    def _turn(self, job: Job) -> None:
        started, self.working = time.monotonic(), True
        try:
            outcome = self._do(job)
            if outcome is not None and self._ended is not None:
                self._ended("upload" if job.entry is None else "retry", outcome, time.monotonic() - started)
        finally:
            self.working = False

    def _do(self, job: Job) -> str | None:
        """Bring a job to its end; how it ended. None where the process has to end: it goes on at the next start."""
        pause = FIRST_PAUSE
        while True:
            try:
                report = self._work(job)
                self.jobs.finish(job.id, report)
                _log.info("job done", extra={"fields": {"job": job.id, **report["documents"]}})
                return DONE
            except _LeavingError:
                return None
            except Exception as error:
                if self._stopping.is_set():
                    return None
                problem = _problem_of(error)
                if problem["status"] != 503 or pause > LAST_PAUSE:
                    self.jobs.fail(job.id, problem)
                    _log.warning("job failed", extra={"fields": {"job": job.id, "problem": problem["detail"]}})
                    return FAILED
                self.jobs.delay(job.id, problem)
            self._stopping.wait(pause)
            if self._stopping.is_set():
                return None
            pause *= 2

    def _work(self, job: Job) -> Body:
        if job.entry is not None:
            return self._library.retry(job.entry, self._progress)
        root = self.store.root(job.collection)
        files = [root / path for path in job.paths if (root / path).is_file()]
        if not files:
            names = ", ".join(job.paths)
            raise NotFoundError(f"{names}: deleted before its turn came.", hint="Upload it again if it is wanted.")
        self._adopt(job.collection)
        # what an archive does not hold any more is meant to go
        return self._library.ingest(files, collection=job.collection, yes=True, progress=self._progress)

    def _adopt(self, collection: str) -> None:
        """Have the paths of uploads count from the collection's folder."""
        from ingest.catalog_writer import CatalogWriter

        catalog, root = self._library.parts.catalog, str(self.store.root(collection))
        writer = CatalogWriter(catalog)
        with catalog.writing:
            if root not in writer.roots(collection):
                writer.adopt_root(collection, root)

    def _progress(self, phase: str, done: int, total: int) -> None:  # noqa: ARG002 - as sync calls it
        if self._leaving.is_set():
            raise _LeavingError


class _LeavingError(Exception):
    """The process has to end: what is switched stays, the rest is done by the next start."""


def _problem_of(error: Exception) -> Body:
    """What went wrong, as a problem document says it."""
    if not isinstance(error, CuecardError):
        _log.error("job failed unexpectedly", exc_info=error)
        error = CuecardError("Something went wrong inside the server.", hint="Its log says more.")
    kind = kind_of(error)
    return {"type": f"{TYPE_PREFIX}{kind.name}", "title": kind.title, "status": kind.status, "detail": str(error)}
