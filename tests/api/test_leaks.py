"""What an interviewer's document says reaches no candidate, whatever they ask for, by any route there is.

Every place of such documents holds a word that stands nowhere else. All routes are asked, by an interviewer first, so
that every cache is warm, with every id that an interviewer learns; then by candidates. Words that the request itself
holds are taken out of the reply before it is looked at.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.cli.main import run
from api.home import own
from api.http.access import needs_of
from api.http.app import create_app
from api.local import LocalLibrary
from api.settings import load_settings

HERE = "http://127.0.0.1:8000"
CANARY = "kwyjibo"
HANDLE = "flumtrix"
"""A word of the hidden documents that is asked for: it must be as unknown as one that stands nowhere."""

POOL = "How do you size a connection pool for PostgreSQL?"
PUBLIC = {
    "open/caching.md": "# Caching\n\nQ1: What is a cache stampede?\nAnswer: Many requests recompute one hot key at "
    "once. A lock per key lets only one of them do the work.\n",
    "open/pools.md": f"# Pools\n\nQ1: {POOL}\nAnswer: Start with 10 connections for each core and measure.\n",
    "open/table.csv": "question,answer\nWhat is a mutex?,A lock that one thread holds.\n,no question\n",
    "moved.md": "# Moved\n\nQ1: What is a semaphore?\nAnswer: A counter that threads wait for.\n",
    "later-open.md": f"---\naudience: interviewer\ntags: [{CANARY}oldtag]\n---\n# {CANARY}oldtitle\n\n"
    f"Q1: What is {CANARY}old?\nAnswer: {CANARY}oldanswer was here.\n",
    "later-hidden.md": "# Later\n\nQ1: What is a barrier?\nAnswer: A point where threads meet.\n",
}
GUIDE = f"""---
audience: Interviewer
title: {CANARY}title
topic: {CANARY}topic
company: {CANARY}company
candidate: {CANARY}name
role: {CANARY}role
level: {CANARY}level
url: https://example.org/{CANARY}url
tags: [{CANARY}tag]
---
# {CANARY}heading {HANDLE}

Q1: {POOL}
Answer: Start with 50 connections for each core, says {CANARY}pool.

Q2: What does a strong answer about {HANDLE} name?
Answer: It names the {CANARY}answer and the {HANDLE} first.

Q3: Which {CANARY}question do we ask last?

## Scoring {CANARY}scoring

