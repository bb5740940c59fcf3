"""Answers measured against judged questions.

A question counts as answered when the answer's kind is not `abstained`. A citation is judged by the indexed passage
that it was taken from: it is right when that passage is relevant by the rule of `eval.relevance`, because judges
quote a piece of an answer and an answer may quote another piece of the same.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from answering.answers import Answer, Source
from eval.cases import Case
from eval.library import Library
from eval.relevance import Target, met, targets
from eval.runs import Result
from eval.stats import area_under_risk, auroc, bootstrap_interval, calibration_error, percentile, risk_coverage
from retrieval.terms import content_terms

_MARKER = re.compile(r"\[(\d{1,3})\]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer, judged.

    `valid`, `cited`: citations whose quote stands verbatim at its span, of all. `dangling`: markers in the text, code
    left out, that no source explains. `right`: citations taken from a relevant passage. `found`, `wanted`: targets met
    by some citation, of all (0 wanted where nothing is judged). `overlap`: F1 of content words with the reference,
    None without one. `error`: why there is no answer.
    """

    case: Case
    kind: str
    confidence: float
    low_confidence: bool
    reasons: tuple[str, ...]
    cited: int = 0
    valid: int = 0
    dangling: int = 0
    right: int = 0
    found: int = 0
    wanted: int = 0
    overlap: float | None = None
    latency_ms: float = 0.0
    error: str = ""

    @property
    def answered(self) -> bool:
        """Whether the user was given an answer."""
        return self.kind not in ("abstained", "failed")

    @property
    def correct(self) -> bool:
        """Whether it rests on at least one relevant passage."""
        return self.answered and self.right > 0

    @property
    def recall(self) -> float:
        """Targets that some citation meets, of all; 0 where nothing is judged."""
        return self.found / self.wanted if self.wanted else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The record of `per_query.jsonl`."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "case"}
        about = {
            "id": self.case.id,
            "query": self.case.query,
            "type": self.case.type,
            "answerable": self.case.answerable,
        }
        return {**about, **own, "reasons": list(self.reasons)}


def judge_all(ask: Callable[[str], Answer], cases: Sequence[Case], library: Library) -> list[Judged]:
    """Ask everything, timed. A question that fails is a result of kind `failed`."""
    texts = library.texts({judgment.file for case in cases for judgment in case.relevant})
    judged = []
    for case in cases:
        started = time.perf_counter()
        try:
            answer = ask(case.query)
        except Exception as error:
            # whatever the answerer does wrong is its result, not ours
            reason = f"{type(error).__name__}: {error}"
            judged.append(Judged(case, "failed", 0.0, True, (), wanted=len(case.groups), error=reason))
            continue
        spent = (time.perf_counter() - started) * 1000
        judged.append(judge(case, answer, library, targets(case, texts), spent))
    return judged


def judge(case: Case, answer: Answer, library: Library, wanted: Sequence[Target], latency_ms: float = 0.0) -> Judged:
    """Judge one answer. An abstention's markers and sources are looked at like any other's."""
    used = [source for source in answer.sources if f"[{source.marker}]" in answer.answer] or list(answer.sources)
    meets = [met(_passage(source, library), tuple(wanted)) for source in used]
    found = {group for groups in meets for group, grade in groups.items() if grade > 0}
    markers = {int(number) for number in _MARKER.findall(_CODE.sub(" ", answer.answer))}
    return Judged(
        case=case,
        kind=answer.kind,
        confidence=answer.confidence,
        low_confidence=answer.low_confidence,
        reasons=tuple(answer.reasons),
        cited=len(used),
        valid=sum(_valid(source, library) for source in used),
        dangling=len(markers - {source.marker for source in answer.sources}),
        right=sum(any(groups.values()) for groups in meets),
        found=len(found) if answer.kind != "abstained" else 0,
        wanted=len(case.groups),
        overlap=word_f1(answer.answer, case.reference) if case.reference else None,
        latency_ms=round(latency_ms, 3),
    )


