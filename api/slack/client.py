"""Slack's Web API as a chat."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from api.chat.events import Event, Place
from api.chat.messages import Message
from api.chat.ports import ChatError, GoneError, Payload, RefusedFormatError
from api.slack.blocks import render
from api.slack.limits import INPUT_TEXT, MODAL_METADATA

DEFAULT_URL = "https://slack.com/api/"
TIMEOUT_S = 10
METADATA = "cuecard_message"
"""The event type of the metadata that carries a message's key."""

REPHRASE = "ask_differently"
PAGE = 200

_READING = ("conversations.replies", "conversations.history")
"""Methods that take no JSON."""

_FORMAT = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_arguments"}
_GONE = {"message_not_found", "cant_update_message", "cant_delete_message", "edit_window_closed"}
_PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_LIMITED = {"ratelimited", "rate_limited", "message_limit_exceeded"}
_GONE_FROM_URL = ("expired_url", "used_url", "no_text")

_log = logging.getLogger("cuecard.slack")
log = logging.getLogger("cuecard.slack.sdk")
# whatever goes wrong is told by an error; at lower levels whole requests would be written down
log.setLevel(logging.CRITICAL)


class SlackChat:
    """Any number of workspaces; `token_of` gives the bot token of one, None where the bot is not installed."""

    platform = "slack"

    def __init__(
        self, token_of: Callable[[str], str | None], url: str = DEFAULT_URL, timeout_s: int = TIMEOUT_S
    ) -> None:
        self._token_of = token_of
        self._url = url
        self._timeout_s = timeout_s

    def render(self, message: Message) -> list[Payload]:
        return render(message)

    def plain(self, payload: Payload) -> Payload:
        return {"text": payload["text"]}

    def post(self, place: Place, payload: Payload, key: str) -> str:
        answer = self._call(
            place.team,
            "chat.postMessage",
            {
                "channel": place.channel,
                **({"thread_ts": place.thread} if place.thread else {}),
                **payload,
                "metadata": {"event_type": METADATA, "event_payload": {"key": key}},
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )
        return str(answer["ts"])

    def find(self, place: Place, key: str, since: float) -> str | None:
        method = "conversations.replies" if place.thread else "conversations.history"
        asked: dict[str, Any] = {
            "channel": place.channel,
            "include_all_metadata": True,
            "oldest": f"{since:.6f}",
            "limit": PAGE,
        }
        if place.thread:
            asked["ts"] = place.thread
        while True:
            try:
                page = self._call(place.team, method, asked)
            except GoneError:
                return None
            for message in page.get("messages", ()):
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == METADATA and metadata.get("event_payload", {}).get("key") == key:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            asked["cursor"] = cursor

    def update(self, place: Place, ref: str, payload: Payload) -> None:
        self._call(place.team, "chat.update", {"channel": place.channel, "ts": ref, "blocks": [], **payload})

    def delete(self, place: Place, ref: str) -> None:
        self._call(place.team, "chat.delete", {"channel": place.channel, "ts": ref})

    def whisper(self, place: Place, user: str, payload: Payload, reply: str) -> None:
        if reply:
            try:
                self._reply(reply, {**payload, "response_type": "ephemeral", "replace_original": False})
            except GoneError:
                _log.info("a response URL has expired")
            else:
                return
        thread = {"thread_ts": place.thread} if place.thread else {}
        self._call(place.team, "chat.postEphemeral", {"channel": place.channel, "user": user, **thread, **payload})

    def replace(self, place: Place, user: str, payload: Payload, reply: str) -> None:  # noqa: ARG002 - the handle says
        self._reply(reply, {**payload, "replace_original": True})

    def ask_again(self, event: Event, answer_id: str, question: str) -> None:
        place = event.place
        state = {"answer": answer_id, "channel": place.channel, "thread": place.thread, "direct": event.direct}
        metadata = json.dumps({**state, "reply": event.reply})
        if len(metadata) > MODAL_METADATA:
            metadata = json.dumps(state)
        field: dict[str, Any] = {
            "type": "plain_text_input",
            "action_id": "question",
            "multiline": True,
            "max_length": 2_000,
            "initial_value": question[:INPUT_TEXT],
        }
        view = {
            "type": "modal",
            "callback_id": REPHRASE,
            "private_metadata": metadata,
            "title": {"type": "plain_text", "text": "Ask differently"},
            "submit": {"type": "plain_text", "text": "Ask"},
            "close": {"type": "plain_text", "text": "Cancel"},
            "blocks": [
                {
                    "type": "input",
                    "block_id": "question",
                    "element": field,
                    "label": {"type": "plain_text", "text": "Your question in other words"},
                }
            ],
        }
        self._call(place.team, "views.open", {"trigger_id": event.trigger, "view": view})

    def _call(self, team: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        token = self._token_of(team)
        if token is None:
            raise ChatError("The bot is not installed in this workspace.", final=True)
        client = WebClient(token=token, base_url=self._url, timeout=self._timeout_s, retry_handlers=[], logger=log)
        try:
            if method in _READING:
                answer = client.api_call(method, params=arguments)
            else:
                answer = client.api_call(method, json=arguments)
        except SlackApiError as error:
            raise _mapped(method, error.response) from None
        except (OSError, HTTPException, SlackClientError) as error:
            raise _unheard(method, error) from None
        data = answer.data
        return data if isinstance(data, dict) else {}

    def _reply(self, url: str, body: dict[str, Any]) -> None:
        client = WebhookClient(url, timeout=self._timeout_s, retry_handlers=[], logger=log)
        try:
            answer = client.send_dict(body)
        except (OSError, HTTPException) as error:
            raise _unheard("the response URL", error) from None
        if answer.status_code == 200 and answer.body.strip() in ("", "ok"):
            return
        if answer.status_code in (404, 410) or any(word in answer.body for word in _GONE_FROM_URL):
            raise GoneError("The response URL has expired.")
        if answer.status_code == 200 and '"ok":true' in answer.body.replace(" ", ""):
            return
        error_name = next((name for name in _FORMAT if name in answer.body), "")
        response = {"status": answer.status_code, "headers": answer.headers, "error": error_name}
        raise _mapped("the response URL", response)


def _mapped(what: str, response: Any) -> ChatError:
    """The error behind an answer of Slack's, a response object or a dictionary."""
    status = getattr(response, "status_code", None) or response.get("status") or 200
    headers: Mapping[str, Any] = getattr(response, "headers", None) or response.get("headers") or {}
    name = str(response.get("error") or "") if not isinstance(getattr(response, "data", {}), bytes) else ""
    message = f"Slack answered {name or status} to {what}."
    if status == 429 or name in _LIMITED:
        return ChatError(message, after=_retry_after(headers))
    if status >= 500 or name in _PASSING:
        return ChatError(message, done=True)
    if name in _FORMAT:
        return RefusedFormatError(message)
    if name in _GONE or name == "thread_not_found":
        return GoneError(message)
    return ChatError(message, final=True)


def _unheard(what: str, error: Exception) -> ChatError:
    """Nobody heard an answer: unless there was no connection at all, the request may have been done."""
    reason = error.reason if isinstance(error, URLError) else error
    refused = isinstance(reason, ConnectionRefusedError)
    return ChatError(f"Slack could not be reached for {what} ({type(reason).__name__}).", done=not refused)


def _retry_after(headers: Mapping[str, Any]) -> float:
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    value = value[0] if isinstance(value, list) else value
    try:
        return max(float(value), 0.0)
    except (TypeError, ValueError):
        return 1.0
