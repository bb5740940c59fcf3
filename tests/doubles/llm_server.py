"""A language model for tests: servers of OpenAI's, Ollama's and Anthropic's chat APIs on a free port of the loopback.

The real clients talk to it through real sockets. What it says is scripted: each request takes the next `Reply`, and
the last one is said for ever. Nothing in it understands a question.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Wire = Literal["openai-like", "ollama", "anthropic"]

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What happens to one request.

    `text` is said in pieces of `size` characters, `pause_s` before each; a function makes it from the request's user
    message. `status` other than 200 is answered with `headers` and nothing said. `stall`: silence after `after`
    characters, until the server stops. `cut`: the connection is reset there. `raw`: these bytes instead of a reply.
    `hold`: it says `after` characters, and the rest once this is set.
    `streams`: whether it can; if not, it answers in one piece whatever is asked for.
    """

    text: str | Callable[[str], str] = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 7
    pause_s: float = 0.0
    stall: bool = False
    cut: bool = False
    after: int = 0
    hold: threading.Event | None = None
    raw: bytes | None = None
    streams: bool = True


class LanguageModelDouble:
    """A server that says what it is told to. `heard`: the user messages that came, `systems` those of the system.

    `said`: how many characters it streamed. `hung_up`: somebody left before they had heard it out.
    """

    def __init__(self, wire: Wire, replies: Sequence[Reply]) -> None:
        self.wire = wire
        self.replies = list(replies)
        self.heard: list[str] = []
        self.systems: list[str] = []
        self.said = 0
        self.hung_up = threading.Event()
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What CUECARD_LLM_URL is set to."""
        root = f"http://127.0.0.1:{self._http.server_address[1]}"
        return f"{root}/v1" if self.wire == "openai-like" else root

    def next(self, body: Body) -> tuple[Reply, str]:
        """The reply to a request, and its text."""
        messages = {m["role"]: _plain(m["content"]) for m in body["messages"]}
        if "system" in body:
            messages["system"] = _plain(body["system"])
        with self._lock:
            self.heard.append(messages.get("user", ""))
            self.systems.append(messages.get("system", ""))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply, reply.text(messages.get("user", "")) if callable(reply.text) else reply.text

    def close(self) -> None:
        """Stop, and let go of every connection."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def language_model(*replies: Reply, wire: Wire = "openai-like") -> Iterator[LanguageModelDouble]:
    """A server for the time of a test."""
    double = LanguageModelDouble(wire, replies)
    try:
        yield double
    finally:
        double.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], double: LanguageModelDouble) -> None:
        super().__init__(address, _Handler)
        self.double = double

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is for the test to see."""
        self.double.hung_up.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass

    def do_GET(self) -> None:
        self._whole(200, {"models": []})

    def do_POST(self) -> None:
        body: Body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        double = self.server.double
        reply, text = double.next(body)
        if reply.status != 200:
            self._whole(reply.status, {"error": {"message": "no"}}, reply.headers)
        elif reply.raw is not None:
            self._bytes(200, reply.raw, {"Content-Type": "text/event-stream"})
        elif not (reply.streams and body.get("stream", double.wire == "ollama")):
            self._whole(200, _whole(double.wire, text))
        else:
            self._stream(reply, text)

    def _stream(self, reply: Reply, text: str) -> None:
        double = self.server.double
        self.send_response(200)
        streamed = "application/x-ndjson" if double.wire == "ollama" else "text/event-stream"
        self.send_header("Content-Type", streamed)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        if double.wire == "anthropic":
            self._chunk(_first())
        breaks = reply.stall or reply.cut
        said = text[: reply.after] if breaks else text
        for at in range(0, len(said), reply.size):
            if reply.hold is not None and at >= reply.after:
                while not (reply.hold.wait(0.05) or double.stopping.is_set()):
                    pass
            if double.stopping.wait(reply.pause_s):
                return
            double.said = at
            self._chunk(_piece(double.wire, said[at : at + reply.size]))
        if reply.stall:
            double.stopping.wait()
            return
        if reply.cut:
            # a reset, which is no end of a chunked body
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self._chunk(_last(double.wire))
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _whole(self, status: int, body: Body, headers: Mapping[str, str] | None = None) -> None:
        self._bytes(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _bytes(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)


def _piece(wire: Wire, text: str, finish: str | None = None) -> bytes:
    if wire == "ollama":
        return (
            json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": False}).encode()
            + b"\n"
        )
    if wire == "anthropic":
        delta = {"type": "text_delta", "text": text}
        return _event({"type": "content_block_delta", "index": 0, "delta": delta})
    delta = {"role": "assistant", "content": text}
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _last(wire: Wire) -> bytes:
    if wire == "ollama":
        end = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        return json.dumps(end).encode() + b"\n"
    if wire == "anthropic":
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        ended = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}
        events: list[Body] = [{"type": "content_block_stop", "index": 0}, ended, {"type": "message_stop"}]
        return b"".join(_event(event) for event in events)
    return _piece(wire, "", "stop") + b"data: [DONE]\n\n"


def _first() -> bytes:
    """What Anthropic says before the text."""
    return _event({"type": "message_start", "message": _message("", None)}) + _event(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    )


def _message(text: str, stop: str | None) -> Body:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _event(data: Body) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def _plain(content: Any) -> str:
    """A message's text: as it is, or of its blocks, as Anthropic has them."""
    return content if isinstance(content, str) else "".join(str(block.get("text", "")) for block in content)


def _whole(wire: Wire, text: str) -> Body:
    message = {"role": "assistant", "content": text}
    if wire == "ollama":
        return {"model": "m", "message": message, "done": True, "done_reason": "stop"}
    if wire == "anthropic":
        return _message(text, "end_turn")
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
