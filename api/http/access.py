"""Who may change the library, while there are no keys: whoever sits at this machine, and no web site they visit.

A browser sends requests to a server on the loopback address for any page. A page of another site is known by its
`Origin` and `Sec-Fetch-Site`; one whose name was made to lead to this machine (DNS rebinding), by its `Host`.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

PROXIED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via")
"""Headers of a request that came through a proxy: whoever sent it need not sit at this machine."""

_NEEDS_TOKEN = "This needs the token of the server's own machine. Use the `cuecard` command there."  # noqa: S105
_OTHER_SITE = "A page of another site can't change the library. Use the server's own address, or a program."


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


def _administrator(request: Request) -> None:
    if not _has_token(request):
        raise HTTPException(401, _NEEDS_TOKEN, headers={"WWW-Authenticate": "Bearer"})


def _changer(request: Request) -> None:
    headers = request.headers
    if _has_token(request):
        return
    if not request.app.state.local or any(name in headers for name in PROXIED):
        raise HTTPException(401, _NEEDS_TOKEN, headers={"WWW-Authenticate": "Bearer"})
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "none")
    if site not in ("none", "same-origin") or (origin is not None and not _is_own(origin, headers)):
        raise HTTPException(403, _OTHER_SITE)


Administrator = Depends(_administrator)
"""Only with the local token."""

Changer = Depends(_changer)
"""With the local token; without one where the server listens on the loopback address, but for no other web site."""


def _has_token(request: Request) -> bool:
    token: str | None = request.app.state.token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return token is not None and scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


def _is_own(origin: str, headers: Headers) -> bool:
    return urlsplit(origin).netloc.lower() == headers.get("Host", "").lower() != ""


def _name_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
