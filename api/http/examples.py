"""The examples that OpenAPI shows of what comes back."""

from __future__ import annotations

import json
from typing import Any

from api.http.library_schemas import JOB

_VERSION = "sha256:5f0c3ad1be2f8c475f0c3ad1be2f8c475f0c3ad1be2f8c475f0c3ad1be2f8c47"
_QUOTE = "I choose allkeys-lru when everything can be recomputed, and volatile-lru when some keys must stay."
_CLAIM: dict[str, Any] = {
    "text": _QUOTE,
    "start": 0,
    "end": len(_QUOTE),
    "verdict": "supported",
    "score": 0.97,
    "sources": [1],
    "checks": [{"name": "numbers", "ok": True, "detail": ""}],
}
SOURCE: dict[str, Any] = {
    "marker": 1,
    "id": "9f2c41d07b6e.0",
    "document": "qa/caching.md",
    "collection": "default",
    "version": _VERSION,
    "title": "Caching",
    "heading": ["Caching", "Eviction"],
    "kind": "qa",
    "question": "Which Redis eviction policy do you choose?",
    "quote": _QUOTE,
    "start": 312,
    "end": 312 + len(_QUOTE),
    "line_start": 7,
    "line_end": 7,
    "page": None,
    "score": 0.93,
    "effective_date": None,
}
ANSWER: dict[str, Any] = {
    "id": "0b0f2a55-8f0e-4d8f-9d0a-52d8c3a6f0b1",
    "question": "Which eviction policy would you choose?",
    "answer": f"{_QUOTE} [1]",
    "kind": "model_answer",
    "sources": [SOURCE],
    "claims": [_CLAIM],
    "confidence": 0.91,
    "low_confidence": False,
    "reasons": [],
    "conflicts": [],
    "related": [
        {"question": "What is a cache stampede, and how do you prevent it?", "document": "qa/caching.md", "id": "a1.0"}
    ],
    "partial": False,
    "cached": False,
    "latency_ms": 12.3,
    "timings_ms": {"embed": 3.0, "search": 2.0, "answer": 1.0, "check": 6.0},
    "conversation_id": None,
    "effective_question": None,
}
EVENTS = "".join(
    f"event: {name}\ndata: {json.dumps(data)}\n\n"
    for name, data in (("sources", ANSWER["sources"]), ("token", {"text": "I"}), ("answer", ANSWER))
)


