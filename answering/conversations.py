"""Conversations: what the earlier questions were about, kept in memory for a while, apart by who may see what."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from answering.answers import Source
from answering.followups import Topic, completed, topic_of
from ingest.view import View

MOST_CONVERSATIONS = 5_000
KEPT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class _Kept:
    topic: Topic
    at: float


class Conversations:
    """Thread-safe. Kept are a few words for each conversation: of the last MOST_CONVERSATIONS, for KEPT_S each.

    A conversation belongs to a view: the same id under another view is another conversation, so that nobody's
    question is completed by words of documents that they may not see.
    """

    def __init__(
        self, most: int = MOST_CONVERSATIONS, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._kept_s, self._clock = most, kept_s, clock
        self._lock = threading.Lock()
        self._topics: OrderedDict[tuple[View, str], _Kept] = OrderedDict()

    def read(self, question: str, conversation_id: str | None, view: View) -> str | None:
        """How a question is to be read after what came before it; None where it stands as it was asked."""
        topic = self._topic(conversation_id, view)
        return completed(question, topic) if topic else None

    def add(
        self, conversation_id: str | None, view: View, question: str, effective: str | None, sources: Sequence[Source]
    ) -> None:
        """A question was answered: what the conversation is about now. `effective`: how it was read, as `read` said."""
        if conversation_id is None:
            return
        heading = (sources[0].question or (sources[0].heading or ("",))[-1]) if sources else ""
        topic = topic_of(question, effective, self._topic(conversation_id, view), heading)
        if topic is None:
            return
        with self._lock:
            self._topics[view, conversation_id] = _Kept(topic, self._clock())
            self._topics.move_to_end((view, conversation_id))
            while len(self._topics) > self._most:
                self._topics.popitem(last=False)

    def _topic(self, conversation_id: str | None, view: View) -> Topic | None:
        if conversation_id is None:
            return None
        with self._lock:
            kept = self._topics.get((view, conversation_id))
            if kept is not None and self._clock() - kept.at > self._kept_s:
                del self._topics[view, conversation_id]
                return None
            return kept.topic if kept else None
