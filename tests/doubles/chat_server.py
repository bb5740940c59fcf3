"""What the doubles of chats' servers share: real HTTP on a free port of the loopback, calls on record, and faults.

A call can fail before the work is done or after it: with an error, with 429 and `Retry-After`, with a connection that
is cut, or with an answer that comes too late.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Data = dict[str, Any]


@dataclass
class Fault:
    """What happens to a call. `done`: the work is done all the same. `cut`: no answer, the connection is reset.

    `late_s`: the answer comes so late, after the work if it is done.
    """

    status: int = 200
    error: str = ""
    retry_after: str | None = None
    cut: bool = False
    done: bool = False
    late_s: float = 0.0

    @property
    def failing(self) -> bool:
        """Whether the caller does not hear of success in time."""
        return self.cut or self.status != 200 or bool(self.error) or self.late_s > 0


@dataclass
class Call:
    """One call as it came; `method` names it."""

    method: str
    arguments: Data
    headers: Mapping[str, str]


class ChatServer:
    """`violations` are payloads that the chat would refuse, and calls that came too soon; there should be none."""

    KINDS: Sequence[Fault] = ()
    """The ways in which calls fail in chaos."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.clock_ahead_s = 0.0
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self._faults: list[tuple[str, Fault]] = []
        self._chaos: tuple[random.Random, float] | None = None
        self._busy_until: dict[str, float] = {}
        handler = type("Handler", (Handler,), {"double": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Listen no more."""
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

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

    def name_of(self, verb: str, path: str) -> str:
        """What a call is called."""
        raise NotImplementedError

    def work(self, name: str, path: str, arguments: Data, headers: Mapping[str, str]) -> tuple[int, Data]:
        """Do what a call asks for; status and body."""
        raise NotImplementedError

    def refusal(self, fault: Fault) -> Data:
        """The body of a call that fails."""
        raise NotImplementedError

    def headers_of(self, fault: Fault) -> dict[str, str]:
        """Headers of an answer beyond the usual."""
        return {} if fault.retry_after is None else {"Retry-After": fault.retry_after}

    def _fault(self, method: str) -> Fault:
        with self.lock:
            for number, (wanted, fault) in enumerate(self._faults):
                if wanted in ("", method):
                    del self._faults[number]
                    return fault
            if self._chaos is None or self._chaos[0].random() >= self._chaos[1]:
                return Fault()
            return self._chaos[0].choice(self.KINDS)

    def handle(self, verb: str, path: str, arguments: Data, headers: Mapping[str, str]) -> tuple[Fault, int, Data]:
        """What to answer: a fault, and status and body."""
        name = self.name_of(verb, path)
        with self.lock:
            self.calls.append(Call(name, arguments, headers))
        fault = self._fault(name)
        if fault.retry_after and float(fault.retry_after):
            self._busy_until[name] = time.monotonic() + float(fault.retry_after)
        elif time.monotonic() < self._busy_until.get(name, 0):
            self.violations.append(f"{name} was called before Retry-After was over")
        status, answer = (0, {}) if fault.failing and not fault.done else self.work(name, path, arguments, headers)
        self.stopping.wait(fault.late_s)
        return (fault, fault.status, self.refusal(fault)) if fault.failing else (fault, status, answer)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is no error here."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    double: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.headers.get_content_type() == "application/json":
            arguments = json.loads(body or "{}")
        else:
            arguments = {key: values[0] for key, values in parse_qs(body).items()}
        self._answer(arguments)

    do_PUT = do_POST  # noqa: N815 - the base class's name

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.double.talk(self)
        else:
            self._answer({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})

    do_DELETE = do_GET  # noqa: N815 - the base class's name

    def _answer(self, arguments: Data) -> None:
        path, headers = urlsplit(self.path).path, dict(self.headers.items())
        fault, status, answer = self.double.handle(self.command, path, arguments, headers)
        if fault.cut:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in self.double.headers_of(fault).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The clock of this chat, for the `Date` header."""
        return super().date_time_string((timestamp or time.time()) + self.double.clock_ahead_s)

    def log_message(self, *_: object) -> None:
        """Nothing: the calls are recorded."""
