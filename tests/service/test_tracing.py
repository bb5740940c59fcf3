"""Traces: real ones, sent over HTTP to a collector that only remembers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from api.http.app import create_app
from api.settings import load_settings
from api.tracing import Tracing
from ingest.errors import SettingsError
from ingest.view import EVERYTHING
from tests.api.fake_library import FakeLibrary, answer_to
from tests.service.conftest import ADMIN, TOKEN

ABOVE = "0af7651916cd43dd8448eb211c80319c"


class Collector(ThreadingHTTPServer):
    """Takes traces, as OTLP over HTTP sends them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.bodies = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies += body
        request = ExportTraceServiceRequest.FromString(body)
        self.server.spans += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_each_request_is_a_span_below_its_callers(collector: Collector) -> None:
    settings = load_settings("/nowhere", {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    with TestClient(create_app(FakeLibrary(), settings, token=TOKEN), headers=ADMIN) as client:
        client.post("/ask", json={"question": "a secret"}, headers={"traceparent": f"00-{ABOVE}-b7ad6b7169203331-01"})
        client.get("/documents/nobody")
        client.get("/healthz")
    by_name = {span.name: span for span in collector.spans}
    assert sorted(by_name) == ["GET /documents/{id}", "POST /ask"]
    assert by_name["POST /ask"].trace_id.hex() == ABOVE
    said = {pair.key: pair.value for pair in by_name["GET /documents/{id}"].attributes}
    assert said["http.response.status_code"].int_value == 404
    assert b"a secret" not in collector.bodies


def test_stages_of_an_answer_are_spans_below_the_request(collector: Collector) -> None:
    tracing = Tracing(collector.url)
    with tracing.request("POST", {}) as said:
        tracing.answered(answer_to("a secret", timings_ms={"embed": 3.0, "search": 2.0, "check": 0.0}), EVERYTHING)
        said["http.route"] = "/ask"
    tracing.close()
    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"POST /ask", "answer", "answer.embed", "answer.search"}
    assert {span.parent_span_id for span in spans.values()} == {b"", spans["POST /ask"].span_id}
    embed, search = spans["answer.embed"], spans["answer.search"]
    assert embed.end_time_unix_nano - embed.start_time_unix_nano == 3_000_000
    assert embed.end_time_unix_nano == search.start_time_unix_nano
    assert b"a secret" not in collector.bodies


def test_without_the_packages_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(SettingsError, match=r"cuecard\[otel\]"):
        Tracing("http://127.0.0.1:1")
