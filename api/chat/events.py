"""What happens in a chat, in words of our own. Frozen; standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["question", "edit", "delete", "press", "related", "rephrase", "limited"]

ASKING: tuple[Kind, ...] = ("question", "related", "rephrase")
"""What counts towards a user's limit."""

RATE_UP, RATE_DOWN, MORE, SHARE, RELATED, DIFFERENTLY, TELL = (
    "rate_up",
    "rate_down",
    "show_more",
    "share",
    "related",
    "ask_differently",
    "tell_owners",
)
ACTIONS = (RATE_UP, RATE_DOWN, MORE, SHARE, RELATED, DIFFERENTLY, TELL)
"""What buttons do. The value of a button is the id of an answer; of RELATED the id, a blank, and a number from 0."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a chat. `team` is the workspace; `thread` names the message that a thread hangs on, "" for none."""

    platform: str
    team: str
    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person did.

    `keys` name it for good: an event with a key that was seen before is the same one again. `message`: the question's
    message. `addressed`: meant for the bot whatever thread it stands in. `private`: only its user may see the answer,
    `direct`: it was asked in a conversation with the bot alone. `reply` and `trigger` are the chat's own handles for
    answering it; `reply` may be used by anybody who has it, and is never logged. `external`: the channel is shared
    with another organisation. The names are what people read, where the chat does not show ids by name.
    """

    kind: Kind
    place: Place
    user: str
    keys: tuple[str, ...]
    text: str = ""
    message: str = ""
    addressed: bool = True
    private: bool = False
    direct: bool = False
    external: bool = False
    reply: str = ""
    trigger: str = ""
    action: str = ""
    value: str = ""
    user_name: str = ""
    channel_name: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Event:
        """The event that `to_dict` was called on."""
        return cls(**{**data, "place": Place(**data["place"]), "keys": tuple(data["keys"])})
