"""Jobs as they are written down: in order, once each, and remembered."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from ingest.catalog import Catalog
from ingest.errors import NotFoundError, RefusedError
from ingest.jobs import Jobs
from ingest.schema import jobs as table


@pytest.fixture
def catalog(database: str) -> Iterator[Catalog]:
    catalog = Catalog(database)
    yield catalog
    catalog.close()


@pytest.fixture
def jobs(catalog: Catalog) -> Jobs:
    return Jobs(catalog)


def test_they_are_taken_in_order_and_once(jobs: Jobs) -> None:
    added = [jobs.add("c", [f"{number}.md"]).id for number in range(20)]
    with ThreadPoolExecutor(4) as pool:
        taken = [job for job in pool.map(lambda _: jobs.take(), range(25)) if job is not None]
    assert sorted(job.id for job in taken) == sorted(added)
    started = {job.id: job.started_at or "" for job in taken}
    assert {job.state for job in taken} == {"running"}
    assert len(started) == 20
    assert jobs.waiting() == 0
    again = [jobs.add("c", []).id for _ in range(3)]
    assert [job.id for job in (jobs.take(), jobs.take(), jobs.take()) if job] == again


def test_what_ran_when_a_process_died_waits_again_before_what_came_later(jobs: Jobs) -> None:
    first, second = jobs.add("c", ["1"]), jobs.add("c", ["2"])
    assert jobs.take() is not None
    assert jobs.recover() == 2
    taken = jobs.take()
    assert taken is not None
    assert taken.id == first.id
    assert jobs.get(second.id).state == "queued"


def test_an_end_is_kept(jobs: Jobs) -> None:
    good, bad, entry = jobs.add("c", ["a.md"]), jobs.add("c", ["b.md"]), jobs.add("c", ["x.md"], entry="e1")
    jobs.delay(good.id, {"detail": "not yet"})
    assert jobs.get(good.id).problem == {"detail": "not yet"}
    jobs.finish(good.id, {"chunks": 1})
    jobs.fail(bad.id, {"detail": "never"})
    assert (jobs.get(good.id).state, jobs.get(good.id).report, jobs.get(good.id).problem) == (
        "done",
        {"chunks": 1},
        None,
    )
    assert (jobs.get(bad.id).state, jobs.get(bad.id).problem) == ("failed", {"detail": "never"})
    assert jobs.of_entry("e1") == entry
    assert jobs.of_entry("e2") is None
    assert jobs.recover() == 1
    with pytest.raises(NotFoundError, match="no job nothing"):
        jobs.get("nothing")


def test_a_key_belongs_to_one_job_until_that_is_forgotten(catalog: Catalog, jobs: Jobs) -> None:
    first = jobs.add("c", ["a.md"], key="k", body_hash="h")
    with pytest.raises(RefusedError):
        jobs.add("c", ["b.md"], key="k", body_hash="i")
    assert jobs.by_key("k") == first
    jobs.add("c", [])
    jobs.add("c", [])
    jobs.finish(first.id, {})
    jobs.forget_old()
    assert jobs.by_key("k") is not None
    with catalog.transaction() as connection:
        connection.execute(
            update(table).where(table.c.id == first.id).values(finished_at="2001-01-01T00:00:00.000000Z")
        )
    jobs.forget_old()
    assert jobs.by_key("k") is None
    assert jobs.waiting() == 2
