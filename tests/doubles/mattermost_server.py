"""Mattermost for tests: REST API v4, response URLs and the WebSocket, with channels that keep what was said.

It checks what it is sent as Mattermost does. Names such as `C0ROOM` become ids as Mattermost has them.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from tests.doubles.chat_server import ChatServer, Data, Fault
from tests.doubles.mattermost_limits import dialog_problems, problems_of
from tests.doubles.websocket import accepting, text_frame, texts

BOT_NAME = "cuecard"
TOKEN = "q1w2e3r4t5y6u7i8o9p0bottoken"  # noqa: S105 - the double's own
RESPONSE_USES = 5
NOBODY_LISTENS = 10**9
"""Told until somebody listens again."""

_ID = re.compile(r"[a-z0-9]{26}")


def id_of(name: str) -> str:
    """The id of a channel, team or user."""
    return re.sub(r"[^a-z0-9]", "x", name.lower()).ljust(26, "0")[:26]


BOT, TEAM = id_of("U0BOT"), id_of("T0TEAM")


class MattermostDouble(ChatServer):
    """`base` is what CUECARD_MATTERMOST_URL takes. `told` counts the events that the living WebSocket was sent.

    `may_whisper`: whether the bot has the permission `create_post_ephemeral`. `stall`: nobody can listen. `leave_out`:
    so many of the next events are not told.
    """

    KINDS = (
        Fault(429, "api.ratelimit", retry_after="0"),
        Fault(500, "app.internal"),
        Fault(503, done=True),
        Fault(cut=True),
        Fault(cut=True, done=True),
        Fault(502),
    )

    def __init__(self, *, length: int = 16_383, may_whisper: bool = False) -> None:
        self.posts: dict[str, Data] = {}
        self.whispers: list[Data] = []
        self.dialogs: list[Data] = []
        self.channels: dict[str, Data] = {}
        self.length = length
        self.may_whisper = may_whisper
        self.told = 0
        self.stall = False
        self.leave_out = 0
        self._numbers = itertools.count(1)
        self._times = itertools.count(1)
        self._uses: dict[str, list[str]] = {}
        self._socket: Any = None
        super().__init__()

    def new_id(self, kind: str) -> str:
        """An id that nothing else has."""
        return id_of(f"{kind}{next(self._numbers)}x")

    def channel(self, name: str) -> Data:
        """The channel of a name, where the bot is a member."""
        ref = name if _ID.fullmatch(name) else id_of(name)
        direct = ref.startswith("d0")
        made = {"id": ref, "type": "D" if direct else "O", "team_id": "" if direct else TEAM, "name": ref[:6]}
        if direct:
            made["name"] = f"{BOT}__{ref}"
        return self.channels.setdefault(ref, made)

    def say(self, user: str, channel: str, text: str, root: str = "", **more: Any) -> Data:
        """A person says something: it is told over the WebSocket."""
        with self.lock:
            return self._add({"channel_id": self.channel(channel)["id"], "root_id": root, "message": text}, user, more)

    def edit(self, ref: str, text: str) -> None:
        """A person changes a message."""
        with self.lock:
            now = self._now()
            self.posts[ref].update(message=text, edit_at=now, update_at=now)
            self._tell("post_edited", self.posts[ref])

    def remove(self, ref: str) -> None:
        """A person deletes a message, and the thread under it."""
        with self.lock:
            for post in list(self.posts.values()):
                if ref in (post["id"], post["root_id"]) and not post["delete_at"]:
                    post["delete_at"] = post["update_at"] = self._now()
                    self._tell("post_deleted", post)

    def said(self, channel: str = "", thread: str = "") -> list[Data]:
        """What the bot said in a thread, a channel, or anywhere, in order."""
        return [
            post
            for post in list(self.posts.values())
            if post["user_id"] == BOT
            and not post["delete_at"]
            and (not channel or post["channel_id"] == id_of(channel))
            and (not thread or post["root_id"] == thread)
        ]

    def response_url(self, user: str, channel: str, root: str = "") -> str:
        """A handle to whisper to a user, some times."""
        handle = self.new_id("hook")
        self._uses[handle] = [user, id_of(channel), root, *("use" for _ in range(RESPONSE_USES))]
        return f"{self.base}/hooks/commands/{handle}"

    def drop(self) -> None:
        """Cut the WebSocket."""
        with self.lock, suppress(OSError):
            if self._socket is not None:
                self._socket.connection.shutdown(2)
            self._socket, self.told = None, NOBODY_LISTENS

    def name_of(self, verb: str, path: str) -> str:
        if path.startswith("/hooks/commands/"):
            return "response_url"
        return f"{verb} {_ID.sub('*', path.removeprefix('/api/v4'))}"

    def refusal(self, fault: Fault) -> Data:
        return _error(fault.status, fault.error)[1]

    def headers_of(self, fault: Fault) -> dict[str, str]:
        if fault.retry_after is None:
            return {}
        # some servers tell the time, some the seconds until then
        return {"X-RateLimit-Reset": str(time.time() + float(fault.retry_after))}

    def work(self, name: str, path: str, arguments: Data, headers: Mapping[str, str]) -> tuple[int, Data]:
        ids = _ID.findall(path)
        with self.lock:
            if name == "response_url":
                return self._respond(path.rsplit("/", 1)[1], arguments)
            if headers.get("Authorization") != f"Bearer {TOKEN}":
                return _error(401, "api.context.session_expired.app_error")
            return self._api(name, ids, arguments)

    def _api(self, name: str, ids: list[str], arguments: Any) -> tuple[int, Any]:
        if name == "GET /users/me":
            return 200, {"id": BOT, "username": BOT_NAME, "is_bot": True}
        if name == "GET /users/*/channels":
            return 200, list(self.channels.values())
        if name == "GET /channels/*":
            return 200, self.channel(ids[0])
        if name == "GET /channels/*/members/*":
            return (404, {}) if ids[0] == id_of("C0GONE") else (200, {"user_id": BOT})
        if name == "GET /channels/*/posts":
            since = int(arguments["since"])
            return 200, _page(p for p in self.posts.values() if p["channel_id"] == ids[0] and p["update_at"] > since)
        if name == "GET /config/client":
            return 200, {"MaxPostSize": str(self.length)}
        if name == "POST /channels/direct":
            return 200, self.channel(f"d0{ids_of(arguments)}")
        if name == "POST /actions/dialogs/open":
            self.violations += dialog_problems(arguments)
            self.dialogs.append(arguments)
            return 200, {}
        if name == "POST /posts/ephemeral":
            return self._whisper(arguments["user_id"], arguments["post"])
        return self._about_posts(name, ids, arguments)

    def _about_posts(self, name: str, ids: list[str], arguments: Data) -> tuple[int, Data]:
        if name == "POST /posts":
            return self._create(arguments)
        post = self.posts.get(ids[0]) if ids else None
        if post is None or (post["delete_at"] and name != "GET /posts/*/thread"):
            return _error(404, "app.post.get.app_error")
        if name == "GET /posts/*":
            return 200, post
        if name == "GET /posts/*/thread":
            return 200, _page(
                p for p in self.posts.values() if ids[0] in (p["id"], p["root_id"]) and not p["delete_at"]
            )
        if name == "PUT /posts/*/patch" and post["user_id"] == BOT:
            refused = self._refuse(arguments)
            if refused is not None:
                return refused
            now = self._now()
            post.update({**arguments, "edit_at": now, "update_at": now})
            self._tell("post_edited", post)
            return 200, post
        if name == "DELETE /posts/*" and post["user_id"] == BOT:
            self.remove(post["id"])
            return 200, {"status": "OK"}
        return _error(403, "api.context.permissions.app_error")

    def _create(self, post: Data) -> tuple[int, Data]:
        if post["channel_id"] == id_of("C0GONE"):
            return _error(403, "api.context.permissions.app_error")
        root = self.posts.get(post.get("root_id", ""))
        if post.get("root_id") and (root is None or root["delete_at"] or root["root_id"]):
            return _error(400, "api.post.create_post.root_id.app_error")
        refused = self._refuse(post)
        if refused is not None:
            return refused
        return 201, self._add(post, BOT, {"props": {**post.get("props", {}), "from_bot": "true"}})

    def _add(self, post: Data, user: str, more: Data) -> Data:
        now = self._now()
        made: Data = {"id": self.new_id("post"), "user_id": user, "create_at": now, "update_at": now, "edit_at": 0}
        made |= {"delete_at": 0, "root_id": "", "type": "", "props": {}, **post, **more}
        made.pop("pending_post_id", None)
        self.channel(made["channel_id"])
        self.posts[made["id"]] = made
        self._tell("posted", made)
        return made

    def _refuse(self, post: Data) -> tuple[int, Data] | None:
        found = problems_of(post, self.length)
        self.violations += found
        return _error(400, "model.post.is_valid.app_error") if found else None

    def _whisper(self, user: str, post: Data) -> tuple[int, Data]:
        if not self.may_whisper:
            return _error(403, "api.context.permissions.app_error")
        refused = self._refuse(post)
        if refused is None:
            self.whispers.append({**post, "id": self.new_id("ephemeral"), "user_id": user})
        return refused or (201, self.whispers[-1])

    def _respond(self, handle: str, said: Data) -> tuple[int, Data]:
        uses = self._uses.get(handle, [])
        if len(uses) <= 3:
            return _error(400, "app.command_webhook.try_use.invalid")
        user, channel, root = uses[:3]
        post = {"message": said["text"], "props": {"attachments": said.get("attachments")}}
        if said["response_type"] != "ephemeral" or said.get("skip_slack_parsing") is not True:
            self.violations.append("a response for all to see, or one that is read as Slack's")
        refused = self._refuse(post)
        if refused is not None:
            return refused
        uses.pop()
        self.whispers.append(
            {**post, "id": self.new_id("ephemeral"), "user_id": user, "channel_id": channel, "root_id": root}
        )
        return 200, {"status": "OK"}

    def _now(self) -> int:
        return int(time.time() * 1000) + next(self._times)

    def talk(self, connection: Any) -> None:
        """The WebSocket."""
        connection.wfile.write(accepting(connection.headers["Sec-WebSocket-Key"]))
        for text in texts(connection.rfile, connection.wfile.write):
            asked = json.loads(text)
            with self.lock:
                if self.stall:
                    return
                if asked.get("data", {}).get("token") != TOKEN:
                    connection.wfile.write(text_frame(json.dumps({"status": "FAIL", "seq_reply": asked["seq"]})))
                    return
                connection.wfile.write(text_frame(json.dumps({"status": "OK", "seq_reply": asked["seq"]})))
                self._socket, self.told = connection, 0
                connection.wfile.write(text_frame(json.dumps({"event": "hello", "data": {}, "seq": 0})))

    def _tell(self, event: str, post: Data) -> None:
        if self._socket is None:
            return
        channel = self.channels[post["channel_id"]]
        data: Data = {"post": json.dumps(post)}
        if event == "posted":
            data |= {"channel_type": channel["type"], "team_id": channel["team_id"], "sender_name": "@somebody"}
        if self.leave_out:
            self.leave_out -= 1
            self.told += 1
            return
        told = {"event": event, "data": data, "broadcast": {"channel_id": channel["id"]}, "seq": self.told + 1}
        try:
            self._socket.wfile.write(text_frame(json.dumps(told)))
            self.told += 1
        except OSError:
            self._socket, self.told = None, NOBODY_LISTENS


def ids_of(members: list[str]) -> str:
    """What names the conversation of the bot and somebody else."""
    return next(member for member in members if member != BOT)[:20]


def _page(posts: Iterator[Data]) -> Data:
    found = list(posts)
    return {"order": [post["id"] for post in reversed(found)], "posts": {post["id"]: post for post in found}}


def _error(status: int, name: str) -> tuple[int, Data]:
    return status, {"id": name, "message": "It did not work.", "status_code": status}
