"""The word lists of `lexicon.toml`, in the forms the checks use."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("lexicon.toml")


@dataclass(frozen=True)
class Lexicon:
    """`opposites`: word -> the words that mean the contrary. `exclusive`: word -> those that say something else in its
    very place. `units`: name -> (dimension, size in base units).
    """

    stop: frozenset[str]
    meta: frozenset[str]
    negators: frozenset[str]
    auxiliaries: frozenset[str]
    qualifiers: frozenset[str]
    softeners: frozenset[str]
    opposites: Mapping[str, frozenset[str]]
    exclusive: Mapping[str, frozenset[str]]
    absolutes: frozenset[str]
    superlatives: frozenset[str]
    numbers: Mapping[str, float]
    scales: Mapping[str, float]
    units: Mapping[str, tuple[str, float]]
    months: Mapping[str, int]


@cache
def lexicon() -> Lexicon:
    """The lists, read once."""
    data: dict[str, Any] = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return Lexicon(
        stop=frozenset(data["stop"].split()),
        meta=frozenset(data["meta"].split()),
        negators=frozenset(data["negators"].split()),
        auxiliaries=frozenset(data["auxiliaries"].split()),
        qualifiers=frozenset(data["qualifiers"].split()),
        softeners=frozenset(data["softeners"].split()),
        opposites=_opposites(data["antonyms"]),
        exclusive=_exclusive(data["exclusive"]),
        absolutes=frozenset(data["absolutes"].split()),
        superlatives=frozenset(data["superlatives"].split()),
        numbers={k: float(v) for k, v in data["numbers"].items()},
        scales={k: float(v) for k, v in data["scales"].items()},
        units={k: (str(v[0]), float(v[1])) for k, v in data["units"].items()},
        months={k: int(v) for k, v in data["months"].items()},
    )


def _opposites(lines: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in lines.strip().splitlines():
        left, right = (side.split() for side in line.split(":"))
        for one, other in ((left, right), (right, left)):
            for word in one:
                found.setdefault(word, set()).update(other)
    return {word: frozenset(others) for word, others in found.items()}


def _exclusive(lines: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in lines.strip().splitlines():
        groups = [set(side.split()) for side in line.split(":")]
        for group in groups:
            for word in group:
                found.setdefault(word, set()).update(*(other for other in groups if other is not group))
    return {word: frozenset(others) for word, others in found.items()}
