"""How queue, caches, index, catalog and language model stand at the moment they are asked, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.local import LocalLibrary
from ingest.errors import CuecardError

if TYPE_CHECKING:
    from answering.generate.generator import Generator
    from api.http.gate import Gate
    from api.http.limits import RateLimits
    from api.recorder import Recorder
    from api.uploads import Uploads
    from retrieval.build import Retrieval

BREAKER_STATES = ("closed", "open", "half-open")


class Standing(Collector):
    """Reads the parts of a server whenever somebody looks. Of a library elsewhere, only the queue is known."""

    def __init__(self, library: object, gate: Gate, limits: RateLimits, uploads: Uploads | None) -> None:
        self._library, self._gate, self._limits, self._uploads = library, gate, limits, uploads

    def describe(self) -> Iterable[Metric]:
        """Nothing before it is asked: the catalog is not opened for it."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The figures of now."""
        yield _gauge("cuecard_queue_waiting", "Questions that wait.", self._gate.waiting)
        yield _gauge("cuecard_queue_running", "Questions worked on.", self._gate.running)
        yield _gauge("cuecard_queue_workers", "Questions that can be worked on at once.", self._gate.workers)
        refused = {**self._gate.refused, "rate": self._limits.refused}
        yield _counter("cuecard_refused", "Requests turned away, by why.", "why", refused)
        if isinstance(self._library, LocalLibrary):
            yield from _of_library(self._library, self._uploads)


def _of_library(library: LocalLibrary, uploads: Uploads | None) -> Iterable[Metric]:
    parts = library.parts
    retrieval = parts.made_retrieval
    yield _of_caches(library, retrieval)
    yield _gauge("cuecard_index_away", "Whether the index could not be asked last.", library.answers.index_is_away)
    if library.recorder is not None:
        yield from _of_recorder(library.recorder)
    if parts.made_writer is not None:
        yield from _of_writer(parts.made_writer)
    try:
        stats = parts.catalog.stats()
        points = None if retrieval is None else retrieval.index.count()
        waiting = uploads.jobs.waiting() if uploads is not None else None
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
    if uploads is not None and waiting is not None:
        yield _gauge("cuecard_jobs_waiting", "Uploads and retries that wait.", waiting)
        yield _gauge("cuecard_jobs_running", "Uploads and retries worked on.", uploads.working)


def _of_caches(library: LocalLibrary, retrieval: Retrieval | None) -> Metric:
    caches = {"answers": library.answers.counts}
    if retrieval is not None:
        caches |= {**retrieval.retriever.cache_counts(), "vectors": retrieval.cache.counts}
    asked = CounterMetricFamily("cuecard_cache_requests", "Lookups in caches.", labels=["cache", "result"])
    for name, (hits, misses) in caches.items():
        asked.add_metric([name, "hit"], hits)
        asked.add_metric([name, "miss"], misses)
    return asked


def _of_recorder(recorder: Recorder) -> Iterable[Metric]:
    yield _gauge("cuecard_record_waiting", "Answers that are to be written down.", recorder.waiting)
    yield CounterMetricFamily("cuecard_record_lost", "Answers that could not be written down.", value=recorder.lost)


def _of_writer(writer: Generator) -> Iterable[Metric]:
    now = writer.caller.breaker.state
    breaker = GaugeMetricFamily("cuecard_llm_breaker", "State of the language model's breaker.", labels=["state"])
    for state in BREAKER_STATES:
        breaker.add_metric([state], state == now)
    yield breaker
    yield _counter("cuecard_llm_events", "What became of generated answers.", "event", writer.stats.snapshot())


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value=value)


def _counter(name: str, what: str, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
