from __future__ import annotations

import pytest

from answering.answers import Source
from answering.conflicts import conflicts, disagreement


def source(marker: int, quote: str, *, document: str = "", item: str = "") -> Source:
    return Source(
        marker=marker, id=f"{item or marker}-0", document=document or f"doc{marker}.md", collection="default",
        version="sha256:0", title="T", heading=(), kind="note", question=None, quote=quote, start=0, end=len(quote),
        line_start=1, line_end=1, page=None, score=0.5, effective_date=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "detail"),
    [
        (
            "The default request timeout is 30 seconds.",
            "The default request timeout is 60 seconds.",
            "30 seconds against",
        ),
        ("The worker process is restarted after 1 hour.", "The worker process is restarted after 1 day.", "numbers"),
        ("Postgres readers do block writers.", "Postgres readers do not block writers.", "negation"),
        ("Batching events increases the latency.", "Batching events reduces the latency.", "increases against reduces"),
    ],
)
def test_sources_that_disagree_are_named(one: str, other: str, detail: str) -> None:
    (found,) = conflicts([source(1, one), source(2, other)])
    assert found.sources == (1, 2)
    assert detail in found.detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The default request timeout is 30 seconds.", "The default request timeout is 30,000 ms."),
        ("The default request timeout is 30 seconds.", "The connection pool holds 60 connections."),
        ("A dict lookup is O(1) on average.", "A dict lookup is not always O(1): collisions make it O(n)."),
        ("Retries wait 2 s.", "Retries wait 2 s, at most 5 of them."),
        ("Use Redis for sessions.", "Use Redis for sessions."),
    ],
)
def test_no_conflict_where_there_is_none(one: str, other: str) -> None:
    assert conflicts([source(1, one), source(2, other)]) == ()


def test_one_item_does_not_contradict_itself() -> None:
    one = source(1, "The default request timeout is 30 seconds.", document="d.md", item="same")
    other = source(2, "The default request timeout is 60 seconds.", document="d.md", item="same")
    assert conflicts([one, other]) == ()
    assert disagreement(one.quote, other.quote)
