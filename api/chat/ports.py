"""What the conversation needs of a chat and of the knowledge base, and how a chat fails."""

from __future__ import annotations

from typing import Any, Protocol

from api.chat.events import Event, Place
from api.chat.messages import Message
from api.library import Body, Filters
from ingest.errors import CuecardError
from ingest.view import View

Payload = dict[str, Any]
"""A message in a chat's own format, ready for JSON."""


class ChatError(CuecardError):
    """A chat did not take what it was sent.

    `after`: seconds until it may be tried again, None where the chat said nothing about it. `done`: the chat may have
    done it all the same, as nobody heard its answer. `final`: trying again is of no use.
    """

    def __init__(self, message: str, *, after: float | None = None, done: bool = False, final: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.done = done
        self.final = final


class RefusedFormatError(ChatError):
    """The chat does not like the form of a message; its plain text may do."""


class GoneError(ChatError):
    """What was to be changed is not there any more."""


class Chat(Protocol):
    """One chat. Every method raises ChatError, and returns within some seconds."""

    platform: str

    def render(self, message: Message) -> list[Payload]:
        """The message as one or more payloads within the chat's limits; the first one holds its buttons."""

    def plain(self, payload: Payload) -> Payload:
        """The same payload as plain text only, sources included."""

    def post(self, place: Place, payload: Payload, key: str) -> str:
        """Say something; the message's own name. `key` goes with it, out of sight, for `find`."""

    def find(self, place: Place, key: str, since: float) -> str | None:
        """The message that was posted under `key` (not before `since`, seconds of the epoch); None: it was not."""

    def update(self, place: Place, ref: str, payload: Payload) -> None:
        """Put something else into a message."""

    def delete(self, place: Place, ref: str) -> None:
        """Take a message back."""

    def whisper(self, place: Place, user: str, payload: Payload, reply: str) -> None:
        """Say something that only `user` sees, through the handle `reply` where there is one."""

    def replace(self, place: Place, user: str, payload: Payload, reply: str) -> None:
        """Put something else into the message whispered to `user` that the handle `reply` belongs to."""

    def ask_again(self, event: Event, answer_id: str, question: str) -> None:
        """Open a dialog in which a question can be put differently, for the event of a button."""


class Library(Protocol):
    """The part of `api.library.Library` that a chat needs."""

    def ask(
        self,
        question: str,
        *,
        collection: str | None,
        filters: Filters,
        mode: str,
        k: int | None,
        conversation_id: str | None = None,
        view: View = ...,
    ) -> Body:
        """An answer, as the contract spells it."""

    def feedback(
        self, answer_id: str, rating: str, comment: str | None, *, view: View = ..., who: str | None = None
    ) -> Body:
        """Keep what somebody thought of an answer."""
