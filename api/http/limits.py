"""How often somebody may ask: so many requests a minute for each address and each key."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import RateLimitedError
from api.http.access import is_loopback
from api.http.problems import cuecard_problem
from api.incidents import Incident
from api.settings import Settings

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.storage import Storage
    from limits.strategies import MovingWindowRateLimiter, RateLimiter

RATE = 600
"""Requests a minute where the settings say nothing."""

UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics", "/slack/events", "/mattermost/events"})
"""What is asked all the time by those who watch over the server; and by chats, for many people from one address."""

AWAY_S = 10.0
"""Seconds for which every server counts for itself after Redis could not be reached."""


class RateLimits:
    """Counts requests within the last minute, in this process or in Redis, by whoever sends them.

    Programs of the server's own machine may send what they like, unless a limit was asked for.
    """

    def __init__(self, settings: Settings | None) -> None:
        wanted = settings.rate_limit if settings else None
        self._exempt_local = wanted is None
        self._limit: RateLimitItem | None = None
        self._shared: RateLimiter | None = None
        self._away_until = 0.0
        self._incident = Incident("redis")
        self.refused = 0
        if wanted == "none":
            return
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._limit = RateLimitItemPerMinute(int(wanted or RATE))
        self._own: MovingWindowRateLimiter = MovingWindowRateLimiter(MemoryStorage())
        if settings and settings.redis_url:
            self._shared = MovingWindowRateLimiter(_redis(settings.redis_url))

    async def charge_address(self, host: str | None) -> None:
        """Count a request from an address. Raises RateLimitedError."""
        if self._limit is not None and not (self._exempt_local and (host is None or is_loopback(host))):
            await self._charge("address", host or "")

    async def charge_key(self, key_id: str) -> None:
        """Count a request with a key. Raises RateLimitedError."""
        if self._limit is not None:
            await self._charge("key", key_id)

    async def _charge(self, kind: str, who: str) -> None:
        if self._shared is not None and time.monotonic() >= self._away_until:
            wait = await run_in_threadpool(self._hit_shared, kind, who)
        else:
            wait = self._hit(self._own, kind, who)
        if wait is not None:
            self.refused += 1
            amount = self._limit.amount if self._limit else 0
            raise RateLimitedError(
                f"At most {amount} requests a minute are taken from one {kind}.",
                hint=f"Try again in {wait} seconds.",
                retry_after=wait,
            )

    def _hit_shared(self, kind: str, who: str) -> int | None:
        from redis.exceptions import RedisError

        assert self._shared is not None  # noqa: S101 - for the type checker
        try:
            wait = self._hit(self._shared, kind, who)
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            self._incident.begin(f"Each server counts for itself: {error}")
            return self._hit(self._own, kind, who)
        self._incident.end()
        return wait

    def _hit(self, limiter: RateLimiter, kind: str, who: str) -> int | None:
        """Count; seconds until the next one is taken, None where this one is."""
        assert self._limit is not None  # noqa: S101 - for the type checker
        if limiter.hit(self._limit, kind, who):
            return None
        return max(1, math.ceil(limiter.get_window_stats(self._limit, kind, who).reset_time - time.time()))


class LimitAddresses:
    """The middleware that counts requests by the address they come from, before anything is read of them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in UNCOUNTED:
            limits: RateLimits = scope["app"].state.limits
            client = scope.get("client")
            try:
                await limits.charge_address(client[0] if client else None)
            except RateLimitedError as error:
                await cuecard_problem(Request(scope), error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _redis(url: str) -> Storage:
    from limits.storage import RedisStorage

    quick = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    return RedisStorage(f"redis+{url}" if url.startswith("unix") else url, key_prefix="cuecard", **quick)  # type: ignore[arg-type]
