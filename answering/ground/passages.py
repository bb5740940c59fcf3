"""Sources prepared for checking: their sentences, the words in each, and the window that covers a claim best."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from answering.ground.facts import Facts, facts
from answering.ground.words import is_content, plain, stem, words
from answering.segment import blocks, sentences

_CAPITALISED = re.compile(r"[A-Z][A-Za-z]*(?:[ -][A-Z][A-Za-z]*)+")
MAX_WINDOW = 4  # sentences: a claim that joins more than four in a row is rare in interview answers


@dataclass(frozen=True)
class Passage:
    """One source. `spans`: its sentences; `stems`: the content stems of each, in order; `places`: stem -> sentences."""

    text: str
    spans: tuple[tuple[int, int], ...]
    stems: tuple[tuple[str, ...], ...]
    places: dict[str, tuple[int, ...]]

    @cached_property
    def plain(self) -> str:
        """The text as verbatim comparison sees it."""
        return plain(self.text)

    @cached_property
    def facts(self) -> Facts:
        """The exact things the source states."""
        return facts(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each sentence begins."""
        return [start for start, _ in self.spans]

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words in lower case, function words too."""
        return frozenset(words(self.text))

    @cached_property
    def wording(self) -> tuple[frozenset[str], ...]:
        """Of each sentence its content stems, and its words with figures in them."""
        return tuple(
            frozenset(found) | {w for w in words(self.text[start:end]) if any(c.isdigit() for c in w)}
            for (start, end), found in zip(self.spans, self.stems, strict=True)
        )

    @cached_property
    def initials(self) -> frozenset[str]:
        """Initials of two to five capitalised words in a row, in lower case: "Write-Ahead Log" has wal, wa, al."""
        found: set[str] = set()
        for run in _CAPITALISED.findall(self.text):
            letters = [part[0].lower() for part in re.split(r"[\s-]+", run)]
            found.update(
                "".join(letters[i:j]) for i in range(len(letters)) for j in range(i + 2, min(i + 5, len(letters)) + 1)
            )
        return frozenset(found)


@dataclass(frozen=True)
class Window:
    """`first`..`last` (inclusive) sentences of one source and the share of the claim's content words in them, 0..1."""

    source: int
    first: int
    last: int
    coverage: float
    start: int
    end: int


@lru_cache(maxsize=128)
def passage(text: str) -> Passage:
    """Prepare a source; remembered, since the same sources are checked again and again."""
    spans = [span for block in blocks(text) for span in sentences(text, block.start, block.end)]
    stems = tuple(tuple(content_stems(text[a:b])) for a, b in spans)
    places: dict[str, list[int]] = {}
    for i, found in enumerate(stems):
        for s in dict.fromkeys(found):
            places.setdefault(s, []).append(i)
    return Passage(text, tuple(spans), stems, {s: tuple(at) for s, at in places.items()})


def content_stems(text: str) -> list[str]:
    """The stems of the content words of a text, in order. Figures are none: the checks compare those."""
    return [stem(w) for w in words(text) if is_content(w) and not w.isdigit()]


def best_window(claim: Iterable[str], passages: Sequence[Passage]) -> Window | None:
    """The shortest stretch of at most four sentences of one source that holds most of the claim's content stems."""
    wanted = {s: 1 << i for i, s in enumerate(dict.fromkeys(claim))}
    best: Window | None = None
    for number, source in enumerate(passages):
        masks: dict[int, int] = {}
        for s, bit in wanted.items():
            for at in source.places.get(s, ()):
                masks[at] = masks.get(at, 0) | bit
        for first in masks:
            mask = 0
            for last in range(first, min(first + MAX_WINDOW, len(source.spans))):
                mask |= masks.get(last, 0)
                coverage = mask.bit_count() / len(wanted)
                if best is None or _rank(coverage, last - first) > _rank(best.coverage, best.last - best.first):
                    best = Window(number, first, last, coverage, source.spans[first][0], source.spans[last][1])
    return best


def _rank(coverage: float, extra: int) -> float:
    return coverage - 0.03 * extra  # one more sentence has to bring at least 3 % of the claim's words
