"""What people do in a chat and what they see of it, whichever chat it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

ROOM, QUIET, OWNERS = "C0ROOM", "C0QUIET", "C0OWNERS"


@dataclass(frozen=True)
class Seen:
    """A message of the bot's. `buttons` are values by action."""

    id: str
    channel: str
    thread: str
    text: str
    buttons: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    private: bool = False
    user: str = ""


class Person(Protocol):
    """A user of a chat. What it does is on its way to the bot, and acknowledged, when a method returns."""

    user: str
    name: str
    """What is shown of the user."""

    def say(self, text: str, *, channel: str = ROOM, thread: str = "", mention: bool = True) -> str:
        """Say something in a channel; the message's name."""

    def direct(self, text: str, *, thread: str = "") -> str:
        """Say something to the bot alone."""

    def command(self, text: str, *, channel: str = ROOM) -> str:
        """Use the slash command; what is shown at once."""

    def press(self, seen: Seen, action: str) -> None:
        """Press a button."""

    def rephrase(self, seen: Seen, text: str) -> None:
        """Ask differently, in the dialog that the button opens."""

    def edit(self, message: str, text: str) -> None:
        """Change a message."""

    def delete(self, message: str) -> None:
        """Delete a message."""

    def seen(self, channel: str = ROOM, thread: str = "") -> list[Seen]:
        """What the bot said for all to see, in order."""

    def whispers(self) -> list[Seen]:
        """What the bot said to this person alone."""
