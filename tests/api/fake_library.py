"""A small library whose every reply is written down here, and which notes how it was asked."""

# ruff: noqa: ARG002 - it takes what a library takes

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from answering.answers import Answer, Check, CheckReport, Claim, Related, Source
from answering.ports import Listener
from api.library import MAX_CHANGES, Body, Filters, Progress
from ingest.errors import NotFoundError, RefusedError
from ingest.view import EVERYTHING, View

TEXT = "# Caching\n\nRedis evicts keys — “allkeys-lru” first.\n"
QUOTE = "Redis evicts keys — “allkeys-lru” first."
VERSION = "sha256:" + "0" * 64

SOURCE = Source(
    marker=1,
    id="c1",
    document="qa/caching.md",
    collection="default",
    version=VERSION,
    title="Caching",
    heading=("Caching", "Eviction"),
    kind="qa",
    question="What does Redis evict?",
    quote=QUOTE,
    start=11,
    end=11 + len(QUOTE),
    line_start=3,
    line_end=3,
    page=None,
    score=0.93,
    effective_date=None,
)
CLAIM = Claim(QUOTE, 0, len(QUOTE), "supported", 0.97, (1,), (Check("numbers", ok=True),))
INFO: Body = {
    "id": "d1d1d1d1",
    "collection": "default",
    "path": "qa/caching.md",
    "title": "Caching",
    "version": VERSION,
    "version_key": 1,
    "items": {"qa": 1, "note": 0, "guide": 0},
    "chunks": 1,
    "lines": 3,
    "meta": {},
    "effective_date": None,
    "ingested_at": "2026-01-01T00:00:00.000Z",
    "root": "/notes",
    "source": "/notes/qa/caching.md",
    "stale": None,
}

VERSION_BODY: Body = {
    "key": 1,
    "document_id": INFO["id"],
    "path": INFO["path"],
    "version": VERSION,
    "state": "live",
    "title": "Caching",
    "items": INFO["items"],
    "chunks": 1,
    "lines": 3,
    "effective_date": None,
    "expires": None,
    "changes": None,
    "created_at": INFO["ingested_at"],
    "live_at": INFO["ingested_at"],
    "retired_at": None,
}
ENTRY: Body = {
    "id": "q1",
    "collection": "default",
    "path": "bad.md",
    "source": "/notes/bad.md",
    "line": 2,
    "reason": "not UTF-8",
    "hint": "Convert it.",
    "since": "2026-01-01",
    "scope": "document",
    "content": None,
    "dropped": False,
}
REPORT: Body = {
    "documents": {"added": 1, "updated": 0, "unchanged": 0, "removed": 0, "quarantined": 0},
    "items": {"qa": 1},
    "chunks": 1,
    "seconds": 0.1,
    "quarantine": [],
}


def answer_to(question: str, **changes: Any) -> Body:
    """An answer that is grounded, unless `changes` says otherwise."""
    fields: dict[str, Any] = {
        "id": "a1",
        "question": question,
        "answer": f"{QUOTE} [1]",
        "kind": "model_answer",
        "sources": (SOURCE,),
        "claims": (CLAIM,),
        "confidence": 0.91,
        "low_confidence": False,
        "related": (Related("Why cache?", "qa/caching.md", "i2"),),
        "latency_ms": 12.3,
        "timings_ms": {"search": 2.0},
    }
    return Answer(**{**fields, **changes}).to_dict()


