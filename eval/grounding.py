"""The grounding checker measured on labelled answers: does it tell what the sources support from what they don't?

One line of a grounding set: `{"id", "answer", "sources": [str], "label": 1 supported | 0 not, "spans"?: [{"start",
"end"}], "question"?, "group"?, "set"?, "dataset"?, "source"?, "type"?, "claim_type"?}`. `spans` are the unsupported
stretches of `answer`; answers of one `group` rest on the same source document.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from answering.answers import CheckReport, GivenSource
from eval.cases import identity, read_lines
from eval.clustered import grounding_intervals
from eval.evaluation import plain
from eval.stats import auroc, calibration_error, percentile, reliability_bins
from ingest.errors import UsageError

FACETS = ("set", "dataset", "source", "type", "claim_type")
"""The fields by which figures are told apart, where records carry them."""

WORDS_ONLY = "words only"
"""The type of a claim that no named check has anything to look at in."""


class Checker(Protocol):
    """The checker that `cuecard check --pairs` uses."""

    def check(self, answer: str, sources: Sequence[GivenSource], question: str | None = None) -> CheckReport:
        """Check any text against any sources."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An answer beside its sources. `spans`: the unsupported stretches, None where nobody marked any."""

    id: str
    answer: str
    sources: tuple[str, ...]
    supported: bool
    question: str | None = None
    spans: tuple[tuple[int, int], ...] | None = None
    group: str = ""
    facets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim's verdict. `types`: the checks that had something to look at in it."""

    start: int
    end: int
    score: float
    passed: bool
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a checker said of a pair. `score`: 0..1, higher is better supported; `passed`: it raised no doubt.

    A check that failed doubts everything; `error` says why.
    """

    score: float
    passed: bool
    claims: tuple[CheckedClaim, ...] = ()
    latency_ms: float | None = None
    error: str = ""


def read_pairs(paths: Iterable[Path]) -> list[Pair]:
    """The pairs of grounding sets. Raises UsageError (`FILE:LINE: reason`), also for an id that stands twice."""
    pairs = [pair for path in paths for pair in read_lines(path, _pair)]
    seen: set[str] = set()
    for pair in pairs:
        if pair.id in seen:
            raise UsageError(f"The id {pair.id!r} stands twice.", hint="Give every answer its own id.")
        seen.add(pair.id)
    if not pairs:
        raise UsageError("There are no answers in the grounding sets.")
    return pairs


def read_verdicts(path: Path) -> dict[str, Checked]:
    """Id -> verdict, of lines as `cuecard check --pairs` writes them; `{"id", "score"}` is enough.

    Without `low_confidence` an answer passes from a score of one half.
    """
    return dict(read_lines(path, _verdict))


def check_all(checker: Checker, pairs: Iterable[Pair]) -> dict[str, Checked]:
    """Check everything, timed. A check that fails is a result."""
    checked = {}
    for pair in pairs:
        sources = [GivenSource(str(number), text) for number, text in enumerate(pair.sources, 1)]
        started = time.perf_counter()
        try:
            report = checker.check(pair.answer, sources, pair.question)
        except Exception as error:
            # whatever the checker does wrong is its result, not ours
            checked[pair.id] = Checked(0.0, False, error=f"{type(error).__name__}: {error}")
            continue
        spent = round((time.perf_counter() - started) * 1000, 3)
        claims = tuple(_claim(asdict(claim)) for claim in report.claims if claim.verdict != "not_a_claim")
        checked[pair.id] = Checked(report.score, not report.low_confidence, claims, spent)
    return checked


def figures(pairs: Sequence[Pair], checked: Mapping[str, Checked]) -> dict[str, Any]:
    """What a checker is worth on some pairs; None where there was nothing to measure.

    `auroc`: how often a supported answer scores above an unsupported one. The others are of passing or not:
    `balanced_accuracy`: mean of the shares of supported answers that pass and of unsupported ones that don't;
    `f1`: of calling an answer supported, `f1_unsupported` of doubting it; `ece`: of the score as the probability that
    the answer is supported. `intervals`: 95 %, resampling groups.
    """
    found = [checked.get(pair.id, Checked(0.0, False, error="no verdict")) for pair in pairs]
    scores, passed, labels = [c.score for c in found], [c.passed for c in found], [p.supported for p in pairs]
    groups = [pair.group for pair in pairs]
    latencies = [c.latency_ms for c in found if c.latency_ms is not None]
    counts = {"answers": len(pairs), "supported": sum(labels), "failed": sum(bool(c.error) for c in found)}
    values = {
        **_separation(scores, passed, labels),
        "ece": calibration_error(scores, labels),
        "p50": percentile(latencies, 0.5),
        "p95": percentile(latencies, 0.95),
    }
    intervals = grounding_intervals(scores, passed, labels, groups)
    named = {name: list(ends) if ends[0] == ends[0] else None for name, ends in intervals.items()}
    return {**counts, **plain(values), "intervals": named}


def calibration(pairs: Sequence[Pair], checked: Mapping[str, Checked]) -> list[dict[str, Any]]:
    """The bins behind `ece`: `low`, `high`, `n`, `mean_score`, `share` (supported)."""
    found = [checked[pair.id].score if pair.id in checked else 0.0 for pair in pairs]
    return [asdict(each) for each in reliability_bins(found, [pair.supported for pair in pairs])]


def by_facet(pairs: Sequence[Pair], checked: Mapping[str, Checked]) -> dict[str, dict[str, dict[str, Any]]]:
    """Field -> value -> figures, for every field of FACETS in which the pairs differ."""
    facets: dict[str, dict[str, dict[str, Any]]] = {}
    for name in FACETS:
        values = sorted({pair.facets[name] for pair in pairs if name in pair.facets})
        if len(values) > 1:
            facets[name] = {
                value: figures([pair for pair in pairs if pair.facets.get(name) == value], checked) for value in values
            }
    return facets


def by_claim_type(pairs: Sequence[Pair], checked: Mapping[str, Checked]) -> dict[str, dict[str, Any]]:
    """Type of claim -> figures of single claims; a claim counts for every check that looked at it.

    Whether a claim is supported is known where the whole answer is, where unsupported stretches are marked (a claim
    that touches one is unsupported), and where an unsupported answer has one claim only. Others are left out.
    """
    kinds: dict[str, list[tuple[CheckedClaim, bool]]] = {}
    for pair in pairs:
        claims = checked[pair.id].claims if pair.id in checked else ()
        for claim in claims:
            known = _claim_label(pair, claim, len(claims))
            if known is not None:
                for name in claim.types or (WORDS_ONLY,):
                    kinds.setdefault(name, []).append((claim, known))
    return {name: _of_claims(found) for name, found in sorted(kinds.items())}


def _of_claims(found: Sequence[tuple[CheckedClaim, bool]]) -> dict[str, Any]:
    labels = [known for _, known in found]
    values = _separation([claim.score for claim, _ in found], [claim.passed for claim, _ in found], labels)
    return {"claims": len(found), "supported": sum(labels), **plain(values)}


def _claim_label(pair: Pair, claim: CheckedClaim, claims: int) -> bool | None:
    if pair.supported:
        return True
    if pair.spans:
        return not any(start < claim.end and claim.start < end for start, end in pair.spans)
    return False if claims == 1 else None


def _separation(scores: Sequence[float], passed: Sequence[bool], labels: Sequence[bool]) -> dict[str, float]:
    positives = [ok for ok, label in zip(passed, labels, strict=True) if label]
    negatives = [not ok for ok, label in zip(passed, labels, strict=True) if not label]
    nan = float("nan")
    both = bool(positives and negatives)
    right_up, right_down = sum(positives), sum(negatives)
    missed, let_through = len(positives) - right_up, len(negatives) - right_down
    wrong = missed + let_through
    return {
        "auroc": auroc(
            [score for score, label in zip(scores, labels, strict=True) if label],
            [score for score, label in zip(scores, labels, strict=True) if not label],
        ),
        "balanced_accuracy": (right_up / len(positives) + right_down / len(negatives)) / 2 if both else nan,
        "accuracy": (right_up + right_down) / len(labels) if labels else nan,
        "f1": 2 * right_up / (2 * right_up + wrong) if right_up + wrong else nan,
        "f1_unsupported": 2 * right_down / (2 * right_down + wrong) if right_down + wrong else nan,
    }


def _pair(record: dict[str, Any]) -> Pair:
    sources, label, answer = record.get("sources"), record.get("label"), record.get("answer")
    if not isinstance(answer, str):
        raise ValueError('"answer" must be a string')
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise ValueError('"sources" must be a list of texts')
    if label not in (0, 1):
        raise ValueError('"label" must be 1 (supported) or 0 (not)')
    question, name = record.get("question"), identity(record)
    if not isinstance(question, str | None):
        raise ValueError('"question" must be a string')
    group = record.get("group")
    facets = {facet: str(record[facet]) for facet in FACETS if isinstance(record.get(facet), str | int)}
    return Pair(
        name, answer, tuple(sources), bool(label), question, _spans(record, answer),
        name if group is None else str(group), facets,
    )  # fmt: skip


def _spans(record: dict[str, Any], answer: str) -> tuple[tuple[int, int], ...] | None:
    """None where there are none: an answer that is not supported and has no stretch marked was not annotated."""
    try:
        spans = tuple((int(span["start"]), int(span["end"])) for span in record.get("spans") or ())
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError('"spans" must be a list of {"start", "end"}') from error
    if any(not 0 <= start < end <= len(answer) for start, end in spans):
        raise ValueError('"spans" must lie within "answer"')
    return spans or None


def _verdict(record: dict[str, Any]) -> tuple[str, Checked]:
    score, doubted = record.get("score"), record.get("low_confidence")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError('"score" must be a number from 0 to 1')
    if not isinstance(doubted, bool | None):
        raise ValueError('"low_confidence" must be true or false')
    given = record.get("claims") or []
    try:
        claims = tuple(_claim(claim) for claim in given if claim["verdict"] != "not_a_claim")
    except (KeyError, TypeError) as error:
        raise ValueError('"claims" are not as `cuecard check --pairs` writes them') from error
    return identity(record), Checked(score, score >= 0.5 if doubted is None else not doubted, claims)


def _claim(claim: Mapping[str, Any]) -> CheckedClaim:
    types = tuple(check["name"] for check in claim["checks"])
    return CheckedClaim(claim["start"], claim["end"], claim["score"], claim["verdict"] == "supported", types)
