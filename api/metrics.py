"""What the service counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from api.library import Body
from ingest.view import View

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


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
        self._ratings = Counter("cuecard_feedback", "Ratings of answers.", ["rating"], registry=self.registry)
        self._documents = Counter(
            "cuecard_ingested_documents", "Documents that ingests met, by outcome.", ["outcome"], registry=self.registry
        )
        self._embedded = Counter("cuecard_embedded_chunks", "Chunks that ingests had to embed.", registry=self.registry)
        self._ingests = Histogram(
            "cuecard_ingest_seconds", "Time of an ingest.", buckets=_LONG_SECONDS, registry=self.registry
        )
        self._jobs = Histogram(
            "cuecard_job_seconds",
            "Time of an upload or retry from its turn to its end.",
            ["kind", "outcome"],
            buckets=_LONG_SECONDS,
            registry=self.registry,
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

    def rated(self, rating: str) -> None:
        """Somebody said what an answer was worth."""
        self._ratings.labels(rating).inc()

    def ingested(self, report: Body) -> None:
        """An ingest ended, with this report."""
        for outcome, count in report["documents"].items():
            self._documents.labels(outcome).inc(count)
        self._embedded.inc(report.get("embedded", 0))
        self._ingests.observe(report["seconds"])

    def job_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """A job ended. `kind`: "upload" or "retry"; `outcome`: "done" or "failed"."""
        self._jobs.labels(kind, outcome).observe(seconds)

    def watch(self, standing: Collector) -> None:
        """Also tell, whenever asked, how something stands."""
        self.registry.register(standing)

    def text(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self.registry)
