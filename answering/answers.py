"""What answering hands on: an answer, its sources, its claims and their verdicts. Frozen; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

AnswerKind = Literal["model_answer", "extractive", "generated", "abstained"]
Mode = Literal["auto", "model_answer", "extractive", "llm"]
MODES: tuple[Mode, ...] = ("auto", "model_answer", "extractive", "llm")
Verdict = Literal["supported", "partial", "contradicted", "unsupported", "not_a_claim"]
Reason = Literal[
    "no_sources",
    "weak_match",
    "unsupported_claim",
    "contradicted_claim",
    "missing_citation",
    "invalid_citation",
    "conflicting_sources",
    "stale_source",
    "index_degraded",
    "llm_unavailable",
    "checker_unavailable",
]


@dataclass(frozen=True, slots=True)
class Check:
    """One deterministic check of a claim against its sources, by name."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence or clause of an answer. `start`, `end`: code point offsets into the answer's text.

    `score` is 0..1, how well the sources support it; `sources` are the markers that decided.
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    sources: tuple[int, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What a marker points to. `canonical_text[start:end] == quote` of that document's `version`, always."""

    marker: int
    id: str
    document: str
    collection: str
    version: str
    title: str
    heading: tuple[str, ...]
    kind: str
    question: str | None
    quote: str
    start: int
    end: int
    line_start: int
    line_end: int
    page: int | None
    score: float
    effective_date: str | None


@dataclass(frozen=True, slots=True)
class Related:
    """A question that the library holds, near the one that was asked."""

    question: str
    document: str
    id: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources that disagree."""

    sources: tuple[int, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as everybody outside sees it. `confidence` is 0..1.

    `effective_question`: how a question of a conversation was read; None where it was answered as it was asked.
    """

    id: str
    question: str
    answer: str
    kind: AnswerKind
    sources: tuple[Source, ...] = ()
    claims: tuple[Claim, ...] = ()
    confidence: float = 0.0
    low_confidence: bool = True
    reasons: tuple[Reason, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    related: tuple[Related, ...] = ()
    partial: bool = False
    cached: bool = False
    latency_ms: float = 0.0
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    conversation_id: str | None = None
    effective_question: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer as the public interface spells it: plain lists and dictionaries, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The grounding checker's word on any text against any sources. `score` is the weakest claim's, 0..1."""

    score: float
    low_confidence: bool
    reasons: tuple[Reason, ...]
    claims: tuple[Claim, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as the public interface spells it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GivenSource:
    """A source handed to the checker from outside. `id` names it in messages only."""

    id: str
    text: str
