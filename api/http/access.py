"""Who asks, what they may do, and what they may see.

Everybody with a key is told by the key, in `Authorization` or behind the cookie of a web session. As long as there
never was a key, whoever sits at this machine needs none; the local token, which only the home's owner can read, is as
good as any. Every route says what it needs (`needs`, or `Public`); one that doesn't fails a test.

A browser sends requests to a server on the loopback address for any page. A page of another site is known by its
`Origin` and `Sec-Fetch-Site`; one whose name was made to lead to this machine (DNS rebinding), by its `Host`.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from api.keys import Key, Keys
from api.remote import VIEW_HEADER
from api.uploads import Requester
from ingest.view import AUDIENCES, EVERYTHING, Audience, View

Need = Literal["ask", "ingest", "admin", "operate", "local"]
"""What a route can need: a scope of a key; `operate`, to watch the server; `local`, to act on its machine's files."""

SESSION_COOKIE = "cuecard_session"

PROXIED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via")
"""Headers of a request that came through a proxy: whoever sent it need not sit at this machine."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

NOTHING = View("candidate", frozenset())

_NO_KEY = "This needs a key: send it as `Authorization: Bearer KEY`, or log in at /login."
_BAD_KEY = "This key opens nothing: it is unknown, expired or revoked. `cuecard keys create` makes another."
_OTHER_SITE = "A page of another site can't do this. Use the server's own address, or a program."
_NEEDS_TOKEN = "This needs the token of the server's own machine. Use the `cuecard` command there."  # noqa: S105


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks. `id`: the key's, "" for who has none; `name` is for people. `browser`: known by a cookie."""

    id: str
    name: str
    may: frozenset[Need]
    view: View
    browser: bool = False


OWNER = Principal("", "the server's owner", frozenset({"ask", "ingest", "admin", "operate", "local"}), EVERYTHING)
"""Whoever can read the local token."""

