"""Keys: made, shown once, expired, revoked; over the command line, and in a server that runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from api.keys import Keys, expiry
from ingest.catalog import Catalog
from ingest.errors import NotFoundError, UsageError
from ingest.view import View
from tests.api.conftest import Cuecard, copy_home
from tests.api.test_serve import serving

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def catalog(database: str) -> Iterator[Catalog]:
    opened = Catalog(database)
    yield opened
    opened.close()


@pytest.fixture(params=[True, False], ids=["alone", "shared"])
def keys(catalog: Catalog, request: pytest.FixtureRequest) -> Keys:
    return Keys(lambda: catalog, alone=request.param, now=Clock())


def test_a_key_opens_what_it_says_and_its_secret_is_kept_nowhere(keys: Keys, catalog: Catalog) -> None:
    assert not keys.ever()
    key, secret = keys.create("bob", ["ingest", "ask"], "candidate", ["b", "a", "b"], "30d")
    assert (key.scopes, key.collections) == (("ask", "ingest"), ("a", "b"))
    assert key.view == View("candidate", frozenset({"a", "b"}))
    assert key.expires_at == "2026-05-31T12:00:00.000Z"
    assert keys.find(secret) == key
    assert keys.all() == [key]
    assert keys.ever()
    assert keys.count_usable() == 1
    for wrong in ("", secret[:-1], secret.upper(), f"{secret} ", key.id):
        assert keys.find(wrong) is None
    with catalog.transaction() as connection:
        rows = str(connection.execute(text("SELECT * FROM keys")).all())
    assert secret not in rows
    assert secret.removeprefix("cuecard_") not in rows
    assert len(secret) > 40


def test_two_keys_are_never_the_same(keys: Keys) -> None:
    made = [keys.create("bob", ["ask"]) for _ in range(5)]
    assert len({secret for _, secret in made}) == len({key.id for key, _ in made}) == 5
    assert {keys.find(secret) for _, secret in made} == {key for key, _ in made}


def test_a_key_ends_when_it_was_said_to(keys: Keys) -> None:
    clock = keys.now
    assert isinstance(clock, Clock)
    key, secret = keys.create("bob", ["ask"], expires="2h")
    token, end = keys.begin_session(key)
    assert end > NOW + timedelta(hours=2)
    clock.at = NOW + timedelta(hours=2) - timedelta(milliseconds=1)
    assert keys.find(secret) == keys.of_session(token) == key
    clock.at = NOW + timedelta(hours=2)
    assert keys.find(secret) is None
    assert keys.of_session(token) is None
    assert key.to_dict(clock.at)["state"] == "expired"
    assert keys.ever()
    assert keys.count_usable() == 0


def test_a_session_ends_by_itself_by_logout_and_with_its_key(keys: Keys, catalog: Catalog) -> None:
    clock = keys.now
    assert isinstance(clock, Clock)
    key, _ = keys.create("bob", ["ask"])
    first, second = keys.begin_session(key)[0], keys.begin_session(key)[0]
    assert keys.of_session(first) == keys.of_session(second) == key
    assert keys.of_session("") is keys.of_session(f"{first}x") is None
    keys.end_session(first)
    assert keys.of_session(first) is None
    clock.at = NOW + timedelta(hours=12)
    assert keys.of_session(second) is None
    third = keys.begin_session(key)[0]
    with catalog.transaction() as connection:
        kept = connection.execute(text("SELECT hash FROM sessions")).scalars().all()
    assert len(kept) == 1, "what has ended is deleted"
    assert third not in kept
    keys.revoke(key.id)
    assert keys.of_session(third) is None


def test_a_revoked_key_opens_nothing_and_is_still_known(keys: Keys) -> None:
    key, secret = keys.create("bob", ["ask"])
    gone = keys.revoke(key.id[:6])
    assert keys.find(secret) is None
    assert gone.revoked_at == "2026-05-01T12:00:00.000Z"
    assert gone.to_dict(NOW)["state"] == "revoked"
    assert keys.revoke(key.id) == gone
    assert keys.ever(), "a server doesn't open again because its last key was revoked"
    with pytest.raises(NotFoundError):
        keys.revoke("abc")
    with pytest.raises(NotFoundError):
        keys.revoke("")


def test_what_another_process_revokes_is_revoked_here_at_once(catalog: Catalog) -> None:
    here, there = Keys(lambda: catalog, alone=False), Keys(lambda: catalog, alone=False)
    key, secret = there.create("bob", ["ask"])
    assert here.find(secret) == key
    there.revoke(key.id)
    assert here.find(secret) is None


@pytest.mark.parametrize(
    ("scopes", "audience", "collections", "expires", "said"),
    [
        ([], None, [], None, "needs a scope"),
        (["ask", "write"], None, [], None, "no scope 'write'"),
        (["ask"], "everybody", [], None, "no audience 'everybody'"),
        (["admin"], "candidate", [], None, "see everything"),
        (["admin"], None, ["a"], None, "see everything"),
        (["ask"], None, [" "], None, "collection"),
        (["ask"], None, [], "soon", "'soon' is not a time"),
        (["ask"], None, [], "999999w", "is not a time"),
        (["ask"], None, [], "0d", "has expired already"),
        (["ask"], None, [], "2026-04-30", "has expired already"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    keys: Keys, scopes: list[str], audience: str | None, collections: list[str], expires: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        keys.create("bob", scopes, audience, collections, expires)
    assert caught.value.hint
    assert not keys.ever()


def test_names_are_for_people(keys: Keys) -> None:
    assert keys.create("  the  bot ", ["ask"])[0].name == "the bot"
    for name in ("", "  ", "x" * 101, "a\x1bb"):
        with pytest.raises(UsageError, match="name"):
            keys.create(name, ["ask"])


def test_who_sees_what_by_default(keys: Keys) -> None:
    assert keys.create("a", ["ask", "ingest"])[0].view == View("candidate")
    assert keys.create("b", ["admin"])[0].view == View("interviewer")
    assert keys.create("c", ["ask"], "interviewer")[0].view == View("interviewer")


def test_how_long_a_key_lasts_can_be_said_in_two_ways() -> None:
    assert expiry("90s", NOW) == "2026-05-01T12:01:30.000Z"
    assert expiry("8W", NOW) == "2026-06-26T12:00:00.000Z"
    assert expiry("2026-05-01", NOW) == "2026-05-02T00:00:00.000Z", "the last day counts whole"


def test_the_command_line_makes_lists_and_revokes(cuecard: Cuecard, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = cuecard(
        "keys", "create", "--name", "bob", "--scope", "ask", "--audience", "candidate", "--collection", "default",
        "--expires", "30d", "--home", home, "--json",
    )  # fmt: skip
    assert made.code == 0
    assert made.json["key"].startswith("cuecard_")
    shown = cuecard("keys", "create", "--name", "eve", "--scope", "ask,ingest", "--scope", "ask", "--home", home)
    assert "can't be shown again" in shown.out
    listed = cuecard("keys", "list", "--home", home, "--json")
    bob, eve = listed.json["keys"]
    assert {name: made.json[name] for name in bob} == bob
    assert (bob["id"], bob["audience"], bob["collections"]) == (made.json["id"], "candidate", ["default"])
    assert eve["scopes"] == ["ask", "ingest"]
    assert made.json["key"] not in listed.out
    assert cuecard("keys", "revoke", eve["id"], "--home", home).out == f"Revoked {eve['id']} (eve).\n"
    assert "revoked" in cuecard("keys", "list", "--home", home).out
    for wrong in (["revoke", "nothing"], ["create", "--name", "x", "--scope", "root"], ["create", "--name", "x"]):
        ran = cuecard("keys", *wrong, "--home", home)
        assert (ran.code, ran.out) == (2, "")


def test_a_running_server_hears_of_keys_at_once(cuecard: Cuecard, filled: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    copy_home(filled, home)
    with serving(home) as (_, url), httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/documents").status_code == 200, "whoever sits at the machine needs no key yet"
        made = cuecard("keys", "create", "--name", "bob", "--scope", "ask", "--home", home, "--json")
        assert made.code == 0, made.err
        refused = client.get("/documents")
        assert refused.status_code == 401
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        bob = {"Authorization": f"Bearer {made.json['key']}"}
        assert len(client.get("/documents", headers=bob).json()["documents"]) == 2
        assert cuecard("docs", "list", "--home", home).code == 0, "commands on this machine need no key"
        assert cuecard("keys", "list", "--home", home, "--json").json["keys"][0]["id"] == made.json["id"]
        assert cuecard("keys", "revoke", made.json["id"], "--home", home, "--json").json["keys"][0]["revoked_at"]
        assert client.get("/documents", headers=bob).status_code == 401
        assert client.get("/documents").status_code == 401
        assert client.get("/healthz").status_code == 200
    # a key lets the next server listen beyond this machine; a revoked one does not
    ran = cuecard("serve", "--home", home, "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - refused
    assert ran.code == 2
    assert "no key that is good now" in ran.err
