"""Slack's Web API for tests, with channels that keep what was said. It checks what it is sent as Slack does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.doubles.chat_server import ChatServer, Data, Fault
from tests.doubles.slack_limits import problems_of, view_problems

TOKEN = "xoxb-111-222-secret"  # noqa: S105 - the double's own
BOT_ID, BOT_USER, TEAM = "B0BOT", "U0BOT", "T0TEAM"
SCOPES = "app_mentions:read,channels:history,chat:write,commands,groups:history,im:history,mpim:history"


@dataclass
class Screen:
    """What people see: messages by channel in the order they came, and whispers by user."""

    messages: list[Data] = field(default_factory=list)
    whispers: list[Data] = field(default_factory=list)


class SlackDouble(ChatServer):
    """`url` is what SLACK_API_URL takes."""

    KINDS = (
        Fault(429, "ratelimited", retry_after="0"),
        Fault(500),
        Fault(503, done=True),
        Fault(cut=True),
        Fault(cut=True, done=True),
        Fault(error="internal_error"),
        Fault(error="fatal_error", done=True),
    )

    def __init__(self, *, check: bool = True) -> None:
        self.screen = Screen()
        self.views: list[Data] = []
        self.tokens = {TOKEN: TEAM}
        self.scopes = SCOPES
        self._check = check
        self._stamps = itertools.count(1)
        super().__init__()

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"{self.base}/api/"

    def stamp(self) -> str:
        """The name of a message that is said now."""
        return f"{1_700_000_000 + next(self._stamps)}.000100"

    def response_url(self, user: str, channel: str) -> str:
        """A handle to whisper to a user."""
        return f"{self.base}/response/{user}/{channel}/{next(self._stamps)}"

    def thread(self, channel: str, thread: str = "") -> list[Data]:
        """What the bot said in a thread ("": all it said in the channel), in order."""
        return [
            message
            for message in self.screen.messages
            if message["channel"] == channel and (not thread or message.get("thread_ts") == thread)
        ]

    def name_of(self, verb: str, path: str) -> str:  # noqa: ARG002 - Slack's methods are named by their path
        return path.removeprefix("/api/") if path.startswith("/api/") else "response_url"

    def refusal(self, fault: Fault) -> Data:
        return {"ok": False, "error": fault.error}

    def headers_of(self, fault: Fault) -> dict[str, str]:
        return {"X-OAuth-Scopes": self.scopes, **super().headers_of(fault)}

    def work(self, name: str, path: str, arguments: Data, headers: Mapping[str, str]) -> tuple[int, Data]:
        return 200, self._work(name, path, arguments, headers)

    def _work(self, method: str, path: str, arguments: Data, headers: Mapping[str, str]) -> Data:
        if method == "response_url":
            return self._respond(path, arguments)
        if method == "oauth.v2.access":
            return self._install(arguments)
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if method == "apps.connections.open":
            return {"ok": token.startswith("xapp-"), "url": getattr(self, "socket_url", ""), "error": "invalid_auth"}
        if token not in self.tokens:
            return {"ok": False, "error": "invalid_auth"}
        work = getattr(self, f"_{method.replace('.', '_')}", None)
        if work is None:
            return {"ok": False, "error": "unknown_method"}
        with self.lock:
            answer: Data = work({**arguments, "_team": self.tokens[token]})
        return answer

    def _refusal(self, payload: Data) -> str:
        found = problems_of(payload) if self._check else []
        self.violations += found
        return "invalid_blocks" if found else ""

    def _chat_postMessage(self, said: Data) -> Data:  # noqa: N802 - Slack's name
        refusal = self._refusal(said)
        if refusal:
            return {"ok": False, "error": refusal}
        if said["channel"] == "C0GONE":
            return {"ok": False, "error": "channel_not_found"}
        message = {**said, "ts": self.stamp(), "bot_id": BOT_ID, "user": BOT_USER}
        self.screen.messages.append(message)
        return {"ok": True, "ts": message["ts"], "channel": said["channel"]}

    def _chat_update(self, said: Data) -> Data:
        refusal = self._refusal(said)
        message = self._message(said)
        if message is None or refusal:
            return {"ok": False, "error": refusal or "message_not_found"}
        message.update({key: value for key, value in said.items() if key in ("text", "blocks")})
        message["edits"] = message.get("edits", 0) + 1
        return {"ok": True, "ts": said["ts"]}

    def _chat_delete(self, said: Data) -> Data:
        message = self._message(said)
        if message is None:
            return {"ok": False, "error": "message_not_found"}
        self.screen.messages.remove(message)
        return {"ok": True}

    def _chat_postEphemeral(self, said: Data) -> Data:  # noqa: N802 - Slack's name
        refusal = self._refusal(said)
        if refusal:
            return {"ok": False, "error": refusal}
        self.screen.whispers.append({**said, "ts": self.stamp()})
        return {"ok": True, "message_ts": self.screen.whispers[-1]["ts"]}

    def _respond(self, path: str, said: Data) -> Data:
        _, _, user, channel, _ = path.split("/")
        with self.lock:
            refusal = self._refusal(said)
            if refusal:
                return {"ok": False, "error": refusal}
            whisper = {**said, "user": user, "channel": channel, "ts": self.stamp()}
            mine = [each for each in self.screen.whispers if (each["user"], each["channel"]) == (user, channel)]
            if said.get("replace_original") and mine:
                mine[-1].update(said)
            else:
                self.screen.whispers.append(whisper)
            return {"ok": True}

    def _conversations_replies(self, asked: Data) -> Data:
        found = [m for m in self.screen.messages if m.get("thread_ts") == asked["ts"]]
        return self._page([m for m in found if m["channel"] == asked["channel"]], asked)

    def _conversations_history(self, asked: Data) -> Data:
        found = [m for m in self.screen.messages if m["channel"] == asked["channel"] and not m.get("thread_ts")]
        return self._page(found, asked)

    def _page(self, found: list[Data], asked: Data) -> Data:
        start, size = int(asked.get("cursor") or 0), 5
        page = [{key: value for key, value in each.items() if key != "blocks"} for each in found[start : start + size]]
        if str(asked.get("include_all_metadata", "")).lower() not in ("1", "true"):
            for message in page:
                message.pop("metadata", None)
        following = str(start + size) if start + size < len(found) else ""
        return {"ok": True, "messages": page, "response_metadata": {"next_cursor": following}}

    def _conversations_info(self, asked: Data) -> Data:
        if asked["channel"] == "C0GONE":
            return {"ok": False, "error": "channel_not_found"}
        return {"ok": True, "channel": {"id": asked["channel"], "is_member": True}}

    def _auth_test(self, asked: Data) -> Data:
        return {
            "ok": True,
            "team": "Team",
            "team_id": asked["_team"],
            "user": "cuecard",
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "url": "https://team.slack.com/",
        }

    def _views_open(self, asked: Data) -> Data:
        self.violations += view_problems(asked["view"])
        self.views.append(asked["view"])
        return {"ok": True}

    def _install(self, asked: Data) -> Data:
        team = str(asked.get("code", ""))
        self.tokens[f"xoxb-{team}"] = team
        return {
            "ok": True,
            "app_id": "A0APP",
            "access_token": f"xoxb-{team}",
            "token_type": "bot",
            "scope": self.scopes,
            "bot_user_id": BOT_USER,
            "team": {"id": team, "name": team},
            "authed_user": {"id": "U0ADMIN"},
        }

    def _message(self, asked: Data) -> Data | None:
        same = [m for m in self.screen.messages if (m["channel"], m["ts"]) == (asked["channel"], asked["ts"])]
        return same[0] if same else None
