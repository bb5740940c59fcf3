"""The HTTP API as a client sees it, over a library of a few lines."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from answering import answerer
from api.http.app import create_app
from api.http.middleware import MAX_BODY
from api.library import MAX_QUESTION
from ingest.errors import HomeBusyError, IndexUnavailableError, ModelError, UsageError
from tests.api.fake_library import INFO, QUOTE, TEXT, VERSION, FakeLibrary, answer_to

TOKEN = "local-token"  # noqa: S105 - of this test
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
def client(library: FakeLibrary) -> Iterator[TestClient]:
    with TestClient(create_app(library, token=TOKEN, insecure=True), raise_server_exceptions=False) as client:
        yield client


def assert_problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(body)
    assert body["status"] == status
    assert body["detail"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert "Traceback" not in response.text
    return body


def test_ask_gives_the_answer_and_passes_on_what_narrows_it(client: TestClient, library: FakeLibrary) -> None:
    body = {"question": " What? ", "collection": "c", "filters": {"kind": "qa", "tags": ["a", "b"]}, "k": 7}
    response = client.post("/ask", json=body)
    assert response.status_code == 200
    assert response.json() == json.loads(json.dumps(answer_to("What?")))
    asked = {"question": "What?", "collection": "c", "filters": {"kind": ["qa"], "tags": ["a", "b"]}}
    assert library.asked == [{**asked, "mode": "auto", "k": 7}]


def test_ask_streams_sources_then_tokens_then_the_answer(client: TestClient) -> None:
    response = client.post("/ask", json={"question": "What?", "stream": True})
    assert response.headers["Content-Type"].startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in response.text.strip().split("\n\n")]
    names = [event["event"] for event in events]
    assert names[0] == "sources"
    assert set(names[1:-1]) == {"token"}
    assert names[-1] == "answer"
    answer = json.loads(events[-1]["data"])
    assert answer["question"] == "What?"
    assert json.loads(events[0]["data"]) == answer["sources"]
    assert "".join(json.loads(event["data"])["text"] for event in events[1:-1]) == answer["answer"]


def test_search_and_check(client: TestClient, library: FakeLibrary) -> None:
    found = client.post("/search", json={"query": "redis"}).json()
    assert found["hits"][0]["found_by"] == {"bm25": 1, "dense": None, "question": 2}
    assert library.asked[-1]["k"] == 10
    checked = client.post("/check", json={"answer": QUOTE, "sources": [{"id": "s", "text": TEXT}]}).json()
    assert checked["score"] == 0.97
    assert checked["claims"][0]["verdict"] == "supported"


NEEDS_OBJECT = "a JSON object is needed, with these fields: question"
BAD_BODIES: list[tuple[str, bytes, int, str, str | None]] = [
    ("no body", b"", 422, NEEDS_OBJECT, "#"),
    ("not an object", b"[1]", 422, NEEDS_OBJECT, "#"),
    ("text", b'"hello"', 422, NEEDS_OBJECT, "#"),
    ("null", b"null", 422, NEEDS_OBJECT, "#"),
    ("no JSON", b'{"question": ', 400, "not valid JSON", None),
    ("no question", b"{}", 422, "question: is missing", "#/question"),
    ("wrong type", b'{"question": 7}', 422, "question: input should be a valid string", "#/question"),
    ("empty", b'{"question": ""}', 422, "question: must not be empty", "#/question"),
    ("blank", b'{"question": " \\n\\t "}', 422, "question: must not be empty", "#/question"),
    ("too long", json.dumps({"question": "a" * 100_000}).encode(), 422, f"at most {MAX_QUESTION:,}", "#/question"),
    ("unknown filter", b'{"question": "x", "filters": {"colour": "red"}}', 422, "unknown filter 'colour'", "#/filters"),
    ("filter of a number", b'{"question": "x", "filters": {"kind": 1}}', 422, "filters", None),
    ("unknown field", b'{"question": "x", "colection": "c"}', 422, "colection: is not a known field", "#/colection"),
    ("k of nothing", b'{"question": "x", "k": 0}', 422, "greater than or equal to 1", "#/k"),
    ("k beyond", b'{"question": "x", "k": 101}', 422, "less than or equal to 100", "#/k"),
    ("unknown mode", b'{"question": "x", "mode": "guess"}', 422, "'extractive'", "#/mode"),
]


@pytest.mark.parametrize(
    ("body", "status", "said", "pointer"), [case[1:] for case in BAD_BODIES], ids=[c[0] for c in BAD_BODIES]
)
def test_a_bad_question_is_told_what_to_fix(
    client: TestClient, library: FakeLibrary, body: bytes, status: int, said: str, pointer: str | None
) -> None:
    problem = assert_problem(client.post("/ask", content=body, headers={"Content-Type": "application/json"}), status)
    assert said in problem["detail"]
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert library.asked == []


def test_the_limit_of_a_question_is_the_answerers() -> None:
    assert answerer.MAX_QUESTION == MAX_QUESTION


def test_a_body_that_is_not_utf8_is_malformed(client: TestClient) -> None:
    response = client.post("/ask", content=b'{"question": "\xff"}', headers={"Content-Type": "application/json"})
    assert_problem(response, 400)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_is_not_declared_as_json_is_refused(client: TestClient, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    problem = assert_problem(client.post("/ask", content=b'{"question": "x"}', headers=headers), 415)
    assert "application/json" in problem["detail"]


def test_a_body_too_large_is_refused(client: TestClient, library: FakeLibrary) -> None:
    body = b'{"question": "' + b"a" * MAX_BODY + b'"}'
    assert_problem(client.post("/ask", content=body, headers={"Content-Type": "application/json"}), 413)

    def pieces() -> Iterator[bytes]:
        yield body[: MAX_BODY // 2]
        yield body[MAX_BODY // 2 :]

    assert_problem(client.post("/ask", content=pieces(), headers={"Content-Type": "application/json"}), 413)
    assert library.asked == []


def test_other_routes_say_what_is_wrong_too(client: TestClient) -> None:
    assert "query: is missing" in assert_problem(client.post("/search", json={}), 422)["detail"]
    problem = assert_problem(client.post("/check", json={"answer": "x", "sources": ["text"]}), 422)
    assert problem["errors"][0]["pointer"] == "#/sources/0"
    problem = assert_problem(client.get("/changes", params={"since": "soon"}), 422)
    assert problem["errors"][0]["parameter"] == "since"
    assert_problem(client.get("/nowhere"), 404)
    assert_problem(client.put("/ask", json={}), 405)


@pytest.mark.parametrize("error", [IndexUnavailableError("No index."), ModelError("No model."), HomeBusyError("Held.")])
def test_what_can_not_be_answered_now_is_503_with_retry_after(error: Exception) -> None:
    def fail(_: str) -> None:
        raise error

    with TestClient(create_app(FakeLibrary(fail), insecure=True)) as client:
        response = client.post("/ask", json={"question": "x", "stream": True})
    assert str(error) in assert_problem(response, 503)["detail"]
    assert int(response.headers["Retry-After"]) > 0


def test_an_error_of_the_rooms_below_is_a_4xx() -> None:
    def fail(_: str) -> None:
        raise UsageError("No such collection: c.", hint="Known: default.")

    with TestClient(create_app(FakeLibrary(fail), insecure=True)) as client:
        problem = assert_problem(client.post("/ask", json={"question": "x"}), 422)
    assert problem["detail"] == "No such collection: c. Known: default."
    assert problem["type"] == "urn:cuecard:invalid"


def test_an_unexpected_error_is_logged_with_its_request_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError("secret detail")

    with (
        TestClient(create_app(FakeLibrary(fail), insecure=True)) as client,
        caplog.at_level(logging.INFO, logger="cuecard.http"),
    ):
        response = client.post("/ask", json={"question": "x"}, headers={"X-Request-ID": "mine-1"})
    problem = assert_problem(response, 500)
    assert problem["request_id"] == "mine-1"
    assert "secret detail" not in response.text
    assert any(record.exc_info for record in caplog.records)


def test_questions_are_not_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client.post("/ask", json={"question": "my private question"})
    assert "private" not in caplog.text
    [fields] = [record.__dict__["fields"] for record in caplog.records if record.name == "cuecard.http"]
    assert (fields["method"], fields["path"], fields["status"]) == ("POST", "/ask", 200)


def test_an_unusable_request_id_is_replaced(client: TestClient) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert len(response.headers["X-Request-ID"]) == 32


def test_documents_can_be_looked_at(client: TestClient, library: FakeLibrary) -> None:
    assert client.get("/documents").json() == {"documents": [INFO]}
    assert client.get("/documents", params={"collection": "other"}).json() == {"documents": []}
    document = client.get(f"/documents/{INFO['id']}").json()
    assert document["account"][0]["role"] == "item"
    text = client.get(f"/documents/{INFO['id']}/text")
    assert text.text == TEXT
    assert text.headers["ETag"] == f'"{VERSION}"'
    assert client.get(f"/documents/{INFO['id']}/versions").json() == {"versions": []}
    assert "nothing" in assert_problem(client.get("/documents/nothing/text"), 404)["detail"]
    assert client.get("/quarantine").json()["quarantine"][0]["reason"] == "not UTF-8"
    assert client.get("/changes", params={"since": 3, "limit": 7}).json() == {"changes": []}
    assert library.asked[-1] == {"since": 3, "limit": 7}
    assert_problem(client.get("/changes", params={"limit": 1001}), 422)
    assert client.get("/quarantine/q1").json()["path"] == "bad.md"
    assert_problem(client.get("/quarantine/q2"), 404)
    client.get("/quarantine", params={"dropped": True})
    assert library.asked[-1] == {"dropped": True}
    diff = client.get(f"/documents/{INFO['id']}/diff", params={"from": "aaaa", "to": "7"}).json()
    assert diff["items"][0]["change"] == "changed"
    assert library.asked[-1] == {"old": "aaaa", "new": "7"}


def test_deleting_needs_the_local_token(client: TestClient, library: FakeLibrary) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        response = client.delete(f"/documents/{INFO['id']}", headers=headers)
        assert_problem(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert library.asked == []
    assert client.delete(f"/documents/{INFO['id']}", headers=ADMIN).json() == {**INFO, "file_kept": True}
    assert library.asked == [{"deleted": INFO["id"]}]


def test_beyond_this_machine_every_change_needs_the_token(client: TestClient) -> None:
    for method, route in (
        ("POST", "/documents"),
        ("DELETE", f"/documents/{INFO['id']}"),
        ("POST", "/quarantine/q1/retry"),
        ("POST", "/quarantine/q1/drop"),
    ):
        assert_problem(client.request(method, route), 401)
    assert client.post("/quarantine/q1/drop", headers=ADMIN).json()["dropped"] is True
    other_site = {**ADMIN, "Origin": "http://elsewhere.example"}
    assert client.post("/quarantine/q1/drop", headers=other_site).status_code == 200


def test_a_server_without_a_queue_says_so(client: TestClient) -> None:
    response = client.post("/documents", files={"file": ("a.md", b"x")}, headers=ADMIN)
    assert "background" in assert_problem(response, 503)["detail"]
    assert_problem(client.get("/jobs/j1"), 503)


def test_without_a_token_nobody_administrates(library: FakeLibrary) -> None:
    with TestClient(create_app(library, insecure=True)) as client:
        for token in ("", "None"):
            headers = {"Authorization": f"Bearer {token}"}
            assert_problem(client.delete(f"/documents/{INFO['id']}", headers=headers), 401)


def test_ingest_reports_progress_and_errors(client: TestClient) -> None:
    body = {"paths": ["/notes"], "collection": "default", "yes": True}
    assert_problem(client.post("/admin/ingest", json=body), 401)
    lines = client.post("/admin/ingest", json=body, headers=ADMIN).text.splitlines()
    assert json.loads(lines[0]) == {"phase": "files", "done": 1, "total": 2}
    assert json.loads(lines[-1])["report"]["documents"]["added"] == 1
    refused = client.post("/admin/ingest", json={**body, "yes": False}, headers=ADMIN)
    assert "would remove" in assert_problem(refused, 409)["detail"]
    broken = client.post("/admin/ingest", json={**body, "collection": "broken"}, headers=ADMIN).text.splitlines()
    assert json.loads(broken[-1])["problem"]["detail"] == "The disk is full."
    tried = client.post("/admin/retry", json={"entry": "q1"}, headers=ADMIN).text.splitlines()
    assert json.loads(tried[-1])["report"]["documents"]["added"] == 1
    assert_problem(client.post("/admin/retry", json={"entry": "q2"}, headers=ADMIN), 404)
    repaired = client.post("/admin/repair", headers=ADMIN).text.splitlines()
    assert json.loads(repaired[-1]) == {"report": {"repaired": True}}
    for route in ("/admin/retry", "/admin/repair"):
        assert_problem(client.post(route, json={"entry": "q1"}), 401)


def test_ready_and_not_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "degraded": []}
    with TestClient(create_app(FakeLibrary(ready=False), insecure=True)) as other:
        response = other.get("/readyz")
        assert "index: gone. Ingest again." in assert_problem(response, 503)["detail"]
        assert response.headers["Retry-After"]
        assert other.get("/healthz").status_code == 200


def test_openapi_documents_shapes_errors_and_examples(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert not [path for path in schema["paths"] if path.startswith("/admin")]
    ask = schema["paths"]["/ask"]["post"]["responses"]
    assert "text/event-stream" in ask["200"]["content"]
    assert ask["422"]["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    shapes = schema["components"]["schemas"]
    assert shapes["AskRequest"]["examples"]
    assert shapes["AskRequest"]["additionalProperties"] is False
    assert "request_id" in shapes["Problem"]["properties"]
    text = json.dumps(schema)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(shapes)
    assert "HTTPValidationError" not in text
    upload = schema["paths"]["/documents"]["post"]
    form = upload["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"]["items"] == {"type": "string", "format": "binary"}
    assert form["required"] == ["file"]
    assert "Location" in upload["responses"]["202"]["headers"]
    assert {"401", "403", "409", "413", "415", "422", "503"} <= set(upload["responses"])
    assert [p["name"] for p in upload["parameters"]] == ["Idempotency-Key"]
    assert shapes["JobBody"]["examples"]


def test_the_root_points_to_the_documentation(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'href="/docs"' in page.text
    assert client.get("/docs").status_code == 200
