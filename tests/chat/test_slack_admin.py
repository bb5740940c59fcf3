"""For whoever sets the bot up: doctor, manifest, replay, rules, Socket Mode, OAuth."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
import yaml
from starlette.testclient import TestClient

from api.chat.bots import open_bots
from api.chat.rules import RULES_FILE, read_rules
from api.http.app import create_app
from api.settings import load_settings
from api.slack import doctor
from api.slack.installed import SCOPES
from api.slack.manifest import manifest
from ingest.errors import SettingsError
from ingest.view import View
from tests.api.conftest import Cuecard, cuecard, filled  # noqa: F401 - fixtures
from tests.api.fake_library import FakeLibrary
from tests.chat.conftest import slack_world, until
from tests.chat.slack_person import SECRET, SlackPerson
from tests.doubles.slack_limits import problems_of
from tests.doubles.slack_server import BOT_USER, TEAM, TOKEN, SlackDouble
from tests.doubles.slack_socket import SlackSocket


@pytest.fixture
def double() -> Iterator[SlackDouble]:
    """A Slack."""
    made = SlackDouble()
    yield made
    made.close()


def states(found: dict[str, object]) -> dict[str, str]:
    """State by name."""
    checks = found["checks"]
    assert isinstance(checks, list)
    return {check["name"]: check["state"] for check in checks}


@contextmanager
def served(home: Path, environ: dict[str, str]) -> Iterator[str]:
    """A server on a real port."""
    app = create_app(FakeLibrary(), load_settings(home, environ))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_doctor_finds_nothing_wrong_where_nothing_is(tmp_path: Path, double: SlackDouble) -> None:
    (tmp_path / RULES_FILE).write_text('owners = "C0OWNERS"\nworkspaces = ["T0TEAM"]\n[channels.C0ROOM]\n', "utf-8")
    environ = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": double.url}
    with served(tmp_path, environ) as url:
        found = doctor.examine(load_settings(tmp_path, {**environ, "CUECARD_PUBLIC_URL": url}))
    assert found["ok"], found
    assert states(found) == {
        **dict.fromkeys(("settings", "rules", "token", "scopes", "clock", "events URL"), "on"),
        **dict.fromkeys(("channel C0OWNERS", "channel C0ROOM"), "on"),
        "Socket Mode": "off",
    }


def test_doctor_says_what_is_wrong(tmp_path: Path, double: SlackDouble) -> None:
    (tmp_path / RULES_FILE).write_text('owners = "C0GONE"\nworkspaces = ["T0OTHER"]\n', "utf-8")
    double.scopes, double.clock_ahead_s = "chat:write", 900.0
    environ = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": double.url}
    environ |= {"SLACK_APP_TOKEN": "xapp-1", "CUECARD_PUBLIC_URL": "http://127.0.0.1:9"}
    double.fail("apps.connections.open", *[])
    found = doctor.examine(load_settings(tmp_path, environ))
    failed = {name for name, state in states(found).items() if state == "failed"}
    assert failed == {"workspace", "scopes", "clock", "channel C0GONE", "events URL"}
    assert not found["ok"]
    wrong = doctor.examine(load_settings(tmp_path, {**environ, "SLACK_BOT_TOKEN": "xoxb-wrong"}))
    assert "failed" in states(wrong)["token"]
    assert "xoxb-wrong" not in json.dumps(wrong)


def test_doctor_tells_another_secret_from_no_server(tmp_path: Path, double: SlackDouble) -> None:
    environ = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": double.url}
    with served(tmp_path, {**environ, "SLACK_SIGNING_SECRET": "other"}) as url:
        found = doctor.examine(load_settings(tmp_path, {**environ, "CUECARD_PUBLIC_URL": url}))
    [check] = [check for check in found["checks"] if check["name"] == "events URL"]
    assert check["state"] == "failed"
    assert "another SLACK_SIGNING_SECRET" in check["hint"]


def test_the_command_tells_what_is_missing(cuecard: Cuecard, tmp_path: Path) -> None:  # noqa: F811
    ran = cuecard("slack", "doctor", "--home", tmp_path)
    assert ran.code == 1
    assert "SLACK_BOT_TOKEN is not set" in ran.out
    assert not cuecard("slack", "doctor", "--home", tmp_path, "--json").json["ok"]


def test_the_manifest_asks_for_what_the_bot_needs(
    cuecard: Cuecard,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUECARD_PUBLIC_URL", "https://cards.example/")
    made = yaml.safe_load(cuecard("slack", "manifest", "--home", tmp_path).out)
    assert made == manifest("https://cards.example", sockets=False, oauth=False)
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://cards.example/slack/events"
    sockets = cuecard("slack", "manifest", "--socket", "--home", tmp_path, "--json").json
    assert sockets["settings"]["socket_mode_enabled"]
    assert "url" not in json.dumps(sockets)


def test_recorded_requests_are_replayed(cuecard: Cuecard, filled: Path, tmp_path: Path) -> None:  # noqa: F811
    said = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1700000000.000100"}
    question = "Which Redis eviction policy do you choose?"
    event = {
        "type": "event_callback",
        "team_id": TEAM,
        "event_id": "Ev1",
        "authorizations": [{"user_id": BOT_USER, "is_bot": True}],
        "event": {**said, "text": f"<@{BOT_USER}> {question}"},
    }
    command = {"command": "/ask", "text": question, "team_id": TEAM, "channel_id": "C1", "user_id": "U1"}
    recorded = [event, event, {**command, "trigger_id": "1.2", "response_url": "https://hooks.example/1"}]
    file = tmp_path / "recorded.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in recorded), encoding="utf-8")
    told = cuecard("slack", "replay", file, "--home", filled, "--json").json["replayed"]
    posts = [line for line in told if line.get("call") == "chat.postMessage"]
    whispers = [line for line in told if line.get("call") == "chat.postEphemeral"]
    assert len(posts) == len(whispers) == 1
    assert "allkeys-lru" in json.dumps(posts[0]["blocks"])
    assert posts[0]["thread_ts"] == said["ts"]
    assert [problems_of(line) for line in posts + whispers] == [[], []]
    file.write_text("[1]", encoding="utf-8")
    assert cuecard("slack", "replay", file, "--home", filled).code == 2


@pytest.mark.parametrize(
    "text",
    [
        "owner = 'C1'",
        "owners = 3",
        "questions_per_minute = 0",
        "questions_per_minute = true",
        "workspaces = [1]",
        "[channels.C1]\naudience = 'boss'",
        "[channels.C1]\ncolor = 'red'",
        "channels.C1 = 3",
        "owners = ",
    ],
)
def test_rules_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / RULES_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        read_rules(tmp_path)
    assert RULES_FILE in raised.value.message
    assert raised.value.hint


def test_rules_map_channels_to_what_they_may_see(tmp_path: Path) -> None:
    text = '[everywhere]\ncollections = ["public"]\n[channels.C1]\naudience = "interviewer"\n'
    (tmp_path / RULES_FILE).write_text(text, encoding="utf-8")
    rules = read_rules(tmp_path)
    assert rules.view("C1", "U1", direct=False) == View("interviewer")
    assert rules.view("C2", "U1", direct=False) == View("candidate", frozenset({"public"}))
    assert rules.view("D1", "U1", direct=True) == View("candidate")


def test_secrets_stay_out_of_files(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('slack_bot_token = "xoxb-1"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="does not belong into a file") as raised:
        load_settings(tmp_path, {})
    assert "SLACK_BOT_TOKEN" in raised.value.hint


def test_socket_mode_takes_the_same_events(tmp_path: Path) -> None:
    socket = SlackSocket()
    try:
        with slack_world(tmp_path / "home") as world:
            double, person = world.double, world.anna
            assert isinstance(person, SlackPerson)
            double.socket_url = socket.url
            environ = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": double.url}
            (tmp_path / "other").mkdir()
            bots = open_bots(load_settings(tmp_path / "other", environ), world.library, durable=False)
            assert bots is not None
            bots.start()
            try:
                assert socket.connected.wait(60)
                message = {**person.spoken(f"<@{BOT_USER}> what is a cache?", "C9", ""), "type": "app_mention"}
                for envelope in ("e1", "e2"):
                    socket.send({"envelope_id": envelope, "type": "events_api", "payload": person.event(message)})
                command = {"command": "/ask", "text": "privately", "team_id": TEAM, "channel_id": "C9", "user_id": "U1"}
                command |= {"trigger_id": "1.2", "response_url": double.response_url("U1", "C9")}
                socket.send({"envelope_id": "e3", "type": "slash_commands", "payload": command})
                until(lambda: set(socket.acknowledged) == {"e1", "e2", "e3"})
                until(lambda: bool(double.screen.whispers) and bool(double.screen.messages))
            finally:
                bots.close()
            assert len(person.seen("C9")) == 1
    finally:
        socket.close()


def test_several_workspaces_install_the_bot_by_oauth(tmp_path: Path, double: SlackDouble) -> None:
    environ = {
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "client-secret",
        "SLACK_SIGNING_SECRET": SECRET,
        "CUECARD_PUBLIC_URL": "https://cards.example",
        "SLACK_API_URL": double.url,
    }
    tmp_path.joinpath("home").mkdir()
    with pytest.raises(SettingsError, match="anybody could install"):
        open_bots(load_settings(tmp_path / "home", environ), FakeLibrary())
    with slack_world(
        tmp_path / "home",
        'workspaces = ["T0ONE", "T0TWO"]',
        **{name: value for name, value in environ.items() if name != "SLACK_API_URL"} | {"SLACK_BOT_TOKEN": ""},
    ) as world:
        double = world.double
        app = create_app(FakeLibrary(), bots=world.bots)
        client = TestClient(app, base_url="https://cards.example", follow_redirects=False)
        for team in ("T0ONE", "T0TWO", "T0UNLISTED"):
            page = client.get("/slack/install")
            [address] = re.findall(r'href="([^"]*state=[^"]+)"', page.text)
            state = parse_qs(urlsplit(address.replace("&amp;", "&")).query)["state"][0]
            assert client.get("/slack/oauth_redirect", params={"code": team, "state": state}).status_code == 200
            forged = client.get("/slack/oauth_redirect", params={"code": "T0EVIL", "state": "forged"})
            assert forged.status_code >= 400
            assert "xoxb-T0EVIL" not in double.tokens
        person = world.anna
        assert isinstance(person, SlackPerson)
        for team in ("T0ONE", "T0TWO", "T0UNLISTED", "T0NOBODY"):
            message = {**person.spoken(f"<@{BOT_USER}> what?", f"C{team}", ""), "type": "app_mention"}
            assert person.send(person.event(message, team_id=team))[0] == 200
        world.settled()
        called = [call for call in double.calls if call.method == "chat.postMessage"]
        assert {(call.arguments["channel"], call.headers["Authorization"]) for call in called} == {
            ("CT0ONE", "Bearer xoxb-T0ONE"),
            ("CT0TWO", "Bearer xoxb-T0TWO"),
        }
        assert person.send(person.event({"type": "app_uninstalled"}, team_id="T0ONE"))[0] == 200
        assert world.bots.slack is not None
        assert world.bots.slack.tokens.of("T0ONE") is None
        assert world.bots.slack.tokens.of("T0TWO") == "xoxb-T0TWO"
