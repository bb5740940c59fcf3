"""A server over documents of which some are an interviewer's, with keys, and what an interviewer learns of it.

Every place of a hidden document holds a word that stands nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi.testclient import TestClient

from api.cli.main import run
from api.home import own
from api.http.access import SESSION_COOKIE
from api.http.app import create_app
from api.local import LocalLibrary
from api.settings import load_settings

HERE = "http://127.0.0.1:8000"
CANARY = "kwyjibo"
HANDLE = "flumtrix"
"""A word of the hidden documents that is asked for: it must be as unknown as one that stands nowhere."""

REPORT = f"{CANARY}run"
"""An evaluation: its reports quote documents of all kinds."""

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
    ingesting: dict[str, str]
    hidden: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def ingest(folder: Path, home: Path, *options: str) -> None:
    assert run(["ingest", str(folder), "--home", str(home), "--yes", "--json", *options]) in (0, 3)


@contextmanager
def opened_scene(folder: Path, home: Path) -> Iterator[Scene]:
    """The server over all that, `folder` and `home` being empty."""
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
    results = folder / "results"
    write(results, {f"{REPORT}/summary.json": json.dumps({"overall": {f"{CANARY}figure": 0.5}})})
    write(results, {f"{REPORT}/environment.json": "{}", f"{REPORT}/report.html": f"<p>{CANARY}report</p>"})
    settings = load_settings(home, {"CUECARD_RATE_LIMIT": "none", "CUECARD_RESULTS": str(results)})
    library = LocalLibrary(settings, own(settings, "serve", create=False))
    try:
        with TestClient(
            create_app(library, settings, token="token", local=True), HERE, raise_server_exceptions=False
        ) as client:
            yield furnished(client, library)
    finally:
        library.close()


def session(client: TestClient, key: dict[str, str]) -> dict[str, str]:
    """What a browser sends after logging in with the key."""
    form = {"key": key["Authorization"].removeprefix("Bearer "), "next": "/"}
    reply = client.post("/login", data=form, headers={"Origin": HERE}, follow_redirects=False)
    cookie = reply.cookies[SESSION_COOKIE]
    client.cookies.clear()
    return {"Cookie": f"{SESSION_COOKIE}={cookie}", "Sec-Fetch-Site": "same-origin"}


def furnished(client: TestClient, library: LocalLibrary) -> Scene:
    """Keys, and what an interviewer can know."""

    def key(*scopes: str, audience: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {library.keys.create(audience, scopes, audience)[1]}"}

    interviewer = key("ask", "ingest", audience="interviewer")
    ingesting = key("ask", "ingest", audience="candidate")
    candidates = {"a key to ask": key("ask", audience="candidate"), "a session": session(client, ingesting)}
    made = Scene(client, interviewer, candidates, ingesting)
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
    made.ids = [*made.hidden, REPORT, opened.id, library.parts.catalog.document("moved-openly.md").id]
    return made
