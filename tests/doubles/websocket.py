"""The server's end of a WebSocket, for doubles: the handshake and frames of text."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accepting(key: str) -> bytes:
    """The answer to a handshake with the key of `Sec-WebSocket-Key`."""
    accept = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324 - the protocol's
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


def text_frame(text: str) -> bytes:
    """A frame of text."""
    data = text.encode()
    if len(data) < 126:
        return bytes([0x81, len(data)]) + data
    return bytes([0x81, 126]) + struct.pack(">H", len(data)) + data


def texts(stream: Any, write: Any) -> Any:
    """The texts that a client sends, until it leaves; its pings are answered."""
    while frame := _frame(stream):
        kind, data = frame
        if kind == 9:
            write(bytes([0x8A, len(data)]) + data)
        elif kind == 8:
            return
        elif kind == 1:
            yield data.decode()


def _frame(stream: Any) -> tuple[int, bytes] | None:
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
