"""Which judgments a returned passage meets. Standard library only.

The rule: a passage is relevant when its document is the judgment's `file` and its span covers at least half of the
`quote`, at any of the quote's places in the canonical text. So judgments survive re-chunking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eval.cases import Case, Judgment
from eval.runs import Result

MAX_CHARS = 6000
"""A longer passage meets no quote, so that returning whole files does not pay."""


@dataclass(frozen=True, slots=True)
class Target:
    """A judgment with the quote's places in the canonical text; no places when it does not stand there."""

    judgment: Judgment
    places: tuple[tuple[int, int], ...]

    @property
    def found(self) -> bool:
        """Whether the quote stands in the document as the library has it. A whole document always does."""
        return bool(self.places) or not self.judgment.quote


def locate(text: str, quote: str) -> tuple[tuple[int, int], ...]:
    """All places of `quote` in `text` as (start, end); where it does not stand exactly, blanks are taken as equal."""
    if not quote.strip():
        return ()
    places, start = [], text.find(quote)
    while start >= 0:
        places.append((start, start + len(quote)))
        start = text.find(quote, start + 1)
    if not places:
        pattern = re.compile(r"\s+".join(map(re.escape, quote.split())))
        places = [match.span() for match in pattern.finditer(text)]
    return tuple(places)


def targets(case: Case, texts: Mapping[str, str]) -> tuple[Target, ...]:
    """The case's judgments, located. `texts`: file -> canonical text; for a file it lacks the judge's spans serve."""
    return tuple(Target(j, locate(texts[j.file], j.quote) if j.file in texts else j.spans) for j in case.relevant)


def met(result: Result, wanted: tuple[Target, ...], max_chars: int = MAX_CHARS) -> dict[str, int]:
    """The groups that `result` meets, each with the best grade it meets there (0 for judged and of no use)."""
    grades: dict[str, int] = {}
    for target in wanted:
        judgment = target.judgment
        if _same_file(result.file, judgment) and _covers(result, target, max_chars):
            grades[judgment.group] = max(grades.get(judgment.group, 0), judgment.grade)
    return grades


def _same_file(file: str, judgment: Judgment) -> bool:
    """Whole documents are judged by an id, which a file carries with or without its suffix."""
    return file == judgment.file or (not judgment.quote and file.rpartition(".")[0] == judgment.file)


def _covers(result: Result, target: Target, max_chars: int) -> bool:
    if not target.judgment.quote:
        return True
    if result.length > max_chars:
        return False
    start, end = result.start, result.end
    if start is not None and end is not None and target.places:
        return any(2 * (min(end, e) - max(start, s)) >= e - s for s, e in target.places)
    return bool(result.text) and _contains(result.text, target.judgment.quote)


def _contains(text: str, quote: str) -> bool:
    """Without places to compare: the text holds the quote, or its first or last half, blanks taken as equal."""
    text, quote = " ".join(text.split()), " ".join(quote.split())
    half = len(quote) // 2
    return quote[: len(quote) - half] in text or quote[half:] in text
