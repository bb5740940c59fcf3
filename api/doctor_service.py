"""What `doctor` says of the parts that only a server has: limits, Redis, traces, the record of questions."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from api.settings import Settings

if TYPE_CHECKING:
    from api.library import Body


def service_checks(settings: Settings) -> list[Body]:
    """Limits, Redis, traces and the record of questions, each with its state. Never raises for what it finds."""
    return [_limits(settings), _redis(settings), _traces(settings), _questions(settings)]


def _limits(settings: Settings) -> Body:
    if settings.rate_limit == "none":
        return _said("rate limits", "off", "none, as CUECARD_RATE_LIMIT says.")
    if settings.rate_limit is None:
        return _said("rate limits", "on", "600 requests a minute; none for programs of this machine.")
    return _said("rate limits", "on", f"{settings.rate_limit} requests a minute from one address or key.")


def _redis(settings: Settings) -> Body:
    if settings.redis_url is None:
        return _said("redis", "off", "each server counts requests for itself.")
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(settings.redis_url, socket_timeout=1.0, socket_connect_timeout=1.0) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        hint = "Start it, or correct CUECARD_REDIS_URL. Meanwhile each server counts requests for itself."
        return _said("redis", "degraded", f"can't be reached: {error}.", hint)
    return _said("redis", "on", "servers of this library count requests together.")


def _traces(settings: Settings) -> Body:
    if settings.otlp_endpoint is None:
        return _said("traces", "off", "OTEL_EXPORTER_OTLP_ENDPOINT is not set.")
    try:
        installed = find_spec("opentelemetry.sdk") is not None
    except ModuleNotFoundError:
        installed = False
    if not installed:
        return _said("traces", "failed", "OpenTelemetry is not installed.", 'pip install "cuecard[otel]"')
    return _said("traces", "on", f"sent to {settings.otlp_endpoint}.")


def _questions(settings: Settings) -> Body:
    if settings.keep_questions == "no":
        return _said("questions", "off", "what is asked is not written down: no gaps, no cases from feedback.")
    return _said("questions", "on", "a server keeps the newest 10,000, for feedback and `cuecard gaps`.")


def _said(name: str, state: str, detail: str, hint: str = "") -> Body:
    return {"name": name, "state": state, "detail": detail, "hint": hint}
