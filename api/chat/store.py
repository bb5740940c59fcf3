"""What outlives a restart: events taken, answers given, messages to send. Many threads and processes may share it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from api.chat.events import ASKING, RELATED, Event, Place
from api.chat.records import Given, Item, Plan, Sent, new_id
from api.chat.schema import (
    DONE,
    FAILED,
    OPEN,
    WAITING,
    WITHDRAWN,
    WORKING,
    answers,
    inbox,
    metadata,
    outbox,
    ratings,
    seen,
    threads,
    turns,
)
from api.chat.store_rows import given, inbox_row, outbox_row, thread
from ingest.errors import IndexUnavailableError

STORE_FILE = "chat.sqlite3"
KEPT_S = 14 * 24 * 3600.0
"""How long an event is remembered; chats try again for hours at most."""

LEASE_S = 180.0
"""A worker that has not finished after this long is taken to be gone; nothing it waits for takes as long."""

MINUTE = 60.0
ACK_MS, PATIENT_MS = 2_000, 60_000
"""How long another process may keep the database from being written to."""


class ChatStore:
    """`url` is an SQLAlchemy database URL. `now` tells the time in seconds of the epoch.

    `durable`: what was taken, and what is about to be sent, is on disk before anybody is told; without it a power cut
    (but no kill) may undo the last of it.

    Raises IndexUnavailableError where the database can't be reached.
    """

    def __init__(self, url: str, now: Callable[[], float] = time.time, *, durable: bool = True) -> None:
        self.now = now
        self._durable = durable
        self.me = new_id()
        self._writing = threading.Lock()
        parsed = make_url(url)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        try:
            self.engine = create_engine(parsed)
            if self._sqlite:
                _set_up(self.engine)
            metadata.create_all(self.engine)
        except SQLAlchemyError as error:
            raise IndexUnavailableError(
                "The store of the chats can't be opened.", hint="See that the home can be written, or the database."
            ) from error
        if self._sqlite and parsed.database:
            for name in (parsed.database, f"{parsed.database}-wal", f"{parsed.database}-shm"):
                with suppress(OSError):
                    os.chmod(name, 0o600)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def writing(self, *, lasting: bool = False) -> Iterator[Connection]:
        """A transaction that changes something: all of it, or nothing.

        `lasting`: it is on disk, with all that came before it, when this ends. The others can be done over.
        """
        with self._writing, self.engine.connect() as connection:
            if self._sqlite:
                level = "FULL" if lasting and self._durable else "NORMAL"
                # a chat waits three seconds for its acknowledgement, and then tries again; what is done already waits
                connection.exec_driver_sql(f"PRAGMA busy_timeout={ACK_MS if lasting else PATIENT_MS}")
                connection.exec_driver_sql(f"PRAGMA synchronous={level}")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            with connection.begin() if not self._sqlite else _committing(connection):
                yield connection

    def rows(self, query: Any, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """What a query finds, with `values` for its parameters."""
        with self.engine.connect() as connection:
            return connection.execute(query, values).all()

    def recover(self) -> None:
        """Take up what a process before this one left; only where no other process works on the same store."""
        with self.writing() as connection:
            for table in (inbox, outbox):
                connection.execute(update(table).where(table.c.state == WORKING).values(state=WAITING, owner=""))

    def forget_old(self) -> None:
        """Delete what is over and done with."""
        old = self.now() - KEPT_S
        with self.writing() as connection:
            connection.execute(delete(seen).where(seen.c.at < old))
            for table in (inbox, outbox):
                connection.execute(delete(table).where(table.c.created < old, table.c.state.not_in(OPEN)))
            gone = select(answers.c.id).where(answers.c.created < old)
            connection.execute(delete(ratings).where(ratings.c.answer.in_(gone)))
            connection.execute(delete(answers).where(answers.c.created < old))

    def take(self, happened: Event, *, most_per_minute: int) -> bool:
        """Write an event down, so that it will be dealt with whatever happens; False where it was seen before.

        One that goes over its user's limit is kept as "limited" once in a minute, and else only remembered.
        """
        now = self.now()
        try:
            with self.writing(lasting=True) as connection:
                connection.execute(insert(seen), [{"key": key, "at": now} for key in happened.keys])
                kind: str = "related" if happened.action == RELATED else happened.kind
                if kind in ASKING:
                    asked = self._asked(connection, happened, now)
                    if asked[1]:
                        return True
                    kind = "limited" if asked[0] >= most_per_minute else kind
                if kind == "question" and happened.place.thread and not happened.private:
                    self._own(connection, happened)
                connection.execute(insert(inbox).values(**inbox_row(happened, kind, now)))
                return True
        except IntegrityError:
            return False

    def _asked(self, connection: Connection, happened: Event, now: float) -> tuple[int, bool]:
        """How much its user asked within a minute, and whether they were told that it is too much."""
        recent = connection.execute(
            select(inbox.c.kind, func.count())
            .where(
                inbox.c.platform == happened.place.platform,
                inbox.c.team == happened.place.team,
                inbox.c.user == happened.user,
                inbox.c.created > now - MINUTE,
            )
            .group_by(inbox.c.kind)
        ).all()
        counts = {row.kind: int(row[1]) for row in recent}
        return sum(counts.get(kind, 0) for kind in ASKING), counts.get("limited", 0) > 0

    def _own(self, connection: Connection, happened: Event) -> None:
        """A thread whose first message asked the bot is the bot's."""
        if happened.message == happened.place.thread:
            key = thread(happened.place)
            if connection.execute(select(threads.c.thread).filter_by(**key)).first() is None:
                connection.execute(insert(threads).values(**key, conversation=new_id()))

    def conversation(self, place: Place) -> str | None:
        """The conversation of a thread that the bot owns; None of one that it doesn't."""
        if not place.thread:
            return None
        found = self.rows(select(threads.c.conversation).filter_by(**thread(place)))
        return str(found[0].conversation) if found else None

    def claim(self) -> Item | None:
        """The next event to deal with, of whoever was served longest ago; None where nothing can be done now.

        Of each line the oldest open event only: what comes after it waits for it.
        """
        now = self.now()
        found = self.rows(_NEXT, {"now": now})
        if not found:
            return None
        row = found[0]
        with self.writing() as connection:
            if not self.seize(connection, inbox, row, now):
                return None
            self._tick(connection, row)
        return Item(row.id, row.line, Event.from_dict(json.loads(row.event)), row.attempts + 1)

    def seize(self, connection: Connection, table: Any, row: Row[Any], now: float, **values: Any) -> bool:
        """Make a row this process's, unless another was faster: every claim counts up `attempts`."""
        mine = {"state": WORKING, "owner": self.me, "lease": now + LEASE_S, "attempts": row.attempts + 1, **values}
        same = (table.c.id == row.id, table.c.state == row.state, table.c.attempts == row.attempts)
        return connection.execute(update(table).where(*same).values(**mine)).rowcount == 1

    def _tick(self, connection: Connection, row: Row[Any]) -> None:
        tick = (connection.execute(select(func.max(turns.c.tick))).scalar() or 0) + 1
        keys = [
            f"{kind}/{row.platform}/{row.team}/{name}" for kind, name in (("channel", row.channel), ("user", row.user))
        ]
        connection.execute(delete(turns).where(turns.c.key.in_(keys)))
        connection.execute(insert(turns), [{"key": key, "tick": tick} for key in keys])

    def finish(self, item: Item, plan: Plan) -> bool:
        """Write down what an event led to, and that it is dealt with; False where another worker took it over."""
        now = self.now()
        with self.writing() as connection:
            if not self._end(connection, inbox, item.number, DONE, ""):
                return False
            for each in plan.answers:
                self._keep_answer(connection, each, now)
            if plan.withdrawn:
                gone = update(answers).where(answers.c.id.in_(plan.withdrawn))
                connection.execute(gone.values(withdrawn=True))
            if plan.unrated:
                connection.execute(delete(ratings).where(ratings.c.answer.in_(plan.unrated)))
            if plan.unsent:
                unsent = update(outbox).where(outbox.c.id.in_(plan.unsent), outbox.c.state == WAITING)
                connection.execute(unsent.values(state=WITHDRAWN))
            for number, send in enumerate(plan.sends):
                connection.execute(insert(outbox).values(**outbox_row(item, number, send, now)))
            return True

    def put_off(self, item: Item, seconds: float, why: str) -> None:
        """Deal with an event later."""
        with self.writing() as connection:
            later = {"state": WAITING, "owner": "", "not_before": self.now() + seconds, "error": why}
            connection.execute(update(inbox).where(inbox.c.id == item.number, inbox.c.owner == self.me).values(**later))

    def _end(self, connection: Connection, table: Any, number: int, state: str, error: str) -> bool:
        mine = (table.c.id == number, table.c.owner == self.me, table.c.state == WORKING)
        ended = {"state": state, "owner": "", "error": error}
        return connection.execute(update(table).where(*mine).values(**ended)).rowcount == 1

    def end(self, connection: Connection, number: int, state: str, error: str) -> bool:
        """A message of the outbox is done with."""
        return self._end(connection, outbox, number, state, error)

    def _keep_answer(self, connection: Connection, given: Given, now: float) -> None:
        place = given.place
        values = {
            **thread(place),
            "message": given.message,
            "user": given.user,
            "facts": json.dumps(given.facts(), ensure_ascii=False),
        }
        changed = connection.execute(update(answers).where(answers.c.id == given.id).values(**values))
        if changed.rowcount == 0:
            connection.execute(insert(answers).values(id=given.id, withdrawn=False, created=now, **values))

    def answer(self, answer_id: str) -> Given | None:
        """An answer that was given, unless it was withdrawn."""
        found = self.rows(select(answers).where(answers.c.id == answer_id, answers.c.withdrawn.is_(False)))
        return given(found[0]) if found else None

    def answers_to(self, place: Place, message: str) -> list[Given]:
        """The answers to a message, but those that were withdrawn."""
        same = {"platform": place.platform, "team": place.team, "channel": place.channel, "message": message}
        found = self.rows(select(answers).filter_by(**same, withdrawn=False).order_by(answers.c.created))
        return [given(row) for row in found]

    def parts(self, answer_id: str) -> list[Sent]:
        """The messages of an answer, but those that change another; the one with the buttons first."""
        query = select(outbox.c.id, outbox.c.state, outbox.c.kind).where(outbox.c.answer == answer_id)
        said = query.where(outbox.c.kind.in_(("post", "whisper"))).order_by(outbox.c.id)
        return [Sent(row.id, row.state, row.kind) for row in self.rows(said)]

    def rate(self, answer_id: str, user: str, rating: str) -> None:
        """Keep what a user thinks of an answer; the last word counts."""
        with self.writing() as connection:
            connection.execute(delete(ratings).filter_by(answer=answer_id, user=user))
            connection.execute(insert(ratings).values(answer=answer_id, user=user, rating=rating))

    def rated(self, answer_id: str) -> tuple[int, int]:
        """How many thumbs are up and down."""
        query = select(ratings.c.rating, func.count().label("rows")).where(ratings.c.answer == answer_id)
        counts = {row.rating: int(row.rows) for row in self.rows(query.group_by(ratings.c.rating))}
        return counts.get("up", 0), counts.get("down", 0)

    def counts(self) -> dict[str, int]:
        """How much waits and has failed: `inbox_waiting`, `inbox_failed`, `outbox_waiting`, `outbox_failed`, `sent`."""
        by_state: dict[str, dict[str, int]] = {}
        for name, table in (("inbox", inbox), ("outbox", outbox)):
            found = self.rows(select(table.c.state, func.count().label("rows")).group_by(table.c.state))
            by_state[name] = {row.state: int(row.rows) for row in found}
        counts = {f"{name}_waiting": sum(states.get(s, 0) for s in OPEN) for name, states in by_state.items()}
        counts |= {f"{name}_failed": states.get(FAILED, 0) for name, states in by_state.items()}
        return {**counts, "sent": by_state["outbox"].get(DONE, 0)}


