"""The other end of Socket Mode: a WebSocket server that sends envelopes and notes what was acknowledged."""

from __future__ import annotations

import json
import socketserver
import threading
from typing import Any

from tests.doubles.websocket import accepting, text_frame, texts


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
        self._connection.wfile.write(text_frame(json.dumps(body)))

    def _talk(self, connection: Any) -> None:
        key = ""
        while line := connection.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            key = value.strip() if name.lower() == "sec-websocket-key" else key
        connection.wfile.write(accepting(key))
        self._connection = connection
        self.send({"type": "hello", "num_connections": 1})
        self.connected.set()
        for text in texts(connection.rfile, connection.wfile.write):
            self.acknowledged.append(json.loads(text)["envelope_id"])
