"""The outbox: messages on their way, each line of them in order, none lost and none sent twice."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from api.chat.events import Place
from api.chat.records import Letter, Send, new_id
from api.chat.schema import DONE, FAILED, OPEN, WAITING, WITHDRAWN, outbox, threads
from api.chat.store import ChatStore, free


class Mailbox:
    """Claims messages of a store and writes down what became of them."""

    def __init__(self, store: ChatStore) -> None:
        self.store = store

    def claim(self, platform: str) -> Letter | None:
        """The next message to send; of each line the oldest only. None where nothing can be sent now.

        From here on it counts as possibly sent, whatever happens to this process.
        """
        now = self.store.now()
        found = self.store.rows(_NEXT, {"now": now, "wanted": platform})
        if not found:
            return None
        row = found[0]
        with self.store.writing(lasting=row.kind == "post") as connection:
            if not self.store.seize(connection, outbox, row, now, doubtful=True):
                return None
        return self._letter(row)

    def sent(self, letter: Letter, ref: str) -> None:
        """The chat has it, under the name `ref`."""
        send = letter.send
        with self.store.writing() as connection:
            if not self.store.end(connection, letter.number, DONE, ""):
                return
            connection.execute(update(outbox).where(outbox.c.id == letter.number).values(ref=ref, reply=""))
            if send.kind == "delete":
                gone = update(outbox).where(outbox.c.id == send.target)
                connection.execute(gone.values(state=WITHDRAWN))
            place = send.place
            if send.kind == "post" and send.answer and not place.thread:
                # a thread under what the bot said by itself is the bot's
                key = {"platform": place.platform, "team": place.team, "channel": place.channel, "thread": ref}
                connection.execute(insert(threads).values(**key, conversation=new_id()))

    def failed(self, letter: Letter, why: str) -> None:
        """It will never arrive."""
        with self.store.writing() as connection:
            self.store.end(connection, letter.number, FAILED, why)

    def put_off(self, letter: Letter, seconds: float, why: str, *, doubtful: bool, channel: bool = False) -> None:
        """Send it later; `channel`: and all others that wait for its channel, too."""
        later = self.store.now() + seconds
        with self.store.writing() as connection:
            mine = (outbox.c.id == letter.number, outbox.c.owner == self.store.me)
            put = {"state": WAITING, "owner": "", "not_before": later, "error": why, "doubtful": doubtful}
            connection.execute(update(outbox).where(*mine).values(**put))
            if channel:
                place = letter.send.place
                waiting = update(outbox).filter_by(
                    platform=place.platform, team=place.team, channel=place.channel, state=WAITING
                )
                connection.execute(waiting.where(outbox.c.not_before < later).values(not_before=later))

    def target(self, number: int) -> tuple[str, str]:
        """State and name in the chat of a message that another one changes."""
        found = self.store.rows(select(outbox.c.state, outbox.c.ref).where(outbox.c.id == number))
        return (found[0].state, found[0].ref) if found else (FAILED, "")

    def _letter(self, row: Row[Any]) -> Letter:
        place = Place(row.platform, row.team, row.channel, row.thread)
        payload = json.loads(row.payload)
        send = Send(row.kind, place, payload, row.user, row.reply, row.target, row.answer)
        return Letter(row.id, row.key, send, row.line, row.ref, row.attempts + 1, row.doubtful, row.created)


def _next() -> Any:
    """The query for the message to send next: of each line the oldest, if nobody works on it."""
    heads = (
        select(func.min(outbox.c.id))
        .where(outbox.c.state.in_(OPEN), outbox.c.platform == bindparam("wanted"))
        .group_by(outbox.c.team, outbox.c.channel, outbox.c.line)
    )
    due = select(outbox).where(outbox.c.id.in_(heads), outbox.c.not_before <= bindparam("now"), free(outbox))
    return due.order_by(outbox.c.not_before, outbox.c.id).limit(1)


_NEXT = _next()
