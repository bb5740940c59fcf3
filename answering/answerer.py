"""A question's way to its answer: search, decide, quote, verify, check."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from answering import abstain
from answering.answers import MODES, Answer, Claim, Mode, Reason, Related, Source
from answering.cite import CitedText, Unit, compose
from answering.confidence import ConfidenceModel
from answering.conflicts import conflicts
from answering.draft import Draft, Drafter
from answering.ground.checker import claim_reasons, weakest
from answering.ports import Catalog, Checker, Embedder, Filters, Listener, MarkedSource, Retriever
from answering.similarity import Similarity
from ingest.errors import ModelError, UsageError
from ingest.view import EVERYTHING, View
from retrieval.hits import Hit, SearchResult

MAX_QUESTION = 2_000  # characters; a longer text is pasted material, not a question
DEFAULT_K = 10
MOST_RELATED = 5
# The cosine from which two questions are worth naming together. Chosen by hand, reading a few answers over the bundled
# corpus with all-MiniLM-L6-v2; not measured.
RELATED = 0.3
UNCHECKED = 0.5  # what grounding counts where nobody could check


class Answerer:
    """Answers questions from the library, or says that it can't. Thread-safe."""

    def __init__(
        self,
        retriever: Retriever,
        catalog: Catalog,
        embedder: Embedder | None,
        checker: Checker | None,
        confidence: ConfidenceModel,
        *,
        today: Callable[[], date] | None = None,
    ) -> None:
        """Without an embedder choosing is coarser; without a checker answers say `checker_unavailable`."""
        self._retriever = retriever
        self._catalog = catalog
        self._drafter = Drafter(retriever, catalog, Similarity(embedder), confidence)
        self._checker = checker
        self._confidence = confidence
        self._today = today or (lambda: datetime.now(UTC).date())

    def ask(
        self,
        question: str,
        *,
        collection: str | None = None,
        filters: Filters | None = None,
        mode: Mode = "auto",
        k: int | None = None,
        conversation_id: str | None = None,  # noqa: ARG002
        view: View = EVERYTHING,
        listener: Listener | None = None,  # noqa: ARG002
    ) -> Answer:
        """Answer a question from its best `k` hits (10 where None). Raises UsageError for what makes no sense."""
        clock = _Clock()
        question = checked(question, mode)
        result = self._retriever.search(question, k=k or DEFAULT_K, collection=collection, filters=filters, view=view)
        clock.start()
        draft = self._drafter.draft(question, result, mode, view)
        cited = compose(draft.units, self._catalog)
        clock.stop("answer")
        claims, unchecked = self._check(question, cited)
        clock.stop("check")
        refused = bool(draft.units) and not cited.sources
        found = conflicts(cited.sources)
        reasons = (
            *draft.reasons,
            *_citation_reasons(cited),
            *unchecked,
            *claim_reasons(claims),
            *_conflict_reasons(bool(found)),
            *self._state(result, draft.units),
        )
        confidence = 0.0
        if cited.sources:
            confidence = self._confidence.of_answer(draft.answerable, UNCHECKED if unchecked else weakest(claims))
        return Answer(
            id=str(uuid.uuid4()),
            question=question,
            answer=cited.text or (abstain.refused_text(draft.units) if refused else draft.text),
            kind="abstained" if refused else draft.kind,
            sources=cited.sources,
            claims=claims,
            confidence=round(confidence, 4),
            low_confidence=bool(reasons) or confidence < self._confidence.threshold,
            reasons=tuple(dict.fromkeys(reasons)),
            conflicts=found,
            related=_related(result.hits, draft, cited.sources),
            partial=bool(cited.sources) and draft.open_parts > 0,
            latency_ms=clock.total(),
            timings_ms={**{name: result.timings_ms.get(name, 0.0) for name in ("embed", "search")}, **clock.spent},
        )

    def evidence(self, question: str, *, collection: str | None = None) -> Mapping[str, float]:
        """What the confidence model decides on for a question; empty where nothing is found. Raises UsageError."""
        result = self._retriever.search(checked(question, "auto"), k=DEFAULT_K, collection=collection)
        return self._drafter.read(question, result).evidence if result.hits else {}

    def _check(self, question: str, cited: CitedText) -> tuple[tuple[Claim, ...], tuple[Reason, ...]]:
        """The claims of a cited text with their verdicts; fails closed where there is no checker."""
        if not cited.sources:
            return (), ()
        if self._checker is None:
            return (), ("checker_unavailable",)
        sources = [MarkedSource(s.marker, s.quote) for s in cited.sources]
        try:
            return self._checker.check_cited(cited.text, sources, cited.cited, question), ()
        except ModelError:
            return (), ("checker_unavailable",)

    def _state(self, result: SearchResult, units: Sequence[Unit]) -> tuple[Reason, ...]:
        """Reasons that lie in the library's state: documents out of date, an index that is not whole."""
        reasons: list[Reason] = []
        if any(unit.chunk.meta.stale(self._today()) for unit in units):
            reasons.append("stale_source")
        if result.degraded:
            reasons.append("index_degraded")
        return tuple(reasons)


def checked(question: str, mode: Mode) -> str:
    """The question without white space around it. Raises UsageError."""
    text = question.strip()
    if not text:
        raise UsageError("The question is empty.", hint="Ask it in words.")
    if len(text) > MAX_QUESTION:
        hint = "Ask a shorter question; `cuecard check` takes long texts."
        raise UsageError(f"The question has {len(text):,} characters; at most {MAX_QUESTION:,} are taken.", hint=hint)
    if mode not in MODES:
        raise UsageError(f"There is no mode {mode!r}.", hint=f"Modes are: {', '.join(MODES)}.")
    return text


def _citation_reasons(cited: CitedText) -> tuple[Reason, ...]:
    return ("invalid_citation",) if cited.refused else ()


def _conflict_reasons(found: bool) -> tuple[Reason, ...]:
    return ("conflicting_sources",) if found else ()


def _related(hits: Sequence[Hit], draft: Draft, sources: Sequence[Source]) -> tuple[Related, ...]:
    """The nearest questions the library holds: the same one elsewhere first, then by rank; none cited or far."""
    cited = {(s.document, s.question) for s in sources}
    found: dict[tuple[str, str], Related] = {}
    near = [hit.chunk for hit in hits if hit.similarities.get("question", 0.0) >= RELATED]
    for chunk in (*draft.others, *near):
        if chunk.question and (chunk.document, chunk.question) not in cited:
            found.setdefault((chunk.document, chunk.question), Related(chunk.question, chunk.document, chunk.id))
    return tuple(found.values())[:MOST_RELATED]


class _Clock:
    """Milliseconds spent, by name."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()
        self.spent: dict[str, float] = {}

    def start(self) -> None:
        self._last = time.perf_counter()

    def stop(self, name: str) -> None:
        now = time.perf_counter()
        self.spent[name] = round((now - self._last) * 1000, 3)
        self._last = now

    def total(self) -> float:
        return round((time.perf_counter() - self._begin) * 1000, 3)
