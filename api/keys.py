"""API keys: who may do what, and see what. They live in the catalog, so that every process that serves it knows them.

A key is 256 random bits and is kept as its SHA-256 alone. That is enough: there is no dictionary of such keys to try,
which a slow, salted hash would be for, and a fast one costs a request nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from ingest.errors import NotFoundError, UsageError
from ingest.view import AUDIENCES, Audience, View

if TYPE_CHECKING:
    from sqlalchemy import Row

    from ingest.catalog import Catalog

Scope = Literal["ask", "ingest", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

PREFIX = "cuecard_"
"""What every key begins with, so that a tool that looks for leaked secrets knows one when it sees it."""

MAX_NAME = 100
SESSION_HOURS = 12

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_EXPIRES_HINT = "Write how long it is to last, such as 12h, 30d or 8w, or the last day: 2027-01-31."


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without its secret. Times are ISO 8601, UTC. `collections`: None for all of them."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    audience: Audience
    collections: tuple[str, ...] | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None

    @property
    def view(self) -> View:
        """What of the library its holder may see."""
        return View(self.audience, None if self.collections is None else frozenset(self.collections))

    def state(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        """Whether it opens anything."""
        if self.revoked_at is not None:
            return "revoked"
        # ISO times of one form compare as text
        return "expired" if self.expires_at is not None and self.expires_at <= _iso(now) else "active"

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """As the public interface spells it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state(now),
            "scopes": list(self.scopes),
            "audience": self.audience,
            "collections": None if self.collections is None else list(self.collections),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "revoked_at": self.revoked_at,
        }


