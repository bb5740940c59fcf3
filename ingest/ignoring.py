"""Ignore files: gitignore's rules, matched in time that grows with a path's length and no faster.

Rules may come in an archive from somebody else, and a rule of many wildcards takes Python's own regular expressions
years. RE2 (Cox 2010) never tries anything twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_RULES = 1_000
MAX_CHARS = 500
"""Of a rule."""


class Rules:
    """The rules of one ignore file, in their order."""

    def __init__(self, spec: GitIgnoreSpec) -> None:
        self._spec = spec

    def verdict(self, path: str) -> bool | None:
        """Whether a path below the file's folder (with `/` at its end for a folder) is ignored: the last rule decides.

        None where no rule speaks of it. What lies in a folder that is ignored has to be left out by the caller.
        """
        return self._spec.check_file(path).include


def read_rules(lines: Sequence[str]) -> Rules:
    """The rules of an ignore file's lines, in gitignore syntax. Raises ValueError where one can't be understood."""
    from pathspec import GitIgnoreSpec

    long = next((line for line in lines if len(line) > MAX_CHARS), None)
    if long is not None:
        raise ValueError(f"{long[:40]}… is longer than {MAX_CHARS} characters")
    if len(lines) > MAX_RULES:
        raise ValueError(f"more than {MAX_RULES:,} lines")
    try:
        return Rules(GitIgnoreSpec.from_lines(lines, backend="re2"))
    except re.error as error:
        raise ValueError(f"{error.pattern!r}: {error}") from error
