"""The word lists that perturbations are made with, read from `data/perturbations.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

LISTS = Path(__file__).parent / "data" / "perturbations.toml"


@dataclass(frozen=True, slots=True)
class Exchanges:
    """What each word may be exchanged for. `pattern` finds the words, longest first; group 1 is the word."""

    others: Mapping[str, tuple[str, ...]]
    pattern: re.Pattern[str]


@cache
def exchanges(name: str, part: int | None = None) -> Exchanges:
    """A list of the file. `part`: only the groups of one half, 0 or 1, by a hash of the group."""
    others: dict[str, tuple[str, ...]] = {}
    for line in _lines(name):
        if part is None or crc32(line.encode()) % 2 == part:
            first, *rest = (word.strip() for word in line.split(" : "))
            others[first] = tuple(rest)
    return Exchanges(others, _pattern(others))


@cache
def reversed_exchanges(name: str) -> Exchanges:
    """The same list from right to left."""
    others: dict[str, tuple[str, ...]] = {}
    for line in _lines(name):
        first, *rest = (word.strip() for word in line.split(" : "))
        for word in rest:
            others.setdefault(word, (first,))
    return Exchanges(others, _pattern(others))


@cache
def words(name: str) -> tuple[str, ...]:
    """A plain list of the file."""
    return tuple(_lines(name))


def _pattern(known: Mapping[str, object]) -> re.Pattern[str]:
    longest = sorted(known, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest))})(?![\w-])", re.IGNORECASE)


@cache
def _lists() -> Mapping[str, str]:
    with LISTS.open("rb") as file:
        return tomllib.load(file)


def _lines(name: str) -> list[str]:
    return [line.strip() for line in _lists()[name].splitlines() if line.strip()]
