"""Settings: where they come from, which wins, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api import settings_checks
from api.compose import server_options
from api.settings import Settings, load_settings, markdown_table, table
from ingest.errors import SettingsError
from retrieval.server_options import QUANTIZATIONS, ServerOptions


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def config(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text, encoding="utf-8")


def test_defaults_are_the_platforms_folders() -> None:
    settings = load_settings(environ={})
    assert settings.home.name == "cuecard"
    assert settings.home.is_absolute()
    assert settings.cache != settings.home
    assert settings.embed_model is None


def test_the_option_wins_over_the_environment_and_that_over_the_file(home: Path, tmp_path: Path) -> None:
    config(home, 'embed_model = "from-file"\nqdrant_url = "http://file:6333"\n')
    environ = {"CUECARD_HOME": str(tmp_path / "other"), "CUECARD_EMBED_MODEL": "from-environment"}
    settings = load_settings(home, environ)
    assert settings.home == home
    assert settings.embed_model == "from-environment"
    assert settings.qdrant_url == "http://file:6333"
    assert load_settings(environ=environ).home == tmp_path / "other"


def test_an_empty_variable_is_not_set(home: Path) -> None:
    assert load_settings(home, {"CUECARD_EMBED_MODEL": " ", "SLACK_BOT_TOKEN": ""}).embed_model is None


def test_the_users_folder_is_spelled_out(home: Path) -> None:
    assert "~" not in str(load_settings(environ={"CUECARD_HOME": "~/notes"}).home)
    assert load_settings(home, {"CUECARD_CACHE": "~/cache"}).cache == Path.home() / "cache"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CUECARD_EMBED_MODLE": "x"}, "Did you mean CUECARD_EMBED_MODEL?"),
        ({"CUECARD_XYZZY": "x"}, "Known settings: CUECARD_HOME"),
        ({"CUECARD_QDRANT_URL": "localhost:6333"}, "CUECARD_QDRANT_URL must be a URL that starts with http://"),
        ({"CUECARD_QDRANT_URL": "http://["}, "CUECARD_QDRANT_URL must be a URL"),
        ({"CUECARD_QDRANT_TIMEOUT": "0"}, "CUECARD_QDRANT_TIMEOUT must be a whole number from 1 to 600 (it is '0')"),
        ({"CUECARD_QDRANT_TIMEOUT": "2.5"}, "must be a whole number from 1 to 600"),
        ({"CUECARD_QDRANT_SHARDS": "-1"}, "CUECARD_QDRANT_SHARDS must be a whole number from 1 to 1024"),
        ({"CUECARD_QDRANT_SHARDS": "1" * 5000}, "must be a whole number from 1 to 1024"),
        ({"CUECARD_QDRANT_REPLICAS": "two"}, "CUECARD_QDRANT_REPLICAS must be a whole number from 1 to 16"),
        ({"CUECARD_QDRANT_WRITE_CONSISTENCY": "2"}, "there are 1 replicas: no write could be done"),
        ({"CUECARD_QDRANT_ON_DISK": "true"}, "CUECARD_QDRANT_ON_DISK must be one of yes, no"),
        ({"CUECARD_QDRANT_QUANTIZATION": "int8"}, "CUECARD_QDRANT_QUANTIZATION must be one of none, scalar, binary"),
        ({"CUECARD_REDIS_URL": "http://r"}, "CUECARD_REDIS_URL must be a URL that starts with redis://"),
        ({"CUECARD_DATABASE_URL": "postgres"}, "CUECARD_DATABASE_URL must be a SQLAlchemy URL"),
        ({"CUECARD_LLM": "gpt"}, "must be one of openai-like, ollama, anthropic"),
        ({"CUECARD_LLM": "openai-like"}, "needs CUECARD_LLM_URL and CUECARD_LLM_MODEL too"),
        ({"CUECARD_LLM": "anthropic", "CUECARD_LLM_MODEL": "m"}, "needs CUECARD_LLM_API_KEY too"),
        ({"SLACK_BOT_TOKEN": "hush"}, "SLACK_BOT_TOKEN must start with xoxb-"),
    ],
)
def test_what_can_not_work_is_refused(home: Path, environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(home, environ)
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('embed_modle = "x"', "Did you mean embed_model?"),
        ('home = "/elsewhere"', "can't be set inside a home"),
        ("embed_model = 7", "must be a string"),
        ('embed_model = ""', "must be a string that is not empty"),
        ("embed_model =", "can't be read as TOML"),
        ('[server]\nport = "1"', "`server` is not a setting"),
    ],
)
def test_a_bad_config_file_is_refused_and_named(home: Path, text: str, said: str) -> None:
    config(home, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(home, {})
    assert said in str(caught.value)
    assert str(home / "config.toml") in str(caught.value)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match="not a folder"):
        load_settings(tmp_path / "home", {})


def test_other_programs_variables_are_left_alone(home: Path) -> None:
    assert load_settings(home, {"SLACK_WHATEVER": "1", "CUECARDS": "1"}).home == home


def test_secrets_stay_out_of_the_representation(home: Path) -> None:
    environ = {row.variable: "http://hush" for row in table() if row.secret and row.variable.startswith("CUECARD_")}
    environ |= {"CUECARD_REDIS_URL": "redis://hush", "SLACK_BOT_TOKEN": "xoxb-hush"}
    assert "hush" not in repr(load_settings(home, environ))


def test_a_home_is_shared_only_when_nothing_lives_in_it(home: Path) -> None:
    qdrant, database = {"CUECARD_QDRANT_URL": "http://q"}, {"CUECARD_DATABASE_URL": "postgresql://d/n"}
    assert [load_settings(home, env).shared for env in ({}, qdrant, database, {**qdrant, **database})] == [
        False,
        False,
        False,
        True,
    ]


def test_what_is_wanted_of_a_qdrant_server_reaches_the_adapter(home: Path) -> None:
    config(home, 'qdrant_shards = "6"\nqdrant_replicas = "3"\nqdrant_on_disk = "no"\n')
    environ = {"CUECARD_QDRANT_WRITE_CONSISTENCY": "2", "CUECARD_QDRANT_QUANTIZATION": "scalar"}
    wanted = ServerOptions(6, 3, 2, on_disk=False, quantization="scalar", timeout_s=10)
    assert server_options(load_settings(home, environ)) == wanted
    assert server_options(load_settings(home, {"CUECARD_QDRANT_TIMEOUT": "30"})).timeout_s == 30
    assert QUANTIZATIONS == settings_checks.QUANTIZATIONS


def test_the_table_names_every_setting_once() -> None:
    shown = re.findall(r"^\| `(\w+)` \|", markdown_table(), flags=re.MULTILINE)
    assert shown == [row.variable for row in table()]
    assert len(shown) == len(set(shown)) == len(Settings.__slots__)
    assert all(row.meaning and row.default for row in table())


def test_the_pages_name_only_settings_that_there_are() -> None:
    folder = Path(__file__).resolve().parents[2] / "docs"
    named = {name for page in folder.glob("*.md") for name in re.findall(r"CUECARD_[A-Z_]+", page.read_text("utf-8"))}
    assert "CUECARD_QDRANT_SHARDS" in named
    assert named <= {row.variable for row in table()}
