"""The Mattermost bot of a server: what comes over HTTP, and what it hears over its WebSocket."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from api.chat.events import Event
from api.chat.marks import Marks
from api.chat.ports import ChatError
from api.chat.rules import NOT_HERE, Verdict
from api.chat.store import ChatStore
from api.mattermost import intake
from api.mattermost.client import TIMEOUT_S, MattermostChat, patiently
from api.mattermost.installed import EVENTS_PATH, tokens
from api.mattermost.listen import Listener
from api.mattermost.seals import is_one_of
from api.settings import Settings
from api.settings_checks import MAX_POST

LOOK_UPS, LOOK_UP_S = 2, 1.0
"""How often, and for how many seconds each, it is asked for what an outgoing webhook leaves out: Mattermost waits."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)


UNPROVED = Reply(401)
LONGEST_MOMENT_S = 0.2


class MattermostBot:
    """Takes what Mattermost sends. `take` writes events down. `backoff` as for `Listener`."""

    def __init__(
        self,
        settings: Settings,
        store: ChatStore,
        take: Callable[[Event], Verdict],
        *,
        backoff: float = 0.5,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        url, token = settings.mattermost_url or "", settings.mattermost_token or ""
        callback = f"{settings.public_url.rstrip('/')}{EVENTS_PATH}" if settings.public_url else ""
        length = int(settings.mattermost_post_length or MAX_POST)
        self.chat = MattermostChat(url, token, callback=callback, length=length, timeout_s=timeout_s)
        self.listener = Listener(url, token, self.chat, Marks(store), take, backoff)
        self._take = take
        self._command_tokens = tokens(settings.mattermost_command_tokens)
        self._webhook_tokens = tokens(settings.mattermost_webhook_tokens)

    def start(self) -> None:
        """Listen."""
        self.listener.start()

    def close(self) -> None:
        """Listen no more."""
        self.listener.close()

    def handle(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer a request to EVENTS_PATH. 401 where nothing in it proves that Mattermost sent it.

        The names of headers are in lower case. Raises ChatError where Mattermost has to be asked and does not answer.
        """
        sent = _read(body, headers.get("content-type", ""))
        if "context" in sent:
            return self._pressed(sent)
        if sent.get("type") == "dialog_submission":
            return self._rephrased(sent)
        if "command" in sent:
            return self._commanded(sent)
        return self._heard(sent)

    def _commanded(self, sent: dict[str, Any]) -> Reply:
        if not is_one_of(sent.get("token"), self._command_tokens):
            return UNPROVED
        if self._take(intake.command(_strings(sent))) == "refused":
            return Reply(body={"response_type": "ephemeral", "text": NOT_HERE})
        return Reply()

    def _heard(self, sent: dict[str, Any]) -> Reply:
        """An outgoing webhook."""
        if not is_one_of(sent.get("token"), self._webhook_tokens):
            return UNPROVED
        form = _strings(sent)
        me = patiently(lambda: self.chat.me(LOOK_UP_S), tries=LOOK_UPS, pause=_moment)
        post, channel = intake.webhook(form)
        try:
            # in which thread it stands, and whether a program said it
            post = patiently(
                lambda: self.chat.get_post(form.get("post_id", ""), LOOK_UP_S), tries=LOOK_UPS, pause=_moment
            )
        except ChatError:
            if post["user_id"] == me.id:
                return Reply()
        trigger = form.get("trigger_word", "")
        event = intake.spoken(post, channel, me, addressed=bool(trigger), trigger=trigger)
        if event is not None:
            self._take(event)
        return Reply()

    def _pressed(self, sent: dict[str, Any]) -> Reply:
        facts = self.chat.seal.open(sent["context"])
        if facts is None or facts["at"] != sent.get("channel_id") or facts["user"] not in ("", sent.get("user_id")):
            return UNPROVED
        event = intake.press(sent, facts)
        if event is not None and self._take(event) == "refused":
            return Reply(body={"ephemeral_text": NOT_HERE})
        return Reply()

    def _rephrased(self, sent: dict[str, Any]) -> Reply:
        try:
            facts = self.chat.seal.open(json.loads(sent.get("state") or "null"))
        except (ValueError, TypeError):
            return UNPROVED
        if facts is None or facts["user"] != sent.get("user_id"):
            return UNPROVED
        event = intake.rephrased(sent, facts)
        if event is not None:
            self._take(event)
        return Reply()


def _moment(seconds: float) -> None:
    time.sleep(min(seconds, LONGEST_MOMENT_S))


def _read(body: bytes, content_type: str) -> dict[str, Any]:
    """A request as Mattermost sends it, JSON or a form; nothing of what is neither."""
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            found = json.loads(body)
            return found if isinstance(found, dict) else {}
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8"), keep_blank_values=True).items()}
    except (ValueError, RecursionError):
        return {}


def _strings(sent: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in sent.items() if isinstance(value, str)}
