"""Answers as server-sent events: `sources`, `token`…, `answer`; the text while it is made, where it comes in pieces.

Who leaves before the end is not worked for any more: what waits in the queue is taken out of it, and what is being
made breaks off with the next thing that it tells.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http.gate import Gate
from api.http.middleware import CLIENT_GONE
from api.http.problems import cuecard_problem
from api.library import Body
from ingest.errors import CuecardError

if TYPE_CHECKING:
    from answering.answers import Source
    from answering.ports import Listener

Event = tuple[str, Any]

LOOKED_EVERY_S = 0.5
"""How often it is looked whether somebody still waits, before there is anything to tell."""

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")


async def streamed(request: Request, gate: Gate, ask: Callable[[Listener], Body]) -> Response:
    """The answer that `ask` makes. What goes wrong before anything is said is raised, as for an answer in one piece.

    Later it is an event `error` with the problem; nothing follows that.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    listener = _Relay(asyncio.get_running_loop(), events)
    making = asyncio.create_task(gate.run(lambda: ask(listener)))
    work = _Work(making, listener)
    making.add_done_callback(lambda _: work.end(events))
    try:
        first = await _first(request, events)
    except ClientDisconnect:
        work.give_up()
        return Response(status_code=CLIENT_GONE)
    except asyncio.CancelledError:
        work.give_up()
        raise
    if first is None:
        making.result()
    return _Stream(_events(request, first, events, making), work)


async def _first(request: Request, events: asyncio.Queue[Event | None]) -> Event | None:
    """The first event. Raises ClientDisconnect where nobody waits for it any more."""
    getting = asyncio.ensure_future(events.get())
    try:
        while not getting.done():
            await asyncio.wait([getting], timeout=LOOKED_EVERY_S)
            if not getting.done() and await request.is_disconnected():
                raise ClientDisconnect
        return getting.result()
    finally:
        getting.cancel()


class _Stream(EventSourceResponse):
    """The events; whoever leaves before the last one ends the work for them."""

    def __init__(self, events: AsyncIterator[bytes], work: _Work) -> None:
        super().__init__(events, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._work.give_up()


class _LeftError(Exception):
    """Nobody listens any more."""


async def _events(
    request: Request, first: Event | None, events: asyncio.Queue[Event | None], making: asyncio.Task[Body]
) -> AsyncIterator[bytes]:
    event, said = first, False
    while event is not None:
        said = True
        yield _encoded(*event)
        event = await events.get()
    try:
        answer = making.result()
    except CuecardError as error:
        yield _encoded("error", json.loads(bytes(cuecard_problem(request, error).body)))
        return
    if not said:
        yield _encoded("sources", answer["sources"])
        for piece in _PIECE.findall(answer["answer"]):
            yield _encoded("token", {"text": piece})
    yield _encoded("answer", answer)


class _Relay:
    """The listener, called in the thread that makes the answer; the events are taken in the loop.

    Once nobody listens, telling it anything raises an error that ends the work.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, events: asyncio.Queue[Event | None]) -> None:
        self._loop, self._events = loop, events
        self.left = threading.Event()

    def sources(self, sources: Sequence[Source]) -> None:
        self._put("sources", [asdict(source) for source in sources])

    def text(self, piece: str) -> None:
        self._put("token", {"text": piece})

    def _put(self, name: str, data: Any) -> None:
        if self.left.is_set():
            raise _LeftError
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._events.put_nowait, (name, data))


@dataclass(frozen=True, slots=True)
class _Work:
    """The making of one answer."""

    making: asyncio.Task[Body]
    listener: _Relay

    def give_up(self) -> None:
        """Have it end. Nothing where it has."""
        self.listener.left.set()
        self.making.cancel()

    def end(self, events: asyncio.Queue[Event | None]) -> None:
        """It ended, or took too long: nothing more is told."""
        self.listener.left.set()
        if not self.making.cancelled():
            self.making.exception()  # whoever still listens raises it
        events.put_nowait(None)


def _encoded(name: str, data: object) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))
