"""Numbers with their units, scales and ranges, and dates, as values that can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from answering.ground.lexicon import lexicon
from answering.ground.words import is_content, stem, words

_NUMBER = re.compile(
    r"(?<![\w.:/])(?<![A-Za-z]-)(?:(?P<currency>[$€£])\s?)?"
    r"(?P<number>\d{1,3}(?:[,_\u00a0\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?!\d|[.:/]\d|,\d{3})"
)
_CLOCK = re.compile(
    r"(?<![\w.:/])(?P<hour>[0-2]?\d)(?::(?P<minute>\d{1,2}))?\s?(?:(?P<half>[ap])\.?m\b\.?)?", re.IGNORECASE
)
_SPELLED = re.compile(r"(?<![\w-])[A-Za-z]+(?:[\s-][A-Za-z]+)?(?![\w])")
_TAIL = re.compile(r"(\s?)(%|[-\s]?[A-Za-zµ]+)")
_BETWEEN = re.compile(r"\s?(?:-|–|—|\bto\b|\band\b)\s?[$€£]?")
_HEDGE = re.compile(
    r"(?:about|around|approximately|approx\.?|roughly|nearly|almost|circa|ca\.?|~|≈|over|under|(?:more|less) than)\s*$",
    re.IGNORECASE,
)
_HEDGED = 0.05  # relative tolerance of "about 25 %"; a number that is not hedged must be exact
_EXACT = 1e-9

_MONTH = (
    r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\.?"
)
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1[4-9]\d\d|20\d\d)"
_DATES = (
    re.compile(rf"\b{_YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)\b"),
    re.compile(rf"\b{_MONTH}\s+{_DAY}(?!\d)(?:,?\s+{_YEAR}\b)?", re.IGNORECASE),
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?![a-z])(?:,?\s+{_YEAR}\b)?", re.IGNORECASE),
    re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}\b", re.IGNORECASE),
    re.compile(rf"(?<![\w.,$€£-]){_YEAR}(?!\w|[.,]\d|\s?%)"),
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount: `number` as written (scales such as "million" multiplied in) times `size`, in units of `dimension`.

    `dimension` is empty for a bare number. `hedged` after words such as "about"; `spelled` where it stands in words.
    `beside`: the stems of the content words right before and after it.
    """

    number: float
    dimension: str
    size: float
    text: str
    start: int
    hedged: bool = False
    spelled: bool = False
    beside: frozenset[str] = frozenset()

    def rivals(self, other: Quantity) -> bool:
        """Both count the same kind of thing, both in figures or both in words: one may stand for the other."""
        same = self.dimension == other.dimension and self.spelled == other.spelled
        return same and (bool(self.dimension) or bool(self.beside & other.beside))

    def agrees(self, other: Quantity) -> bool:
        """The same amount: equal values (within 5 % where hedged) and no contradicting unit."""
        tolerance = _HEDGED if self.hedged or other.hedged else _EXACT
        if self.dimension == other.dimension == "clock":
            return self.number % 12 == other.number % 12 if self.size != other.size else self.number == other.number
        if self.dimension and other.dimension:
            same = self.dimension == other.dimension
            return same and math.isclose(self.number * self.size, other.number * other.size, rel_tol=tolerance)
        return math.isclose(self.number, other.number, rel_tol=tolerance)


@dataclass(frozen=True, slots=True)
class Date:
    """A date or a part of one; what is not stated is None. `end` is exclusive."""

    year: int | None
    month: int | None
    day: int | None
    text: str
    start: int
    end: int

    def agrees(self, others: Sequence[Date]) -> bool:
        """Every stated part stands in the others: month and day together, the year anywhere."""
        if self.year is not None and all(o.year != self.year for o in others):
            return False
        if self.month is None:
            return True
        return any(o.month == self.month and (self.day is None or o.day == self.day) for o in others)


def dates(text: str) -> list[Date]:
    """The dates of a text, each stretch read once, the most complete reading first."""
    found: list[Date] = []
    taken = bytearray(len(text))
    for pattern in _DATES:
        for m in pattern.finditer(text):
            if not m.group().startswith("may") and not any(taken[m.start() : m.end()]):
                taken[m.start() : m.end()] = b"\1" * (m.end() - m.start())
                found.append(_date(m))
    return sorted(found, key=lambda d: d.start)


