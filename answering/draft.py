"""Deciding what to say to a question: its model answer, an extract, or that the library doesn't know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from answering import abstain
from answering.answers import AnswerKind, Mode, Reason
from answering.cite import Unit
from answering.extract import extract
from answering.model_answer import Match, match
from answering.ports import Catalog, Embedder, Retriever
from retrieval.hits import Hit, SearchResult


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said before it is cited. `units`: what is quoted; `text`: what an abstention says instead.

    `others`: hits that hold the same question, named first among what is related. `open_parts`: parts of the question
    that nothing quoted covers.
    """

    kind: AnswerKind
    units: tuple[Unit, ...] = ()
    text: str = ""
    reasons: tuple[Reason, ...] = ()
    others: tuple[Hit, ...] = ()
    open_parts: int = 0


@dataclass(frozen=True, slots=True)
class Drafter:
    """Drafts answers from what a search found."""

    retriever: Retriever
    catalog: Catalog
    embedder: Embedder | None

    def draft(self, question: str, result: SearchResult, mode: Mode, *, enough: bool) -> Draft:
        """`enough`: whether the search's evidence is enough to answer in mode "auto"."""
        if not result.hits:
            said = abstain.degraded_text() if result.degraded else abstain.empty_text()
            return Draft("abstained", text=said, reasons=("no_sources",))
        asked: tuple[Reason, ...] = ("llm_unavailable",) if mode == "llm" else ()
        if mode in ("auto", "model_answer"):
            found = match(question, result.hits, self.catalog)
            if found is not None and not found.spans and found.clear:
                return _unanswered(found)
            if found is not None and found.spans and (enough or found.same_words or mode == "model_answer"):
                return _model_answer(found)
            if mode == "model_answer":
                return Draft("abstained", text=abstain.unheld_text(), reasons=("weak_match",))
        if not enough and mode != "extractive":
            return self._weak(question, result.hits, asked)
        return self._extract(question, result.hits, asked if enough else (*asked, "weak_match"))

    def _weak(self, question: str, hits: Sequence[Hit], reasons: tuple[Reason, ...]) -> Draft:
        unknown = abstain.unknown_words(question, hits, self.retriever)
        return Draft("abstained", text=abstain.nothing_text(unknown), reasons=(*reasons, "weak_match"))

    def _extract(self, question: str, hits: Sequence[Hit], reasons: tuple[Reason, ...]) -> Draft:
        found = extract(question, hits, self.catalog, self.embedder)
        if not found.units:
            return Draft("abstained", text=abstain.nothing_text(()), reasons=(*reasons, "no_sources"))
        return Draft("extractive", found.units, reasons=reasons, open_parts=found.open_parts)


def _model_answer(found: Match) -> Draft:
    chunk, score = found.hit.chunk, found.hit.score
    units = tuple(Unit(chunk, s.start, s.end, s.start, score, prose=False) for s in found.spans)
    return Draft("model_answer", units, others=found.others)


def _unanswered(found: Match) -> Draft:
    others = (found.hit, *found.others)
    return Draft("abstained", text=abstain.unanswered_text(found), reasons=("no_sources",), others=others)
