"""Mattermost's REST API as a chat."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from api.chat.events import Event, Place
from api.chat.messages import Message
from api.chat.ports import ChatError, GoneError, Payload, RefusedFormatError
from api.chat.records import new_id
from api.mattermost.intake import REPHRASE, Channel, Me
from api.mattermost.limits import DIALOG_TEXT
from api.mattermost.markdown import plain
from api.mattermost.posts import render
from api.mattermost.seals import Seal
from api.settings_checks import MAX_POST

API = "/api/v4"
TIMEOUT_S = 10.0
KEY = "cuecard"
"""The property of a post that carries a message's key."""

EPOCH = 1_000_000_000.0
"""Seconds; what is larger is no wait but a time."""

_GONE_IDS = ("root_id", "parent_id", "time_limit", "command_webhook")

_log = logging.getLogger("cuecard.mattermost")

Answer = TypeVar("Answer")


class ForbiddenError(ChatError):
    """The bot's account may not do this."""


class MattermostChat:
    """One server. `callback`: where it reaches us, "" for nowhere: then there are no buttons.

    `length`: characters that the server takes in a post.
    """

    platform = "mattermost"

    def __init__(
        self, url: str, token: str, *, callback: str = "", length: int = MAX_POST, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.seal = Seal(token)
        self._callback = callback
        self._length = length
        self._me: Me | None = None
        self._http = httpx.Client(
            base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {token}"}, timeout=timeout_s
        )
        logging.getLogger("httpx").addFilter(_without_handles)

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()

    def render(self, message: Message) -> list[Payload]:
        return render(message, self._length)

    def plain(self, payload: Payload) -> Payload:
        return {"message": payload["plain"]} if "plain" in payload else payload

    def post(self, place: Place, payload: Payload, key: str) -> str:
        try:
            return self._create(place, place.thread, payload, key)
        except GoneError:
            # an outgoing webhook may have named a message that is itself an answer in a thread
            root = self.get_post(place.thread).get("root_id") if place.thread else ""
            if not root:
                raise
            return self._create(place, root, payload, key)

    def _create(self, place: Place, thread: str, payload: Payload, key: str) -> str:
        post = {"channel_id": place.channel, "root_id": thread, "pending_post_id": key}
        made = self._call("POST", "/posts", {**post, **self.content(payload, place, place.channel, key=key)})
        return str(made["id"])

    def find(self, place: Place, key: str, since: float) -> str | None:
        me = self.me()
        try:
            if place.thread:
                page = self._call("GET", f"/posts/{place.thread}/thread")
            else:
                page = self._call("GET", f"/channels/{place.channel}/posts", params={"since": int(since * 1000)})
        except GoneError:
            return None
        for ref, post in page["posts"].items():
            # anybody may set a property of what they say
            mine = post["user_id"] == me.id and not post.get("delete_at")
            if mine and (post.get("props") or {}).get(KEY) == key:
                return str(ref)
        return None

    def update(self, place: Place, ref: str, payload: Payload) -> None:
        self._call("PUT", f"/posts/{ref}/patch", self.content(payload, place, place.channel))

    def delete(self, place: Place, ref: str) -> None:  # noqa: ARG002 - a post's name is enough
        self._call("DELETE", f"/posts/{ref}")

    def whisper(self, place: Place, user: str, payload: Payload, reply: str) -> None:
        content = self.content(payload, place, place.channel, user=user, reply=reply)
        if reply:
            said = {"response_type": "ephemeral", "text": content["message"], "skip_slack_parsing": True}
            try:
                self._call("POST", reply, {**said, "attachments": content["props"]["attachments"]}, base="")
            except GoneError:
                _log.info("a response URL has expired")
            else:
                return
        post = {"channel_id": place.channel, "root_id": place.thread, **content}
        try:
            self._call("POST", "/posts/ephemeral", {"user_id": user, "post": post})
        except ForbiddenError:
            # few bots have the permission `create_post_ephemeral`, or are members everywhere
            private = str(self._call("POST", "/channels/direct", [self.me().id, user])["id"])
            content = self.content(payload, place, private, user=user)
            self._call("POST", "/posts", {"channel_id": private, **content})

    def replace(self, place: Place, user: str, payload: Payload, reply: str) -> None:
        # nothing can be put into what only one person sees: the buttons as they are now are said after it
        self.whisper(place, user, {**payload, "message": _state(payload)}, reply)

    def ask_again(self, event: Event, answer_id: str, question: str) -> None:
        facts = self._facts(event.place, event.place.channel, event.user, event.reply)
        facts |= {"action": REPHRASE, "value": answer_id, "user_name": event.user_name, "opened": new_id()}
        element = {
            "display_name": "Your question",
            "name": "question",
            "type": "textarea",
            "default": question[:DIALOG_TEXT],
            "max_length": DIALOG_TEXT,
        }
        dialog = {
            "callback_id": REPHRASE,
            "title": "Ask differently",
            "submit_label": "Ask",
            "elements": [element],
            "state": json.dumps(self.seal.close(facts)),
        }
        opened = {"trigger_id": event.trigger, "url": self._callback, "dialog": dialog}
        self._call("POST", "/actions/dialogs/open", opened)

    def me(self, timeout_s: float | None = None) -> Me:
        """The bot's account. `timeout_s`: for who can't wait as long as others."""
        if self._me is None:
            account = self._call("GET", "/users/me", timeout_s=timeout_s)
            self._me = Me(account["id"], account["username"])
        return self._me

    def get_post(self, ref: str, timeout_s: float | None = None) -> Payload:
        """A post. GoneError where there is none."""
        post: Payload = self._call("GET", f"/posts/{quote(ref, safe='')}", timeout_s=timeout_s)
        return post

    def channels(self) -> list[Channel]:
        """The channels that the bot is a member of."""
        return [Channel.of(each) for each in self._call("GET", f"/users/{self.me().id}/channels")]

    def channel(self, ref: str) -> Channel:
        """One channel."""
        return Channel.of(self._call("GET", f"/channels/{ref}"))

    def posts_since(self, channel: str, since: float) -> list[Payload]:
        """What was said, changed or deleted in a channel from `since` (seconds of the epoch) on, the oldest first."""
        page = self._call("GET", f"/channels/{channel}/posts", params={"since": int(since * 1000)})
        return sorted(page["posts"].values(), key=lambda post: (post.get("create_at", 0), post["id"]))

    def content(
        self, payload: Payload, place: Place, at: str, *, key: str = "", user: str = "", reply: str = ""
    ) -> dict[str, Any]:
        """Text and properties of a post in the channel `at`. `user`: only they see it, and may press its buttons."""
        attachments: list[dict[str, Any]] = []
        facts = self._facts(place, at, user, reply)
        for attachment in payload.get("attachments", ()) if self._callback else ():
            actions = [self._action(action, facts) for action in attachment["actions"]]
            attachments.append({**attachment, "actions": actions})
        return {"message": payload["message"], "props": {"attachments": attachments, **({KEY: key} if key else {})}}

    def _facts(self, place: Place, at: str, user: str, reply: str) -> dict[str, Any]:
        where = {"team": place.team, "channel": place.channel, "thread": place.thread}
        return {**where, "at": at, "user": user, "reply": reply}

    def _action(self, action: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
        made = {key: value for key, value in action.items() if key != "press"}
        context = self.seal.close({**facts, **action["press"]})
        return {**made, "integration": {"url": self._callback, "context": context}}

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, int] | None = None,
        base: str = API,
        timeout_s: float | None = None,
    ) -> Any:
        what = path.split("/")[1]
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        try:
            response = self._http.request(method, f"{base}{path}", json=body, params=params, timeout=timeout)
            if response.is_success:
                return response.json() if response.content and base else {}
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ChatError(f"Mattermost could not be reached for {what} ({type(error).__name__}).") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            name = type(error).__name__
            raise ChatError(f"Mattermost did not answer to {what} ({name}).", done=True) from None
        raise _mapped(what, response)