class Keys:
    """The keys and web sessions of a catalog. Thread-safe.

    `alone`: no other process changes them, so that they are read once and remembered; else they are read for every
    request, and what another process revokes is revoked here at once, too.
    """

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        *,
        alone: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalog, self._alone, self.now = catalog, alone, now
        self._lock = threading.Lock()
        self._known: dict[str, Key] | None = None

    @property
    def remembered(self) -> bool:
        """Whether `find` answers from memory."""
        return self._known is not None

    def create(
        self,
        name: str,
        scopes: Collection[str],
        audience: str | None = None,
        collections: Collection[str] = (),
        expires: str | None = None,
    ) -> tuple[Key, str]:
        """A new key, and its secret, which nobody can look up again.

        `audience`: candidate where it isn't given, but interviewer for administrators, who see everything. `expires`:
        a duration or a day (see `expiry`). Raises UsageError.
        """
        from sqlalchemy import insert

        from ingest.schema import keys

        chosen = _checked_scopes(scopes)
        name, wanted = _checked_name(name), _checked_audience(audience, chosen, collections)
        now = self.now()
        secret = PREFIX + secrets.token_urlsafe(32)
        key = Key(
            id=secrets.token_hex(6),
            name=name,
            scopes=chosen,
            audience=wanted,
            collections=tuple(sorted(set(collections))) or None,
            created_at=_iso(now),
            expires_at=None if expires is None else expiry(expires, now),
            revoked_at=None,
        )
        row = {
            "id": key.id,
            "name": key.name,
            "hash": digest(secret),
            "scopes": json.dumps(key.scopes),
            "audience": key.audience,
            "collections": None if key.collections is None else json.dumps(key.collections),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": None,
        }
        with self._lock, self._catalog().transaction() as connection:
            connection.execute(insert(keys).values(row))
        self._forget()
        return key, secret

    def all(self) -> list[Key]:
        """All keys that ever were, oldest first."""
        return sorted(self._by_hash().values(), key=lambda key: (key.created_at, key.id))

    def revoke(self, id_or_prefix: str) -> Key:
        """Let a key open nothing any more, and end its sessions. Twice is fine.

        NotFoundError where there is none of this id, or that begins so; UsageError where several are meant.
        """
        from sqlalchemy import delete, update

        from ingest.schema import keys, sessions

        key = self._named(id_or_prefix)
        with self._lock, self._catalog().transaction() as connection:
            mine = update(keys).where(keys.c.id == key.id, keys.c.revoked_at.is_(None))
            connection.execute(mine.values(revoked_at=_iso(self.now())))
            connection.execute(delete(sessions).where(sessions.c.key_id == key.id))
        self._forget()
        return self._named(key.id)

    def find(self, secret: str) -> Key | None:
        """The key with this secret, if it opens anything now."""
        return self._usable(self._by_hash().get(digest(secret)))

    def ever(self) -> bool:
        """Whether there is, or was, any key: from the first on, everybody needs one."""
        return bool(self._by_hash())

    def count_usable(self) -> int:
        """How many keys open something now."""
        return sum(self._usable(key) is not None for key in self._by_hash().values())

    def begin_session(self, key: Key) -> tuple[str, datetime]:
        """What the cookie of somebody who gave this key is to hold, and until when."""
        from sqlalchemy import delete, insert

        from ingest.schema import sessions

        token, now = secrets.token_urlsafe(32), self.now()
        end = now + timedelta(hours=SESSION_HOURS)
        row = {"hash": digest(token), "key_id": key.id, "expires_at": _iso(end)}
        with self._catalog().transaction() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= _iso(now)))
            connection.execute(insert(sessions).values(row))
        return token, end

    def of_session(self, token: str) -> Key | None:
        """The key behind a cookie, if both are good now."""
        from sqlalchemy import select

        from ingest.schema import sessions

        query = select(sessions.c.key_id).where(sessions.c.hash == digest(token))
        with self._catalog().transaction() as connection:
            key_id = connection.execute(query.where(sessions.c.expires_at > _iso(self.now()))).scalar()
        return next((self._usable(key) for key in self._by_hash().values() if key.id == key_id), None)

    def end_session(self, token: str) -> None:
        """Forget a session."""
        from sqlalchemy import delete

        from ingest.schema import sessions

        with self._catalog().transaction() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == digest(token)))

    def _usable(self, key: Key | None) -> Key | None:
        return key if key is not None and key.state(self.now()) == "active" else None

    def _named(self, id_or_prefix: str) -> Key:
        found = [key for key in self.all() if key.id == id_or_prefix]
        if not found and len(id_or_prefix) >= 4:
            found = [key for key in self.all() if key.id.startswith(id_or_prefix)]
        if not found:
            raise NotFoundError(f"No key has the id {id_or_prefix}.", hint="`cuecard keys list` shows them all.")
        if len(found) > 1:
            names = ", ".join(f"{key.id} ({key.name})" for key in found)
            raise UsageError(f"{id_or_prefix} names several keys: {names}.", hint="Give the whole id.")
        return found[0]

    def _by_hash(self) -> dict[str, Key]:
        known = self._known
        if known is not None:
            return known
        with self._lock:
            from sqlalchemy import select

            from ingest.schema import keys

            with self._catalog().transaction() as connection:
                known = {row.hash: _read(row) for row in connection.execute(select(keys))}
            if self._alone:
                self._known = known
        return known

    def _forget(self) -> None:
        with self._lock:
            self._known = None


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def expiry(said: str, now: datetime) -> str:
    """When something that is to last so long ends: `30d`, or the end of a day (`2027-01-31`). Raises UsageError."""
    match = _DURATION.fullmatch(said.strip().lower())
    try:
        if match:
            end = now + timedelta(**{_UNITS[match[2]]: int(match[1])})
        else:
            last = date.fromisoformat(said.strip())
            end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{said!r} is not a time that a key can last.", hint=_EXPIRES_HINT) from error
    if end <= now:
        raise UsageError(f"A key that lasts until {said!r} has expired already.", hint=_EXPIRES_HINT)
    return _iso(end)


def _checked_name(name: str) -> str:
    text = " ".join(name.split())
    if not text or len(text) > MAX_NAME or not text.isprintable():
        raise UsageError(f"A key's name has 1 to {MAX_NAME} printable characters.", hint="Say who or what has the key.")
    return text


def _checked_scopes(scopes: Collection[str]) -> tuple[Scope, ...]:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        said = f"There is no scope {unknown[0]!r}." if unknown else "A key needs a scope."
        raise UsageError(said, hint=f"Scopes are: {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in scopes)


def _checked_audience(audience: str | None, scopes: Sequence[Scope], collections: Collection[str]) -> Audience:
    if any(not each.strip() or len(each) > 200 for each in collections):
        raise UsageError("A collection has no name, or one that is too long.", hint="Name collections that there are.")
    admin = "admin" in scopes
    for known in AUDIENCES:
        if known == (audience or ("interviewer" if admin else "candidate")):
            if admin and (known == "candidate" or collections):
                message = "Administrators see everything; a key with the scope admin can't be kept from a part of it."
                raise UsageError(message, hint="Leave --audience and --collection out, or the scope admin.")
            return known
    raise UsageError(f"There is no audience {audience!r}.", hint=f"Audiences are: {', '.join(AUDIENCES)}.")


def _read(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        scopes=tuple(json.loads(row.scopes)),
        audience=row.audience,
        collections=None if row.collections is None else tuple(json.loads(row.collections)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
