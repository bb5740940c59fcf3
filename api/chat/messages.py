"""What the bot says, before a chat's own format. Frozen; standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prose:
    """Text in Markdown, as notes are written. It comes from documents: nothing in it may call anybody."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning that is seen before the text: `head` in bold, then `detail`, both plain."""

    head: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked what. `user` is an id of the chat, `channel` too ("" where it doesn't matter).

    The names are what people call them, for chats that don't show ids by name.
    """

    user: str
    question: str
    channel: str = ""
    user_name: str = ""
    channel_name: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """One source. `place` is `path:lines`; `url` leads to the passage in the web viewer, "" where there is none."""

    marker: int
    title: str
    place: str
    quote: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources of an answer."""

    sources: tuple[Cited, ...]
    head: str = "Sources"


@dataclass(frozen=True, slots=True)
class Small:
    """Plain text beside the point, in small print."""

    text: str


@dataclass(frozen=True, slots=True)
class Button:
    """`action` is one of `api.chat.events.ACTIONS`."""

    action: str
    label: str
    value: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Buttons:
    """Buttons in a row, under a plain line where `head` is not empty."""

    buttons: tuple[Button, ...]
    head: str = ""


Part = Prose | Notice | Asked | Sources | Small | Buttons


@dataclass(frozen=True, slots=True)
class Message:
    """Parts from top to bottom."""

    parts: tuple[Part, ...]
