"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.library import Body
from api.local import LocalLibrary
from ingest.errors import CuecardError
from ingest.view import View

if TYPE_CHECKING:
    from api.http.gate import Gate
    from api.http.limits import RateLimits

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one server. Thread-safe. No label says what was asked or what a document holds."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "cuecard_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "cuecard_request_seconds", "Time of a request.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self._stages = Histogram(
            "cuecard_answer_stage_seconds",
            "Time of each stage of an answer that was made, not remembered.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._answers = Counter("cuecard_answers", "Answers by kind.", ["kind", "cached"], registry=self.registry)
        self._low = Counter("cuecard_answers_low_confidence", "Answers of low confidence.", registry=self.registry)
        self._reasons = Counter(
            "cuecard_answer_reasons", "Why answers are of low confidence.", ["reason"], registry=self.registry
        )
        self._claims = Counter(
            "cuecard_claims", "Claims of answers that were made, by verdict.", ["verdict"], registry=self.registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` as it is declared, without the ids in it."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, body: Body, _: View) -> None:
        """An answer was given."""
        self._answers.labels(body["kind"], "yes" if body["cached"] else "no").inc()
        if body["low_confidence"]:
            self._low.inc()
        for reason in body["reasons"]:
            self._reasons.labels(reason).inc()
        if not body["cached"]:
            for claim in body["claims"]:
                self._claims.labels(claim["verdict"]).inc()
            for stage, spent in body["timings_ms"].items():
                self._stages.labels(stage).observe(spent / 1000)

    def watch(self, library: object, gate: Gate, limits: RateLimits) -> None:
        """Also tell, whenever asked, how these stand."""
        self.registry.register(_Standing(library, gate, limits))

    def text(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self.registry)


class _Standing(Collector):
    """How queue, caches, index and catalog stand at the moment they are asked."""

    def __init__(self, library: object, gate: Gate, limits: RateLimits) -> None:
        self._library, self._gate, self._limits = library, gate, limits

    def describe(self) -> Iterable[Metric]:
        """Nothing before it is asked: the catalog is not opened for it."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The figures of now."""
        yield _gauge("cuecard_queue_waiting", "Questions that wait.", self._gate.waiting)
        yield _gauge("cuecard_queue_running", "Questions worked on.", self._gate.running)
        yield _gauge("cuecard_queue_workers", "Questions that can be worked on at once.", self._gate.workers)
        refused = CounterMetricFamily("cuecard_refused", "Requests turned away, by why.", labels=["why"])
        for why, count in {**self._gate.refused, "rate": self._limits.refused}.items():
            refused.add_metric([why], count)
        yield refused
        if isinstance(self._library, LocalLibrary):
            yield from _of_library(self._library)


def _of_library(library: LocalLibrary) -> Iterable[Metric]:
    parts = library.parts
    caches = {"answers": library.answers.counts}
    retriever = parts.made_retriever
    if retriever is not None:
        caches |= retriever.cache_counts()
    asked = CounterMetricFamily("cuecard_cache_requests", "Lookups in caches.", labels=["cache", "result"])
    for name, (hits, misses) in caches.items():
        asked.add_metric([name, "hit"], hits)
        asked.add_metric([name, "miss"], misses)
    yield asked
    try:
        stats = parts.catalog.stats()
        points = parts.retrieval.index.count() if retriever is not None else None
    except CuecardError:
        yield _gauge("cuecard_up", "Whether catalog and index can be read.", 0)
        return
    yield _gauge("cuecard_up", "Whether catalog and index can be read.", 1)
    yield _gauge("cuecard_documents", "Documents served.", stats["documents"])
    yield _gauge("cuecard_chunks", "Chunks served.", stats["chunks"])
    yield _gauge("cuecard_quarantined", "Files and parts in quarantine.", stats["quarantined"])
    yield _gauge("cuecard_sequence", "Number of the last change of the library.", stats["sequence"])
    if points is not None:
        yield _gauge("cuecard_index_points", "Points in the index.", points)


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)
