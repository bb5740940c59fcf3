"""What an interviewer's document says reaches no candidate, whatever they ask for, by any route there is.

Every place of such documents holds a word that stands nowhere else. All routes are asked, by an interviewer first, so
that every cache is warm, with every id that an interviewer learns; then by candidates. Words that the request itself
holds are taken out of the reply before it is looked at. Which routes there are, the app says: one without a case fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts

from api.http.access import needs_of
from tests.api.leak_scene import CANARY, HANDLE, POOL, QUESTIONS, REPORT, Scene, opened_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with opened_scene(tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("leaks") / "home") as scene:
        yield scene


def asked() -> Iterator[tuple[str, dict[str, Any]]]:
    """Routes that take JSON, with what they are asked."""
    filters: list[dict[str, Any]] = [
        {},
        {"filters": {"audience": "interviewer"}},
        {"filters": {"kind": ["qa", "note", "guide"]}, "k": 50},
        {"filters": {"tags": f"{CANARY}tag"}},
        {"filters": {"document": f"{CANARY}folder/{CANARY}guide.md"}},
        {"collection": f"{CANARY}collection"},
    ]
    for question in QUESTIONS:
        for narrowed in filters:
            yield "/ask", {"question": question, **narrowed}
            yield "/search", {"query": question, "k": 50, **narrowed}
        yield "/ask", {"question": question, "stream": True}
        if CANARY not in question:  # a conversation goes on with the asker's own words
            yield "/ask", {"question": question, "conversation_id": "one for all"}
        for mode in ("model_answer", "extractive", "llm"):
            yield "/ask", {"question": question, "mode": mode, "stream": mode == "extractive"}
    yield "/ask", {"question": "and its drawbacks?", "conversation_id": "one for all"}
    yield "/ask", {"question": "and its drawbacks?", "conversation_id": "one for all", "stream": True}
    yield "/check", {"answer": f"{POOL} 50 connections.", "sources": [{"id": "s", "text": "50 connections."}]}
    yield from refused()


def refused() -> Iterator[tuple[str, dict[str, Any]]]:
    """What is answered with a problem, whose words come from somewhere."""
    wrongs: list[dict[str, Any]] = [{"k": 0}, {"mode": "none"}, {"filters": {"x": "x"}}, {"filters": {"kind": []}}]
    for wrong in wrongs:
        yield "/ask", {"question": HANDLE, **wrong}
    yield "/ask", {"question": f"{HANDLE} " * 500}
    yield "/ask", {"question": " "}
    yield "/search", {"query": HANDLE, "filters": {"nothing": "x"}}
    yield "/search", {"query": HANDLE, "collection": "none", "filters": {"collection": f"{CANARY}collection"}}
    yield "/check", {"answer": HANDLE, "sources": []}
    yield "/feedback", {"answer_id": "0" * 32, "rating": "up"}


ONE_BY_ONE = {
    ("POST", "/documents"),
    ("POST", "/quarantine/{id}/retry"),
    ("POST", "/quarantine/{id}/drop"),
    ("DELETE", "/documents/{id}"),
}
"""What changes something: `test_a_candidate_changes_nothing_that_is_hidden`."""

TELLS_NOTHING = {
    ("POST", "/answers/page"): "makes a piece of a page of what it is sent",
    ("POST", "/slack/events"): "takes what Slack signed",
    ("POST", "/mattermost/events"): "takes what Mattermost proves to have sent",
    ("POST", "/login"): "begins a session; how, is tested with keys",
    ("POST", "/logout"): "ends one",
}


def routes(scene: Scene) -> Iterator[tuple[str, Any]]:
    """Every method and route of the app; not those that no candidate's key opens, which other tests hold."""
    for route in iter_route_contexts(scene.client.app.routes):  # type: ignore[attr-defined]
        needed = needs_of(route.dependant) if hasattr(route._effective_route, "dependant") else []
        if not {"admin", "local"} & set(sum(needed, ())):
            for method in (route.methods or set()) - {"HEAD"}:
                yield method, route