- **Strong {CANARY}bullet:** the {HANDLE} is explained with its costs.
"""
HIDDEN = {
    f"{CANARY}folder/{CANARY}guide.md": GUIDE,
    f"{CANARY}folder/table.csv": f"question,answer\nWhat is {CANARY}row?,{CANARY}cell\n,{CANARY}lost\n",
    f"{CANARY}folder/_meta.yaml": "audience: interviewer\n",
    f"{CANARY}broken.md": f"---\naudience: [interviewer\ntitle: {CANARY}brokentitle\n---\nQ1: What?\nAnswer: This.\n",
    f"gone-{CANARY}.md": f"---\naudience: interviewer\n---\n# Gone\n\nQ1: What is {CANARY}gone?\nAnswer: It was.\n",
    f"moved-{CANARY}.md": f"---\naudience: interviewer\n---\n# Was\n\nQ1: What is {CANARY}was?\nAnswer: Before.\n",
}
CHANGED = {
    "later-open.md": "# Later open\n\nQ1: What is a latch?\nAnswer: A gate that opens once.\n",
    "later-hidden.md": f"---\naudience: interviewer\n---\n# {CANARY}latertitle\n\nQ1: What is a barrier?\n"
    f"Answer: A {CANARY}later point where threads meet.\n",
}
QUESTIONS = (
    POOL,
    f"What does a strong answer about {HANDLE} name?",
    f"{HANDLE}",
    f"Which company asks about {HANDLE}, and what is the scoring?",
    "What is a barrier?",
    "What is a cache stampede?",
    f"What is {CANARY}answer?",
)


@dataclass
class Scene:
    """A server over all that, with keys, and what an interviewer learns of it."""

    client: TestClient
    interviewer: dict[str, str]
    candidates: dict[str, dict[str, str]]
    hidden: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def ingest(folder: Path, home: Path, *options: str) -> None:
    assert run(["ingest", str(folder), "--home", str(home), "--yes", "--json", *options]) in (0, 3)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, home = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("leaks") / "home"
    other = folder / "other"
    notes = folder / "notes"
    write(notes, PUBLIC | HIDDEN)
    write(other, {"secret.md": GUIDE})
    ingest(notes, home)
    ingest(other, home, "--collection", f"{CANARY}collection")
    write(notes, CHANGED)
    (notes / f"gone-{CANARY}.md").unlink()
    (notes / "moved.md").rename(notes / "moved-openly.md")
    (notes / f"moved-{CANARY}.md").rename(notes / f"moved-again-{CANARY}.md")
    ingest(notes, home)
    settings = load_settings(home, {"CUECARD_RATE_LIMIT": "none"})
    library = LocalLibrary(settings, own(settings, "serve", create=False))
    try:
        with TestClient(
            create_app(library, settings, token="token", local=True), HERE, raise_server_exceptions=False
        ) as client:
            yield furnished(client, library)
    finally:
        library.close()


def furnished(client: TestClient, library: LocalLibrary) -> Scene:
    def key(*scopes: str, audience: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {library.keys.create(audience, scopes, audience)[1]}"}

    interviewer = key("ask", "ingest", audience="interviewer")
    candidates = {
        "ask": key("ask", audience="candidate"),
        "ask and ingest": key("ask", "ingest", audience="candidate"),
    }
    made = Scene(client, interviewer, candidates)
    uploaded = {"file": (f"{CANARY}upload.md", HIDDEN[f"gone-{CANARY}.md"].encode())}
    job = client.post("/documents", files=uploaded, headers={**interviewer, "Idempotency-Key": "one"}).json()
    deadline = time.monotonic() + 120
    while client.get(f"/jobs/{job['id']}", headers=interviewer).json()["state"] not in ("done", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    everything = library.parts.catalog.documents()
    hidden = [info for info in everything if (info.meta.audience or "") == "interviewer"]
    assert len(hidden) >= 5
    opened = library.parts.catalog.document("later-open.md")
    entries = library.parts.catalog.quarantine(dropped=True)
    assert {CANARY in entry.path for entry in entries} == {True, False}
    made.hidden = [
        job["id"],
        *(info.id for info in hidden),
        hidden[0].id[:6],
        hidden[0].path,
        hidden[0].version,
        *(entry.id for entry in entries if CANARY in entry.path),
        next(iter(library.parts.catalog.load(hidden[0].version_key).items)).id,
    ]
    # documents that may be seen now, and have something to hide
    made.ids = [*made.hidden, opened.id, library.parts.catalog.document("moved-openly.md").id]
    return made


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
        for mode in ("model_answer", "extractive", "llm"):
            yield "/ask", {"question": question, "mode": mode, "stream": mode == "extractive"}
    yield "/check", {"answer": f"{POOL} 50 connections.", "sources": [{"id": "s", "text": "50 connections."}]}


OTHER_BODIES = {"/documents", "/quarantine/{id}/retry", "/quarantine/{id}/drop", "/login", "/logout"}
"""Routes that change something, or begin a session: asked one by one below, or in other tests."""


NO_KEYS = {"/answers/page", "/slack/events", "/mattermost/events"}
"""Makes a piece of a page of what it is sent; take what a chat has proved to have sent."""


def replies(scene: Scene, who: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What somebody asks, and the reply without what they said themselves."""
    for path, body in [*asked(), *more(scene)]:
        response = scene.client.post(path, json=body, headers=who)
        assert answered(response), (path, body, response.text)
        if path == "/ask" and response.headers["Content-Type"] == "application/json":
            said = response.json()
            scene.answers.append(said.get("id", ""))
        yield f"{path} {json.dumps(body)}", heard(response, words_of(json.dumps(body)))
    for route in iter_route_contexts(scene.client.app.routes):  # type: ignore[attr-defined]
        if "GET" in (route.methods or ()) and not ({"admin", "local"} & set(sum(declared(route), ()))):
            for path, params in addresses(scene, route):
                response = scene.client.get(path, params=params, headers=who)
                assert answered(response), (path, params, response.text)
                yield f"{path} {params}", heard(response, words_of(f"{path} {json.dumps(params)}"))


def answered(response: Any) -> bool:
    """Whether the reply is to what was asked, and not to how much was."""
    return bool(response.status_code < 500 and response.status_code != 429)


def more(scene: Scene) -> Iterator[tuple[str, dict[str, Any]]]:
    """What can only be asked about an answer that was given."""
    routes = {route.path for route in iter_route_contexts(scene.client.app.routes)}  # type: ignore[attr-defined]
    if "/feedback" in routes:
        for answer in scene.answers[:5]:
            yield "/feedback", {"answer_id": answer, "rating": "up", "comment": "good"}


