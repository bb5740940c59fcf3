"""Word's numbering: counts on as Word does, and writes the numbers that a reader of the page sees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ingest.formats.docx_styles import Place, W, child, left_of, number, value

_PLAIN_NUMBER = re.compile(r"\W*(\d{1,9})\W*")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MAX_ROMAN = 4_000
_MAX_LABEL = 60  # characters
_UNNUMBERED = ("bullet", "none")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands before a list entry. `number`: where it is a number alone ("3.", "(3)"); else `label` as it reads.

    A bullet has neither. `left`: the entry's indentation, None where nothing says.
    """

    number: int | None = None
    label: str = ""
    left: int | None = None


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of a list. `kind`: how its count is spelled; `text`: the mark, %1 to %9 for the counts of the levels.

    `counted`: lists of the same value count on together.
    """

    kind: str
    text: str
    start: int
    left: int | None
    counted: str


class Numbering:
    """The lists of `numbering.xml`. `root`: its element, or None. Marks are to be asked for in the document's order."""

    def __init__(self, root: Any) -> None:
        found = () if root is None else root
        self._patterns = {e.get(f"{W}abstractNumId"): e for e in found if e.tag == f"{W}abstractNum"}
        self._lists = {e.get(f"{W}numId"): e for e in found if e.tag == f"{W}num"}
        self._levels: dict[Place, _Level] = {}
        self._counts: dict[str, dict[int, int]] = {}

    def mark(self, place: Place) -> Mark:
        """The mark of the next entry at a place; counts it."""
        level = self._level(place)
        if level.kind in _UNNUMBERED:
            return Mark(left=level.left)
        counts = self._counts.setdefault(level.counted, {})
        counts[place.level] = counts.get(place.level, level.start - 1) + 1
        for deeper in [other for other in counts if other > place.level]:
            del counts[deeper]
        label = re.sub(r"%([1-9])", lambda match: self._count(place, int(match[1]) - 1, counts), level.text).strip()
        plain = _PLAIN_NUMBER.fullmatch(label)
        return Mark(int(plain[1]) if plain else None, "" if plain else label, level.left)

    def _count(self, place: Place, at: int, counts: dict[int, int]) -> str:
        level = self._level(Place(place.list_id, at))
        return _spelled(counts.get(at, level.start), level.kind)

    def _level(self, place: Place) -> _Level:
        if place not in self._levels:
            self._levels[place] = self._found(place)
        return self._levels[place]

    def _found(self, place: Place) -> _Level:
        """A level as the document describes it; bullets where it doesn't."""
        its_list = self._lists.get(place.list_id)
        overrides = [] if its_list is None else list(its_list.iterfind(f"{W}lvlOverride"))
        pattern = self._linked(self._patterns.get(value(its_list, "abstractNumId")))
        levels = [level for override in overrides for level in override.iterfind(f"{W}lvl")]
        levels += [] if pattern is None else list(pattern.iterfind(f"{W}lvl"))
        level = next((level for level in levels if level.get(f"{W}ilvl") == str(place.level)), None)
        starts = [value(e, "startOverride") for e in overrides if e.get(f"{W}ilvl") == str(place.level)]
        # lists made from one pattern count on together, save where one begins anew
        anew = any(child(override, "startOverride") is not None for override in overrides)
        return _Level(
            kind=value(level, "numFmt") or "bullet",
            text=(value(level, "lvlText") or f"%{place.level + 1}.")[:_MAX_LABEL],
            start=number(next((start for start in starts if start), value(level, "start")), 1),
            left=left_of(child(level, "pPr")),
            counted=f"list {place.list_id}" if anew else f"pattern {value(its_list, 'abstractNumId')}",
        )

    def _linked(self, pattern: Any) -> Any:
        """The pattern itself, or the one that it names by its style."""
        style = value(pattern, "numStyleLink")
        return next((e for e in self._patterns.values() if style and value(e, "styleLink") == style), pattern)


def _spelled(count: int, kind: str) -> str:
    """A count as the list writes it: letters, Roman numbers, else digits."""
    if kind.endswith("Letter") and count > 0:
        letters = chr(ord("a") + (count - 1) % 26) * min(1 + (count - 1) // 26, 10)
        return letters.upper() if kind.startswith("upper") else letters
    if kind.endswith("Roman") and 0 < count < _MAX_ROMAN:
        roman = ""
        for worth, sign in _ROMAN:
            roman += sign * (count // worth)
            count %= worth
        return roman.upper() if kind.startswith("upper") else roman
    return "" if kind in _UNNUMBERED else str(count)
