"""Between the store's rows and what they stand for."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row

from api.chat.events import Event, Place
from api.chat.records import Given, Item, Send
from api.chat.schema import WAITING


def thread(place: Place) -> dict[str, str]:
    """The columns that name a thread."""
    return {"platform": place.platform, "team": place.team, "channel": place.channel, "thread": place.thread}


def inbox_row(happened: Event, kind: str, now: float) -> dict[str, Any]:
    """An event as a row of the inbox."""
    place = happened.place
    data = {**happened.to_dict(), "kind": kind}
    return {
        "platform": place.platform,
        "team": place.team,
        "channel": place.channel,
        "line": line(happened),
        "state": WAITING,
        "created": now,
        "user": happened.user,
        "kind": kind,
        "message": happened.message,
        "event": json.dumps(data, ensure_ascii=False),
    }


def line(happened: Event) -> str:
    """What an event must stay in order with: its thread; for what is private, the answer whose button was pressed."""
    if happened.place.thread and not happened.private:
        return happened.place.thread
    return f"answer/{happened.value.partition(' ')[0]}" if happened.value else happened.keys[0]


def outbox_row(item: Item, number: int, send: Send, now: float) -> dict[str, Any]:
    """A message as a row of the outbox."""
    place = send.place
    return {
        **thread(place),
        "line": item.line if send.kind in ("whisper", "replace") else place.thread or item.line,
        "state": WAITING,
        "created": now,
        "key": f"{item.number}.{number}.{item.event.keys[0]}",
        "kind": send.kind,
        "user": send.user,
        "reply": send.reply,
        "payload": json.dumps(send.payload, ensure_ascii=False),
        "answer": send.answer,
        "target": send.target,
    }


def given(row: Row[Any]) -> Given:
    """The answer of a row."""
    place = Place(row.platform, row.team, row.channel, row.thread)
    return Given.of(row.id, place, row.user, row.message, json.loads(row.facts))
