"""What is counted, what is logged, and that neither tells what was asked."""

from __future__ import annotations

import json
import logging
import re
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from answering.generate.breaker import FAILURES
from api.client import Client
from api.http.app import create_app
from api.http.middleware import JsonLines
from api.settings import load_settings
from tests.api.fake_library import FakeLibrary
from tests.doubles.llm_server import Reply, language_model
from tests.service.conftest import ADMIN, TOKEN, Service, serve
from tests.service.running import until

DOCS = Path(__file__).parents[2] / "docs" / "service.md"
ASKED = "Which Redis eviction policy does Zanzibar choose?"


def figures(text: str) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics_text(service: Service) -> str:
    response = httpx.get(f"{service.url}/metrics", timeout=60)
    assert response.headers["Content-Type"].startswith("text/plain")
    return response.text


def metrics(service: Service) -> dict[str, float]:
    return figures(metrics_text(service))


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


def test_ingests_jobs_and_feedback_are_counted(service: Service, tmp_path: Path) -> None:
    before = metrics(service)
    file = tmp_path / "yak.md"
    file.write_text("# Yaks\n\nQ1: What is a yak?\nAnswer: A yak is a shaggy ox.\n", encoding="utf-8")
    with Client(service.url, TOKEN) as client:
        job = client.wait_for(client.upload(file, collection="counted"))
        assert job.state == "done"
        until(lambda: metrics(service)["cuecard_jobs_running"] == 0)
        answer = client.ask("What is a yak?", collection="counted")
        client.feedback(answer.id, "down")
        service.library.delete_document("yak.md", "counted")
    after = metrics(service)

    def rose(name: str) -> float:
        return after.get(name, 0.0) - before.get(name, 0.0)

    assert rose('cuecard_job_seconds_count{"kind": "upload", "outcome": "done"}') == 1
    assert rose('cuecard_ingested_documents_total{"outcome": "added"}') == 1
    assert rose("cuecard_embedded_chunks_total") == 1
    assert rose("cuecard_ingest_seconds_count") == 1
    assert rose('cuecard_cache_requests_total{"cache": "vectors", "result": "miss"}') >= 1
    assert rose('cuecard_feedback_total{"rating": "down"}') == 1
    assert after["cuecard_jobs_waiting"] == 0
    assert after["cuecard_record_lost_total"] == 0


def test_the_language_model_is_watched_and_every_metric_is_documented(service: Service, own_home: Path) -> None:
    with language_model(Reply(status=400)) as double:
        named = {"CUECARD_LLM": "openai-like", "CUECARD_LLM_URL": double.url, "CUECARD_LLM_MODEL": "m"}
        with contextmanager(serve)(load_settings(own_home, named)) as speaking:
            for _ in range(FAILURES + 1):
                body = {"question": "how many rows does a partial index cover", "mode": "llm"}
                assert httpx.post(f"{speaking.url}/ask", json=body, timeout=60).status_code == 200
            httpx.get(f"{speaking.url}/documents", timeout=60)
            found = httpx.get(f"{speaking.url}/metrics", timeout=60).text
    said = figures(found)
    assert said['cuecard_llm_breaker{"state": "open"}'] == 1
    assert said['cuecard_llm_breaker{"state": "closed"}'] == 0
    assert said['cuecard_llm_events_total{"event": "call_failures"}'] == FAILURES
    assert said['cuecard_llm_events_total{"event": "refused_by_breaker"}'] == 1
    told = {
        line.split()[2] for text in (found, metrics_text(service)) for line in text.splitlines() if "# TYPE" in line
    }
    table = DOCS.read_text("utf-8").split("<!-- metrics -->")[1].split("<!-- /metrics -->")[0]
    listed = set(re.findall(r"`(cuecard_[a-z_]+)`", table))
    chats = {"cuecard_chat_events", "cuecard_chat_messages"}
    assert {name for name in told if name.startswith("cuecard_")} == listed - chats


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