def _date(m: re.Match[str]) -> Date:
    parts = m.groupdict()
    month, day, year = parts.get("month"), parts.get("day"), parts.get("year")
    number = None if month is None else int(month) if month.isdigit() else lexicon().months[month.lower()]
    return Date(int(year) if year else None, number, int(day) if day else None, m.group(), m.start(), m.end())


def quantities(text: str, taken: Sequence[tuple[int, int]] = ()) -> list[Quantity]:
    """The amounts of a text in order. `taken`: stretches that are something else (dates, versions, code)."""
    times = list(_times(text))
    busy = bytearray(len(text))
    for start, end in (*taken, *((t.start, t.start + len(t.text)) for t in times)):
        busy[start:end] = b"\1" * (end - start)
    found = sorted([*times, *_written(text), *_spelled(text)], key=lambda q: q.start)
    free = [q for q in found if q.dimension == "clock" or not busy[q.start]]
    return [_ranged(text, q, following) for q, following in zip(free, [*free[1:], None], strict=False)]


def _ranged(text: str, q: Quantity, following: Quantity | None) -> Quantity:
    """In "5-10 ms" and "between 5 and 10 ms" the first number has the second one's unit."""
    if following is None or q.dimension or not following.dimension:
        return q
    if not _BETWEEN.fullmatch(text, q.start + len(q.text), following.start):
        return q
    return replace(q, dimension=following.dimension, size=following.size)


def _times(text: str) -> Iterator[Quantity]:
    """Times of day in hours. `size` tells whether morning and afternoon are told apart (1) or not (12)."""
    for m in _CLOCK.finditer(text):
        hour, minute, half = int(m.group("hour")), int(m.group("minute") or 0), (m.group("half") or "").lower()
        if (m.group("minute") or half) and hour <= 24 and minute < 60:
            told = hour % 12 + 12 * (half == "p") if half else hour
            yield Quantity(
                told + minute / 60, "clock", 1.0 if half or hour > 12 else 12.0, m.group().strip(), m.start()
            )


def _written(text: str) -> Iterator[Quantity]:
    for m in _NUMBER.finditer(text):
        number = float(re.sub(r"[,_\u00a0\u202f]", "", m.group("number")))
        quantity = _with_tail(text, m.start(), m.end(), number, m.group("currency"))
        if quantity is not None:
            yield quantity


def _spelled(text: str) -> Iterator[Quantity]:
    numbers, scales = lexicon().numbers, lexicon().scales
    at = 0
    while m := _SPELLED.search(text, at):
        at = m.end()
        first, _, second = m.group().lower().replace("-", " ").partition(" ")
        end = m.end()
        if first not in numbers:
            at = m.start() + len(first)
            continue
        number = numbers[first]
        if number >= 20 and 0 < numbers.get(second, 0) < 10:
            number += numbers[second]
        elif len(second) > 1 and second in scales:
            number *= scales[second]
        else:
            end = m.start() + len(first)
        at = end
        quantity = _with_tail(text, m.start(), end, number, None)
        if quantity is not None:
            yield replace(quantity, spelled=True)


def _with_tail(text: str, start: int, end: int, number: float, currency: str | None) -> Quantity | None:
    """The number with the scale and unit that follow it; None where letters make it a name (3D, 2FA)."""
    units, scales = lexicon().units, lexicon().scales
    dimension, size, stop = "", 1.0, end
    for _ in range(2):
        tail = _TAIL.match(text, stop)
        if not tail:
            break
        written = tail.group(2).strip(" -\t\n\r\u00a0")
        word, attached = written.lower(), not tail.group(1) and tail.group(2)[0].isalpha()
        if attached and word in ("st", "nd", "rd", "th"):
            dimension, stop = "ordinal", tail.end()
            break
        if attached and word == "x":
            dimension, stop = "times", tail.end()
            break
        if word in scales and (len(word) > 2 or (attached and (word != "m" or written == "M" or currency))):
            number, stop = number * scales[word], tail.end()
            continue
        if word in units and (len(word) > 1 or attached or word in "%s"):
            (dimension, size), stop = units[word], tail.end()
        elif attached and stop == end:
            return None
        break
    if currency:
        dimension, size = units.get(currency, (currency, 1.0))
    hedged = bool(_HEDGE.search(text, max(0, start - 16), start))
    return Quantity(number, dimension, size, text[start:stop], start, hedged, beside=_beside(text, start, stop))


def _beside(text: str, start: int, end: int) -> frozenset[str]:
    before = words(text[max(0, start - 24) : start])[-1:]
    after = words(text[end : end + 24])[:1]
    return frozenset(stem(w) for w in (*before, *after) if is_content(w))
