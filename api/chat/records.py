"""What the store keeps of an answer, and what dealing with an event leads to."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from api.chat.events import Event, Place
from api.chat.ports import Payload
from api.library import Body
from ingest.view import Audience, View

SendKind = Literal["post", "whisper", "replace", "update", "delete"]


def new_id() -> str:
    """A name that nobody guesses."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given in one place. `body` is the library's; `message` the question's message, "" for none.

    `view` is what it was made from. `by`, with a name where the chat needs one, asked it from another message; `told`
    and the like say which buttons were used.
    """

    id: str
    place: Place
    user: str
    message: str
    body: Body
    view: View
    private: bool = False
    direct: bool = False
    by: str = ""
    by_name: str = ""
    more_shown: bool = False
    shared: bool = False
    told: bool = False

    def facts(self) -> dict[str, Any]:
        """What has no column of its own, as plain values."""
        facts = {key: value for key, value in asdict(self).items() if key not in ("id", "place", "user", "message")}
        collections = self.view.collections
        return {**facts, "view": [self.view.audience, None if collections is None else sorted(collections)]}

    @classmethod
    def of(cls, answer_id: str, place: Place, user: str, message: str, facts: dict[str, Any]) -> Given:
        """The answer that `facts` were taken of."""
        audience, collections = facts["view"]
        view = View(cast(Audience, audience), None if collections is None else frozenset(collections))
        return cls(answer_id, place, user, message, **{**facts, "view": view})

    def marked(self, **marks: bool) -> Given:
        """The same with other marks."""
        return replace(self, **marks)  # type: ignore[arg-type]  # the marks are the boolean fields


@dataclass(frozen=True, slots=True)
class Send:
    """One message to send. `target` is the number of the message in the outbox that is updated or deleted.

    `answer`: the id of the answer that it is a part of; the first part is the one with the buttons.
    """

    kind: SendKind
    place: Place
    payload: Payload = field(default_factory=dict)
    user: str = ""
    reply: str = ""
    target: int = 0
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A part of an answer in the outbox."""

    number: int
    state: str
    kind: str


@dataclass(slots=True)
class Plan:
    """What an event leads to; it is written down at once, or not at all."""

    sends: list[Send] = field(default_factory=list)
    answers: list[Given] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    unrated: list[str] = field(default_factory=list)
    unsent: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Item:
    """An event that a worker has claimed. `line` names what it must stay in order with."""

    number: int
    line: str
    event: Event
    attempts: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that a worker has claimed. `doubtful`: an earlier attempt may have arrived."""

    number: int
    key: str
    send: Send
    line: str
    ref: str
    attempts: int
    doubtful: bool
    created: float
