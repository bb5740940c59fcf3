"""Rate limits: by address and by key, in this process or in Redis, which may go away."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from importlib.resources import files

import pytest
from fakeredis import TcpFakeServer
from fastapi.testclient import TestClient
from redis import Redis

from api.errors import RateLimitedError
from api.http import limits as limits_module
from api.http.app import create_app
from api.http.limits import RateLimits
from api.settings import Settings, load_settings
from tests.api.fake_library import FakeLibrary
from tests.service.conftest import ADMIN, TOKEN
from tests.services import redis_server


def settings(**variables: str) -> Settings:
    return load_settings("/nowhere", {f"CUECARD_{name.upper()}": value for name, value in variables.items()})


def client(host: str, **variables: str) -> TestClient:
    app = create_app(FakeLibrary(), settings(**variables), token=TOKEN)
    return TestClient(app, client=(host, 1), raise_server_exceptions=False, headers=ADMIN)


def taken(limits: RateLimits, host: str, times: int) -> int:
    """How many of so many requests are taken."""

    async def send() -> int:
        count = 0
        for _ in range(times):
            try:
                await limits.charge_address(host)
            except RateLimitedError:
                continue
            count += 1
        return count

    return asyncio.run(send())


def test_an_address_that_asks_too_often_is_told_when_to_come_back() -> None:
    with client("192.0.2.7", rate_limit="3") as asker:
        statuses = [asker.get("/documents").status_code for _ in range(5)]
        refused = asker.post("/ask", json={"question": "x"})
        assert statuses == [200, 200, 200, 429, 429]
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:cuecard:rate-limited"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json()["request_id"] == refused.headers["X-Request-ID"]
        assert asker.get("/healthz").status_code == 200, "who watches over the server is not counted"
        assert 'cuecard_refused_total{why="rate"} 3.0' in asker.get("/metrics").text


def test_programs_of_the_same_machine_are_not_counted_unless_that_was_asked_for() -> None:
    assert taken(RateLimits(settings()), "127.0.0.1", 700) == 700
    assert taken(RateLimits(settings(rate_limit="5")), "127.0.0.1", 10) == 5
    assert taken(RateLimits(settings()), "192.0.2.7", 700) == 600
    assert taken(RateLimits(settings(rate_limit="none")), "192.0.2.7", 700) == 700


def test_addresses_and_keys_are_counted_apart() -> None:
    limits = RateLimits(settings(rate_limit="2"))
    assert [taken(limits, host, 3) for host in ("192.0.2.1", "192.0.2.2")] == [2, 2]

    async def with_keys() -> None:
        for key in ("one", "two"):
            await limits.charge_key(key)
            await limits.charge_key(key)
            with pytest.raises(RateLimitedError, match="one key"):
                await limits.charge_key(key)

    asyncio.run(with_keys())


@pytest.fixture
def double() -> Iterator[str]:
    """The URL of a double of Redis."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    # this double hangs up on whoever is told of an error, and a script that isn't known yet is one
    with Redis(port=server.server_address[1]) as connection:
        for script in (files("limits") / "resources" / "redis" / "lua_scripts").iterdir():
            connection.script_load(script.read_bytes())
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """The URLs of a Redis of the machine's own: by port, and by socket."""
    with redis_server() as urls:
        yield urls


@pytest.fixture(params=["double", "port", "socket"])
def redis(request: pytest.FixtureRequest) -> str:
    """The URL of a Redis that has counted nothing yet."""
    if request.param == "double":
        return str(request.getfixturevalue("double"))
    port, path = request.getfixturevalue("server")
    url: str = port if request.param == "port" else path
    with Redis.from_url(url) as connection:
        connection.flushall()
    return url


def test_servers_of_a_library_count_together(redis: str) -> None:
    one, other = (RateLimits(settings(rate_limit="5", redis_url=redis)) for _ in range(2))
    assert taken(one, "192.0.2.7", 3) + taken(other, "192.0.2.7", 7) == 5
    assert taken(one, "192.0.2.7", 1) == 0


def test_without_redis_each_counts_for_itself_and_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_module, "AWAY_S", 0.0)
    limits = RateLimits(settings(rate_limit="5", redis_url="redis://127.0.0.1:1/0"))
    with caplog.at_level(logging.INFO, "cuecard.incidents"):
        assert taken(limits, "192.0.2.7", 9) == 5
    assert [record.getMessage()[:42] for record in caplog.records] == ["redis: Each server counts for itself: Erro"]
