"""`cuecard serve`: the HTTP API in a process that holds the home and ends in good order."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from api.home import busy, hold, read_owner
from api.http.app import create_app
from api.http.middleware import log_to_stderr
from api.local import LocalLibrary
from api.settings import Settings
from ingest.errors import CuecardError, UsageError

GRACE_SECONDS = 30
"""How long requests in flight may take to finish once the server is told to stop."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def serve(settings: Settings, host: str, port: int, *, insecure: bool, ready: Callable[[str], None]) -> None:
    """Serve the home until SIGTERM or Ctrl-C; requests in flight finish, and the home is let go.

    `ready` is told the URL once connections are taken. Port 0 takes a free one. Raises UsageError for a host beyond
    this machine without `insecure`, HomeBusyError where another process holds the home.
    """
    if not is_loopback(host) and not insecure:
        raise UsageError(
            f"{host} can be reached from other machines, and this version has no keys yet: anybody could ask.",
            hint="Serve on 127.0.0.1, or say --insecure if the network is yours alone.",
        )
    holding = hold(settings, "serve", create=True)
    if holding is None:
        raise busy(settings.home, read_owner(settings.home))
    try:
        library = LocalLibrary(settings, holding)
    except BaseException:
        holding.release()
        raise
    try:
        listener = _listen(host, port)
        token = secrets.token_urlsafe(32)
        address = listener.getsockname()[1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{address}"
        log_to_stderr()
        app = create_app(library, settings, token=token)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS, server_header=False
        )
        server = _Server(config)

        def announce() -> None:
            holding.announce(_local(host, address), token)
            ready(url)

        server.on_started = announce
        with _ending_in_good_order():
            server.run(sockets=[listener])
    finally:
        library.close()


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


def _local(host: str, port: int) -> str:
    """Where commands on this machine reach the server."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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
