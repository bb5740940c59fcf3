"""A document's text as lines, with exactly one stretch of it marked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

MOST_LINES = 1_500
"""Lines that one page shows; of a longer document those around what is cited."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its 1-based number, what stands before the marked stretch, the part in it, and what follows."""

    number: int
    before: str
    cited: str
    after: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of a page. `first`, `last`: their numbers, 1-based, of `total`. `cited`: the first marked one's."""

    lines: Sequence[Line]
    first: int
    last: int
    total: int
    cited: int | None


def excerpt(text: str, start: int | None, end: int | None, first: int | None = None) -> Excerpt:
    """The lines of `text` to show, from `first` or around the stretch `start`..`end` (code points, end exclusive).

    The marked parts of all lines, joined, are `text[start:end]`. A stretch outside the text is not marked.
    """
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    marked = start is not None and end is not None and 0 <= start < end <= len(text)
    a, b = (start or 0, end or 0) if marked else (0, 0)
    focus = bisect_right(starts, a) if marked else None
    wanted = first if first is not None else (focus or 1) - MOST_LINES // 3 if len(lines) > MOST_LINES else 1
    begin = max(0, min(wanted, len(lines)) - 1)
    shown = range(begin, min(begin + MOST_LINES, len(lines)))
    out = [_line(n + 1, text[starts[n] : min(starts[n + 1], len(text))], starts[n], a, b) for n in shown]
    return Excerpt(out, shown.start + 1, shown.stop, len(lines), focus)


def _line(number: int, text: str, at: int, start: int, end: int) -> Line:
    a, b = (min(max(0, place - at), len(text)) for place in (start, end))
    return Line(number, text[:a], text[a:b], text[b:])
