"""For whoever sets the Mattermost bot up: doctor, settings, what a server is like."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.chat.bots import open_bots
from api.chat.rules import RULES_FILE, read_rules
from api.mattermost import doctor
from api.settings import load_settings
from ingest.errors import SettingsError
from tests.api.conftest import Cuecard, cuecard  # noqa: F401 - fixtures
from tests.chat.conftest import mattermost_world
from tests.chat.library import TalkingLibrary
from tests.chat.test_slack_admin import served, states
from tests.doubles.mattermost_server import TOKEN, MattermostDouble, id_of


@pytest.fixture
def double() -> Iterator[MattermostDouble]:
    """A Mattermost."""
    made = MattermostDouble()
    yield made
    made.close()


def environ_of(double: MattermostDouble) -> dict[str, str]:
    """The least that is needed, and a slash command."""
    given = {"CUECARD_MATTERMOST_URL": f"{double.base}/", "CUECARD_MATTERMOST_TOKEN": TOKEN}
    return {**given, "CUECARD_MATTERMOST_COMMAND_TOKENS": "one, two"}


def test_doctor_finds_nothing_wrong_where_nothing_is(tmp_path: Path, double: MattermostDouble) -> None:
    owners = f'owners = {{mattermost = "{id_of("C0OWNERS")}", slack = "C0S"}}'
    rules = f"{owners}\n[channels.{id_of('C0ROOM')}]\n[channels.C0S]\n"
    (tmp_path / RULES_FILE).write_text(rules, "utf-8")
    with served(tmp_path, environ_of(double)) as url:
        found = doctor.examine(load_settings(tmp_path, {**environ_of(double), "CUECARD_PUBLIC_URL": url}))
    assert found["ok"], found
    assert states(found) == {
        **dict.fromkeys(("settings", "rules", "token", "clock", "post length", "listening", "callback"), "on"),
        **dict.fromkeys((f"channel {id_of('C0OWNERS')}", f"channel {id_of('C0ROOM')}", "slash commands"), "on"),
        "outgoing webhooks": "off",
    }


def test_doctor_says_what_is_wrong(tmp_path: Path, double: MattermostDouble) -> None:
    (tmp_path / RULES_FILE).write_text(f'owners = "{id_of("C0GONE")}"\n', "utf-8")
    double.clock_ahead_s, double.length = 900.0, 4_000
    environ = {**environ_of(double), "CUECARD_PUBLIC_URL": "http://127.0.0.1:9"}
    found = doctor.examine(load_settings(tmp_path, environ))
    failed = {name for name, state in states(found).items() if state == "failed"}
    assert failed == {"clock", "post length", f"channel {id_of('C0GONE')}", "callback"}
    assert not found["ok"]
    assert all(check["hint"] for check in found["checks"] if check["state"] == "failed")
    wrong = doctor.examine(load_settings(tmp_path, {**environ, "CUECARD_MATTERMOST_TOKEN": "wrong-token"}))
    assert (states(wrong)["token"], states(wrong)["listening"]) == ("failed", "failed")
    assert "wrong-token" not in json.dumps(wrong)
    away = doctor.examine(load_settings(tmp_path, {**environ, "CUECARD_MATTERMOST_URL": "http://127.0.0.1:9"}))
    assert (states(away)["token"], states(away)["listening"]) == ("failed", "failed")


def test_doctor_tells_another_token_from_no_server(tmp_path: Path, double: MattermostDouble) -> None:
    environ = environ_of(double)
    with served(tmp_path, {**environ, "CUECARD_MATTERMOST_TOKEN": "other"}) as url:
        found = doctor.examine(load_settings(tmp_path, {**environ, "CUECARD_PUBLIC_URL": url}))
    [check] = [check for check in found["checks"] if check["name"] == "callback"]
    assert check["state"] == "failed"
    assert "another CUECARD_MATTERMOST_TOKEN" in check["hint"]


def test_the_command_tells_what_is_missing(cuecard: Cuecard, tmp_path: Path) -> None:  # noqa: F811
    ran = cuecard("mattermost", "doctor", "--home", tmp_path)
    assert ran.code == 1
    assert "CUECARD_MATTERMOST_URL and CUECARD_MATTERMOST_TOKEN are not set" in ran.out
    assert not cuecard("mattermost", "doctor", "--home", tmp_path, "--json").json["ok"]
    everything = cuecard("doctor", "--home", tmp_path, "--json").json
    [check] = [check for check in everything["checks"] if check["name"] == "Mattermost"]
    assert (check["state"], "docs/mattermost.md" in check["hint"]) == ("off", True)


def test_half_a_setting_keeps_the_bot_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings(tmp_path, {"CUECARD_MATTERMOST_URL": "http://127.0.0.1:9"})
    with caplog.at_level(logging.WARNING):
        assert open_bots(settings, TalkingLibrary()) is None
    assert "CUECARD_MATTERMOST_TOKEN is not set" in caplog.text


@pytest.mark.parametrize("length", ["3999", "16384", "many"])
def test_posts_of_a_length_that_no_server_takes_are_refused(tmp_path: Path, length: str) -> None:
    with pytest.raises(SettingsError, match="from 4000 to 16383"):
        load_settings(tmp_path, {"CUECARD_MATTERMOST_POST_LENGTH": length})


@pytest.mark.parametrize("name", ["token", "command_tokens", "webhook_tokens"])
def test_secrets_stay_out_of_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.toml").write_text(f'mattermost_{name} = "hush"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="does not belong into a file"):
        load_settings(tmp_path, {})


def test_owners_may_differ_by_chat(tmp_path: Path) -> None:
    (tmp_path / RULES_FILE).write_text('[owners]\nslack = "C0S"\n', encoding="utf-8")
    rules = read_rules(tmp_path)
    assert (rules.owners_in("slack"), rules.owners_in("mattermost")) == ("C0S", "")
    (tmp_path / RULES_FILE).write_text("[owners]\nslack = 3\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="owners"):
        read_rules(tmp_path)


def test_a_server_that_takes_shorter_posts_gets_them(tmp_path: Path) -> None:
    with mattermost_world(tmp_path / "home", CUECARD_MATTERMOST_POST_LENGTH="4000") as world:
        world.double.length = 4_000
        world.anna.say("long")
        world.anna.press(world.settled().seen()[0], "show_more")
        assert "Paragraph 39" in "".join(each.text for each in world.settled().seen())
        assert world.double.violations == []
    with mattermost_world(tmp_path / "other") as world:
        # nobody told the bot: what is too long comes as plain text with its sources
        world.double.length = 4_000
        world.anna.say("long")
        world.anna.press(world.settled().seen()[0], "show_more")
        _, details = world.settled().seen()
        assert r"\[1\] Caching" in details.text
        assert world.bots.store.counts()["outbox_failed"] == 0
