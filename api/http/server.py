"""`cuecard serve`: the HTTP API in a process that holds the home and ends in good order."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api.home import own
from api.http.access import is_loopback
from api.http.app import create_app
from api.http.middleware import log_to_stderr
from api.local import LocalLibrary
from api.settings import Settings
from ingest.errors import CuecardError, UsageError

GRACE_SECONDS = 30
"""How long requests in flight may take to finish once the server is told to stop."""

LOCAL_NAMES = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Where commands on this machine reach a server that listens everywhere."""

_log = logging.getLogger("cuecard.http")


def serve(settings: Settings, host: str, port: int, *, insecure: bool, ready: Callable[[str], None]) -> None:
    """Serve the home until SIGTERM or Ctrl-C; requests in flight finish, and the home is let go.

    `ready` is told the URL once connections are taken. Port 0 takes a free one. Raises UsageError for a host beyond
    this machine without a key or `insecure`, HomeBusyError where another process holds the home.
    """
    wants_key = not is_loopback(host) and not insecure
    if wants_key and not settings.home.exists() and settings.database_url is None:
        raise _no_key(host)
    holding = own(settings, "serve", create=True)
    library = LocalLibrary(settings, holding, _log.info)
    try:
        if wants_key and not library.keys.count_usable():
            raise _no_key(host)
        log_to_stderr()
        token = secrets.token_urlsafe(32)

        def announce(address: int) -> None:
            holding.announce(_url(LOCAL_NAMES.get(host, host), address), token)
            ready(_url(host, address))

        app = create_app(library, settings, token=token, local=is_loopback(host), insecure=insecure)
        run_server(app, host, port, announce)
    finally:
        library.close()


def _no_key(host: str) -> UsageError:
    return UsageError(
        f"{host} can be reached from other machines, and there is no key that is good now.",
        hint="Make one with `cuecard keys create`, serve on 127.0.0.1, or say --insecure to let anybody ask.",
    )


def run_server(app: FastAPI, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve `app` until a signal ends it in good order. `ready` is told the port once connections are taken."""
    listener = listen(host, port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS, server_header=False, ws="none"
    )
    server = _Server(config)
    server.on_started = lambda: ready(listener.getsockname()[1])
    with _ending_in_good_order():
        server.run(sockets=[listener])


@contextmanager
def _ending_in_good_order() -> Iterator[None]:
    """Uvicorn raises the signal that ended it once more when it is done; here that must not keep us from closing."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """Uvicorn that says when it takes connections, and returns from `run` also after a signal."""

    on_started: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self.on_started()


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections there; port 0 takes a free one. Raises CuecardError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with the protocol named, asyncio turns Nagle's algorithm off, which would cost each answer 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = f"{error.strerror or error}"
        raise CuecardError(
            f"Can't listen on {host}:{port}: {reason}.", hint="Take another with --port; 0 finds a free one."
        ) from error
    return listener
