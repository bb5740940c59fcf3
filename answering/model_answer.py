"""Whether the library holds the question that was asked, in the same or in other words, and what it says to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from answering.asking import read
from answering.ports import Catalog
from answering.units import trimmed
from ingest.items import Item, Span
from ingest.parse.labels import says_nothing
from retrieval.hits import Hit
from retrieval.terms import content_terms

# Cosine of two questions in the question arm, with its distance to the next other question, and the share of the
# asked words that question, answer and heading hold. Read off 207 development questions with all-MiniLM-L6-v2, where
# at these points 9 of 10 matches held the judged answer.
SAME_WORDS = 0.80
OTHER_WORDS, OTHER_WORDS_MARGIN = 0.62, 0.12
SHARED_TERMS, SHARED_TERMS_COSINE, SHARED_TERMS_MARGIN = 0.75, 0.55, 0.10
CLEAR_MARGIN = 0.25
SAME_QUESTION = 0.8  # Jaccard overlap of the content words of two questions that are one question in two documents
BEST_RANKS = 2  # a question that is asked for is found among the very first


@dataclass(frozen=True, slots=True)
class Match:
    """A held question that is the one asked. `others`: hits of the same question elsewhere, best first.

    `spans`: what the item says to it, empty where it says nothing. `similarity`: cosine of the two questions.
    `margin`: its distance to the next other question's.
    """

    hit: Hit
    item: Item
    spans: tuple[Span, ...]
    similarity: float
    margin: float = 0.0
    others: tuple[Hit, ...] = ()

    @property
    def same_words(self) -> bool:
        """Whether the questions are all but the same."""
        return self.similarity >= SAME_WORDS

    @property
    def clear(self) -> bool:
        """Whether no other question comes near: then a question without an answer is the end of the search."""
        return self.same_words or self.margin >= CLEAR_MARGIN


def match(question: str, hits: Sequence[Hit], catalog: Catalog) -> Match | None:
    """The held question that is the one asked; of several documents that hold it, the best that answers it."""
    asking = _by_item(hits)
    if not asking:
        return None
    best = asking[0]
    linked = catalog.twins(best.chunk.version_key, best.chunk.item_id)
    twins = [h for h in asking[1:] if _place(h) in linked or _same_question(h, best)]
    rest = [h for h in asking[1:] if h not in twins]
    found = [_read(h, catalog) for h in (best, *twins)]
    chosen = next((m for m in found if m.spans), found[0])
    runner_up = max((_cosine(h) for h in rest), default=0.0)
    if not _is_asked(question, chosen, catalog, similarity=_cosine(best), margin=_cosine(best) - runner_up):
        return None
    # search ranks questions without an answer lower on purpose
    if chosen.spans and min(h.rank for h in (best, *twins)) > BEST_RANKS and _cosine(best) < SAME_WORDS:
        return None
    others = tuple(h for h in (best, *twins) if h is not chosen.hit)
    return Match(chosen.hit, chosen.item, chosen.spans, _cosine(best), _cosine(best) - runner_up, others)


def answer_spans(item: Item, text: str) -> tuple[Span, ...]:
    """What a question's item says to it: its answer, else its talking points; maybe nothing."""
    return _telling((item.answer,) if item.answer is not None else item.talking_points, text)


def said_spans(item: Item, text: str) -> tuple[Span, ...]:
    """All that an item says: answer and talking points of a question, everything of a note; maybe nothing."""
    if item.kind != "qa":
        spans: tuple[Span, ...] = (item.span,)
    else:
        spans = (*((item.answer,) if item.answer is not None else ()), *item.talking_points)
    return _telling(spans, text)


def _telling(spans: Sequence[Span], text: str) -> tuple[Span, ...]:
    """The spans that say something, without links to elsewhere at their ends."""
    cut = (replace(s, end=trimmed(text, s.start, s.end)) for s in spans)
    return tuple(s for s in cut if not says_nothing(text[s.start : s.end]))


def _by_item(hits: Sequence[Hit]) -> list[Hit]:
    """The best hit of each item that asks something, by the question arm's similarity."""
    order = sorted((h for h in hits if h.chunk.question and _cosine(h) > 0), key=lambda h: (-_cosine(h), h.rank))
    best: dict[tuple[int, str], Hit] = {}
    for hit in order:
        best.setdefault(_place(hit), hit)
    return list(best.values())


def _place(hit: Hit) -> tuple[int, str]:
    return hit.chunk.version_key, hit.chunk.item_id


def _cosine(hit: Hit) -> float:
    return hit.similarities.get("question", 0.0)


def _same_question(one: Hit, other: Hit) -> bool:
    a, b = (set(content_terms(h.chunk.question or "")) for h in (one, other))
    return bool(a) and len(a & b) / len(a | b) >= SAME_QUESTION


def _read(hit: Hit, catalog: Catalog) -> Match:
    item = catalog.item(hit.chunk.version_key, hit.chunk.item_id)
    text = catalog.text(hit.chunk.version_key)
    return Match(hit, item, answer_spans(item, text), _cosine(hit))


def _is_asked(question: str, found: Match, catalog: Catalog, *, similarity: float, margin: float) -> bool:
    asked = read(question)
    text = catalog.text(found.hit.chunk.version_key)
    said = " ".join([found.item.question or "", *found.item.heading, *(text[s.start : s.end] for s in found.spans)])
    if any(name.lower() not in said.lower() for name in asked.exact):
        return False
    if similarity >= SAME_WORDS:
        return True
    if similarity >= OTHER_WORDS and margin >= OTHER_WORDS_MARGIN:
        return True
    held = set(content_terms(said))
    shared = sum(term in held for term in asked.terms) / max(1, len(asked.terms))
    return similarity >= SHARED_TERMS_COSINE and margin >= SHARED_TERMS_MARGIN and shared >= SHARED_TERMS
