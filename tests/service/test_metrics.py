"""What is counted, what is logged, and that neither tells what was asked."""

from __future__ import annotations

import json
import logging
import re

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.http.app import create_app
from api.http.middleware import JsonLines
from api.settings import load_settings
from tests.api.fake_library import FakeLibrary
from tests.service.conftest import ADMIN, TOKEN, Service

ASKED = "Which Redis eviction policy does Zanzibar choose?"


def figures(text: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics(service: Service) -> dict[str, float]:
    response = httpx.get(f"{service.url}/metrics", timeout=60)
    assert response.headers["Content-Type"].startswith("text/plain")
    return figures(response.text)


def test_what_happens_is_counted(service: Service) -> None:
    def ask() -> dict[str, object]:
        body: dict[str, object] = httpx.post(f"{service.url}/ask", json={"question": ASKED}, timeout=60).json()
        return body

    before = metrics(service)
    assert [ask()["cached"] for _ in range(3)] == [False, True, True]
    assert httpx.get(f"{service.url}/documents/0123456789abcdef", timeout=60).status_code == 404
    assert httpx.get(f"{service.url}/no/such/page", timeout=60).status_code == 404
    after = metrics(service)

    def rose(name: str) -> float:
        return after.get(name, 0.0) - before.get(name, 0.0)

    assert rose('cuecard_requests_total{"method": "POST", "route": "/ask", "status": "200"}') == 3
    assert rose('cuecard_requests_total{"method": "GET", "route": "/documents/{id}", "status": "404"}') == 1
    assert rose('cuecard_requests_total{"method": "GET", "route": "none", "status": "404"}') == 1
    assert rose('cuecard_cache_requests_total{"cache": "answers", "result": "hit"}') == 2
    assert rose('cuecard_cache_requests_total{"cache": "answers", "result": "miss"}') == 1
    assert rose('cuecard_cache_requests_total{"cache": "embeddings", "result": "miss"}') == 1
    assert sum(rose(name) for name in after if name.startswith("cuecard_answers_total")) == 3
    assert rose('cuecard_answer_stage_seconds_count{"stage": "search"}') == 1
    assert rose('cuecard_request_seconds_count{"route": "/ask"}') == 3
    assert after["cuecard_documents"] == 2
    assert after["cuecard_index_points"] == after["cuecard_chunks"] == 4
    assert after["cuecard_up"] == 1
    assert after["cuecard_queue_waiting"] == after["cuecard_queue_running"] == 0


def test_labels_and_logs_say_nothing_of_what_was_asked(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        response = httpx.post(f"{service.url}/ask", json={"question": ASKED}, timeout=60)
    assert "Zanzibar" not in httpx.get(f"{service.url}/metrics", timeout=60).text
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "cuecard.http"]
    [line] = [line for line in lines if line["message"] == "request"]
    assert (line["path"], line["status"]) == ("/ask", 200)
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert "Zanzibar" not in json.dumps(lines)


def test_questions_stand_in_the_log_where_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(FakeLibrary(), load_settings("/nowhere", {"CUECARD_LOG_QUESTIONS": "yes"}), token=TOKEN)
    with TestClient(app, headers=ADMIN) as client, caplog.at_level(logging.INFO):
        client.post("/ask", json={"question": ASKED})
        client.post("/search", json={"query": "Timbuktu"})
    fields = [getattr(record, "fields", {}) for record in caplog.records]
    assert ASKED in [each.get("question") for each in fields]
    assert "Timbuktu" in [each.get("query") for each in fields]
