"""How each error looks from outside: its name, its HTTP status and its exit code."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.errors import (
    CuecardError,
    DocumentError,
    HomeBusyError,
    IndexUnavailableError,
    ModelError,
    NotFoundError,
    RefusedError,
    SettingsError,
    UsageError,
)

DONE, FAILED, WRONG_USAGE, FELL_SHORT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes of the command line."""

TYPE_PREFIX = "urn:cuecard:"


class ConflictError(UsageError):
    """An idempotency key came back with another request."""


class ForbiddenError(UsageError):
    """The key does not reach that far."""


class TooLargeError(UsageError):
    """More bytes than are taken at once."""


class UnsupportedError(UsageError):
    """A file of a format that is not read."""


class QueueFullError(CuecardError):
    """As much work waits as may wait. `retry_after`: seconds after which it is worth trying again."""

    def __init__(self, message: str, *, hint: str = "", retry_after: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class DeadlineError(QueueFullError):
    """It took longer than it may take."""


class RateLimitedError(QueueFullError):
    """Somebody sends more than they may."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One row: `name` ends the problem's `type` URI and is the `type` in `--json` output."""

    error: type[CuecardError]
    name: str
    title: str
    status: int
    exit_code: int


KINDS = (
    ErrorKind(NotFoundError, "not-found", "Not found", 404, WRONG_USAGE),
    ErrorKind(SettingsError, "settings", "Unusable setting", 422, WRONG_USAGE),
    ErrorKind(ForbiddenError, "forbidden", "Forbidden", 403, WRONG_USAGE),
    ErrorKind(ConflictError, "conflict", "Conflict", 409, WRONG_USAGE),
    ErrorKind(TooLargeError, "too-large", "Too large", 413, WRONG_USAGE),
    ErrorKind(UnsupportedError, "unsupported", "Unsupported type", 415, WRONG_USAGE),
    ErrorKind(UsageError, "invalid", "Invalid request", 422, WRONG_USAGE),
    ErrorKind(DocumentError, "document", "Unreadable document", 422, FELL_SHORT),
    ErrorKind(RefusedError, "refused", "Refused", 409, FAILED),
    ErrorKind(RateLimitedError, "rate-limited", "Too many requests", 429, FAILED),
    ErrorKind(DeadlineError, "deadline", "Took too long", 503, FAILED),
    ErrorKind(QueueFullError, "queue-full", "Too much work waits", 503, FAILED),
    ErrorKind(HomeBusyError, "home-busy", "Home busy", 503, FAILED),
    ErrorKind(IndexUnavailableError, "index-unavailable", "Index unavailable", 503, FAILED),
    ErrorKind(ModelError, "model", "Model unavailable", 503, FAILED),
    ErrorKind(CuecardError, "failed", "Failed", 500, FAILED),
)


def kind_of(error: CuecardError) -> ErrorKind:
    """The row of the most specific class that `error` belongs to."""
    return next(kind for kind in KINDS if isinstance(error, kind.error))


def from_problem(type_uri: str, detail: str, status: int) -> CuecardError:
    """The error behind a problem document of another cuecard process."""
    name = type_uri.removeprefix(TYPE_PREFIX)
    for kind in KINDS:
        if kind.name == name and kind.error is not DocumentError:
            return kind.error(detail)
    return UsageError(detail) if 400 <= status < 500 else CuecardError(detail)
