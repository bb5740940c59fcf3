"""Settings: where they come from, which wins, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.settings import Settings, load_settings, markdown_table, table
from ingest.errors import SettingsError


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


def test_the_table_names_every_setting_once() -> None:
    shown = re.findall(r"^\| `(\w+)` \|", markdown_table(), flags=re.MULTILINE)
    assert shown == [row.variable for row in table()]
    assert len(shown) == len(set(shown)) == len(Settings.__slots__)
    assert all(row.meaning and row.default for row in table())
