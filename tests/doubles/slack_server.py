"""Slack's Web API for tests, on a free port of the loopback: real HTTP, with channels that keep what was said.

It checks what it is sent as Slack does, records every call, and can fail: before it did the work or after it, with
429 and `Retry-After`, with 5xx, with a connection that is cut, or by refusing blocks.
"""

from __future__ import annotations

import itertools
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.doubles.slack_limits import problems_of, view_problems

TOKEN = "xoxb-111-222-secret"  # noqa: S105 - the double's own
BOT_ID, BOT_USER, TEAM = "B0BOT", "U0BOT", "T0TEAM"
SCOPES = "app_mentions:read,channels:history,chat:write,commands,groups:history,im:history,mpim:history"

Data = dict[str, Any]


@dataclass
class Fault:
    """What happens to a call. `done`: the work is done all the same. `cut`: no answer, the connection is reset."""

    status: int = 200
    error: str = ""
    retry_after: str | None = None
    cut: bool = False
    done: bool = False
    slow_s: float = 0.0


@dataclass
class Call:
    """One call as it came. `method` is `chat.postMessage` and the like, or `response_url`."""

    method: str
    arguments: Data
    headers: Mapping[str, str]


@dataclass
class Screen:
    """What people see: messages by channel in the order they came, and whispers by user."""

    messages: list[Data] = field(default_factory=list)
    whispers: list[Data] = field(default_factory=list)


class SlackDouble:
    """`url` is what SLACK_API_URL takes. `violations` are payloads that Slack would refuse; there should be none."""

    def __init__(self, *, check: bool = True) -> None:
        self.calls: list[Call] = []
        self.screen = Screen()
        self.violations: list[str] = []
        self.views: list[Data] = []
        self.tokens = {TOKEN: TEAM}
        self.scopes = SCOPES
        self.clock_ahead_s = 0.0
        self.lock = threading.RLock()
        self._check = check
        self._faults: list[tuple[str, Fault]] = []
        self._chaos: tuple[random.Random, float] | None = None
        self._stamps = itertools.count(1)
        self._busy_until: dict[str, float] = {}
        handler = type("Handler", (_Handler,), {"double": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"{self.base}/api/"

    def close(self) -> None:
        """Listen no more."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def stamp(self) -> str:
        """The name of a message that is said now."""
        return f"{1_700_000_000 + next(self._stamps)}.000100"

    def response_url(self, user: str, channel: str) -> str:
        """A handle to whisper to a user."""
        return f"{self.base}/response/{user}/{channel}/{next(self._stamps)}"

    def fail(self, method: str, *faults: Fault) -> None:
        """Let these happen to the next calls of a method, one each; "" is any."""
        with self.lock:
            self._faults += [(method, fault) for fault in faults]

    def chaos(self, share: float, seed: int) -> None:
        """Let `share` of all calls from now on fail, each in one of the ways there are."""
        self._chaos = (random.Random(seed), share)  # noqa: S311 - not for secrets

    def called(self, method: str) -> list[Data]:
        """The arguments of all calls of a method."""
        return [call.arguments for call in self.calls if call.method == method]

    def thread(self, channel: str, thread: str = "") -> list[Data]:
        """What the bot said in a thread ("": all it said in the channel), in order."""
        return [
            message
            for message in self.screen.messages
            if message["channel"] == channel and (not thread or message.get("thread_ts") == thread)
        ]

    def _fault(self, method: str) -> Fault:
        with self.lock:
            for number, (wanted, fault) in enumerate(self._faults):
                if wanted in ("", method):
                    del self._faults[number]
                    return fault
            if self._chaos is None or self._chaos[0].random() >= self._chaos[1]:
                return Fault()
            kinds = [
                Fault(429, "ratelimited", retry_after="0"),
                Fault(500),
                Fault(503, done=True),
                Fault(cut=True),
                Fault(cut=True, done=True),
                Fault(error="internal_error"),
                Fault(error="fatal_error", done=True),
            ]
            return self._chaos[0].choice(kinds)

    def handle(self, path: str, arguments: Data, headers: Mapping[str, str]) -> tuple[Fault, Data]:
        """What to answer: a fault, and the body where there is none."""
        method = path.removeprefix("/api/") if path.startswith("/api/") else "response_url"
        with self.lock:
            self.calls.append(Call(method, arguments, headers))
        fault = self._fault(method)
        if fault.slow_s:
            time.sleep(fault.slow_s)
        if fault.retry_after and float(fault.retry_after):
            self._busy_until[method] = time.monotonic() + float(fault.retry_after)
        elif time.monotonic() < self._busy_until.get(method, 0):
            self.violations.append(f"{method} was called before Retry-After was over")
        failing = fault.cut or fault.status != 200 or fault.error
        if failing and not fault.done:
            return fault, {"ok": False, "error": fault.error}
        answer = self._work(method, path, arguments, headers)
        return fault, {"ok": False, "error": fault.error} if fault.error else answer

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
        start, size = int(asked.get("cursor") or 0), 2
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


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no error here."""


class _Handler(BaseHTTPRequestHandler):
    double: SlackDouble

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.headers.get_content_type() == "application/json":
            arguments = json.loads(body or "{}")
        else:
            arguments = {key: values[0] for key, values in parse_qs(body).items()}
        self._answer(arguments)

    def do_GET(self) -> None:
        self._answer({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})

    def _answer(self, arguments: Data) -> None:
        fault, answer = self.double.handle(urlsplit(self.path).path, arguments, dict(self.headers.items()))
        if fault.cut:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        data = json.dumps(answer).encode()
        self.send_response(fault.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-OAuth-Scopes", self.double.scopes)
        if fault.retry_after is not None:
            self.send_header("Retry-After", fault.retry_after)
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The clock of this Slack, for the `Date` header."""
        return super().date_time_string((timestamp or time.time()) + self.double.clock_ahead_s)

    def log_message(self, *_: object) -> None:
        """Nothing: the calls are recorded."""
