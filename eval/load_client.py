"""A client that costs little: HTTP/1.1 over connections that are kept, for measuring a server on the same machine."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ingest.errors import CuecardError

_HINTS = {
    401: "Give it a key with --key.",
    403: "Its memory is told to keys with the scope `admin` only: `cuecard keys create --scope ask --scope admin`.",
    429: "Start it with CUECARD_RATE_LIMIT=1000000: what one key may ask in a minute is limited.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One request's end. `status`: 0 where the connection broke. `seconds`: from the call until the last byte."""

    status: int
    seconds: float
    cached: bool = False


class LoadClient:
    """Sends requests to one server, over as many connections as run at once."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._key = f"Authorization: Bearer {key}\r\n" if key else ""
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, question: str) -> Reply:
        """Ask, and wait for the whole answer."""
        started = time.perf_counter()
        try:
            status, body = await self._send("POST", "/ask", {"question": question})
        except (OSError, asyncio.IncompleteReadError):
            return Reply(0, time.perf_counter() - started)
        return Reply(status, time.perf_counter() - started, b'"cached":true' in body)

    async def get(self, path: str) -> str:
        """A page's text. Raises CuecardError where there is none."""
        try:
            status, body = await self._send("GET", path, None)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise CuecardError(f"No server answers at {self._host}:{self._port}.", hint="Start one.") from error
        if status != 200:
            raise CuecardError(f"The server answered {status} to {path}.", hint=_HINTS.get(status, "Look at its log."))
        return body.decode()

    async def close(self) -> None:
        """Close all connections."""
        for _, writer in self._free:
            writer.close()
        self._free.clear()

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{self._key}{kind}\r\n"
        while True:
            kept = bool(self._free)
            reader, writer = self._free.pop() if kept else await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(head.encode() + content)
                status, closes, received = await _read(reader)
                break
            except (ConnectionError, asyncio.IncompleteReadError):
                writer.close()
                if not kept:  # else the server had closed it meanwhile, because nobody used it
                    raise
            except BaseException:
                writer.close()
                raise
        if closes:
            writer.close()
        else:
            self._free.append((reader, writer))
        return status, received


async def _read(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    return int(lines[0].split()[1]), fields.get(b"connection", b"").lower() == b"close", body
