"""Answers as server-sent events: `sources`, `token`…, `answer`; the text while it is made, where it comes in pieces."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from api.http.gate import Gate
from api.http.problems import cuecard_problem
from api.library import Body
from ingest.errors import CuecardError

if TYPE_CHECKING:
    from answering.answers import Source
    from answering.ports import Listener

Event = tuple[str, Any]

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")


async def streamed(request: Request, gate: Gate, ask: Callable[[Listener], Body]) -> Response:
    """The answer that `ask` makes. What goes wrong before anything is said is raised, as for an answer in one piece.

    Later it is an event `error` with the problem; nothing follows that.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    listener = _Relay(asyncio.get_running_loop(), events)
    making = asyncio.create_task(gate.run(lambda: ask(listener)))
    making.add_done_callback(lambda _: events.put_nowait(None))
    first = await events.get()
    if first is None:
        making.result()
    return EventSourceResponse(
        _events(request, first, events, making), headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )


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
    """The listener, called in the thread that makes the answer; the events are taken in the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, events: asyncio.Queue[Event | None]) -> None:
        self._loop, self._events = loop, events

    def sources(self, sources: Sequence[Source]) -> None:
        self._put("sources", [asdict(source) for source in sources])

    def text(self, piece: str) -> None:
        self._put("token", {"text": piece})

    def _put(self, name: str, data: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._events.put_nowait, (name, data))


def _encoded(name: str, data: object) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))
