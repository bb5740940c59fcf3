"""Sources of one answer that disagree: the same subject, another figure or the opposite. Conservative by design."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from answering.answers import Conflict, Source
from answering.ground.checks import Case, findings
from answering.ground.facts import facts
from answering.ground.passages import best_window, content_stems, passage
from answering.segment import blocks, sentences

# What is compared, from which share of words that two sentences have in common (each of its own). Chosen by hand, high:
# a reader forgives a conflict that is not pointed out sooner than one that is none.
COMPARED = {"numbers": 0.6, "negation": 0.75}
LEAST_WORDS = 3


def conflicts(sources: Sequence[Source]) -> tuple[Conflict, ...]:
    """Each pair of sources that disagree, with what about; sources of the same item never do."""
    found = []
    for one, other in combinations(sources, 2):
        detail = disagreement(one.quote, other.quote) if _apart(one, other) else ""
        if detail:
            found.append(Conflict((one.marker, other.marker), detail))
    return tuple(found)


def disagreement(one: str, other: str) -> str:
    """What two texts disagree about; empty where they don't, or don't speak of the same thing."""
    found = dissent(one, other)
    return found.detail if found else ""


@dataclass(frozen=True, slots=True)
class Dissent:
    """Where a text disagrees with another one: `start`, `end` are offsets into it."""

    start: int
    end: int
    detail: str


def dissent(one: str, other: str) -> Dissent | None:
    """The first sentence of `other` that disagrees with one of `one`."""
    for sentence in _sentences(one):
        found = _against(sentence, other)
        if found:
            return found
    return None


def _apart(one: Source, other: Source) -> bool:
    return one.id.rpartition("-")[0] != other.id.rpartition("-")[0] or one.document != other.document


def _sentences(text: str) -> Iterator[str]:
    for block in blocks(text):
        if block.kind in ("paragraph", "item"):
            yield from (text[a:b] for a, b in sentences(text, block.body, block.end))


def _against(sentence: str, other: str) -> Dissent | None:
    stems = set(content_stems(sentence))
    if len(stems) < LEAST_WORDS:
        return None
    passages = [passage(other)]
    window = best_window(stems, passages)
    if window is None or window.first != window.last:
        return None
    theirs = set(passages[0].stems[window.first])
    overlap = len(stems & theirs) / max(len(stems), len(theirs))
    found = findings(Case(sentence, facts(sentence), passages, window)) if overlap >= min(COMPARED.values()) else []
    opposed = [f for f in found if f.opposed and overlap >= COMPARED.get(f.name, 2.0)]
    if not opposed:
        return None
    return Dissent(*passages[0].spans[window.first], "; ".join(f"{f.name}: {', '.join(f.opposed)}" for f in opposed))
