"""What the values of settings must be like."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingest.errors import SettingsError

if TYPE_CHECKING:
    from api.settings import SettingRow, Settings

LLM_KINDS = ("openai-like", "ollama", "anthropic")
QUANTIZATIONS = ("none", "scalar", "binary")
YES_OR_NO = ("yes", "no")
MAX_TIMEOUT_S, MAX_SHARDS, MAX_REPLICAS = 600, 1024, 16
MAX_RATE, MAX_WORKERS, MAX_QUEUE, MAX_ANSWERS = 1_000_000, 256, 10_000, 100_000
"""Far above what makes sense: larger numbers are slips."""
MIN_POST, MAX_POST = 4_000, 16_383
"""What Mattermost servers take: those with an old database the less, all others the more."""


def validate(settings: Settings, rows: Iterable[SettingRow]) -> None:
    """Raises SettingsError for a value that can't work, and for some that can't work together."""
    checks: dict[str, Callable[[str], str | None]] = {
        "qdrant_url": _http_url,
        "qdrant_timeout": lambda number: _whole(number, MAX_TIMEOUT_S),
        "qdrant_shards": lambda number: _whole(number, MAX_SHARDS),
        "qdrant_replicas": lambda number: _whole(number, MAX_REPLICAS),
        "qdrant_write_consistency": lambda number: _whole(number, MAX_REPLICAS),
        "qdrant_on_disk": lambda word: _one_of(word, YES_OR_NO),
        "qdrant_quantization": lambda word: _one_of(word, QUANTIZATIONS),
        "require_key": lambda word: _one_of(word, YES_OR_NO),
        "rate_limit": lambda number: None if number == "none" else _whole(number, MAX_RATE),
        "concurrency": lambda number: _whole(number, MAX_WORKERS),
        "queue": lambda number: _whole(number, MAX_QUEUE),
        "deadline": lambda number: _whole(number, MAX_TIMEOUT_S),
        "answer_cache": lambda number: None if number == "0" else _whole(number, MAX_ANSWERS),
        "keep_questions": lambda word: _one_of(word, YES_OR_NO),
        "log_questions": lambda word: _one_of(word, YES_OR_NO),
        "otlp_endpoint": _http_url,
        "llm_url": _http_url,
        "llm_timeout": lambda number: _whole(number, MAX_TIMEOUT_S),
        "slack_api_url": _http_url,
        "public_url": _http_url,
        "mattermost_url": _http_url,
        "mattermost_post_length": lambda number: _whole(number, MAX_POST, MIN_POST),
        "redis_url": lambda url: _scheme(url, ("redis", "rediss", "unix")),
        "database_url": lambda url: (
            None if "://" in url else "must be a SQLAlchemy URL such as postgresql+psycopg://host/name"
        ),
        "llm": lambda kind: _one_of(kind, LLM_KINDS),
        "slack_bot_token": lambda token: None if token.startswith("xoxb-") else "must start with xoxb-",
        "slack_app_token": lambda token: None if token.startswith("xapp-") else "must start with xapp-",
    }
    for row in rows:
        value = getattr(settings, row.key)
        problem = checks[row.key](value) if row.key in checks and value is not None else None
        if problem:
            shown = "" if row.secret else f" (it is {value!r})"
            raise SettingsError(f"{row.variable} {problem}{shown}.", hint="Correct it, or leave it unset.")
    _validate_qdrant(settings)
    _validate_llm(settings)
    if settings.home.exists() and not settings.home.is_dir():
        raise SettingsError(
            f"The home {settings.home} is not a folder.", hint="Name a folder with --home or CUECARD_HOME."
        )


def _validate_qdrant(settings: Settings) -> None:
    wanted, replicas = settings.qdrant_write_consistency, settings.qdrant_replicas or "1"
    if wanted is not None and int(wanted) > int(replicas):
        raise SettingsError(
            f"CUECARD_QDRANT_WRITE_CONSISTENCY is {wanted}, but there are {replicas} replicas: no write could be done.",
            hint="Set CUECARD_QDRANT_REPLICAS at least as high, or leave both unset.",
        )


def _validate_llm(settings: Settings) -> None:
    needs = {
        "openai-like": ("llm_url", "llm_model"),
        "ollama": ("llm_model",),
        "anthropic": ("llm_model", "llm_api_key"),
    }
    missing = [f"CUECARD_{key.upper()}" for key in needs.get(settings.llm or "", ()) if getattr(settings, key) is None]
    if missing:
        raise SettingsError(
            f"CUECARD_LLM={settings.llm} needs {' and '.join(missing)} too.", hint="Set it, or unset CUECARD_LLM."
        )


def _whole(number: str, most: int, least: int = 1) -> str | None:
    usable = number.isascii() and number.isdecimal() and least <= int(number[:9]) <= most
    return None if usable else f"must be a whole number from {least} to {most}"


def _one_of(word: str, words: tuple[str, ...]) -> str | None:
    return None if word in words else f"must be one of {', '.join(words)}"


def _http_url(url: str) -> str | None:
    return _scheme(url, ("http", "https"))


def _scheme(url: str, schemes: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.netloc or parts.path)
    except ValueError:
        usable = False
    return None if usable else f"must be a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}"
