"""What goes wrong with a language model."""

from __future__ import annotations

from ingest.errors import ModelError


class LanguageModelError(ModelError):
    """A language model gave no usable reply. `repeatable`: the same call may work; `wait_s`: seconds it asked for."""

    def __init__(self, message: str, *, repeatable: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message, hint="`cuecard doctor` says whether the language model can be reached.")
        self.repeatable = repeatable
        self.wait_s = wait_s


class DeadlineError(LanguageModelError):
    """The time for an answer is over."""
