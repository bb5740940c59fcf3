"""Who gets through to which route: keys, the local token, whoever sits at the machine, web sessions, other sites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.http.access import SESSION_COOKIE, Access, needs_of
from api.http.app import create_app
from api.http.security import DATA_POLICY
from api.keys import Keys
from api.remote import VIEW_HEADER
from ingest.catalog import Catalog
from ingest.view import View
from tests.api.fake_library import FakeLibrary
from tests.api.test_http import assert_problem

TOKEN = "the-local-token"  # noqa: S105 - of this test
HERE = "http://127.0.0.1:8000"
FRAMEWORK = {"/openapi.json"}
"""Routes that are not ours, and tell nothing of the library."""


class Server:
    """An application over a library of a few lines, with real keys."""

    def __init__(self, folder: Path) -> None:
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
        self.keys = Keys(lambda: self.catalog, alone=True)
        self.library = FakeLibrary()

    def app(self, **access: Any) -> FastAPI:
        app = create_app(self.library)
        app.state.access = Access(**{"keys": self.keys, "token": TOKEN, "local": True, **access})
        return app

    def client(self, **access: Any) -> TestClient:
        return TestClient(self.app(**access), HERE, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.catalog.close()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def our_routes(app: Any) -> list[Any]:
    """All routes of ours, also those of routers that were included."""
    found = [route for route in iter_route_contexts(app.routes) if hasattr(route._effective_route, "dependant")]
    assert len(found) > 20
    return found


def send(client: TestClient, route: Any, headers: dict[str, str]) -> int:
    """The status of a request to a route whose body is no good: who may not come in is told so first."""
    path = route.path.replace("{id}", "d1d1d1d1").replace("{name:path}", "x").replace("{name}", "x")
    [method] = sorted(route.methods)[:1]
    content = None if method in ("GET", "DELETE", "HEAD") else b"{}"
    kinds = {"/documents": "multipart/form-data; boundary=x", "/login": FORM, "/logout": FORM}
    if content:
        headers = {**headers, "Content-Type": kinds.get(route.path, "application/json")}
    return client.request(method, path, headers=headers, content=content).status_code


FORM = "application/x-www-form-urlencoded"


def test_every_route_says_what_it_needs(server: Server) -> None:
    for route in iter_route_contexts(server.app().routes):
        if hasattr(route._effective_route, "dependant"):
            assert needs_of(route.dependant), f"{route.path} declares neither a scope nor that it is public"
        else:
            assert route.path in FRAMEWORK, f"{route.path} declares nothing"


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (("ask",), {"ask"}),
        (("ingest",), {"ingest"}),
        (("ask", "ingest"), {"ask", "ingest"}),
        (("admin",), {"ask", "ingest", "admin", "operate"}),
    ],
)
def test_a_key_does_what_its_scopes_say_and_nothing_else(
    server: Server, scopes: tuple[str, ...], may: set[str]
) -> None:
    _, secret = server.keys.create("bob", scopes)
    with server.client() as client:
        for route in our_routes(client.app):
            declared = needs_of(route.dependant)
            without, wrong = send(client, route, {}), send(client, route, bearer("cuecard_nothing"))
            given = send(client, route, bearer(secret))
            if declared == [()]:
                assert 401 not in (without, wrong, given), route.path
            else:
                assert (without, wrong) in ((401, 401), (303, 401)), route.path
                allowed = all(may.intersection(any_of) for any_of in declared)
                assert (given not in (401, 403)) is allowed, (route.path, given)
                assert allowed or given == 403, route.path


def test_the_local_token_opens_everything(server: Server) -> None:
    server.keys.create("bob", ["ask"])
    for access in ({"local": True}, {"local": False}, {"require": "yes"}):
        with server.client(**access) as client:
            for route in our_routes(client.app):
                if needs_of(route.dependant) != [()]:
                    assert send(client, route, bearer(TOKEN)) not in (401, 403), route.path


def test_whoever_sits_at_the_machine_needs_a_key_once_there_is_one(server: Server) -> None:
    with server.client() as client:
        assert client.get("/documents").status_code == client.post("/quarantine/q1/drop").status_code == 200
        assert_problem(client.get("/admin/stats"), 401)
        key, secret = server.keys.create("bob", ["ask"])
        assert_problem(client.get("/documents"), 401)
        assert client.get("/documents", headers=bearer(secret)).status_code == 200
        server.keys.revoke(key.id)
        assert_problem(client.get("/documents"), 401)
        assert_problem(client.get("/documents", headers=bearer(secret)), 401)


def test_the_setting_says_otherwise(server: Server) -> None:
    with server.client(require="yes") as client:
        assert_problem(client.get("/documents"), 401)
    server.keys.create("bob", ["ask"])
    with server.client(require="no") as client:
        assert client.get("/documents").status_code == 200
        assert_problem(client.get("/documents", headers={"X-Forwarded-For": "10.0.0.9"}), 401)
    with server.client(require="no", local=False, insecure=True) as client:
        assert_problem(client.get("/documents"), 401)


def test_a_key_that_is_sent_counts_even_where_none_is_needed(server: Server) -> None:
    with server.client() as client:
        for wrong in ("Bearer cuecard_nothing", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, "Bearer ü"):
            response = client.get("/documents", headers=[(b"Authorization", wrong.encode())])
            assert_problem(response, 401)
            assert "invalid_token" in response.headers["WWW-Authenticate"]


def test_beyond_this_machine_nobody_comes_in_without_a_key_unless_told_so(server: Server) -> None:
    with server.client(local=False) as client:
        assert_problem(client.get("/documents"), 401)
        assert client.get("/healthz").status_code == 200
    with server.client() as client:
        for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via"):
            assert_problem(client.get("/documents", headers={header: "x"}), 401)
    with server.client(local=False, insecure=True) as client:
        assert client.post("/ask", json={"question": "x"}).status_code == 200
        assert server.library.views[-1] == View("candidate"), "anybody sees what candidates see"
        assert_problem(client.post("/quarantine/q1/drop"), 401)
        server.keys.create("bob", ["ask"])
        assert_problem(client.post("/ask", json={"question": "x"}), 401)


def test_each_reading_route_shows_what_the_key_may_see(server: Server) -> None:
    _, secret = server.keys.create("bob", ["ask", "ingest"], "candidate", ["default"])
    view = View("candidate", frozenset({"default"}))
    with server.client() as client:
        requests: list[tuple[str, str, Any]] = [
            ("POST", "/ask", {"question": "x"}),
            ("POST", "/search", {"query": "x"}),
            ("POST", "/quarantine/q1/drop", None),
            *(("GET", f"/documents/d1d1d1d1{part}", None) for part in ("", "/text", "/versions", "/diff")),
            *(("GET", path, None) for path in ("/documents", "/quarantine", "/quarantine/q1", "/changes")),
            ("DELETE", "/documents/d1d1d1d1", None),
        ]
        for method, path, body in requests:
            server.library.views.clear()
            assert client.request(method, path, json=body, headers=bearer(secret)).status_code == 200, path
            assert server.library.views == [view], path


def test_a_view_can_be_narrowed_and_never_widened(server: Server) -> None:
    _, secret = server.keys.create("bob", ["ask"], "candidate", ["a", "b"])
    with server.client() as client:

        def seen(headers: dict[str, str], said: str) -> View:
            assert client.get("/documents", headers={**headers, VIEW_HEADER: said}).status_code == 200
            return server.library.views[-1]

        both = json.dumps({"audience": "interviewer", "collections": ["b", "c"]})
        assert seen(bearer(secret), both) == View("candidate", frozenset({"b"}))
        assert seen(bearer(TOKEN), both) == View("interviewer", frozenset({"b", "c"}))
        everything = json.dumps({"audience": "interviewer", "collections": None})
        assert seen(bearer(secret), everything) == View("candidate", frozenset({"a", "b"}))
        for nonsense in ("", "7", "{}", '{"audience": "all", "collections": null}', '{"audience": 1}', "[]"):
            assert_problem(client.get("/documents", headers={**bearer(TOKEN), VIEW_HEADER: nonsense}), 422)


def test_a_web_session_is_a_cookie_that_no_script_and_no_other_site_gets(server: Server) -> None:
    key, secret = server.keys.create("bob", ["ask", "ingest"])
    own = {"Origin": HERE}
    with server.client() as client:
        page = client.get("/login", params={"next": "/library?x=1"})
        assert 'value="/library?x=1"' in page.text
        assert "script" not in page.headers["Content-Security-Policy"]
        assert "<script" not in page.text
        assert_problem(client.post("/login", data={"key": secret}), 403)
        assert_problem(client.post("/login", data={"key": secret}, headers={"Origin": "http://evil.example"}), 403)
        assert SESSION_COOKIE not in client.cookies

        wrong = client.post("/login", data={"key": "cuecard_nothing"}, headers=own)
        assert wrong.status_code == 403
        assert 'role="alert"' in wrong.text
        assert "cuecard_nothing" not in wrong.text
        right = client.post("/login", data={"key": f" {secret} ", "next": "/library"}, headers=own)
        assert (right.status_code, right.headers["Location"]) == (303, "/library")
        cookie = right.headers["Set-Cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert secret not in right.headers["Set-Cookie"]

        assert client.get("/documents").status_code == 200
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
            assert_problem(client.post("/quarantine/q1/drop", headers=headers), 403)
        for headers in (own, {"Sec-Fetch-Site": "same-origin"}):
            assert client.post("/quarantine/q1/drop", headers=headers).status_code == 200

        token = client.cookies[SESSION_COOKIE]
        assert_problem(client.post("/logout"), 403)
        assert client.post("/logout", headers=own).status_code == 303
        client.cookies.set(SESSION_COOKIE, token)
        assert_problem(client.get("/documents"), 401)

        client.cookies.clear()
        client.post("/login", data={"key": secret}, headers=own)
        assert client.get("/documents").status_code == 200
        server.keys.revoke(key.id)
        assert_problem(client.get("/documents"), 401)


def test_a_session_over_https_stays_there(server: Server) -> None:
    _, secret = server.keys.create("bob", ["ask"])
    with TestClient(server.app(local=False), "https://notes.example") as client:
        headers = {"Origin": "https://notes.example"}
        response = client.post("/login", data={"key": secret}, headers=headers, follow_redirects=False)
    assert "secure" in response.headers["Set-Cookie"].lower()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_a_login_leads_nowhere_else(server: Server, target: str) -> None:
    _, secret = server.keys.create("bob", ["ask"])
    with server.client() as client:
        response = client.post("/login", data={"key": secret, "next": target}, headers={"Origin": HERE})
        assert (response.status_code, response.headers["Location"]) == (303, "/")
        assert "evil" not in client.get("/login", params={"next": target}).text


def test_a_login_form_that_is_none_is_refused(server: Server) -> None:
    own = {"Origin": HERE}
    with server.client() as client:
        assert_problem(client.post("/login", json={"key": "x"}, headers=own), 415)
        assert_problem(client.post("/login", data={"key": "x" * 20_000}, headers=own), 413)
        assert_problem(client.post("/login", data={f"a{at}": "x" for at in range(20)}, headers=own), 422)
        assert client.post("/login", content=b"%ff%fe=\xff", headers={**own, "Content-Type": FORM}).status_code == 403


def test_other_sites_change_nothing_and_no_answer_may_be_kept_or_framed(server: Server) -> None:
    with server.client() as client:
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            assert_problem(client.post("/ask", json={"question": "x"}, headers=headers), 403)
        assert_problem(client.get("/documents", headers={"Host": "evil.example"}), 403)
        answers = [client.get("/documents"), client.get("/nowhere"), client.post("/ask", json={"question": "x"})]
        for response in answers:
            assert response.headers["Content-Security-Policy"] == DATA_POLICY
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in response.headers
        policy = client.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_documentation_asks_no_other_site(server: Server) -> None:
    with server.client() as client:
        page = client.get("/docs")
        assert "://" not in page.text
        for file in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js"):
            assert f"/docs/{file}" in page.text
            response = client.get(f"/docs/{file}")
            assert response.status_code == 200
            assert response.text
        assert_problem(client.get("/docs/fastapi_offline.py"), 404)
        schema = client.get("/openapi.json").json()
    assert set(schema["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyCookie"}
    assert schema["paths"]["/ask"]["post"]["security"]
    assert "security" not in schema["paths"]["/healthz"]["get"]
