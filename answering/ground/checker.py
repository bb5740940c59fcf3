"""The grounding checker: is each claim of a text supported by its sources? Deterministic, no language model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from answering import logistic
from answering.answers import CheckReport, Claim, GivenSource, Reason, Verdict
from answering.ground.checks import Case, Finding, findings
from answering.ground.claims import Piece, split
from answering.ground.facts import facts
from answering.ground.features import features
from answering.ground.passages import Passage, best_window, content_stems, passage
from answering.ground.words import plain
from answering.ports import CitedStretch, MarkedSource
from answering.segment import CITATION

WEIGHTS = Path(__file__).with_name("weights.json")
# Checks whose disagreement with an otherwise matching stretch turns a claim into its opposite.
DECISIVE = frozenset({"numbers", "dates", "versions", "complexity", "negation", "identifiers"})
# Things that a source either states or does not: a claim with one that no source states is not fully supported.
EXACT = frozenset({"numbers", "dates", "versions", "identifiers", "complexity", "quotes"})
# "Otherwise matching": two thirds of the claim's content words stand in the window, so that one exchanged word in a
# sentence of five to ten stands out. Chosen by hand.
MATCHING = 0.66
# A contradicted claim is worth no more than this, however well its other words match.
CONTRADICTED_SCORE = 0.1
# Share of the supported threshold from which a claim is half supported. Chosen by hand.
PARTIAL_SHARE = 0.7
# Share of the supported threshold that a claim with an unstated exact thing reaches at most: it is partial at best.
MISSING_SHARE = 0.9
# Characters from which a stretch that a source has letter for letter needs no word boundaries around it.
LITERAL = 20
NOTHING_TO_CHECK = 1.0


class Checker:
    """Checks texts against sources. Holds no state but its weights; safe to use from several threads."""

    def __init__(self, model: logistic.Logistic | None = None) -> None:
        """`model`: weights over `ground.features`; those that ship with the package where None. Raises ModelError."""
        self._model = model or logistic.load(WEIGHTS)

    @property
    def threshold(self) -> float:
        """The score from which a claim counts as supported, 0..1."""
        return self._model.threshold

    def check(self, answer: str, sources: Sequence[GivenSource], question: str | None = None) -> CheckReport:
        """Check any text against any sources; every claim may rest on any of them.

        The weakest claim decides the score. Markers in claims' `sources` are 1-based places in `sources`.
        """
        marked = [MarkedSource(i, source.text) for i, source in enumerate(sources, 1)]
        claims = tuple(self._claims(answer, 0, len(answer), marked, question))
        score = weakest(claims)
        reasons = claim_reasons(claims)
        if claims and not sources:
            reasons = ("no_sources", *reasons)
        return CheckReport(score, bool(reasons) or score < self.threshold, reasons, claims)

    def check_cited(
        self,
        answer: str,
        sources: Sequence[MarkedSource],
        cited: Sequence[CitedStretch],
        question: str | None = None,
    ) -> tuple[Claim, ...]:
        """Check an answer whose stretches cite one source each.

        A claim lies in one stretch and is held against its source; what no stretch has, against all sources.
        """
        claims: list[Claim] = []
        at = 0
        for stretch in sorted(cited, key=lambda c: c.start):
            own = [source for source in sources if source.marker == stretch.marker]
            claims += self._claims(answer, at, stretch.start, sources, question)
            claims += self._claims(answer, max(at, stretch.start), stretch.end, own, question)
            at = max(at, stretch.end)
        return (*claims, *self._claims(answer, at, len(answer), sources, question))

    def _claims(
        self, answer: str, start: int, end: int, sources: Sequence[MarkedSource], question: str | None
    ) -> list[Claim]:
        """The claims of `answer[start:end]`, with their places in the whole answer."""
        pieces = split(answer[start:end])
        moved = [replace(p, start=p.start + start, end=p.end + start) for p in pieces]
        return [self._claim(piece, sources, _stems(question)) for piece in moved]

    def _claim(self, piece: Piece, sources: Sequence[MarkedSource], question: Collection[str]) -> Claim:
        if not piece.claims:
            shown = tuple(m for m in piece.markers if any(s.marker == m for s in sources))
            return Claim(piece.text, piece.start, piece.end, "not_a_claim", NOTHING_TO_CHECK, shown)
        passages = [passage(source.text) for source in sources]
        verbatim = _verbatim(piece.text, passages)
        window = best_window(content_stems(piece.text), passages)
        case = Case(piece.text, facts(piece.text), passages, window)
        if verbatim is not None:
            checks = tuple(Finding(f.name, f.looked).check for f in findings(case))
            marker = (sources[verbatim].marker,)
            return Claim(piece.text, piece.start, piece.end, "supported", 1.0, marker, checks)
        found = findings(case)
        score = self._model.probability(features(case, found, question)) if passages else 0.0
        if any(f.name in EXACT and f.missing for f in found):
            score = min(score, MISSING_SHARE * self.threshold)
        verdict: Verdict = self._verdict(score)
        if case.coverage >= MATCHING and any(_disagrees(f) for f in found):
            verdict, score = "contradicted", min(score, CONTRADICTED_SCORE)
        deciding = (sources[window.source].marker,) if window else ()
        checks = tuple(f.check for f in found)
        return Claim(piece.text, piece.start, piece.end, verdict, round(score, 4), deciding, checks)

    def _verdict(self, score: float) -> Verdict:
        if score >= self.threshold:
            return "supported"
        return "partial" if score >= PARTIAL_SHARE * self.threshold else "unsupported"


def _disagrees(finding: Finding) -> bool:
    return finding.name in DECISIVE and bool(finding.opposed or (finding.missing and finding.name == "identifiers"))


def weakest(claims: Sequence[Claim]) -> float:
    """The score of the weakest claim; 1 where there is nothing to check."""
    return min((c.score for c in claims if c.verdict != "not_a_claim"), default=NOTHING_TO_CHECK)


def claim_reasons(claims: Sequence[Claim]) -> tuple[Reason, ...]:
    """Why a text with these claims is not to be trusted as it stands; empty where every claim is supported."""
    verdicts = {c.verdict for c in claims}
    reasons: list[Reason] = []
    if verdicts & {"unsupported", "partial"}:
        reasons.append("unsupported_claim")
    if "contradicted" in verdicts:
        reasons.append("contradicted_claim")
    return tuple(reasons)


def _stems(question: str | None) -> frozenset[str]:
    return frozenset(content_stems(question)) if question else frozenset()


def _verbatim(claim: str, passages: Sequence[Passage]) -> int | None:
    """The source in which the claim stands word for word, Markdown and white space aside."""
    literal = CITATION.sub("", claim).strip()
    wanted = plain(claim).rstrip(" .;:,")
    if not wanted:
        return None
    for number, source in enumerate(passages):
        if literal in source.text and len(literal) >= LITERAL:
            return number
        at = source.plain.find(wanted)
        while at != -1:
            end = at + len(wanted)
            if not source.plain[at - 1 : at].isalnum() and not source.plain[end : end + 1].isalnum():
                return number
            at = source.plain.find(wanted, at + 1)
    return None
