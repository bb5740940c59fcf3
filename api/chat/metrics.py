"""What the bots have to do, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from api.chat.store import ChatStore


class ChatMetrics(Collector):
    """Reads the store whenever somebody looks."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        """Events and messages by state; nothing while the store does not answer."""
        try:
            counts = self._store.counts()
        except SQLAlchemyError:
            return
        events = GaugeMetricFamily("cuecard_chat_events", "Events of chats by state.", labels=["state"])
        messages = GaugeMetricFamily("cuecard_chat_messages", "Messages to chats by state.", labels=["state"])
        for state in ("waiting", "failed"):
            events.add_metric([state], counts[f"inbox_{state}"])
            messages.add_metric([state], counts[f"outbox_{state}"])
        messages.add_metric(["sent"], counts["sent"])
        yield from (events, messages)