def replies(scene: Scene, who: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What somebody asks, and the reply without what they said themselves."""
    for path, body in [*asked(), *((("/feedback", body)) for body in ratings(scene))]:
        response = scene.client.post(path, json=body, headers=who)
        assert answered(response), (path, body, response.text)
        if path == "/ask" and response.status_code == 200 and not body.get("stream"):
            scene.answers.append(response.json()["id"])
        yield f"{path} {json.dumps(body)}", heard(response, words_of(json.dumps(body)))
    for method, route in routes(scene):
        if method == "GET":
            for path, params in addresses(scene, route):
                response = scene.client.get(path, params=params, headers=who)
                assert answered(response), (path, params, response.text)
                yield f"{path} {params}", heard(response, words_of(f"{path} {json.dumps(params)}"))


def answered(response: Any) -> bool:
    """Whether the reply is to what was asked, and not to how much was."""
    return bool(response.status_code < 500 and response.status_code != 429)


def ratings(scene: Scene) -> Iterator[dict[str, Any]]:
    """What is said of answers that were given, to an interviewer at first."""
    for answer in scene.answers[:5]:
        yield {"answer_id": answer, "rating": "up", "comment": "good"}


def addresses(scene: Scene, route: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The route with every id in its path; and, one after the other, with every id and many words in its parameters."""
    names = re.findall(r"\{(\w+)(?::\w+)?\}", route.path)
    paths = [re.sub(r"\{[^}]+\}", quote(value, safe=""), route.path) for value in scene.ids] if names else [route.path]
    parameters = route.dependant.query_params if hasattr(route._effective_route, "dependant") else []
    # a document that may be seen now, and was an interviewer's
    needed = {each.alias: scene.ids[-2] for each in parameters if each.field_info.is_required()}
    for path in paths:
        yield path, needed
    for parameter in parameters:
        names_things = parameter.alias in needed or parameter.alias in ("from", "to", "version")
        for value in (*WORDS, *(scene.ids if names_things else scene.answers[:1])):
            yield paths[-2 if names else -1], {**needed, parameter.alias: value}


WORDS = (HANDLE, POOL, "interviewer", "guide", "1", "2", "true", f"{CANARY}collection", "one for all")


def words_of(sent: str) -> list[str]:
    """The words of ours that a request holds, longest first; of an address also its parts."""
    found = [word.split("/") for word in re.findall(rf"[\w%./-]*{CANARY}[\w%./-]*", sent)]
    parts = {"/".join(word[i:j]) for word in found for i in range(len(word)) for j in range(i + 1, len(word) + 1)}
    return sorted((part for part in parts if CANARY in part), key=len, reverse=True)


def heard(response: Any, sent: list[str]) -> str:
    text = f"{response.status_code} {dict(response.headers)} {response.text}"
    for word in sent:
        text = text.replace(word, "").replace(word.replace("%2F", "/"), "").replace(word.replace("/", "%2F"), "")
    return text


def test_every_route_has_a_case(scene: Scene) -> None:
    known = {("POST", path) for path, _ in asked()} | ONE_BY_ONE | set(TELLS_NOTHING)
    there = {(method, route.path) for method, route in routes(scene)}
    missing = {each for each in there - known if each[0] != "GET"}
    assert not missing, "asked nothing here: add them to `asked`, or to a test of their own"
    assert known <= there, "there is no such route any more"
    assert len([each for each in there if each[0] == "GET"]) > 20, "these are all asked"


def test_a_candidate_hears_nothing_of_an_interviewers_documents(scene: Scene) -> None:
    revealing = {
        request.split("?")[0].split()[0] for request, reply in replies(scene, scene.interviewer) if CANARY in reply
    }
    assert len(revealing) > 40, "an interviewer is told, so that there is something to leak"
    for page in ("/", "/questions", "/facets", "/library", "/library/document", "/library/diff", "/changes", "/ask"):
        assert page in revealing
    assert f"/evaluations/{REPORT}/report" in revealing
    for name, candidate in scene.candidates.items():
        told = 0
        for request, reply in replies(scene, candidate):
            assert CANARY not in reply.lower(), f"with {name}: {request}\n{reply}"
            told += reply.startswith("200 ")
        assert told > 200, "a candidate is answered"


def candidate_of(scene: Scene) -> dict[str, str]:
    return scene.candidates["a key to ask"]


def test_a_hidden_word_is_as_unknown_as_one_that_stands_nowhere(scene: Scene) -> None:
    said = []
    for word in (HANDLE, "plumtrax"):
        answer = scene.client.post("/ask", json={"question": word}, headers=candidate_of(scene)).json()
        assert answer["kind"] == "abstained"
        said.append(answer["answer"].replace(word, "…"))
    assert said[0] == said[1]
    assert "no document mentions" in said[0]


def test_a_candidate_does_not_go_on_with_an_interviewers_conversation(scene: Scene) -> None:
    def ask(question: str, who: dict[str, str]) -> Any:
        body = {"question": question, "conversation_id": "the-interview"}
        return scene.client.post("/ask", json=body, headers=who)

    assert ask(f"What does {CANARY}answer name about the {HANDLE}?", scene.interviewer).status_code == 200
    reply = ask("and its drawbacks?", candidate_of(scene))
    assert reply.status_code < 500
    assert CANARY not in reply.text
    assert HANDLE not in reply.text


def test_a_conversation_belongs_to_the_key_that_began_it(scene: Scene) -> None:
    def ask(question: str, who: dict[str, str]) -> Any:
        body = {"question": question, "conversation_id": "caches"}
        reply = scene.client.post("/ask", json=body, headers=who).json()
        assert reply["conversation_id"] == "caches"
        return reply["effective_question"]

    mine, theirs = candidate_of(scene), scene.ingesting
    assert ask("What is a cache stampede?", mine) is None
    assert ask("and its drawbacks?", theirs) is None, "who sees the same is somebody else all the same"
    assert "cache stampede" in ask("and its drawbacks?", mine)
    page = {"q": "What is a mutex?", "conversation_id": "locks"}
    assert scene.client.get("/", params=page, headers=scene.candidates["a session"]).status_code == 200
    page["q"] = "and its drawbacks?"
    assert "mutex" not in scene.client.get("/", params=page, headers=mine).text.partition("<main")[2]
    assert "mutex" in scene.client.get("/", params=page, headers=scene.candidates["a session"]).text
    body = {"question": page["q"], "conversation_id": "locks"}
    same = scene.client.post("/ask", json=body, headers=theirs).json()
    assert "mutex" in same["effective_question"], "a session goes on as the key that it stands for"


def test_a_candidate_gets_as_many_hits_as_they_asked_for(scene: Scene) -> None:
    body = {"query": POOL, "k": 3}
    hits = scene.client.post("/search", json=body, headers=candidate_of(scene)).json()["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert hits[0]["document"] == "open/pools.md"
    [of_pools] = [
        each
        for each in scene.client.get("/documents", headers=candidate_of(scene)).json()["documents"]
        if each["path"] == "open/pools.md"
    ]
    shown = scene.client.get(f"/documents/{of_pools['id']}", headers=candidate_of(scene)).json()
    assert [item["related"] for item in shown["items"]] == [[]], "what asks the same elsewhere is hidden"
    told = scene.client.get(f"/documents/{of_pools['id']}", headers=scene.interviewer).json()
    assert told["items"][0]["related"]


def test_a_candidate_changes_nothing_that_is_hidden(scene: Scene) -> None:
    who = scene.ingesting
    client = scene.client
    made_up = {client.delete("/documents/0123456789ab", headers=who).status_code}
    assert made_up == {404}
    for name in scene.hidden:
        response = client.delete(f"/documents/{quote(name, safe='')}", headers=who)
        assert response.status_code == 404
        for what in ("retry", "drop"):
            reply = client.post(f"/quarantine/{quote(name, safe='')}/{what}", headers=who)
            assert reply.status_code == 404
            assert CANARY not in heard(reply, [name, quote(name, safe="")]).lower()
    over = {"file": (f"{CANARY}upload.md", b"# Mine\n\nQ1: What?\nAnswer: This.\n")}
    reply = client.post("/documents", files=over, headers=who)
    assert reply.status_code == 403
    assert CANARY not in heard(reply, [f"{CANARY}upload.md"]).lower()
    # an idempotency key of somebody else's is not theirs
    mine = {"file": ("mine.md", b"# Mine\n\nQ1: What is mine?\nAnswer: This is mine.\n")}
    reply = client.post("/documents", files=mine, headers={**who, "Idempotency-Key": "one"})
    assert reply.status_code == 202
    job = reply.json()["id"]
    assert client.get(f"/jobs/{job}", headers=who).status_code == 200
    assert client.get(f"/jobs/{job}", headers=candidate_of(scene)).status_code == 404
    assert client.get(f"/jobs/{job}", headers=scene.interviewer).status_code == 200
