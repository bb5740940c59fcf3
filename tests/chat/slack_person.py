"""A user of Slack: sends what Slack sends, really signed."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from tests.chat.person import ROOM, Seen
from tests.doubles.chat_server import Data
from tests.doubles.slack_limits import texts_of
from tests.doubles.slack_server import BOT_USER, TEAM, SlackDouble

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105 - the tests' own
DIRECT = "D0DIRECT"

Post = Callable[[bytes, Mapping[str, str]], tuple[int, str]]
"""Sends a request to the bot: body and headers → status and body."""

_numbers = itertools.count(1)


def signed(body: bytes, *, secret: str = SECRET, age_s: float = 0, form: bool = False) -> dict[str, str]:
    """The headers of a request that Slack sent."""
    stamp = str(int(time.time() - age_s))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or ""
    media_type = "application/x-www-form-urlencoded" if form else "application/json"
    return {"content-type": media_type, "x-slack-request-timestamp": stamp, "x-slack-signature": signature}


class SlackPerson:
    """`post` brings a request to the bot. `channels` and texts of what was said are remembered for edits."""

    def __init__(self, double: SlackDouble, post: Post, user: str = "U0ANNA") -> None:
        self.double = double
        self.post = post
        self.user = self.name = user
        self.said: dict[str, Data] = {}

    def send(self, body: Data) -> tuple[int, str]:
        """An event, as JSON."""
        data = json.dumps(body).encode()
        return self.post(data, signed(data))

    def submit(self, body: Data, *, payload: bool = True) -> tuple[int, str]:
        """A command or an interaction, as a form."""
        data = urlencode({"payload": json.dumps(body)} if payload else body).encode()
        return self.post(data, signed(data, form=True))

    def event(self, event: Data, **body: Any) -> Data:
        """An event in its envelope."""
        return {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A0APP",
            "event_id": f"Ev{next(_numbers)}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": body.get("team_id", TEAM), "user_id": BOT_USER, "is_bot": True}],
            "event": event,
            **body,
        }

    def spoken(self, text: str, channel: str, thread: str, ts: str = "") -> Data:
        """A message, as events have it."""
        message = {"type": "message", "user": self.user, "text": text, "channel": channel}
        message |= {"ts": ts or self.double.stamp(), "channel_type": "im" if channel == DIRECT else "channel"}
        return {**message, **({"thread_ts": thread} if thread else {})}

    def say(self, text: str, *, channel: str = ROOM, thread: str = "", mention: bool = True) -> str:
        message = self.spoken(f"<@{BOT_USER}> {text}" if mention else text, channel, thread)
        self.said[message["ts"]] = message
        events = [{**message, "type": "app_mention"}, message] if mention else [message]
        for event in events:
            assert self.send(self.event(event))[0] == 200
        return str(message["ts"])

    def direct(self, text: str, *, thread: str = "") -> str:
        return self.say(text, channel=DIRECT, thread=thread, mention=False)

    def command(self, text: str, *, channel: str = ROOM) -> str:
        body = {
            "command": "/ask",
            "text": text,
            "team_id": TEAM,
            "channel_id": channel,
            "user_id": self.user,
            "trigger_id": f"{next(_numbers)}.trigger",
            "response_url": self.double.response_url(self.user, channel),
        }
        status, shown = self.submit(body, payload=False)
        assert status == 200
        return shown

    def shortcut(self, text: str, *, channel: str = ROOM) -> str:
        """Find a message of somebody else's in the notes; that message's name."""
        ts = self.double.stamp()
        body = {
            "type": "message_action",
            "callback_id": "find_in_notes",
            "message": {"text": text, "ts": ts, "user": "U0OTHER"},
            **self._who(channel),
        }
        assert self.submit(body)[0] == 200
        return ts

    def press(self, seen: Seen, action: str) -> None:
        name = next(name for name in seen.buttons if name == action or name.startswith(f"{action}_"))
        container: Data = {"type": "message", "message_ts": seen.id, "channel_id": seen.channel}
        container |= {"is_ephemeral": seen.private} | ({"thread_ts": seen.thread} if seen.thread else {})
        body = {
            "type": "block_actions",
            "container": container,
            "actions": [
                {"action_id": name, "type": "button", "value": seen.buttons[name], "action_ts": str(time.time())}
            ],
            **self._who(seen.channel),
        }
        assert self.submit(body)[0] == 200

    def rephrase(self, seen: Seen, text: str) -> None:
        before = len(self.double.views)
        self.press(seen, "ask_differently")
        deadline = time.monotonic() + 60
        while len(self.double.views) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        view = self.double.views[-1]
        state = {"values": {"question": {"question": {"type": "plain_text_input", "value": text}}}}
        body = {
            "type": "view_submission",
            "view": {**view, "id": f"V{next(_numbers)}", "hash": "1.a", "state": state},
            **self._who(""),
        }
        assert self.submit(body)[0] == 200

    def edit(self, message: str, text: str) -> None:
        before = self.said[message]
        after = {**before, "text": text, "edited": {"user": self.user, "ts": self.double.stamp()}}
        event = {
            "type": "message",
            "subtype": "message_changed",
            "channel": before["channel"],
            "channel_type": before["channel_type"],
            "message": after,
            "previous_message": before,
            "event_ts": self.double.stamp(),
        }
        self.said[message] = after
        assert self.send(self.event(event))[0] == 200

    def delete(self, message: str) -> None:
        before = self.said[message]
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "channel": before["channel"],
            "channel_type": before["channel_type"],
            "deleted_ts": message,
            "previous_message": before,
        }
        assert self.send(self.event(event))[0] == 200

    def seen(self, channel: str = ROOM, thread: str = "") -> list[Seen]:
        return [_seen(message, private=False) for message in self.double.thread(channel, thread)]

    def whispers(self) -> list[Seen]:
        mine = [whisper for whisper in self.double.screen.whispers if whisper["user"] == self.user]
        return [_seen(whisper, private=True) for whisper in mine]

    def _who(self, channel: str) -> Data:
        who: Data = {
            "user": {"id": self.user, "team_id": TEAM},
            "team": {"id": TEAM},
            "trigger_id": f"{next(_numbers)}.trigger",
        }
        if channel:
            who |= {"channel": {"id": channel}, "response_url": self.double.response_url(self.user, channel)}
        return who


def _seen(message: Data, *, private: bool) -> Seen:
    buttons = [e for block in message.get("blocks") or () if block["type"] == "actions" for e in block["elements"]]
    return Seen(
        message["ts"],
        message["channel"],
        message.get("thread_ts", ""),
        "\n".join(texts_of(message)) or message["text"],
        {button["action_id"]: button["value"] for button in buttons},
        {button["action_id"]: button["text"]["text"] for button in buttons},
        private,
        message["user"] if private else "",
    )
