"""Deciding what to say to a question: its model answer, an extract, or that the library doesn't know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from answering import abstain
from answering.answers import AnswerKind, Mode, Reason
from answering.asking import read
from answering.cite import Unit
from answering.confidence import ConfidenceModel
from answering.conflicts import dissent
from answering.extract import Extract, extract
from answering.model_answer import Match, answer_spans, match
from answering.ports import Catalog, Retriever
from answering.similarity import Similarity
from ingest.items import StoredChunk
from ingest.view import EVERYTHING, View
from retrieval.hits import Hit, SearchResult
from retrieval.terms import content_terms


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said before it is cited. `units`: what is quoted; `text`: what an abstention says instead.

    `answerable`: the probability that the library answers the question, 0..1. `others`: chunks that hold the same
    question, named first among what is related. `open_parts`: parts of the question that nothing quoted covers.
    """

    kind: AnswerKind
    units: tuple[Unit, ...] = ()
    text: str = ""
    answerable: float = 0.0
    reasons: tuple[Reason, ...] = ()
    others: tuple[StoredChunk, ...] = ()
    open_parts: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a search holds for a question: the held question that it is, what an extract would quote, and the evidence.

    `evidence`: that of the search, that of the extract, `held` (1 where the library answers this very question) and
    `held_unanswered` (1 where it asks it and says nothing).
    """

    held: Match | None
    extract: Extract
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Drafter:
    """Drafts answers from what a search found."""

    retriever: Retriever
    catalog: Catalog
    similarity: Similarity
    confidence: ConfidenceModel

    def draft(
        self, question: str, result: SearchResult, mode: Mode, view: View = EVERYTHING, *, writes: bool = False
    ) -> Draft:
        """A held question first, then what the hits say, as far as the evidence allows.

        `view`: what was searched; an abstention speaks of that alone. `writes`: a language model may word what is
        extracted, so that mode "llm" can be kept to.
        """
        if not result.hits:
            said = abstain.degraded_text() if result.degraded else self._lack(question, (), view)
            return Draft("abstained", text=said, reasons=("no_sources",))
        reading = self.read(question, result)
        answerable = self.confidence.answerable(reading.evidence)
        if mode in ("auto", "model_answer"):
            held = self._held(reading, answerable, wanted=mode == "model_answer")
            if held is not None:
                return held
        if mode == "model_answer":
            return Draft("abstained", text=abstain.unheld_text(), answerable=answerable, reasons=("weak_match",))
        weak = answerable < self.confidence.threshold and not _is_forced(mode, writes)
        lack = self._lack(question, result.hits, view) if weak and reading.extract.units else ""
        draft = self._extracted(reading.extract, answerable, lack)
        if mode == "llm" and not writes:
            return replace(draft, reasons=("llm_unavailable", *draft.reasons))
        return draft

    def read(self, question: str, result: SearchResult) -> Reading:
        """What the hits of a search hold for a question, and how well it fits, in numbers."""
        seen = {(hit.chunk.version_key, hit.chunk.id) for hit in result.hits}
        further = [hit for hit in result.unanswered if (hit.chunk.version_key, hit.chunk.id) not in seen]
        held = match(question, [*result.hits, *further], self.catalog)
        found = extract(question, result.hits, self.catalog, self.similarity)
        evidence = {
            **without_measure(question, result, found),
            **found.evidence,
            "held": float(held is not None and bool(held.spans)),
            "held_unanswered": float(held is not None and not held.spans and held.clear),
        }
        return Reading(held, found, evidence)

    def _held(self, reading: Reading, answerable: float, *, wanted: bool) -> Draft | None:
        """What the library says to this very question; None where it does not hold it, or not surely enough."""
        found = reading.held
        if found is None:
            return None
        if not found.spans:
            return _unanswered(found, answerable) if found.clear else None
        if found.same_words or wanted or answerable >= self.confidence.threshold:
            return self._model_answer(found, answerable)
        return None

    def _model_answer(self, found: Match, answerable: float) -> Draft:
        """The model answer, verbatim, and after it what other sources of the same question say against it."""
        chunk, score = found.hit.chunk, found.hit.score
        units = [Unit(chunk, s.start, s.end, s.start, score, prose=False) for s in found.spans]
        text = self.catalog.text(chunk.version_key)
        said = "\n\n".join(text[span.start : span.end] for span in found.spans)
        units += [unit for other in found.others if (unit := self._dissenting(said, other)) is not None]
        return Draft("model_answer", tuple(units), answerable=answerable, others=_elsewhere(found.hit, *found.others))

    def _dissenting(self, said: str, other: Hit) -> Unit | None:
        chunk = other.chunk
        text = self.catalog.text(chunk.version_key)
        for span in answer_spans(self.catalog.item(chunk.version_key, chunk.item_id), text):
            found = dissent(said, text[span.start : span.end])
            if found is not None:
                start, end = span.start + found.start, span.start + found.end
                return Unit(chunk, start, end, start, other.score, prose=False)
        return None

    def _extracted(self, found: Extract, answerable: float, lack: str) -> Draft:
        """What the hits say; where that is not likely to answer, what the library lacks (`lack`) instead."""
        if not found.units:
            return Draft("abstained", text=abstain.nothing_text(()), answerable=answerable, reasons=("no_sources",))
        if lack:
            return Draft("abstained", text=lack, answerable=answerable, reasons=("weak_match",))
        reasons: tuple[Reason, ...] = ("weak_match",) if answerable < self.confidence.threshold else ()
        return Draft("extractive", found.units, answerable=answerable, reasons=reasons, open_parts=found.open_parts)

    def _lack(self, question: str, hits: Sequence[Hit], view: View) -> str:
        return abstain.nothing_text(abstain.unknown_words(question, hits, self.retriever, view))


def without_measure(question: str, result: SearchResult, found: Extract) -> dict[str, float]:
    """The search's evidence, where a value was asked for and found, without the words that only name its kind.

    "What is the weight of X" is answered by "X (15%)" though no document says "weight". Of the question's words that
    no hit holds, those are taken out of `unseen` and, in proportion, of `unknown`.
    """
    asked, evidence = read(question), dict(result.evidence)
    count = evidence.get("query_terms", 0.0)
    missing = round(evidence.get("unseen", 0.0) * count)
    if not asked.measure or not missing or found.evidence.get("value_missing", 0.0):
        return evidence
    held = {t for hit in result.hits for t in content_terms(f"{hit.chunk.context} {hit.chunk.text}")}
    named = min(missing, len(asked.measure - held))
    evidence["unseen"] = (missing - named) / count
    evidence["unknown"] = evidence.get("unknown", 0.0) * (missing - named) / missing
    return evidence


def _is_forced(mode: Mode, writes: bool) -> bool:
    """Whether whoever asks wants what there is, however little it fits."""
    return mode == "extractive" or (mode == "llm" and writes)


def _unanswered(found: Match, answerable: float) -> Draft:
    others = (found.hit.chunk, *_elsewhere(found.hit, *found.others))
    text = abstain.unanswered_text(found)
    return Draft("abstained", text=text, answerable=answerable, reasons=("no_sources",), others=others)


def _elsewhere(hit: Hit, *others: Hit) -> tuple[StoredChunk, ...]:
    """Where the question of a hit stands too: in its copies, and in other words."""
    return (*hit.copies, *(chunk for other in others for chunk in (other.chunk, *other.copies)))
