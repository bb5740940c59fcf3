"""Ignore files: gitignore's rules, matched in time that grows with a path's length and no faster.

Rules may come in an archive from somebody else, and a rule of many wildcards, as one regular expression over a whole
path, can take years. Here a path is walked name by name with the parts of a rule that it may stand at.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_RULES = 1_000
MAX_CHARS = 500
"""Of a rule."""

_TRAILING = re.compile(r"(?<!\\)[ \t]+\Z")
_SPECIAL = ("*", "?", "[")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of an ignore file. `parts`: what each name of a path has to be, None for any number of names."""

    parts: tuple[re.Pattern[str] | None, ...]
    ignores: bool
    folders_only: bool

    def matches(self, names: Sequence[str], *, is_folder: bool) -> bool:
        """Whether the rule is about this path."""
        if self.folders_only and not is_folder:
            return False
        first, *others = self.parts
        if first is None and None not in others:
            others_match = zip(others, names[-len(others) :], strict=True) if len(names) >= len(others) else None
            return others_match is not None and all(_is(part, name) for part, name in others_match)
        at = self._standing({0})
        for name in names:
            stays = {i for i in at if i < len(self.parts) and self.parts[i] is None}
            passed = {i + 1 for i in at - stays if i < len(self.parts) and _is(self.parts[i], name)}
            at = self._standing(stays | passed)
            if not at:
                return False
        return len(self.parts) in at

    def _standing(self, at: set[int]) -> set[int]:
        """With the parts behind those that may be no name at all."""
        out = set(at)
        for start in at:
            while start < len(self.parts) and self.parts[start] is None:
                start += 1
                out.add(start)
        return out


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one ignore file, in their order."""

    rules: tuple[Rule, ...]

    def verdict(self, path: str) -> bool | None:
        """Whether a path below the file's folder (with `/` at its end for a folder) is ignored: the last rule decides.

        None where no rule speaks of it. What lies in a folder that is ignored has to be left out by the caller.
        """
        names = path.rstrip("/").split("/")
        for rule in reversed(self.rules):
            if rule.matches(names, is_folder=path.endswith("/")):
                return rule.ignores
        return None


def read_rules(lines: Iterable[str]) -> Rules:
    """The rules of an ignore file's lines, in gitignore syntax. Raises ValueError where one can't be understood."""
    rules: list[Rule] = []
    for line in lines:
        rule = _read(line)
        if rule is None:
            continue
        if len(rules) == MAX_RULES:
            raise ValueError(f"more than {MAX_RULES:,} rules")
        rules.append(rule)
    return Rules(tuple(rules))


def _read(line: str) -> Rule | None:
    text = _TRAILING.sub("", line)
    if not text or text.startswith("#"):
        return None
    if len(text) > MAX_CHARS:
        raise ValueError(f"{text[:40]}… is longer than {MAX_CHARS} characters")
    ignores = not text.startswith("!")
    body = text.removeprefix("!")
    folders_only = body.endswith("/")
    words = body.rstrip("/").split("/")
    if not body or (len(text) - len(text.rstrip("\\"))) % 2:
        raise ValueError(f"{text!r} names nothing")
    if not any(words):
        return None
    anchored = len(words) > 1
    parts: list[re.Pattern[str] | None] = [] if anchored else [None]
    for word in words:
        if word == "**":
            if not parts or parts[-1] is not None:
                parts.append(None)
        elif word:
            parts.append(re.compile(_translated(word)))
    if parts and parts[-1] is None:
        parts.append(re.compile(".", re.S))  # `a/**` is about what lies in a, and not about a
    return Rule(tuple(parts), ignores, folders_only)


def _is(part: re.Pattern[str] | None, name: str) -> bool:
    return part is not None and part.match(name) is not None


def _translated(glob: str) -> str:
    """A regular expression for one name: fnmatch's, which never tries a wildcard twice, and gitignore's escapes."""
    out, at = "", 0
    while at < len(glob):
        if glob[at] == "\\":
            at += 1
            escaped = glob[at : at + 1]
            out += f"[{escaped}]" if escaped in _SPECIAL else escaped
        elif glob[at] == "[" and glob[at + 1 : at + 2] in ("^", "!"):
            out += "[!"
            at += 1
        else:
            out += glob[at]
        at += 1
    return fnmatch.translate(out)
