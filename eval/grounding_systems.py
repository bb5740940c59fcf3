"""The checker's parts by themselves, for `cuecard eval grounding --parts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answering import logistic
from answering.answers import CheckReport, Claim, GivenSource
from answering.ground.checker import CHECKS_ALONE, Checker
from answering.ground.claims import split
from answering.ground.evidence import claim_text, evidence
from answering.ground.passages import passage
from answering.ground.verifier import Verifier
from eval.grounding import Checked, Pair, by_facet, check_all, figures

CHECKS, VERIFIER = "checks alone", "verifier alone"
_EVEN = 0.5


class Remembering:
    """A verifier that is asked for each claim once, however many systems want to know."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._known: dict[tuple[str, str], float] = {}

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """As the port says."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        self._known.update(zip(new, self._verifier.probabilities(new), strict=True))
        return [self._known[pair] for pair in pairs]


class VerifierAlone:
    """A checker that believes the verifier, and looks at nothing else; a claim passes from one half."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def check(self, answer: str, sources: Sequence[GivenSource], question: str | None = None) -> CheckReport:  # noqa: ARG002
        """Check any text against any sources. Raises ModelError."""
        passages = [passage(source.text) for source in sources]
        pieces = [piece for piece in split(answer) if piece.claims]
        read = [(claim_text(piece.text), evidence(piece.text, passages)) for piece in pieces]
        scores = self._verifier.probabilities(read)
        claims = tuple(
            Claim(piece.text, piece.start, piece.end, "supported" if score >= _EVEN else "unsupported", score)
            for piece, score in zip(pieces, scores, strict=True)
        )
        score = min(scores, default=1.0)
        return CheckReport(score, score < _EVEN, (), claims)


def parts(verifier: Verifier, pairs: Sequence[Pair]) -> dict[str, dict[str, Checked]]:
    """What each part by itself says of the pairs."""
    return {
        CHECKS: check_all(Checker(logistic.load(CHECKS_ALONE)), pairs),
        VERIFIER: check_all(VerifierAlone(verifier), pairs),
    }


def summary_of(pairs: Sequence[Pair], said: Mapping[str, Mapping[str, Checked]]) -> dict[str, dict[str, object]]:
    """Part -> set of pairs -> figures; "all" for all of them."""
    found: dict[str, dict[str, object]] = {}
    for name, checked in said.items():
        sets = by_facet(pairs, checked).get("set") or by_facet(pairs, checked).get("type") or {}
        found[name] = {"all": figures(pairs, checked), **sets}
    return found