class FakeLibrary:
    """`on_ask` is called before every answer; what it raises is raised."""

    def __init__(self, on_ask: Callable[[str], None] = lambda _: None, *, ready: bool = True) -> None:
        self.on_ask = on_ask
        self.ready = ready
        self.asked: list[Body] = []
        self.views: list[View] = []
        self.closed = False

    def ask(
        self,
        question: str,
        *,
        collection: str | None,
        filters: Filters,
        mode: str,
        k: int | None,
        conversation_id: str | None = None,
        view: View = EVERYTHING,
        listener: Listener | None = None,
        who: str | None = None,
    ) -> Body:
        self.views.append(view)
        self.asked.append(
            {"question": question, "collection": collection, "filters": dict(filters), "mode": mode, "k": k}
        )
        self.on_ask(question)
        return answer_to(question)

    def search(self, query: str, *, k: int, collection: str | None, filters: Filters, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self.asked.append({"query": query, "k": k, "collection": collection, "filters": dict(filters)})
        hit = {
            "rank": 1,
            "score": 0.9,
            "id": "c1",
            "kind": "qa",
            "text": QUOTE,
            "question": None,
            "document": "qa/caching.md",
            "collection": "default",
            "version": VERSION,
            "title": "Caching",
            "heading": ["Caching"],
            "start": 11,
            "end": 51,
            "line_start": 3,
            "line_end": 3,
            "page": None,
            "found_by": {"bm25": 1, "dense": None, "question": 2},
        }
        return {"query": query, "hits": [hit], "timings_ms": {"search": 1.0}}

    def check(self, answer: str, sources: Sequence[Mapping[str, str]], question: str | None) -> Body:
        self.asked.append({"answer": answer, "sources": [dict(source) for source in sources], "question": question})
        return CheckReport(0.97, False, (), (CLAIM,)).to_dict()

    def ingest(self, paths: Sequence[Path], *, collection: str, yes: bool, progress: Progress | None) -> Body:
        self.asked.append({"paths": [str(path) for path in paths], "collection": collection, "yes": yes})
        if not yes:
            raise RefusedError("This would remove 2 of the 3 documents.", hint="Repeat it with --yes.")
        if progress is not None:
            progress("files", 1, 2)
        if collection == "broken":
            raise RefusedError("The disk is full.")
        return REPORT

    def documents(self, collection: str | None, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        return {"documents": [INFO] if collection in (None, "default") else []}

    def questions(self, text: str, *, limit: int, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self.asked.append({"text": text, "limit": limit})
        held = {"question": "What does Redis evict?", "document": "qa/caching.md", "collection": "default", "id": "i1"}
        return {"questions": [held]}

    def facets(self, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        return {"facets": {"topic": {"Caching": 1}, "level": {}, "kind": {"qa": 1}, "collection": {"default": 1}}}

    def document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self._find(id_or_path, collection)
        line = {"line_start": 1, "line_end": 3, "role": "item", "item_id": "i1"}
        return {**INFO, "items": [], "item_counts": INFO["items"], "account": [line]}

    def document_text(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self._find(id_or_path, collection)
        return {"id": INFO["id"], "path": INFO["path"], "version": VERSION, "text": TEXT}

    def versions(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self._find(id_or_path, collection)
        return {"versions": []}

    def delete_document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self._find(id_or_path, collection)
        self.asked.append({"deleted": id_or_path})
        return {**INFO, "file_kept": True}

    def diff(
        self,
        id_or_path: str,
        old: str | None,
        new: str | None,
        collection: str | None,
        *,
        view: View = EVERYTHING,
    ) -> Body:
        self.views.append(view)
        self._find(id_or_path, collection)
        self.asked.append({"old": old, "new": new})
        counts = {"added": 0, "removed": 0, "changed": 1, "moved": 0}
        item = {
            "id": "i1",
            "title": "Redis",
            "change": "changed",
            "old_line": 3,
            "new_line": 3,
            "diff": "@@ -3,1 +3,1 @@",
        }
        meta = {"field": "tags", "old": [], "new": ["redis"]}
        head = {"document_id": INFO["id"], "path": INFO["path"], "old": VERSION_BODY, "new": VERSION_BODY}
        return {**head, "changes": counts, "items": [item], "meta": [meta], "text_differs": True}

    def quarantine(self, *, dropped: bool = False, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self.asked.append({"dropped": dropped})
        return {"quarantine": [ENTRY]}

    def quarantine_entry(self, id_or_prefix: str, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self._entry(id_or_prefix)
        return ENTRY

    def retry(self, entry_id: str, progress: Progress | None) -> Body:
        self._entry(entry_id)
        if progress is not None:
            progress("files", 1, 1)
        return REPORT

    def drop(self, entry_id: str, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self._entry(entry_id)
        return {**ENTRY, "dropped": True}

    def changes(self, since: int, limit: int = MAX_CHANGES, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        self.asked.append({"since": since, "limit": limit})
        return {"changes": []}

    def repair(self, progress: Progress | None) -> Body:
        if progress is not None:
            progress("index", 1, 1)
        return {"repaired": True}

    def feedback(
        self,
        answer_id: str,
        rating: str,
        comment: str | None,
        *,
        view: View = EVERYTHING,
        who: str | None = None,
    ) -> Body:
        if answer_id != "a1":
            raise NotFoundError(f"There is no answer {answer_id}.")
        self.asked.append({"answer_id": answer_id, "rating": rating, "comment": comment, "who": who})
        return {"answer_id": answer_id, "rating": rating, "comment": comment, "at": "2026-01-01T00:00:00.000Z"}

    def gaps(self, days: int | None = None) -> Body:
        self.asked.append({"days": days})
        return {"gaps": [], "asked": 0, "unanswered": 0}

    def stats(self, *, view: View = EVERYTHING) -> Body:
        self.views.append(view)
        return {"documents": 1}

    def create_key(
        self, name: str, *, scopes: Sequence[str], audience: str | None, collections: Sequence[str], expires: str | None
    ) -> Body:
        raise NotFoundError("This library has no keys.")

    def list_keys(self) -> Body:
        return {"keys": []}

    def revoke_key(self, id_or_prefix: str) -> Body:
        raise NotFoundError(f"No key has the id {id_or_prefix}.")

    def doctor(self) -> Body:
        index = {"name": "index", "state": "on" if self.ready else "failed", "detail": "gone.", "hint": "Ingest again."}
        reranker = {"name": "reranker", "state": "off", "detail": "not set.", "hint": ""}
        return {"ok": self.ready, "ready": self.ready, "checks": [index, reranker], "settings": []}

    def close(self) -> None:
        self.closed = True

    def _entry(self, entry_id: str) -> None:
        if entry_id != ENTRY["id"]:
            raise NotFoundError(f"Nothing in quarantine has the id {entry_id}.")

    def _find(self, id_or_path: str, collection: str | None) -> None:
        if id_or_path != INFO["id"] or collection not in (None, INFO["collection"]):
            raise NotFoundError(f"No document is called {id_or_path}.", hint="`cuecard docs list` names them all.")
