"""What was asked and how it was answered, and what people thought of it: kept in the catalog, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, cast

from sqlalchemy import Row, Select, delete, func, insert, select

from ingest.catalog import Catalog
from ingest.catalog_feed import now
from ingest.errors import NotFoundError
from ingest.schema_feedback import asked, feedback
from ingest.view import Audience, View

Rating = Literal["up", "down"]

KEPT = 10_000
"""Answers that are remembered, the newest ones; as many more that somebody rated."""

_AT_ONCE = 500  # under SQLite's limit on variables


@dataclass(frozen=True, slots=True)
class Quoted:
    """What an answer cited: `quote` stands verbatim in the document at `path`."""

    path: str
    collection: str
    quote: str


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that was given. `question` is None where questions are not kept. `related`: the nearest one held."""

    id: str
    at: str
    question: str | None
    kind: str
    confidence: float
    low_confidence: bool
    reasons: tuple[str, ...]
    sources: tuple[Quoted, ...]
    related: str | None
    view: View


@dataclass(frozen=True, slots=True)
class Rated:
    """What somebody thought of an answer. `who`: the id of their key, "" without one. `at`: ISO 8601, UTC."""

    answer: Asked
    rating: Rating
    comment: str | None
    who: str
    at: str


class FeedbackStore:
    """Answers and their ratings in a catalog. Safe to use from many threads and processes.

    Every method raises IndexUnavailableError where the catalog can't be used.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def remember(self, answers: Sequence[Asked]) -> None:
        """Write down answers that were given."""
        if answers:
            with self._catalog.transaction() as connection:
                connection.execute(insert(asked), [_row(answer) for answer in answers])

    def forget_old(self, keep: int = KEPT) -> int:
        """Forget all but the newest `keep` answers and the newest `keep` ratings; how many answers that were."""
        with self._catalog.transaction() as connection:
            ratings = select(feedback.c.answer_id).order_by(feedback.c.at.desc(), feedback.c.answer_id).offset(keep)
            old = list(connection.execute(ratings).scalars())
            for part in _parts(old):
                connection.execute(delete(feedback).where(feedback.c.answer_id.in_(part)))
            unrated = ~asked.c.id.in_(select(feedback.c.answer_id))
            newest = select(asked.c.id).where(unrated).order_by(asked.c.at.desc(), asked.c.id).limit(keep)
            return int(connection.execute(delete(asked).where(unrated, ~asked.c.id.in_(newest))).rowcount)

    def rate(self, answer_id: str, rating: Rating, comment: str | None, *, view: View, who: str = "") -> Rated:
        """Keep what somebody thinks of an answer; what they said of it before is replaced.

        NotFoundError where there is no such answer (any more), or not for this view.
        """
        with self._catalog.transaction() as connection:
            row = connection.execute(select(asked).where(asked.c.id == answer_id)).first()
            if row is None or not _covers(view, _view(row)):
                hint = "Rate the id of an answer; the newest ones are remembered."
                raise NotFoundError(f"There is no answer {answer_id}.", hint=hint)
            mine = (feedback.c.answer_id == answer_id) & (feedback.c.who == who)
            connection.execute(delete(feedback).where(mine))
            values = {"answer_id": answer_id, "who": who, "rating": rating, "comment": comment, "at": now()}
            connection.execute(insert(feedback).values(values))
            return Rated(_read(row), rating, comment, who, values["at"] or "")

    def ratings(self) -> list[Rated]:
        """What people thought, oldest first."""
        query = select(asked, feedback.c.rating, feedback.c.comment, feedback.c.who, feedback.c.at.label("rated_at"))
        query = query.join_from(feedback, asked, asked.c.id == feedback.c.answer_id)
        with self._catalog.transaction() as connection:
            rows = connection.execute(query.order_by(feedback.c.at, feedback.c.answer_id, feedback.c.who)).all()
        return [Rated(_read(row), cast(Rating, row.rating), row.comment, row.who, row.rated_at) for row in rows]

    def unanswered(self, since: str = "") -> list[Asked]:
        """Answers since then (ISO 8601) that say nothing or were sure of nothing, oldest first; with questions only."""
        query = select(asked).where(asked.c.low_confidence, asked.c.question.is_not(None), asked.c.at >= since)
        return [_read(row) for row in self._all(query.order_by(asked.c.at, asked.c.id))]

    def most_asked(self, most: int) -> list[tuple[str, View]]:
        """The questions that were asked most often, each with the view it was asked in; the oftenest first."""
        asking = (asked.c.question, asked.c.audience, asked.c.collections)
        query = select(*asking).where(asked.c.question.is_not(None)).group_by(*asking)
        rows = self._all(query.order_by(func.count().desc(), func.max(asked.c.at).desc(), *asking).limit(most))
        return [(row.question, _view(row)) for row in rows]

    def count(self) -> tuple[int, int]:
        """How many answers and how many ratings are kept."""
        with self._catalog.transaction() as connection:
            found = [connection.execute(select(func.count()).select_from(t)).scalar_one() for t in (asked, feedback)]
        return int(found[0]), int(found[1])

    def _all(self, query: Select[tuple[object, ...]]) -> Sequence[Row[tuple[object, ...]]]:
        with self._catalog.transaction() as connection:
            return connection.execute(query).all()


def _covers(view: View, other: View) -> bool:
    """Whether whoever looks through `view` may see all that `other` shows."""
    audience = view.audience == "interviewer" or other.audience == "candidate"
    return audience and (
        view.collections is None or (other.collections is not None and other.collections <= view.collections)
    )


def _row(answer: Asked) -> dict[str, object]:
    collections = answer.view.collections
    return {
        "id": answer.id,
        "at": answer.at,
        "question": answer.question,
        "kind": answer.kind,
        "confidence": answer.confidence,
        "low_confidence": answer.low_confidence,
        "reasons": json.dumps(answer.reasons),
        "sources": json.dumps([asdict(source) for source in answer.sources], ensure_ascii=False),
        "related": answer.related,
        "audience": answer.view.audience,
        "collections": None if collections is None else json.dumps(sorted(collections), ensure_ascii=False),
    }


def _read(row: Row[tuple[object, ...]]) -> Asked:
    return Asked(
        id=row.id,
        at=row.at,
        question=row.question,
        kind=row.kind,
        confidence=row.confidence,
        low_confidence=row.low_confidence,
        reasons=tuple(json.loads(row.reasons)),
        sources=tuple(Quoted(**source) for source in json.loads(row.sources)),
        related=row.related,
        view=_view(row),
    )


def _view(row: Row[tuple[object, ...]]) -> View:
    collections = None if row.collections is None else frozenset(json.loads(row.collections))
    return View(cast(Audience, row.audience), collections)


def _parts(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
