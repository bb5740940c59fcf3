"""What tests take from the machine: servers of its own packages, started for one session, and users without rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
"""Servers refuse to be root's, and nothing holds root back."""

DEBIAN_POSTGRES = "/usr/lib/postgresql"
LANGUAGE = "--locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US"
START_S = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def open_place() -> Iterator[Path]:
    """A folder that everybody can enter; pytest's own are for their owner only."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user whom permissions hold back."""
    if os.name != "posix":
        pytest.skip("permissions work differently here")
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(NOBODY)
    except OSError:
        pytest.skip("root can read and write everything, and may not become somebody else here")
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL that sorts by a language's rules; the URL of its database, whose owner asks. Skips without one."""
    named = shutil.which("pg_ctl")
    found = [Path(named)] if named else sorted(Path(DEBIAN_POSTGRES).glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("no PostgreSQL on this machine: `apt-get install postgresql`")
    user = NOBODY if os.geteuid() == 0 else None
    with open_place() as folder:
        if user:
            os.chown(folder, user, -1)

        def pg_ctl(command: str, *options: str) -> None:
            words: list[str | Path] = [found[-1].resolve(), command, "--silent", "--pgdata", folder / "data", *options]
            # without a pipe: the server would keep it open
            with (folder / "log").open("a+") as log:
                done = subprocess.run(words, user=user, cwd=folder, stdout=log, stderr=log, check=False)
            assert done.returncode == 0, (folder / "log").read_text()

        pg_ctl("initdb", "--options", "--username=cuecard --auth=trust --encoding=UTF8 --no-sync " + LANGUAGE)
        port = free_port()
        # nothing of it has to outlive the machine
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off"}
        pg_ctl("start", "--wait", "--options", " ".join(f"-c {name}={value}" for name, value in settings.items()))
        try:
            yield f"postgresql+psycopg://cuecard@127.0.0.1:{port}/postgres"
        finally:
            pg_ctl("stop", "--mode", "immediate")


@contextmanager
def redis_server() -> Iterator[tuple[str, str]]:
    """A Redis; its URLs, by port and by socket. Skips without one."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no Redis on this machine: `apt-get install redis-server`")
    with open_place() as folder:
        port, path = free_port(), folder / "redis.sock"
        options = ["--bind", "127.0.0.1", "--port", str(port), "--unixsocket", str(path), "--save", ""]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen([program, *options], cwd=folder, stdout=log, stderr=log)
        try:
            end = time.monotonic() + START_S
            while not path.exists():
                assert server.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0", f"unix://{path}?db=0"
        finally:
            server.terminate()
            server.wait(START_S)