AT_THE_MACHINE = Principal("", "somebody at this machine", frozenset({"ask", "ingest", "operate"}), EVERYTHING)
ANYBODY = Principal("", "anybody", frozenset({"ask"}), View("candidate"))
"""Who comes without a key to a server that was told to be open (`--insecure`): asks, and sees what candidates see."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a server tells who asks.

    `local`: only this machine reaches it. `insecure`: anybody may ask as long as there are no keys. `require`: "yes"
    always wants a key, "no" never of who sits at this machine, None once there is a key.
    """

    keys: Keys | None = None
    token: str | None = None
    local: bool = False
    insecure: bool = False
    require: str | None = None

    @property
    def quick(self) -> bool:
        """Whether a key can be told without asking the database."""
        return self.keys is None or self.keys.remembered

    def identify(self, headers: Headers, cookie: str | None) -> Principal | None:
        """Who asks; None for who would need a key and has none. Raises HTTPException for a key that opens nothing."""
        if "Authorization" in headers:
            return self._by_secret(headers["Authorization"])
        key = self.keys.of_session(cookie) if self.keys is not None and cookie else None
        if key is not None:
            return replace(_holder(key), browser=True)
        return self._without_key(headers)

    def _by_secret(self, authorization: str) -> Principal:
        scheme, _, secret = authorization.partition(" ")
        secret = secret.strip()
        if scheme.lower() == "bearer" and secret:
            if self.token is not None and hmac.compare_digest(secret.encode(), self.token.encode()):
                return OWNER
            key = self.keys.find(secret) if self.keys is not None else None
            if key is not None:
                return _holder(key)
        raise HTTPException(401, _BAD_KEY, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def _without_key(self, headers: Headers) -> Principal | None:
        here = self.local and not any(name in headers for name in PROXIED)
        if self.require == "yes":
            return None
        if here and self.require == "no":
            return AT_THE_MACHINE
        if self.keys is not None and self.keys.ever():
            return None
        if here:
            return AT_THE_MACHINE
        return ANYBODY if self.insecure else None


class LoginNeededError(Exception):
    """A person has to log in to see a page; `target` is where they wanted to go."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_foreign(headers: Headers) -> bool:
    """Whether a request was meant for a name that does not stand for this machine alone."""
    host = headers.get("Host", "")
    return bool(host) and not is_loopback(_name_of(f"//{host}"))


async def identify(request: Request) -> Principal | None:
    """Who sends a request, told once for each; None for who needs a key and has none.

    Raises HTTPException: 401 for a key that opens nothing, 403 for a page of another site, 422 for a view that can't
    be read.
    """
    if not hasattr(request.state, "principal"):
        access: Access = request.app.state.access
        cookie = request.cookies.get(SESSION_COOKIE)
        if access.quick and not cookie:
            principal = access.identify(request.headers, None)
        else:
            principal = await run_in_threadpool(access.identify, request.headers, cookie)
        if principal is not None:
            _refuse_other_sites(request, principal)
            principal = _narrowed(principal, request.headers.get(VIEW_HEADER))
            if principal.id:
                await request.app.state.limits.charge_key(principal.id)
        request.state.principal = principal
    found: Principal | None = request.state.principal
    return found


_BEARER = HTTPBearer(auto_error=False, description="A key, as `cuecard keys create` gives it.")
_COOKIE = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="A web session, as `POST /login` begins it.")


def needs(*any_of: Need, page: bool = False) -> Any:
    """A dependency of a route: whoever asks may do one of these. `page`: who has no key is sent to log in."""

    async def guard(
        request: Request,
        _bearer: Annotated[object, Depends(_BEARER)],
        _cookie: Annotated[object, Depends(_COOKIE)],
    ) -> Principal:
        principal = await identify(request)
        if principal is None:
            if page:
                query = f"?{request.url.query}" if request.url.query else ""
                raise LoginNeededError(f"{request.url.path}{query}")
            raise HTTPException(401, _NO_KEY, headers={"WWW-Authenticate": "Bearer"})
        if not principal.may.intersection(any_of):
            if not principal.id:
                said = _NEEDS_TOKEN if "local" in any_of else _NO_KEY
                raise HTTPException(401, said, headers={"WWW-Authenticate": "Bearer"})
            raise HTTPException(403, f"{principal.name} may not do this: it needs the scope {' or '.join(any_of)}.")
        return principal

    guard.needs = any_of  # type: ignore[attr-defined]  # what the tests, and `needs_of`, read
    return Depends(guard)


async def _nothing() -> None:
    """Nobody is asked who they are."""


_nothing.needs = ()  # type: ignore[attr-defined]

Public = Depends(_nothing)
"""For routes that tell nothing of the library."""

Asker = needs("ask")
Reader = needs("ask", "ingest")
Changer = needs("ingest")
Operator = needs("operate")
Administrator = needs("admin")
LocalCommand = needs("local")
"""Only the `cuecard` command on the server's own machine: what names files there."""


async def _principal(request: Request) -> Principal | None:
    return await identify(request)


async def _view(request: Request) -> View:
    principal = await identify(request)
    return NOTHING if principal is None else principal.view


async def _requester(request: Request) -> Requester:
    principal = await identify(request)
    return Requester(None, NOTHING) if principal is None else Requester(principal.id or None, principal.view)


ThePrincipal = Annotated[Principal | None, Depends(_principal)]
TheRequester = Annotated[Requester, Depends(_requester)]
TheView = Annotated[View, Depends(_view)]
"""What whoever asks may see; nothing where nobody knows who that is."""


def needs_of(dependant: Any) -> list[tuple[Need, ...]]:
    """What a route (its `dependant`) declares: of each one thing is needed. [()] is public; [] declares nothing."""
    return [each.call.needs for each in dependant.dependencies if hasattr(each.call, "needs")]


def login_address(target: str) -> str:
    """Where to log in, to go to `target` afterwards."""
    return f"/login?next={quote(target, safe='')}"


def is_own_page(headers: Headers) -> bool:
    """Whether a browser says that a page of this very server sends the request."""
    origin = headers.get("Origin")
    site = headers.get("Sec-Fetch-Site")
    return site == "same-origin" or (site is None and origin is not None and _is_own(origin, headers))


def is_other_site(headers: Headers) -> bool:
    """Whether a browser says that a page of another site sends the request."""
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "none")
    return site not in ("none", "same-origin") or (origin is not None and not _is_own(origin, headers))


def _holder(key: Key) -> Principal:
    may: set[Need] = set(key.scopes)
    if "admin" in may:
        may |= {"ask", "ingest", "operate"}
    return Principal(key.id, f"The key {key.name!r}", frozenset(may), key.view)


def _refuse_other_sites(request: Request, principal: Principal) -> None:
    """A browser sends cookies, and comes from this machine, for any page it shows: a secret in a header it does not."""
    if request.method in SAFE_METHODS:
        return
    foreign = not is_own_page(request.headers) if principal.browser else is_other_site(request.headers)
    if foreign and (principal.browser or "Authorization" not in request.headers):
        raise HTTPException(403, _OTHER_SITE)


def _narrowed(principal: Principal, said: str | None) -> Principal:
    if said is None:
        return principal
    try:
        wanted = json.loads(said)
        collections = wanted["collections"]
        if wanted["audience"] not in AUDIENCES or not all(isinstance(each, str) for each in collections or ()):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise HTTPException(422, f"The header {VIEW_HEADER} can't be read.") from error
    view = View(cast(Audience, wanted["audience"]), None if collections is None else frozenset(collections))
    return replace(principal, view=principal.view.within(view))


def _is_own(origin: str, headers: Headers) -> bool:
    return urlsplit(origin).netloc.lower() == headers.get("Host", "").lower() != ""


def _name_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
