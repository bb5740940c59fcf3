"""The grounding checker: is each claim of a text supported by its sources?

Named, deterministic checks and a learned verifier, weighed into one score; no language model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from answering import logistic
from answering.answers import CheckReport, Claim, GivenSource, Reason, Verdict
from answering.ground.checks import Case, Finding, findings
from answering.ground.claims import Piece, split
from answering.ground.evidence import claim_text, evidence
from answering.ground.facts import facts
from answering.ground.features import VERIFIER, features
from answering.ground.lexicon import lexicon
from answering.ground.passages import Passage, best_window, content_stems, passage
from answering.ground.verifier import Verifier, find_verifier
from answering.ground.words import plain, words
from answering.ports import CitedStretch, MarkedSource
from answering.segment import CITATION
from ingest.errors import ModelError

WEIGHTS = Path(__file__).with_name("weights.json")
CHECKS_ALONE = Path(__file__).with_name("checks_alone.json")
# Checks whose disagreement with an otherwise matching stretch turns a claim into its opposite.
DECISIVE = frozenset({"numbers", "dates", "versions", "complexity", "negation", "identifiers", "entities"})
# Things that a source either states or does not: a claim with one that no source states is not fully supported.
EXACT = frozenset({"numbers", "dates", "versions", "identifiers", "complexity", "quotes", "conditions"})
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
MOST_READ = 100
"""Claims of one text that the verifier reads, about a second of work; the named checks alone judge what comes after."""

_ENDS = re.compile(r"[.!?](?=\s|$)|\n\s*\n|\n\s*(?:[-*+•|#]|\d{1,3}[.)]\s)")
_SENTENCE = 400  # characters on either side in which the rest of a sentence is looked for


@dataclass(frozen=True, slots=True)
class _Read:
    """A piece of a text with what its sources hold for it. `case` is None for what claims nothing.

    `verbatim`: the source in which it stands word for word. `question`: content stems that need no support.
    """

    piece: Piece
    sources: Sequence[MarkedSource]
    case: Case | None = None
    found: tuple[Finding, ...] = ()
    verbatim: int | None = None
    question: Collection[str] = ()

    @property
    def open(self) -> bool:
        """Whether the verifier has to read it."""
        return self.case is not None and self.verbatim is None and bool(self.case.passages)


class Checker:
    """Checks texts against sources. Holds no state but its models; safe to use from several threads."""

    def __init__(
        self,
        model: logistic.Logistic | None = None,
        verifier: Verifier | None = None,
        checks_alone: logistic.Logistic | None = None,
    ) -> None:
        """`model`: weights over `ground.features`, `checks_alone`: those for when the verifier fails; the shipped ones
        where None. A `model` that has no feature `verifier` never asks one. Raises ModelError.
        """
        self._model = model or logistic.load(WEIGHTS)
        self._alone = checks_alone or (model if model and VERIFIER not in model.features else None)
        self._verifier = verifier or find_verifier("")

    @property
    def threshold(self) -> float:
        """The score from which a claim counts as supported, 0..1."""
        return self._model.threshold

    def check(self, answer: str, sources: Sequence[GivenSource], question: str | None = None) -> CheckReport:
        """Check any text against any sources; every claim may rest on any of them.

        The weakest claim decides the score. Markers in claims' `sources` are 1-based places in `sources`. Where the
        verifier can't be used, the named checks alone decide, and the reasons say so.
        """
        marked = [MarkedSource(i, source.text) for i, source in enumerate(sources, 1)]
        read = _read(answer, 0, len(answer), marked, _stems(question))
        reasons: tuple[Reason, ...] = ()
        try:
            claims, threshold = self._judged(read, self._read_by_verifier(read), self._model), self.threshold
        except ModelError:
            alone = self._alone or logistic.load(CHECKS_ALONE)
            claims, threshold = self._judged(read, {}, alone), alone.threshold
            reasons = ("checker_unavailable",)
        score = weakest(claims)
        reasons = (*reasons, *claim_reasons(claims))
        if claims and not sources:
            reasons = ("no_sources", *reasons)
        return CheckReport(score, bool(reasons) or score < threshold, reasons, claims)

    def check_cited(
        self,
        answer: str,
        sources: Sequence[MarkedSource],
        cited: Sequence[CitedStretch],
        question: str | None = None,
    ) -> tuple[Claim, ...]:
        """Check an answer whose stretches cite one source each.

        A claim lies in one stretch and is held against its source; what no stretch has, against all sources. Raises
        ModelError where there is a claim that the verifier has to read, and it can't be used.
        """
        stems = _stems(question)
        read: list[_Read] = []
        at = 0
        for stretch in sorted(cited, key=lambda c: c.start):
            own = [source for source in sources if source.marker == stretch.marker]
            read += _read(answer, at, stretch.start, sources, stems)
            quoted = any(plain(answer[stretch.start : stretch.end]) == plain(source.text) for source in own)
            read += _read(answer, max(at, stretch.start), stretch.end, own, stems, quoted=quoted)
            at = max(at, stretch.end)
        read += _read(answer, at, len(answer), sources, stems)
        return self._judged(read, self._read_by_verifier(read), self._model)

    def _read_by_verifier(self, read: Sequence[_Read]) -> dict[int, float]:
        """The verifier's probability of each open claim, by its place; all are read at once."""
        if VERIFIER not in self._model.features:
            return {}
        pairs: dict[int, tuple[str, str]] = {}
        for i, each in enumerate(read):
            if each.open and each.case is not None and len(pairs) < MOST_READ:
                pairs[i] = (claim_text(each.piece.text), evidence(each.case.claim, each.case.passages))
        if not pairs:
            return {}
        distinct = list(dict.fromkeys(pairs.values()))
        said = dict(zip(distinct, self._verifier.probabilities(distinct), strict=True))
        return {i: said[pair] for i, pair in pairs.items()}

    def _judged(
        self, read: Sequence[_Read], verified: Mapping[int, float], model: logistic.Logistic
    ) -> tuple[Claim, ...]:
        return tuple(self._claim(each, verified.get(i), model) for i, each in enumerate(read))

    def _claim(self, read: _Read, verified: float | None, model: logistic.Logistic) -> Claim:
        piece, sources, case = read.piece, read.sources, read.case
        if case is None:
            shown = tuple(m for m in piece.markers if any(s.marker == m for s in sources))
            return Claim(piece.text, piece.start, piece.end, "not_a_claim", NOTHING_TO_CHECK, shown)
        if read.verbatim is not None:
            checks = tuple(Finding(f.name, f.looked).check for f in read.found)
            marker = (sources[read.verbatim].marker,)
            return Claim(piece.text, piece.start, piece.end, "supported", 1.0, marker, checks)
        score = model.probability(features(case, read.found, read.question, verified)) if case.passages else 0.0
        if any(f.name in EXACT and f.missing for f in read.found):
            score = min(score, MISSING_SHARE * model.threshold)
        verdict = _verdict(score, model.threshold)
        if case.coverage >= MATCHING and any(_disagrees(f) for f in read.found):
            verdict, score = "contradicted", min(score, CONTRADICTED_SCORE)
        deciding = (sources[case.window.source].marker,) if case.window else ()
        checks = tuple(f.check for f in read.found)
        return Claim(piece.text, piece.start, piece.end, verdict, round(score, 4), deciding, checks)