def _next() -> Any:
    """The query for the event to deal with next: of each line the oldest, of whoever was served longest ago."""
    channel, user = turns.alias(), turns.alias()
    heads = (
        select(func.min(inbox.c.id))
        .where(inbox.c.state.in_(OPEN))
        .group_by(inbox.c.platform, inbox.c.team, inbox.c.channel, inbox.c.line)
    )
    place = inbox.c.platform + "/" + inbox.c.team + "/"
    return (
        select(inbox)
        .outerjoin(channel, channel.c.key == "channel/" + place + inbox.c.channel)
        .outerjoin(user, user.c.key == "user/" + place + inbox.c.user)
        .where(inbox.c.id.in_(heads), inbox.c.not_before <= bindparam("now"), free(inbox))
        .order_by(func.coalesce(channel.c.tick, 0), func.coalesce(user.c.tick, 0), inbox.c.id)
        .limit(1)
    )


def free(table: Any) -> Any:
    """Whether nobody works on a row at the time `now`."""
    return or_(table.c.state == WAITING, table.c.lease < bindparam("now"))


_NEXT = _next()


def store_url(home: Path, database_url: str | None) -> str:
    """Where the store of a home lives: in its database, else in a file of the home."""
    return database_url or f"sqlite:///{home / STORE_FILE}"


def _set_up(engine: Any) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where `writing` says
        connection.execute("PRAGMA journal_mode=WAL")


@contextmanager
def _committing(connection: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
