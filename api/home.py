"""The home folder, and who owns it: one process at a time, which leaves its name (and a server its address) there.

A lock file, held through the operating system, decides; it is let go when the process dies, however it dies. The
owner file beside it only says who holds the lock, so a stale one does no harm.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.settings import Settings
from ingest.errors import HomeBusyError, NotFoundError, SettingsError

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from api.library import Library

LOCK_FILE = "lock"
OWNER_FILE = "owner.json"
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a home. `started` is ISO 8601, UTC. `url` and `token` are there while it serves requests."""

    pid: int
    command: str
    started: str
    url: str | None = None
    token: str | None = None

    def describe(self) -> str:
        """Who it is, in words."""
        return f"`cuecard {self.command}` (process {self.pid}, since {self.started})"


class Holding:
    """A home held by this process. `release` is safe to call twice."""

    def __init__(self, home: Path, lock: BaseFileLock | None, owner: Owner) -> None:
        self.home = home
        self.owner = owner
        self._lock = lock
        if lock is not None:
            _write_owner(home, owner)

    def announce(self, url: str, token: str) -> None:
        """Tell other processes where this one answers, and the token that lets them administrate."""
        self.owner = replace(self.owner, url=url, token=token)
        if self._lock is not None:
            _write_owner(self.home, self.owner)

    def release(self) -> None:
        """Let other processes have the home."""
        if self._lock is not None and self._lock.is_locked:
            (self.home / OWNER_FILE).unlink(missing_ok=True)
            self._lock.release()


def hold(settings: Settings, command: str, *, create: bool) -> Holding | None:
    """The home, held by this process; None where another process holds it.

    A home whose catalog and index live in servers is shared and needs no lock. Raises NotFoundError where there is
    no home and `create` is false, SettingsError where the folder can't be written.
    """
    home = settings.home
    if not create and not home.is_dir():
        raise NotFoundError(
            f"There is no home at {home}.", hint="Make one with `cuecard ingest PATH`, or name another with --home."
        )
    owner = Owner(os.getpid(), command, datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.shared:
            return Holding(home, None, owner)
        from filelock import FileLock, Timeout

        lock = FileLock(home / LOCK_FILE, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return None
        return Holding(home, lock, owner)
    except OSError as error:
        raise SettingsError(
            f"The home {home} can't be used: {error.strerror or error}.",
            hint="Correct its permissions, or name another.",
        ) from error


def read_owner(home: Path) -> Owner | None:
    """The living process named in the owner file; None where there is none or the process is gone."""
    try:
        owner = Owner(**json.loads((home / OWNER_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return owner if _alive(owner.pid) else None


def connect(
    settings: Settings,
    command: str,
    *,
    create: bool = False,
    wait: float = WAIT_SECONDS,
    tell: Callable[[str], None] | None = None,
) -> Library:
    """The knowledge base in `settings.home`: opened here, or reached through the `serve` process that holds it.

    Where another command holds the home, waits up to `wait` seconds (and says so through `tell`), then raises
    HomeBusyError with who holds it since when.
    """
    patience = _Patience(settings.home, wait, tell)
    while (holding := hold(settings, command, create=create)) is None:
        owner = read_owner(settings.home)
        if owner is not None and owner.url is not None:
            from api.remote import RemoteLibrary

            remote = RemoteLibrary(owner.url, owner.token or "")
            if remote.reachable():
                return remote
            remote.close()
        patience.wait(owner)
    from api.local import LocalLibrary

    return LocalLibrary(settings, holding, tell)


def own(
    settings: Settings,
    command: str,
    *,
    create: bool,
    wait: float = WAIT_SECONDS,
    tell: Callable[[str], None] | None = None,
) -> Holding:
    """The home, held by this process, after at most `wait` seconds. HomeBusyError where another one keeps it."""
    patience = _Patience(settings.home, wait, tell)
    while (holding := hold(settings, command, create=create)) is None:
        owner = read_owner(settings.home)
        if owner is not None and owner.url is not None:
            raise _busy(settings.home, owner)
        patience.wait(owner)
    return holding


class _Patience:
    """Waiting for a home that somebody holds: a while, and not without a word."""

    def __init__(self, home: Path, seconds: float, tell: Callable[[str], None] | None) -> None:
        self._home = home
        self._deadline = time.monotonic() + seconds
        self._tell = tell

    def wait(self, owner: Owner | None) -> None:
        """A moment. Raises HomeBusyError when it has been long enough."""
        if time.monotonic() >= self._deadline:
            raise _busy(self._home, owner)
        if self._tell is not None:
            self._tell(f"waiting for {owner.describe() if owner else 'another process'} to let go of {self._home}")
            self._tell = None
        time.sleep(POLL_SECONDS)


def _busy(home: Path, owner: Owner | None) -> HomeBusyError:
    """The error that says who holds the home and what to do."""
    if owner is None:
        return HomeBusyError(f"The home {home} is held by another process.", hint="Wait for it to end, and try again.")
    return HomeBusyError(
        f"The home {home} is held by {owner.describe()}.",
        hint=f"Wait for it to end, or stop it (kill {owner.pid}), and try again.",
    )


def _alive(pid: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _write_owner(home: Path, owner: Owner) -> None:
    draft = home / f"{OWNER_FILE}.{owner.pid}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(owner), file)
    draft.replace(home / OWNER_FILE)
