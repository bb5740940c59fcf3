"""A user of Mattermost: what they say is told over the WebSocket and by an outgoing webhook, the rest over HTTP."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.chat.person import ROOM, Seen
from tests.doubles.chat_server import Data
from tests.doubles.mattermost_server import BOT_NAME, TEAM, MattermostDouble, id_of

COMMAND_TOKEN = "commandtoken123"  # noqa: S105 - the tests' own
WEBHOOK_TOKEN = "webhooktoken456"  # noqa: S105 - the tests' own

Post = Callable[[bytes, Mapping[str, str]], tuple[int, str]]
"""Sends a request to the bot: body and headers → status and body."""

_numbers = itertools.count(1)


class MattermostPerson:
    """`post` brings a request to the bot; `listened` waits until the bot has heard what was told."""

    def __init__(self, double: MattermostDouble, post: Post, listened: Callable[[], None], user: str) -> None:
        self.double = double
        self.post = post
        self.listened = listened
        self.name = user.removeprefix("U0").lower()
        self.user = id_of(user)

    def submit(self, form: Data) -> tuple[int, str]:
        """A command or a webhook, as a form."""
        return self.post(urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"})

    def send(self, body: Data) -> tuple[int, str]:
        """A button or a dialog, as JSON."""
        return self.post(json.dumps(body).encode(), {"content-type": "application/json"})

    def webhook(self, post: Data, **changes: Any) -> tuple[int, str]:
        """An outgoing webhook tells of a message."""
        form = {
            "token": WEBHOOK_TOKEN,
            "team_id": TEAM,
            "channel_id": post["channel_id"],
            "channel_name": "room",
            "timestamp": post["create_at"] // 1000,
            "user_id": post["user_id"],
            "user_name": self.name,
            "post_id": post["id"],
            "text": post["message"],
            "trigger_word": f"@{BOT_NAME}",
        }
        return self.submit({**form, **changes})

    def say(self, text: str, *, channel: str = ROOM, thread: str = "", mention: bool = True) -> str:
        post = self.double.say(self.user, channel, f"@{BOT_NAME} {text}" if mention else text, thread)
        if mention:
            assert self.webhook(post)[0] == 200
        self.listened()
        return str(post["id"])

    def direct(self, text: str, *, thread: str = "") -> str:
        return self.say(text, channel=f"d0{self.user[:20]}", thread=thread, mention=False)

    def command(self, text: str, *, channel: str = ROOM) -> str:
        status, shown = self.submit(self.commanded(text, channel))
        assert status == 200
        return str(json.loads(shown).get("text", ""))

    def commanded(self, text: str, channel: str = ROOM) -> Data:
        """A slash command."""
        return {
            "token": COMMAND_TOKEN,
            "command": "/ask",
            "text": text,
            "team_id": TEAM,
            "channel_id": self.double.channel(channel)["id"],
            "channel_name": self.double.channel(channel)["name"],
            "user_id": self.user,
            "user_name": self.name,
            "trigger_id": f"trigger{next(_numbers)}",
            "response_url": self.double.response_url(self.user, channel),
        }

    def press(self, seen: Seen, action: str) -> None:
        status, _ = self.send(self.pressed(seen, action))
        assert status == 200

    def pressed(self, seen: Seen, action: str) -> Data:
        """A button."""
        name = next(name for name in seen.buttons if name == action or name.startswith(f"{action}_"))
        post = self.double.posts.get(seen.id) or next(each for each in self.double.whispers if each["id"] == seen.id)
        integration = next(each for each in _actions(post) if _name(each) == name)["integration"]
        return {
            "user_id": self.user,
            "user_name": self.name,
            "channel_id": post["channel_id"],
            "channel_name": "room",
            "team_id": TEAM,
            "post_id": seen.id,
            "trigger_id": f"trigger{next(_numbers)}",
            "type": "button",
            "context": integration["context"],
        }

    def rephrase(self, seen: Seen, text: str) -> None:
        from tests.chat.conftest import until

        count = len(self.double.dialogs)
        self.press(seen, "ask_differently")
        until(lambda: len(self.double.dialogs) > count)
        assert self.send(self.submission(text))[0] == 200

    def submission(self, text: str) -> Data:
        """The dialog that was opened last, sent off."""
        return {
            "type": "dialog_submission",
            "callback_id": "rephrase",
            "state": self.double.dialogs[-1]["dialog"]["state"],
            "user_id": self.user,
            "channel_id": id_of(ROOM),
            "team_id": TEAM,
            "submission": {"question": text},
            "cancelled": False,
        }

    def edit(self, message: str, text: str) -> None:
        self.double.edit(message, text)
        self.listened()

    def delete(self, message: str) -> None:
        self.double.remove(message)
        self.listened()

    def seen(self, channel: str = ROOM, thread: str = "") -> list[Seen]:
        return [_seen(post, channel, private=False) for post in self.double.said(channel, thread)]

    def whispers(self) -> list[Seen]:
        mine = [post for post in self.double.whispers if post["user_id"] == self.user]
        mine += [post for post in self.double.said(f"d0{self.user[:20]}") if not post["root_id"]]
        return [_seen(post, ROOM, private=True) for post in mine]


def _actions(post: Data) -> list[Data]:
    return [action for attachment in post["props"].get("attachments") or () for action in attachment["actions"]]


def _name(action: Data) -> str:
    """The name of a button in tests: related questions have a number."""
    facts = action["integration"]["context"]
    number = facts["value"].partition(" ")[2]
    return f"{facts['action']}_{number}" if number else str(facts["action"])


def _seen(post: Data, channel: str, *, private: bool) -> Seen:
    actions = _actions(post)
    return Seen(
        post["id"],
        channel,
        post["root_id"],
        "\n".join([post["message"], *(each.get("text", "") for each in post["props"].get("attachments") or ())]),
        {_name(action): action["integration"]["context"]["value"] for action in actions},
        {_name(action): action["name"] for action in actions},
        private,
        post["user_id"] if private else "",
    )
