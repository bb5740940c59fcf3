"""A question's way to its answer: search, decide, quote, verify, check."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from answering.answers import MODES, Answer, Mode, Reason, Related, Source
from answering.cite import Unit
from answering.confidence import ConfidenceModel
from answering.conflicts import conflicts
from answering.conversations import Conversations
from answering.draft import Draft, Drafter
from answering.ground.checker import claim_reasons
from answering.ports import Catalog, Checker, Embedder, Filters, Listener, Retriever
from answering.similarity import Similarity
from answering.speak import Clock, Speaker
from ingest.errors import UsageError
from ingest.view import EVERYTHING, View
from retrieval.hits import Hit, SearchResult

if TYPE_CHECKING:
    from answering.generate.generator import Generator

MAX_QUESTION = 2_000  # characters; a longer text is pasted material, not a question
DEFAULT_K = 10
MOST_RELATED = 5
# The cosine from which two questions are worth naming together. Chosen by hand, reading a few answers over the bundled
# corpus with all-MiniLM-L6-v2; not measured.
RELATED = 0.3


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
        writer: Generator | None = None,
        today: Callable[[], date] | None = None,
        conversations: Conversations | None = None,
    ) -> None:
        """Without an embedder choosing is coarser; without a checker answers say `checker_unavailable`.

        `writer`: words answers with a language model; without one they are quoted.
        """
        self.writer = writer
        self.conversations = conversations or Conversations()
        self._retriever = retriever
        self._catalog = catalog
        self._drafter = Drafter(retriever, catalog, Similarity(embedder), confidence)
        self._speaker = Speaker(catalog, checker, writer)
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
        conversation_id: str | None = None,
        view: View = EVERYTHING,
        listener: Listener | None = None,
    ) -> Answer:
        """Answer a question from its best `k` hits (10 where None). Raises UsageError for what makes no sense.

        `conversation_id`: what its earlier questions were about completes this one, where it leaves that out.
        `listener` hears the sources and the text as they are checked; what it hears is the answer's text.
        """
        clock = Clock()
        question = checked(question, mode)
        read = self.conversations.read(question, conversation_id, view)
        asked = read or question
        result = self._retriever.search(asked, k=k or DEFAULT_K, collection=collection, filters=filters, view=view)
        clock.start()
        draft = self._drafter.draft(asked, result, mode, view, writes=self.writer is not None)
        said = self._speaker.say(asked, result, draft, mode, listener, clock)
        found = conflicts(said.sources)
        reasons = (*said.reasons, *claim_reasons(said.claims), *_conflict_reasons(bool(found)))
        reasons = (*reasons, *self._state(result, said.units))
        confidence = draft.answerable
        if said.sources:
            confidence = self._confidence.of_answer(draft.answerable, said.grounding)
        self.conversations.add(conversation_id, view, question, read, said.sources)
        return Answer(
            id=str(uuid.uuid4()),
            question=question,
            answer=said.text,
            kind=said.kind,
            sources=said.sources,
            claims=said.claims,
            confidence=round(confidence, 4),
            low_confidence=bool(reasons) or confidence < self._confidence.threshold,
            reasons=tuple(dict.fromkeys(reasons)),
            conflicts=found,
            related=_related(result.hits, draft, said.sources),
            partial=bool(said.sources) and said.partial,
            latency_ms=clock.total(),
            timings_ms={**{name: result.timings_ms.get(name, 0.0) for name in ("embed", "search")}, **clock.spent},
            conversation_id=conversation_id,
            effective_question=read,
        )

    def evidence(self, question: str, *, collection: str | None = None) -> Mapping[str, float]:
        """What the confidence model decides on for a question; empty where nothing is found. Raises UsageError."""
        result = self._retriever.search(checked(question, "auto"), k=DEFAULT_K, collection=collection)
        return self._drafter.read(question, result).evidence if result.hits else {}

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
