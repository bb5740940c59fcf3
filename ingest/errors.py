"""Every error that cuecard raises on purpose.

    CuecardError
    ├── UsageError            the caller asked for something that makes no sense      (exit 2, HTTP 4xx)
    │   ├── SettingsError     a setting is unknown or has an unusable value
    │   └── NotFoundError     no such document, item or file
    ├── DocumentError         one document can't be read; it goes to quarantine       (exit 3)
    ├── RefusedError          done only on request: it would remove too much          (exit 1)
    ├── HomeBusyError         another process holds the home                          (exit 1, HTTP 503)
    ├── IndexUnavailableError the index can't be opened or reached                    (exit 1, HTTP 503)
    └── ModelError            a model can't be loaded, exported or run                (exit 1, HTTP 503)

Each message says what happened and where; `hint` says what to do next.
"""

from __future__ import annotations


class CuecardError(Exception):
    """What happened, in words a user understands. `hint`: what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(CuecardError):
    """The caller asked for something that makes no sense."""


class SettingsError(UsageError):
    """A setting is unknown or has an unusable value."""


class NotFoundError(UsageError):
    """No such document, item or file."""


class DocumentError(CuecardError):
    """One document can't be read. `path` as the user knows it; `line` is 1-based, None where there is no one line."""

    def __init__(self, path: str, reason: str, *, line: int | None = None, hint: str = "") -> None:
        super().__init__(f"{path}{f':{line}' if line else ''}: {reason}", hint=hint)
        self.path = path
        self.line = line
        self.reason = reason


class RefusedError(CuecardError):
    """Done only on request, because it would remove too much."""


class HomeBusyError(CuecardError):
    """Another process holds the home."""


class IndexUnavailableError(CuecardError):
    """The index can't be opened or reached."""


class ModelError(CuecardError):
    """A model can't be loaded, exported or run."""