def summarize_answers(judged: Sequence[Judged]) -> dict[str, Any]:
    """The figures of many answers; None where there was nothing to measure.

    `citation_precision`: mean over the answered judged questions; `citation_recall`: mean over all judged questions,
    an abstention finding nothing. `answered_share`, `false_answer_rate`: answerable and unanswerable questions that
    were answered; `confident_*`: the same, counting only answers without low confidence. `accuracy`: answerable
    questions whose answer rests on a relevant passage. `auroc`, `ece`: of `confidence`, answerable or not; `aurc`:
    over coverages, where an answer is right when it rests on a relevant passage.
    """
    answerable = [j for j in judged if j.case.answerable]
    unanswerable = [j for j in judged if not j.case.answerable]
    scored = [j for j in judged if j.wanted]
    cited = [j for j in scored if j.answered and j.cited]
    known = [j for j in judged if j.wanted or not j.case.answerable]
    points = risk_coverage([j.confidence for j in known], [j.correct for j in known])
    latencies = [j.latency_ms for j in judged if not j.error]
    kinds = Counter(j.kind for j in judged)
    return {
        "questions": len(judged),
        "answerable": len(answerable),
        "unanswerable": len(unanswerable),
        "failed": kinds.get("failed", 0),
        "answered_share": _mean([j.answered for j in answerable]),
        "false_answer_rate": _mean([j.answered for j in unanswerable]),
        "confident_answered_share": _mean([j.answered and not j.low_confidence for j in answerable]),
        "confident_false_answer_rate": _mean([j.answered and not j.low_confidence for j in unanswerable]),
        "accuracy": _mean([j.correct for j in scored]),
        "citation_validity": _mean(
            [1.0] * sum(j.valid for j in judged) + [0.0] * sum(j.cited - j.valid for j in judged)
        ),
        "dangling_markers": sum(j.dangling for j in judged),
        "citation_precision": _mean([j.right / j.cited for j in cited]),
        "citation_recall": _mean([j.recall for j in scored]),
        "citation_recall_interval": list(bootstrap_interval([j.recall for j in scored])) if scored else None,
        "reference_f1": _mean([j.overlap for j in judged if j.overlap is not None and j.answered]),
        "auroc": _number(auroc([j.confidence for j in answerable], [j.confidence for j in unanswerable])),
        "aurc": _number(area_under_risk(points)),
        "ece": _number(calibration_error([j.confidence for j in judged], [j.case.answerable for j in judged])),
        "p50": _number(percentile(latencies, 0.5)),
        "p95": _number(percentile(latencies, 0.95)),
        "kinds": {kind: count / len(judged) for kind, count in sorted(kinds.items())},
    }


def word_f1(answer: str, reference: str) -> float:
    """F1 of content words, each as often as it stands in both (as SQuAD counts; Rajpurkar et al. 2016)."""
    mine, theirs = Counter(content_terms(_MARKER.sub("", answer))), Counter(content_terms(reference))
    shared = (mine & theirs).total()
    return 2 * shared / (mine.total() + theirs.total()) if shared else 0.0


def _passage(source: Source, library: Library) -> Result:
    """The indexed passage that the citation was taken from; the citation itself where it is not known."""
    document = library.document(source.document)
    for chunk in document.chunks if document else ():
        if chunk.id == source.id and chunk.span.start <= source.start and source.end <= chunk.span.end:
            return Result(source.document, chunk.span.start, chunk.span.end, chunk.text)
    return Result(source.document, source.start, source.end, source.quote)


def _valid(source: Source, library: Library) -> bool:
    document = library.document(source.document)
    if document is None or document.version != source.version:
        return False
    lines = (document.text.count("\n", 0, source.start) + 1, document.text.count("\n", 0, source.end - 1) + 1)
    there = document.text[source.start : source.end] == source.quote != ""
    return there and lines == (source.line_start, source.line_end)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _number(value: float) -> float | None:
    return None if value != value else value
