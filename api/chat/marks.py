"""Until when a chat was listened to: whoever listens again asks for what happened since."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from api.chat.schema import marks
from api.chat.store import ChatStore


class Marks:
    """Times of a store, in seconds of the epoch."""

    def __init__(self, store: ChatStore) -> None:
        self.store = store

    def get(self, platform: str) -> float | None:
        """Until when a chat was listened to; None: never yet."""
        found = self.store.rows(select(marks.c.at).where(marks.c.platform == platform))
        return float(found[0].at) if found else None

    def put(self, platform: str, at: float) -> None:
        """Everything until then was heard."""
        with self.store.writing() as connection:
            changed = connection.execute(update(marks).where(marks.c.platform == platform).values(at=at))
            if changed.rowcount:
                return
        # another process may be faster; its mark is as good
        with suppress(IntegrityError), self.store.writing() as connection:
            connection.execute(insert(marks).values(platform=platform, at=at))
