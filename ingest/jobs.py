"""Jobs: uploads and retries on their way into the library, written down so that a restart takes them up again."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ingest.catalog import Catalog
from ingest.errors import NotFoundError, RefusedError
from ingest.schema import jobs

State = Literal["queued", "running", "done", "failed"]
QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"

KEPT_DAYS = 7
"""Finished jobs, and so their idempotency keys, are remembered this long."""


@dataclass(frozen=True, slots=True)
class Job:
    """Files to sync into a collection. `paths` count from where the collection's uploads are kept.

    `entry` is the quarantine entry whose file is tried again, None for an upload. `made_by`: the id of the key that
    asked for it, None for somebody at the server's own machine. `body_hash` tells two requests with
    the same `idempotency_key` apart. `report` is there when it is done, `problem` when it failed or has to be tried
    again. Times are ISO 8601, UTC.
    """

    id: str
    collection: str
    paths: tuple[str, ...]
    entry: str | None
    state: State
    idempotency_key: str | None
    body_hash: str
    report: Mapping[str, Any] | None
    problem: Mapping[str, Any] | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    made_by: str | None

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return {
            "id": self.id,
            "state": self.state,
            "collection": self.collection,
            "documents": list(self.paths),
            "entry": self.entry,
            "report": self.report,
            "problem": self.problem,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }


class Jobs:
    """The jobs of a catalog. Safe to use from many threads and processes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def add(
        self,
        collection: str,
        paths: Sequence[str],
        *,
        entry: str | None = None,
        key: str | None = None,
        body_hash: str = "",
        made_by: str | None = None,
    ) -> Job:
        """Write down a job that waits. RefusedError where another one has the key already."""
        row = {
            "id": secrets.token_hex(8),
            "collection": collection,
            "paths": json.dumps(list(paths)),
            "entry": entry,
            "state": QUEUED,
            "idempotency_key": key,
            "body_hash": body_hash,
            "created_at": _now(),
            "made_by": made_by,
        }
        with self._catalog.transaction() as connection:
            try:
                connection.execute(insert(jobs).values(row))
            except IntegrityError as error:
                raise RefusedError(f"The key {key} belongs to another job.") from error
            return _only(connection, jobs.c.id == row["id"])

    def get(self, job_id: str) -> Job:
        """A job. NotFoundError where there is none, or none any more."""
        found = self._find(jobs.c.id == job_id)
        if found is None:
            raise no_job(job_id)
        return found

    def by_key(self, key: str) -> Job | None:
        """The job that was asked for with this idempotency key."""
        return self._find(jobs.c.idempotency_key == key)

    def of_entry(self, entry: str) -> Job | None:
        """The job that is going to try this quarantine entry again."""
        return self._find((jobs.c.entry == entry) & (jobs.c.state == QUEUED))

    def waiting(self) -> int:
        """How many jobs wait."""
        with self._catalog.transaction() as connection:
            count = select(func.count()).select_from(jobs).where(jobs.c.state == QUEUED)
            return int(connection.execute(count).scalar_one())

    def take(self) -> Job | None:
        """The job that waits longest, running from now on; None where none waits."""
        oldest = select(jobs.c.id).where(jobs.c.state == QUEUED).order_by(jobs.c.created_at, jobs.c.id).limit(1)
        while True:
            with self._catalog.transaction() as connection:
                job_id = connection.execute(oldest).scalar()
                if job_id is None:
                    return None
                mine = update(jobs).where(jobs.c.id == job_id, jobs.c.state == QUEUED)
                if connection.execute(mine.values(state=RUNNING, started_at=_now())).rowcount == 1:
                    return _only(connection, jobs.c.id == job_id)

    def finish(self, job_id: str, report: Mapping[str, Any]) -> None:
        """Note that a job is done."""
        self._set(job_id, state=DONE, report=json.dumps(report), problem=None, finished_at=_now())

    def fail(self, job_id: str, problem: Mapping[str, Any]) -> None:
        """Note that a job failed for good."""
        self._set(job_id, state=FAILED, problem=json.dumps(problem), finished_at=_now())

    def delay(self, job_id: str, problem: Mapping[str, Any]) -> None:
        """Note why a running job could not be done yet; it goes on running."""
        self._set(job_id, problem=json.dumps(problem))

    def recover(self) -> int:
        """Let jobs that ran when their process ended wait again; how many jobs wait now."""
        with self._catalog.transaction() as connection:
            interrupted = update(jobs).where(jobs.c.state == RUNNING)
            connection.execute(interrupted.values(state=QUEUED, started_at=None))
        return self.waiting()

    def forget_old(self) -> None:
        """Forget the jobs that ended more than KEPT_DAYS days ago."""
        with self._catalog.transaction() as connection:
            connection.execute(delete(jobs).where(jobs.c.finished_at < _now(timedelta(days=KEPT_DAYS))))

    def _find(self, condition: Any) -> Job | None:
        with self._catalog.transaction() as connection:
            row = connection.execute(select(jobs).where(condition).limit(1)).one_or_none()
        return None if row is None else _read(row)

    def _set(self, job_id: str, **values: Any) -> None:
        with self._catalog.transaction() as connection:
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def no_job(job_id: str) -> NotFoundError:
    """The error for a job that is not there, or not for who asks."""
    return NotFoundError(f"There is no job {job_id}.", hint=f"A job is forgotten {KEPT_DAYS} days after its end.")


def _only(connection: Connection, condition: Any) -> Job:
    return _read(connection.execute(select(jobs).where(condition)).one())


def _read(row: Row[Any]) -> Job:
    named = row._asdict()
    compound = {name: json.loads(named[name]) if named[name] else None for name in ("report", "problem")}
    return Job(**{**named, **compound, "paths": tuple(json.loads(named["paths"]))})


def _now(ago: timedelta = timedelta(0)) -> str:
    # microseconds: jobs are taken up in the order in which they came
    return (datetime.now(UTC) - ago).isoformat(timespec="microseconds").replace("+00:00", "Z")
