"""What retrieval hands on. Frozen; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ingest.items import StoredChunk

Arm = Literal["bm25", "dense", "question"]
ARMS: tuple[Arm, ...] = ("bm25", "dense", "question")


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk with its score (0..1, higher is better; the order within one result) and what each arm thought of it.

    `ranks`: 1-based rank per arm, absent where the arm did not find it. `similarities`: the arm's own raw score
    (cosine for `dense` and `question`, BM25 for `bm25`). `copies`: chunks of the same question and text elsewhere,
    which are no hits of their own. `rerank`: what the reranker said, 0..1, None without one.
    """

    rank: int
    score: float
    chunk: StoredChunk
    ranks: Mapping[Arm, int]
    similarities: Mapping[Arm, float]
    copies: tuple[StoredChunk, ...] = ()
    rerank: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The hit as the public interface spells it."""
        c = self.chunk
        return {
            "rank": self.rank,
            "score": self.score,
            "id": c.id,
            "kind": c.kind,
            "text": c.text,
            "question": c.question,
            "document": c.document,
            "collection": c.collection,
            "version": c.version,
            "title": c.title,
            "heading": list(c.heading),
            "start": c.span.start,
            "end": c.span.end,
            "line_start": c.span.line_start,
            "line_end": c.span.line_end,
            "page": c.span.page,
            "found_by": {arm: self.ranks.get(arm) for arm in ARMS},
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one query, best first.

    `unanswered`: among those and some more, the ones that ask a question the library does not answer.
    `evidence`: named features of how well the hits fit, for the confidence model. `degraded`: something failed, or the
    index is not whole.
    """

    query: str
    hits: tuple[Hit, ...]
    unanswered: tuple[Hit, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, float] = field(default_factory=dict)
    degraded: bool = False