def declared(route: Any) -> list[tuple[str, ...]]:
    return list(needs_of(route.dependant)) if hasattr(route._effective_route, "dependant") else []


def addresses(scene: Scene, route: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The route with every id in its path; and, once, with every parameter that takes words."""
    names = re.findall(r"\{(\w+)(?::\w+)?\}", route.path)
    paths = [re.sub(r"\{[^}]+\}", quote(value, safe=""), route.path) for value in scene.ids] if names else [route.path]
    for path in paths:
        yield path, {}
    if not hasattr(route._effective_route, "dependant"):
        return
    for parameter in route.dependant.query_params:
        for value in (HANDLE, POOL, "interviewer", "1", "2", "true", f"{CANARY}collection", *scene.answers[:2]):
            yield paths[-1], {parameter.alias: value}


def words_of(sent: str) -> list[str]:
    """The words of ours that a request holds."""
    return sorted(set(re.findall(rf"[\w%./-]*{CANARY}[\w%./-]*", sent)), key=len, reverse=True)


def heard(response: Any, sent: list[str]) -> str:
    text = f"{response.status_code} {dict(response.headers)} {response.text}"
    for word in sent:
        text = text.replace(word, "").replace(word.replace("%2F", "/"), "")
    return text


def test_every_route_is_asked(scene: Scene) -> None:
    known = {route for route, _ in asked()} | OTHER_BODIES | NO_KEYS | {"/feedback"}
    for route in iter_route_contexts(scene.client.app.routes):  # type: ignore[attr-defined]
        if "POST" in (route.methods or ()) and not ({"admin", "local"} & set(sum(declared(route), ()))):
            assert route.path in known, f"{route.path} is asked nothing here: add it to `asked` or `more`"


def test_a_candidate_hears_nothing_of_an_interviewers_documents(scene: Scene) -> None:
    revealing = sum(CANARY in reply.lower() for _, reply in replies(scene, scene.interviewer))
    assert revealing > 50, "an interviewer is told, so that there is something to leak"
    for name, candidate in scene.candidates.items():
        told = 0
        for request, reply in replies(scene, candidate):
            assert CANARY not in reply.lower(), f"with the key to {name}: {request}\n{reply}"
            told += " 200 " in f" {reply[:4]}"
        assert told > 50, "a candidate is answered"


def test_a_hidden_word_is_as_unknown_as_one_that_stands_nowhere(scene: Scene) -> None:
    said = []
    for word in (HANDLE, "plumtrax"):
        answer = scene.client.post("/ask", json={"question": word}, headers=scene.candidates["ask"]).json()
        assert answer["kind"] == "abstained"
        said.append(answer["answer"].replace(word, "…"))
    assert said[0] == said[1]
    assert "no document mentions" in said[0]


def test_a_candidate_does_not_go_on_with_an_interviewers_conversation(scene: Scene) -> None:
    def ask(question: str, who: dict[str, str]) -> Any:
        body = {"question": question, "conversation_id": "the-interview"}
        return scene.client.post("/ask", json=body, headers=who)

    assert ask(f"What does {CANARY}answer name about the {HANDLE}?", scene.interviewer).status_code == 200
    reply = ask("and its drawbacks?", scene.candidates["ask"])
    assert reply.status_code < 500
    assert CANARY not in reply.text
    assert HANDLE not in reply.text


def test_a_candidate_gets_as_many_hits_as_they_asked_for(scene: Scene) -> None:
    body = {"query": POOL, "k": 3}
    hits = scene.client.post("/search", json=body, headers=scene.candidates["ask"]).json()["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert hits[0]["document"] == "open/pools.md"
    [of_pools] = [
        each
        for each in scene.client.get("/documents", headers=scene.candidates["ask"]).json()["documents"]
        if each["path"] == "open/pools.md"
    ]
    shown = scene.client.get(f"/documents/{of_pools['id']}", headers=scene.candidates["ask"]).json()
    assert [item["related"] for item in shown["items"]] == [[]], "what asks the same elsewhere is hidden"
    told = scene.client.get(f"/documents/{of_pools['id']}", headers=scene.interviewer).json()
    assert told["items"][0]["related"]


def test_a_candidate_changes_nothing_that_is_hidden(scene: Scene) -> None:
    who = scene.candidates["ask and ingest"]
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
    assert client.get(f"/jobs/{job}", headers=scene.candidates["ask"]).status_code == 404
    assert client.get(f"/jobs/{job}", headers=scene.interviewer).status_code == 200
