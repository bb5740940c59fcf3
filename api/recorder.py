"""Writing down what was asked: in the background, so that no question waits for the disk."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from api.incidents import Incident
from api.library import Body
from ingest.errors import CuecardError
from ingest.view import View

if TYPE_CHECKING:
    from ingest.catalog import Catalog
    from ingest.feedback import Asked

EVERY_S = 1.0
MAX_WAITING = 10_000
"""Answers that wait to be written; where the catalog can't be used for long, the oldest are lost."""

TIDIED_AFTER = 1_000
"""Answers written before the oldest are forgotten once more."""

MOST_SOURCES = 5


class Recorder:
    """Takes answers as they are given and writes them into the catalog, some at a time. Thread-safe."""

    def __init__(self, catalog: Callable[[], Catalog], *, keep_questions: bool) -> None:
        """`catalog` is opened when there is something to write. Without `keep_questions` only how it went is kept."""
        self._catalog = catalog
        self._keep_questions = keep_questions
        self._waiting: deque[Asked] = deque(maxlen=MAX_WAITING)
        self._writing = threading.Lock()
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._incident = Incident("record of questions")
        self._since_tidied = TIDIED_AFTER
        self.lost = 0
        """Answers that were never written down, because too many waited."""
        self._thread = threading.Thread(target=self._run, name="cuecard-recorder", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Answers that are to be written down."""
        return len(self._waiting)

    def answered(self, body: Body, view: View) -> None:
        """An answer was given."""
        self.lost += len(self._waiting) == MAX_WAITING
        self._waiting.append(_asked(body, view, keep_question=self._keep_questions))
        self._news.set()

    def flush(self) -> None:
        """Write down what waits. Raises IndexUnavailableError; then it goes on waiting."""
        from ingest.feedback import FeedbackStore

        with self._writing:
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not batch:
                return
            store = FeedbackStore(self._catalog())
            try:
                store.remember(batch)
            except BaseException:
                self._waiting.extendleft(reversed(batch))
                raise
            self._since_tidied += len(batch)
            if self._since_tidied > TIDIED_AFTER:
                store.forget_old()
                self._since_tidied = 0

    def close(self) -> None:
        """Write down what waits, as far as that can be done, and take no more."""
        self._stopping.set()
        self._news.set()
        self._thread.join()
        self._try()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._news.wait()
            # a moment, so that many answers become one transaction
            self._stopping.wait(EVERY_S)
            self._news.clear()
            self._try()

    def _try(self) -> None:
        try:
            self.flush()
            self._incident.end()
        except CuecardError as error:
            self._incident.begin(str(error))
            self._news.set()


def _asked(body: Body, view: View, *, keep_question: bool) -> Asked:
    from ingest.catalog_feed import now
    from ingest.feedback import Asked, Quoted

    sources = body["sources"][:MOST_SOURCES] if keep_question else ()
    related = body["related"][0]["question"] if keep_question and body["related"] else None
    return Asked(
        id=body["id"],
        at=now(),
        question=(body.get("effective_question") or body["question"]) if keep_question else None,
        kind=body["kind"],
        confidence=body["confidence"],
        low_confidence=body["low_confidence"],
        reasons=tuple(body["reasons"]),
        sources=tuple(Quoted(each["document"], each["collection"], each["quote"]) for each in sources),
        related=related,
        view=view,
    )