def _read(
    answer: str,
    start: int,
    end: int,
    sources: Sequence[MarkedSource],
    question: Collection[str],
    *,
    quoted: bool = False,
) -> list[_Read]:
    """The pieces of `answer[start:end]`, with their places in the whole answer, beside these sources.

    `quoted`: the stretch is a source from its first word to its last, so that nothing around a piece is left out.
    """
    passages = [passage(source.text) for source in sources]
    found = []
    for cut in split(answer[start:end]):
        piece = replace(cut, start=cut.start + start, end=cut.end + start)
        if not piece.claims:
            found.append(_Read(piece, sources))
            continue
        window = best_window(content_stems(piece.text), passages)
        case = Case(piece.text, facts(piece.text), passages, window)
        seen = tuple(findings(case))
        limited = not quoted and any(f.name == "conditions" and f.missing for f in seen)
        verbatim = None if limited else _verbatim(piece.text, passages, whole=quoted)
        found.append(_Read(piece, sources, case, seen, verbatim, question))
    return found


def _verdict(score: float, threshold: float) -> Verdict:
    if score >= threshold:
        return "supported"
    return "partial" if score >= PARTIAL_SHARE * threshold else "unsupported"


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


def _verbatim(claim: str, passages: Sequence[Passage], *, whole: bool) -> int | None:
    """The source in which the claim stands word for word, Markdown and white space aside.

    Half a sentence of a source is not enough where the other half says under which circumstances it holds, unless the
    `whole` source is said.
    """
    literal = CITATION.sub("", claim).strip()
    wanted = plain(claim).rstrip(" .;:,")
    if not wanted:
        return None
    for number, source in enumerate(passages):
        at = source.text.find(literal) if len(literal) >= LITERAL else -1
        if at != -1 and (whole or not _qualified(source.text, at, at + len(literal))):
            return number
        at = source.plain.find(wanted)
        while at != -1:
            end = at + len(wanted)
            apart = not source.plain[at - 1 : at].isalnum() and not source.plain[end : end + 1].isalnum()
            if apart and (whole or not _qualified(source.plain, at, end)):
                return number
            at = source.plain.find(wanted, at + 1)
    return None


def _qualified(text: str, start: int, end: int) -> bool:
    """Whether the rest of the sentence around `text[start:end]` limits it: "if", "unless", "it is not true that"."""
    before = _ENDS.split(text[max(0, start - _SENTENCE) : start])[-1]
    # a claim that ends with its sentence has nothing after it
    after = "" if text[start:end].rstrip()[-1:] in ".!?" else _ENDS.split(text[end : end + _SENTENCE])[0]
    return not lexicon().qualifiers.isdisjoint(words(f"{before} {after}"))
