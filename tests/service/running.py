"""A server in a thread of the test's process, on a free port of the loopback address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api.http.server import listen

WAIT_S = 60.0


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The server's address; it ends in good order with the block."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=10)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(WAIT_S)


def until(condition: Callable[[], bool]) -> None:
    """Wait for it. Fails after a minute."""
    ends = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends, "waited for a minute"
        time.sleep(0.01)
