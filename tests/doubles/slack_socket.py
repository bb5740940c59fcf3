"""The other end of Socket Mode: a WebSocket server that sends envelopes and notes what was acknowledged."""

from __future__ import annotations

import base64
import hashlib
import json
import socketserver
import struct
import threading
from typing import Any

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class SlackSocket:
    """`url` is what `apps.connections.open` gives out. `acknowledged` are ids of envelopes."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.connected = threading.Event()
        self._connection: Any = None
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._talk(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ws://127.0.0.1:{self._server.server_address[1]}/link"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def send(self, body: dict[str, Any]) -> None:
        """Send an envelope."""
        data = json.dumps(body).encode()
        head = bytes([0x81]) + (bytes([len(data)]) if len(data) < 126 else bytes([126]) + struct.pack(">H", len(data)))
        self._connection.wfile.write(head + data)

    def _talk(self, connection: Any) -> None:
        key = ""
        while line := connection.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            key = value.strip() if name.lower() == "sec-websocket-key" else key
        accept = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324 - the protocol's
        connection.wfile.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self._connection = connection
        self.send({"type": "hello", "num_connections": 1})
        self.connected.set()
        while frame := self._frame(connection.rfile):
            kind, data = frame
            if kind == 9:
                connection.wfile.write(bytes([0x8A, len(data)]) + data)
            elif kind == 8:
                return
            elif kind == 1:
                self.acknowledged.append(json.loads(data)["envelope_id"])

    def _frame(self, stream: Any) -> tuple[int, bytes] | None:
        """Kind and data of the next frame; those of clients are masked."""
        head = stream.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size == 126:
            size = struct.unpack(">H", stream.read(2))[0]
        mask = stream.read(4) if head[1] & 0x80 else b"\0\0\0\0"
        data = stream.read(size)
        return head[0] & 0x0F, bytes(byte ^ mask[number % 4] for number, byte in enumerate(data))
