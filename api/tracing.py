"""Traces by OpenTelemetry, where the settings name a place to send them to; imported only then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from api.library import Body
from api.settings import Settings
from ingest.errors import SettingsError
from ingest.view import View


class Tracing:
    """A span for each request, and below it one for each stage of an answer. No span says what was asked.

    Spans are sent in the background; what can't be sent is lost, and no request waits for it.
    """

    def __init__(self, endpoint: str) -> None:
        """`endpoint`: of the collector, OTLP over HTTP. Raises SettingsError where the packages are not installed."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise SettingsError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed.",
                hint='Install it (pip install "cuecard[otel]"), or unset the variable.',
            ) from error
        self._provider = TracerProvider(resource=Resource.create({"service.name": "cuecard"}))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("cuecard")
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def of(cls, settings: Settings | None) -> Tracing | None:
        """As the settings say; None where they name no collector."""
        endpoint = settings.otlp_endpoint if settings is not None else None
        return None if endpoint is None else cls(endpoint)

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[dict[str, str | int]]:
        """A span for the block, below the caller's where the headers name one. What the block adds become attributes.

        `route`, when it is known, completes the name.
        """
        from opentelemetry.trace import SpanKind, Status, StatusCode

        said: dict[str, str | int] = {"http.request.method": method}
        above = self._propagator.extract({name.lower(): value for name, value in headers.items()})
        with self._tracer.start_as_current_span(method, context=above, kind=SpanKind.SERVER) as span:
            try:
                yield said
            finally:
                span.update_name(f"{method} {said.get('http.route', '')}".strip())
                span.set_attributes(said)
                if int(said.get("http.response.status_code", 0)) >= 500:
                    span.set_status(Status(StatusCode.ERROR))

    def answered(self, body: Body, _: View) -> None:
        """Spans for the stages of an answer, which ended just now."""
        now = time.time_ns()
        stages = {name: int(spent * 1e6) for name, spent in body["timings_ms"].items() if spent > 0}
        at = now - sum(stages.values())
        for name, spent in stages.items():
            self._tracer.start_span(f"answer.{name}", start_time=at).end(at + spent)
            at += spent
        attributes = {"cuecard.kind": body["kind"], "cuecard.cached": body["cached"]}
        span = self._tracer.start_span("answer", start_time=now - int(body["latency_ms"] * 1e6), attributes=attributes)
        span.end(now)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
