"""The examples that OpenAPI shows of what comes back."""

from __future__ import annotations

import json
from typing import Any

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


def _shown(example: object) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


FOUND = _shown(
    {
        "query": "redis eviction policy",
        "hits": [
            {
                "rank": 1,
                "score": 0.88,
                "id": SOURCE["id"],
                "kind": "qa",
                "text": f"Q2: {SOURCE['question']}\nAnswer: {_QUOTE}",
                **{name: SOURCE[name] for name in ("question", "document", "collection", "version", "title")},
                **{name: SOURCE[name] for name in ("heading", "start", "end", "line_start", "line_end", "page")},
                "found_by": {"bm25": 1, "dense": 1, "question": 2},
            }
        ],
        "timings_ms": {"embed": 3.0, "search": 2.0, "fuse": 0.6},
    }
)
CHECKED = _shown({"score": 0.97, "low_confidence": False, "reasons": [], "claims": [_CLAIM]})
