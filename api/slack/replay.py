"""`cuecard slack replay FILE`: recorded requests through the whole bot, with a Slack that prints what it is sent."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from slack_bolt import BoltRequest
from slack_sdk.signature import SignatureVerifier

from api.chat.conversation import Conversation
from api.chat.events import Event, Place
from api.chat.messages import Message
from api.chat.ports import Library, Payload
from api.chat.rules import Rules
from api.chat.service import ChatService
from api.chat.store import ChatStore
from api.slack.blocks import render
from api.slack.bolt import build_app
from ingest.errors import UsageError

SECRET = "replay"  # noqa: S105 - signs nothing but what this process sends itself
PATIENCE_S = 300

Tell = Callable[[dict[str, Any]], None]


class PrintedSlack:
    """A Slack that tells of everything it is sent, and always takes it."""

    platform = "slack"

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._stamps = itertools.count(1)

    def render(self, message: Message) -> list[Payload]:
        return render(message)

    def plain(self, payload: Payload) -> Payload:
        return {"text": payload["text"]}

    def post(self, place: Place, payload: Payload, key: str) -> str:  # noqa: ARG002 - nothing is sent twice here
        ts = f"{9_000_000_000 + next(self._stamps)}.000100"
        self._tell(
            {"call": "chat.postMessage", "channel": place.channel, "thread_ts": place.thread, "ts": ts, **payload}
        )
        return ts

    def find(self, place: Place, key: str, since: float) -> str | None:  # noqa: ARG002
        return None

    def update(self, place: Place, ref: str, payload: Payload) -> None:
        self._tell({"call": "chat.update", "channel": place.channel, "ts": ref, **payload})

    def delete(self, place: Place, ref: str) -> None:
        self._tell({"call": "chat.delete", "channel": place.channel, "ts": ref})

    def whisper(self, place: Place, user: str, payload: Payload, reply: str) -> None:  # noqa: ARG002
        self._tell({"call": "chat.postEphemeral", "channel": place.channel, "user": user, **payload})

    def replace(self, place: Place, user: str, payload: Payload, reply: str) -> None:  # noqa: ARG002
        self._tell({"call": "response_url", "channel": place.channel, "replace_original": True, **payload})

    def ask_again(self, event: Event, answer_id: str, question: str) -> None:
        self._tell({"call": "views.open", "user": event.user, "answer": answer_id, "question": question})


def read_requests(path: Path) -> list[dict[str, Any]]:
    """Requests as Slack sent them, a JSON object a line (or one JSON list). UsageError where they are none."""
    try:
        text = path.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            found = json.loads(text)
        else:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8.", hint="Convert it.") from error
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: {error}.", hint="Write one JSON object a line.") from error
    if not all(isinstance(each, dict) for each in found):
        raise UsageError(f"{path} holds something that is no JSON object.", hint="Write one JSON object a line.")
    return list(found)


def replay(requests: list[dict[str, Any]], library: Library, rules: Rules, public_url: str, tell: Tell) -> None:
    """Feed requests to the bot one after the other; `tell` hears of each, and of all that Slack is sent for it."""
    with _service(library, rules, public_url, tell) as service:
        app = build_app(service.take, lambda _: "xoxb-replay", signing_secret=SECRET)
        for body in requests:
            tell({"request": body.get("type") or body.get("command") or "?"})
            data, media_type = _encoded(body)
            stamp = str(int(time.time()))
            signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=data) or ""
            headers: dict[str, str | Sequence[str]] = {}
            headers |= {"content-type": media_type, "x-slack-request-timestamp": stamp, "x-slack-signature": signature}
            answered = app.dispatch(BoltRequest(body=data, headers=headers))
            tell({"acknowledged": answered.status, "body": answered.body})
            _settle(service)


@contextmanager
def _service(library: Library, rules: Rules, public_url: str, tell: Tell) -> Iterator[ChatService]:
    """A bot with an empty store that is gone afterwards: what is replayed is always new."""
    with tempfile.TemporaryDirectory(prefix="cuecard-replay-") as folder:
        store = ChatStore(f"sqlite:///{folder}/chat.sqlite3", durable=False)
        service = ChatService(Conversation(library, store, rules, public_url), {"slack": PrintedSlack(tell)})
        try:
            yield service
        finally:
            service.close()


def _settle(service: ChatService) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        busy = service.answer_next() or service.deliver_next("slack")
        counts = service.store.counts()
        if not busy and counts["inbox_waiting"] == counts["outbox_waiting"] == 0:
            return
        if not busy:
            time.sleep(0.05)  # something was put off for a moment


def _encoded(body: dict[str, Any]) -> tuple[str, str]:
    """A request as Slack sends it: events as JSON, commands as a form, interactions as JSON in a form."""
    if "command" in body:
        return urlencode(body), "application/x-www-form-urlencoded"
    if body.get("type") in ("event_callback", "url_verification"):
        return json.dumps(body), "application/json"
    return urlencode({"payload": json.dumps(body)}), "application/x-www-form-urlencoded"
