"""Tables of what happened in chats and what is to be said there. Plain SQL types only; compound values are JSON.

`chat_seen` outlives every retry of a chat. `chat_inbox` holds each event from before it is acknowledged until it is
dealt with, `chat_outbox` each message until the chat has it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text

WAITING, WORKING, DONE, FAILED, WITHDRAWN = "waiting", "working", "done", "failed", "withdrawn"
"""States of a row of inbox or outbox. A working one has a worker until its lease ends."""

OPEN = (WAITING, WORKING)

metadata = MetaData()

_id = BigInteger().with_variant(Integer, "sqlite")


def _work() -> list[Column[object]]:
    """What a row has that a worker claims. `line` names what must stay in order."""
    return [
        Column("platform", Text, nullable=False),
        Column("team", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("line", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, nullable=False, default=0),
        Column("not_before", Float, nullable=False, default=0.0),
        Column("owner", Text, nullable=False, default=""),
        Column("lease", Float, nullable=False, default=0.0),
        Column("error", Text, nullable=False, default=""),
        Column("created", Float, nullable=False),
    ]


seen = Table(
    "chat_seen",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", Float, nullable=False, index=True),
)

inbox = Table(
    "chat_inbox",
    metadata,
    Column("id", _id, primary_key=True, autoincrement=True),
    *_work(),
    Column("user", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("event", Text, nullable=False),
    Index("chat_inbox_open", "state", "platform", "team", "channel", "line"),
    Index("chat_inbox_user", "platform", "team", "user", "created"),
)

outbox = Table(
    "chat_outbox",
    metadata,
    Column("id", _id, primary_key=True, autoincrement=True),
    *_work(),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("target", _id, nullable=False),
    Column("doubtful", Boolean, nullable=False, default=False),
    Column("ref", Text, nullable=False, default=""),
    Index("chat_outbox_open", "state", "platform", "team", "channel", "line"),
    Index("chat_outbox_answer", "answer"),
)
"""`doubtful`: it was sent, and nobody heard whether it arrived. `ref`: the message's name in the chat."""

threads = Table(
    "chat_threads",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("team", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("thread", Text, primary_key=True),
    Column("conversation", Text, nullable=False),
)
"""Threads that began with a question to the bot: it answers there without being named."""

answers = Table(
    "chat_answers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
    Index("chat_answers_message", "platform", "team", "channel", "message"),
)

ratings = Table(
    "chat_ratings",
    metadata,
    Column("answer", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("rating", Text, nullable=False),
)

turns = Table(
    "chat_turns",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tick", BigInteger, nullable=False),
)
"""When a channel or a user was served last: whoever waits longest is next."""

marks = Table(
    "chat_marks",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("at", Float, nullable=False),
)
"""Until when everything that happened in a chat was heard, for chats that tell only those who listen."""
