"""Answers that are remembered: given again at once, never after anything changed, and while the index is away."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.incidents import Incident
from api.library import Body, Filters
from ingest.errors import CuecardError, IndexUnavailableError
from ingest.view import View
from retrieval.cache import LruCache

if TYPE_CHECKING:
    from answering.answers import Answer, Mode, Reason, Source
    from answering.ports import Listener
    from api.compose import Parts

KEPT = 1024
"""Answers that are remembered, unless the settings say otherwise; one takes some 10 KB."""

LOOKED_AT_EVERY_S = 0.05
"""How often the index is looked at while remembered answers are given."""

REVIVED_AFTER_S = 5.0
"""Seconds after which an index that was closed under the library is opened anew."""

_NOT_FOR_LONG: frozenset[Reason] = frozenset({"index_degraded", "llm_unavailable", "checker_unavailable"})
"""Reasons of answers that the next moment may answer better."""

_AWAY = "`cuecard doctor` says why; `cuecard ingest` on your documents builds the index anew."


@dataclass(frozen=True, slots=True)
class Asking:
    """A question with all that its answer depends on, but for the library itself."""

    question: str
    collection: str | None
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    mode: Mode
    k: int | None
    view: View

    @classmethod
    def of(
        cls, question: str, collection: str | None, filters: Filters, mode: Mode, k: int | None, view: View
    ) -> Asking:
        """The same for filters in any order."""
        named = {name: (values,) if isinstance(values, str) else tuple(values) for name, values in filters.items()}
        return cls(question, collection, tuple(sorted(named.items())), mode, k, view)


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    body: Body


class _Careful:
    """A listener that tells another: of an answer without sources nothing before it is known to stand."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._held: list[str] | None = None

    def sources(self, sources: Sequence[Source]) -> None:
        if sources:
            self._listener.sources(sources)
        else:
            self._held = []

    def text(self, piece: str) -> None:
        if self._held is None:
            self._listener.text(piece)
        else:
            self._held.append(piece)

    def release(self) -> None:
        """Tell what was held back."""
        if self._held is not None:
            self._listener.sources(())
            for piece in self._held:
                self._listener.text(piece)


class Answers:
    """The answers of one library. Thread-safe.

    An answer is kept under the catalog's sequence number and the day it was made on: after any change, and when a
    document may have gone out of date, it is made anew. Bodies are shared between those who ask: nobody changes them.
    """

    def __init__(self, parts: Parts, size: int = KEPT) -> None:
        """`size`: how many are remembered; 0 for none."""
        self._parts = parts
        self._size = size
        self._kept: LruCache[tuple[object, ...], _Kept] = LruCache(size)
        self._index = Incident("index")
        self._search = Incident("search")
        self._looking = threading.Lock()
        self._looked = -1.0
        self._points: int | None = None
        self.hits = 0
        self.misses = 0

    @property
    def index_is_away(self) -> bool:
        """Whether the index could not be asked when it was looked at last."""
        return self._index.open

    @property
    def counts(self) -> tuple[int, int]:
        """How often an answer was remembered, and how often not."""
        return self.hits, self.misses

    def known(self, asking: Asking) -> Body | None:
        """The answer, if it is remembered; without the index it says so. Takes microseconds."""
        started = time.perf_counter()
        kept = self._kept.get(self._key(asking)) if self._size else None
        if kept is None:
            return None
        self.hits += 1
        body = {**kept.body, "id": str(uuid.uuid4()), "cached": True}
        if self._is_away(holds_something=bool(kept.body["sources"])):
            reasons = list(dict.fromkeys([*body["reasons"], "index_degraded"]))
            body |= {"partial": True, "reasons": reasons, "low_confidence": True}
        body["timings_ms"] = dict.fromkeys(body["timings_ms"], 0.0)
        body["latency_ms"] = round((time.perf_counter() - started) * 1000, 3)
        return body

    def ask(
        self,
        asking: Asking,
        conversation_id: str | None = None,
        listener: Listener | None = None,
        who: str | None = None,
    ) -> Body:
        """The answer, remembered or made now. Raises IndexUnavailableError where nothing useful can be said.

        `who` the conversation belongs to: the same id is another conversation for anybody else.
        """
        alone = conversation_id is None
        if alone:
            body = self.known(asking)
            if body is not None:
                if listener is not None:
                    self._replay(asking, listener)
                return body
        self.misses += 1
        key = self._key(asking)
        careful = None if listener is None else _Careful(listener)
        answer = self._parts.answerer.ask(
            asking.question,
            collection=asking.collection,
            filters=dict(asking.filters),
            mode=asking.mode,
            k=asking.k,
            conversation_id=conversation_id if alone or who is None else f"{who}:{conversation_id}",
            view=asking.view,
            listener=careful,
        )
        answer = replace(answer, conversation_id=conversation_id)
        self._look_after(answer)
        if careful is not None:
            careful.release()
        body = answer.to_dict()
        if alone and not _NOT_FOR_LONG & set(answer.reasons):
            # under the number from before: where the library changed meanwhile, nobody asks for it again
            self._kept.put(key, _Kept(replace(answer, cached=True), body))
        return body

    def _key(self, asking: Asking) -> tuple[object, ...]:
        return asking, self._parts.catalog.sequence(), datetime.now(UTC).date()

    def _replay(self, asking: Asking, listener: Listener) -> None:
        kept = self._kept.get(self._key(asking))
        if kept is not None:
            listener.sources(kept.answer.sources)
            listener.text(kept.answer.answer)

    def _look_after(self, answer: Answer) -> None:
        """Note how the search went. Raises IndexUnavailableError for an answer that says nothing because of that."""
        if "index_degraded" not in answer.reasons:
            self._index.end()
            self._search.end()
            return
        self._is_away(holds_something=True, now=True)
        if not self._index.open:
            self._search.begin("questions are searched with less than there is; `cuecard doctor` says why.")
        if not answer.sources:
            raise IndexUnavailableError("The index can't be searched right now.", hint=_AWAY)

    def _is_away(self, *, holds_something: bool, now: bool = False) -> bool:
        """Whether the index can't be asked, or lost what it held; looked at every now and then, by one at a time."""
        due = now or time.monotonic() - self._looked > LOOKED_AT_EVERY_S
        if due and self._looking.acquire(blocking=now):
            try:
                self._look(holds_something)
            finally:
                self._looked = time.monotonic()
                self._looking.release()
        return self._index.open

    def _look(self, holds_something: bool) -> None:
        try:
            points = self._parts.retrieval.index.count()
        except CuecardError as error:
            self._index.begin(str(error))
            if self._index.seconds > REVIVED_AFTER_S:
                self._parts.revive()
            return
        if points == 0 and holds_something:
            self._index.begin("It is empty, although documents are served.")
        else:
            self._index.end()
