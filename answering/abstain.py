"""What an abstention says: what the library lacks, in one sentence a person understands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from answering.cite import Unit
from answering.model_answer import Match
from answering.ports import Retriever
from ingest.view import EVERYTHING, View
from retrieval.hits import Hit
from retrieval.terms import content_terms

MOST_NAMED = 4  # words that are looked up and named

_WORD = re.compile(r"[^\s,;:!?()\"“”]+")


def unknown_words(question: str, hits: Sequence[Hit], retriever: Retriever, view: View = EVERYTHING) -> list[str]:
    """The question's content words that no document which `view` may see holds, as they were written.

    Words that stand in a hit are known; the others are looked up, MOST_NAMED of them at most.
    """
    held = {t for hit in hits for t in content_terms(f"{hit.chunk.context} {hit.chunk.text}")}
    candidates: dict[str, tuple[str, list[str]]] = {}
    for found in _WORD.finditer(question):
        word = found.group().rstrip(".'’")
        terms = content_terms(word)
        if terms and not held.intersection(terms):
            candidates.setdefault(terms[0], (word, terms))
    chosen = list(candidates.values())[:MOST_NAMED]
    unknown = retriever.unknown_terms([term for _, terms in chosen for term in terms], view=view) if chosen else set()
    return [word for word, terms in chosen if unknown >= set(terms)]


def nothing_text(unknown: Sequence[str]) -> str:
    """Nothing in the library answers the question."""
    if unknown:
        return f"Your library does not cover this: no document mentions {_listed(unknown)}."
    return "Your library does not cover this: nothing in it comes close enough to the question to answer it."


def degraded_text() -> str:
    """The index could not be asked."""
    return "Your library can't be searched right now, so this question can't be answered."


def unheld_text() -> str:
    """Only model answers were wanted, and the question is none the library holds."""
    return "Your library does not hold this question, so there is no model answer to it."


def unanswered_text(found: Match) -> str:
    """The library asks the very question and says nothing to it."""
    where = found.item.question_span or found.item.span
    asked = re.sub(r"\s+", " ", found.item.question or found.item.title).strip()
    return (
        f"Your notes ask this question but hold no answer: “{asked}” ({found.hit.chunk.document}:{where.line_start})."
    )


def refused_text(units: Sequence[Unit]) -> str:
    """Everything that was to be quoted failed verification."""
    names = sorted({u.chunk.document for u in units})
    return f"What was found could not be verified against its document ({', '.join(names)}), so it is not shown."


def _listed(words: Sequence[str]) -> str:
    quoted = [f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