_DOCUMENT_ID = "3fd1f5b7c0a2e911"
_PLACE = {"document_id": _DOCUMENT_ID, "path": SOURCE["document"]}
_TIMES = {"created_at": "2026-01-01T12:00:00.000Z", "live_at": "2026-01-01T12:00:00.300Z", "retired_at": None}
_COUNTS = {"qa": 2, "note": 0, "guide": 0}
_SPAN = {"start": 11, "end": 411, "line_start": 3, "line_end": 7, "page": None}
_ITEM: dict[str, Any] = {
    "id": "9f2c41d07b6e",
    "kind": "qa",
    "title": SOURCE["question"],
    "span": _SPAN,
    "heading": SOURCE["heading"],
    "question": SOURCE["question"],
    "question_span": {**_SPAN, "end": 60, "line_end": 3},
    "answer": {**_SPAN, "start": 61, "line_start": 4},
    "talking_points": [],
    "level": "mid",
    "difficulty": None,
    "topic": "Caching",
    "company": None,
    "tags": ["redis"],
    "leftover": False,
    "related": [],
}
_FIELDS: dict[str, Any] = {
    "id": _DOCUMENT_ID,
    "collection": "default",
    "path": SOURCE["document"],
    "title": "Caching",
    "version": _VERSION,
    "version_key": 7,
    "chunks": 2,
    "lines": 7,
    "meta": {"topic": "Caching"},
    "effective_date": None,
    "ingested_at": _TIMES["live_at"],
    "root": "/srv/notes",
    "source": "/srv/notes/qa/caching.md",
    "stale": None,
}
_NEWER: dict[str, Any] = {
    "key": 7,
    **_PLACE,
    "version": _VERSION,
    "state": "live",
    "title": "Caching",
    "items": _COUNTS,
    "chunks": 2,
    "lines": 7,
    "effective_date": None,
    "expires": None,
    "changes": {"added": 0, "removed": 0, "changed": 1, "moved": 0},
    **_TIMES,
}
_OLDER = {**_NEWER, "key": 3, "version": f"sha256:{'1' * 64}", "state": "superseded", "changes": None}
_DIFF: dict[str, Any] = {
    **_PLACE,
    "old": _OLDER,
    "new": _NEWER,
    "changes": _NEWER["changes"],
    "items": [
        {
            "id": _ITEM["id"],
            "title": _ITEM["title"],
            "change": "changed",
            "old_line": 3,
            "new_line": 3,
            "diff": "@@ -4 +4 @@\n-Answer: I choose noeviction.\n+Answer: I choose allkeys-lru.",
        }
    ],
    "meta": [],
    "text_differs": True,
}
_ENTRY: dict[str, Any] = {
    "id": "34382dfd0c1a",
    "collection": "default",
    "path": "scans/interview.pdf",
    "source": "/srv/notes/scans/interview.pdf",
    "line": None,
    "reason": "page 3 has no text",
    "hint": "It is a scan: run text recognition on it first.",
    "since": "2026-01-01T12:00:00.000Z",
    "scope": "document",
    "content": f"sha256:{'2' * 64}",
    "dropped": False,
}
_CHANGE: dict[str, Any] = {
    "sequence": 41,
    "at": _TIMES["live_at"],
    "kind": "updated",
    "collection": "default",
    "path": SOURCE["document"],
    "document_id": _DOCUMENT_ID,
    "version": _VERSION,
    "detail": "",
}
_HIT: dict[str, Any] = {
    "rank": 1,
    "score": 0.88,
    "id": SOURCE["id"],
    "kind": "qa",
    "text": f"Q2: {SOURCE['question']}\nAnswer: {_QUOTE}",
    **{name: SOURCE[name] for name in ("question", "document", "collection", "version", "title")},
    **{name: SOURCE[name] for name in ("heading", "start", "end", "line_start", "line_end", "page")},
    "found_by": {"bm25": 1, "dense": 1, "question": 2},
}
_RATED = {"answer_id": ANSWER["id"], "rating": "up", "comment": None, "at": "2026-01-01T12:00:00.000Z"}
_LINE = {"line_start": 3, "line_end": 7, "role": "item", "item_id": _ITEM["id"]}

EXAMPLES: dict[tuple[str, str], Any] = {
    ("post", "/ask"): ANSWER,
    ("post", "/search"): {
        "query": "redis eviction policy",
        "hits": [_HIT],
        "timings_ms": {"embed": 3.0, "search": 2.0},
    },
    ("post", "/check"): {"score": 0.97, "low_confidence": False, "reasons": [], "claims": [_CLAIM]},
    ("post", "/feedback"): _RATED,
    ("post", "/slack/events"): {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"},
    ("post", "/mattermost/events"): {},
    ("get", "/questions"): {
        "questions": [
            {
                "question": SOURCE["question"],
                "document": SOURCE["document"],
                "collection": SOURCE["collection"],
                "id": _ITEM["id"],
            }
        ]
    },
    ("get", "/facets"): {
        "facets": {"topic": {"Caching": 2}, "level": {}, "kind": {"qa": 2}, "collection": {"default": 2}}
    },
    ("get", "/documents"): {"documents": [{**_FIELDS, "items": _COUNTS}]},
    ("post", "/documents"): JOB,
    ("get", "/documents/{id}"): {**_FIELDS, "items": [_ITEM], "item_counts": _COUNTS, "account": [_LINE]},
    ("delete", "/documents/{id}"): {**_FIELDS, "items": _COUNTS, "file_kept": True},
    ("get", "/documents/{id}/text"): f"# Caching\n\nQ2: {SOURCE['question']}\nAnswer: {_QUOTE}\n",
    ("get", "/documents/{id}/versions"): {"versions": [_NEWER, _OLDER]},
    ("get", "/documents/{id}/diff"): _DIFF,
    ("get", "/quarantine"): {"quarantine": [_ENTRY]},
    ("get", "/quarantine/{id}"): _ENTRY,
    ("post", "/quarantine/{id}/retry"): {**JOB, "entry": _ENTRY["id"]},
    ("post", "/quarantine/{id}/drop"): {**_ENTRY, "dropped": True},
    ("get", "/changes"): {"changes": [_CHANGE]},
    ("get", "/jobs/{id}"): JOB,
    ("get", "/healthz"): {"status": "ok"},
    ("get", "/readyz"): {"status": "ready", "degraded": []},
    ("get", "/metrics"): "cuecard_queue_waiting 0.0\n",
}
"""By method and route, what a request that succeeds is answered."""
