"""From what was decided to the words of the answer: quoted from the sources, or worded by a language model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from answering import abstain
from answering.answers import AnswerKind, Claim, Mode, Reason, Source
from answering.cite import CitedText, Unit, compose
from answering.draft import Draft
from answering.ground.checker import weakest
from answering.ports import Catalog, Checker, Listener, MarkedSource
from ingest.errors import ModelError
from retrieval.hits import SearchResult

if TYPE_CHECKING:
    from answering.generate.generator import Generator

UNCHECKED = 0.5  # what grounding counts where nobody could check


@dataclass(frozen=True, slots=True)
class Said:
    """An answer's words. `units`: what is quoted or was offered; `grounding`: the weakest claim's score, 0..1."""

    text: str
    kind: AnswerKind
    sources: tuple[Source, ...] = ()
    claims: tuple[Claim, ...] = ()
    reasons: tuple[Reason, ...] = ()
    units: tuple[Unit, ...] = ()
    partial: bool = False
    grounding: float = 0.0


class Clock:
    """Milliseconds spent, by name."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()
        self.spent: dict[str, float] = {}

    def start(self) -> None:
        """What comes now is not what was before."""
        self._last = time.perf_counter()

    def stop(self, name: str) -> None:
        """The time since the last stop was spent on this."""
        now = time.perf_counter()
        self.spent[name] = round(self.spent.get(name, 0.0) + (now - self._last) * 1000, 3)
        self._last = now

    def total(self) -> float:
        """All of it."""
        return round((time.perf_counter() - self._begin) * 1000, 3)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what a draft decided. Without a `writer` everything is quoted; without a `checker` it is marked for it."""

    catalog: Catalog
    checker: Checker | None
    writer: Generator | None

    def say(
        self,
        question: str,
        result: SearchResult,
        draft: Draft,
        mode: Mode,
        listener: Listener | None,
        clock: Clock,
    ) -> Said:
        """The words of an answer, checked. `listener` hears them."""
        failed: tuple[Reason, ...] = ()
        fell_back = False
        if self.writer is not None and draft.kind == "extractive" and mode in ("auto", "llm"):
            clock.stop("answer")
            said = self._written(self.writer, question, result, draft, listener)
            clock.stop("generate")
            if isinstance(said, Said):
                return said
            failed, fell_back = (said,), said == "llm_unavailable"
        return self._quoted(question, replace(draft, reasons=(*failed, *draft.reasons)), fell_back, listener, clock)

    def _written(
        self, writer: Generator, question: str, result: SearchResult, draft: Draft, listener: Listener | None
    ) -> Said | Reason:
        """The model's answer, or why there is none."""
        from answering.generate.offer import offered

        offer = offered(result.hits, self.catalog)
        if self.checker is None or not offer:
            return "llm_unavailable"
        written = writer.write(question, [source for _, source in offer.values()], self.checker, listener)
        if written == "declined":
            return "weak_match"
        if written == "unavailable":
            return "llm_unavailable"
        reasons: list[Reason] = [*draft.reasons]
        if written.invented:
            reasons.append("invalid_citation")
        if written.broken:
            reasons.append("llm_unavailable")
        used = [offer[marker] for marker in sorted(written.cites)]
        return Said(
            text=written.text,
            kind="generated",
            sources=tuple(source for _, source in used),
            claims=written.claims,
            reasons=tuple(reasons),
            units=tuple(unit for unit, _ in used),
            partial=written.partial or draft.open_parts > 0,
            grounding=weakest(written.claims),
        )

    def _quoted(self, question: str, draft: Draft, fell_back: bool, listener: Listener | None, clock: Clock) -> Said:
        cited = compose(draft.units, self.catalog)
        clock.stop("answer")
        claims, unchecked = self._check(question, cited)
        clock.stop("check")
        refused = bool(draft.units) and not cited.sources
        text = cited.text or (abstain.refused_text(draft.units) if refused else draft.text)
        if listener is not None:
            listener.sources(cited.sources)
            listener.text(text)
        return Said(
            text=text,
            kind="abstained" if refused else draft.kind,
            sources=cited.sources,
            claims=claims,
            reasons=(*draft.reasons, *(("invalid_citation",) if cited.refused else ()), *unchecked),
            units=draft.units,
            partial=draft.open_parts > 0 or fell_back,
            grounding=UNCHECKED if unchecked else weakest(claims),
        )

    def _check(self, question: str, cited: CitedText) -> tuple[tuple[Claim, ...], tuple[Reason, ...]]:
        """The claims of a cited text with their verdicts; fails closed where there is no checker."""
        if not cited.sources:
            return (), ()
        if self.checker is None:
            return (), ("checker_unavailable",)
        sources: Sequence[MarkedSource] = [MarkedSource(s.marker, s.quote) for s in cited.sources]
        try:
            claims = self.checker.check_cited(cited.verbatim, sources, cited.cited, question)
        except ModelError:
            return (), ("checker_unavailable",)
        return tuple(replace(c, text=cited.text[c.start : c.end]) for c in claims), ()