def patiently(ask: Callable[[], Answer], *, tries: int, pause: Callable[[float], object]) -> Answer:
    """What is asked for; again where Mattermost does not answer, after a `pause` of some seconds."""
    for attempt in range(tries - 1):
        try:
            return ask()
        except ChatError as error:
            if error.final or isinstance(error, GoneError):
                raise
            pause(0.05 * 2**attempt if error.after is None else error.after)
    return ask()


def _mapped(what: str, response: httpx.Response) -> ChatError:
    """The error behind an answer of Mattermost's."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    name = str(body.get("id") or "") if isinstance(body, dict) else ""
    status = response.status_code
    message = f"Mattermost answered {status} to {what}{f' ({name})' if name else ''}."
    if status == 429:
        return ChatError(message, after=_wait(response.headers))
    if status == 404 or any(word in name for word in _GONE_IDS):
        return GoneError(message)
    if status >= 500:
        return ChatError(message, done=True)
    if status in (400, 413):
        return RefusedFormatError(message)
    if status == 403:
        return ForbiddenError(message, final=True)
    return ChatError(message, final=True)


def _wait(headers: httpx.Headers) -> float:
    """Seconds until the server takes more: it tells them, or the time, in one of two headers."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        try:
            value = float(headers[name])
        except (KeyError, ValueError):
            continue
        return max(value - time.time() if value > EPOCH else value, 0.0)
    return 1.0


def _state(payload: Payload) -> str:
    """The small print of an answer."""
    return f"_{plain(payload['state'])}_" if payload.get("state") else str(payload["message"])


def _without_handles(record: logging.LogRecord) -> bool:
    # whoever has such an address may answer through it; httpx writes down all it asks
    return "/hooks/" not in record.getMessage()
