"""One sentence of a language model held against the sources: what of it may be shown, and what it cites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from answering.answers import Claim, GivenSource
from answering.generate import citations
from answering.generate.stats import GenerationStats
from answering.ground.passages import content_stems
from answering.ports import Checker

Word = Literal["shown", "refused", "chatter"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What became of one sentence. `gap`: the white space before it.

    `text`: with its true citations where it is `shown`, without any where it was `refused`; `chatter` claims nothing
    and is left out. `claims`: their offsets count from the sentence's beginning. `cites`: markers, each once.
    `invented`: citations of sources that do not exist, which were taken out.
    """

    word: Word
    text: str
    gap: str = ""
    claims: tuple[Claim, ...] = ()
    cites: tuple[int, ...] = ()
    invented: int = 0


class Judge:
    """Judges the sentences of one answer. `texts`: what each marker's source says."""

    def __init__(self, checker: Checker, question: str, texts: Mapping[int, str], stats: GenerationStats) -> None:
        self._checker, self._question, self._texts, self._stats = checker, question, texts, stats
        self._known = frozenset(content_stems(" ".join((question, *texts.values()))))
        self._addresses = frozenset(a for text in texts.values() for a in citations.far(text))

    def judge(self, raw: str, gap: str = "") -> Sentence:
        """What may be shown of a sentence as the model wrote it. Raises ModelError where nothing can be checked.

        It is held against the sources that it cites; where those don't support it, against all of them, and the one
        that does is cited instead.
        """
        written = citations.usual(raw.strip())
        marks = citations.cited(written)
        real = [m for m in marks if m in self._texts]
        pretended = citations.pretended(written)
        invented = len(marks) - len(real) + pretended
        self._stats.count("citations_invented", invented)
        text = citations.bare(written).strip()
        if not any(c.isalnum() for c in text):
            return Sentence("chatter", "", gap, invented=invented)
        self._stats.count("sentences")
        if citations.far(text) - self._addresses:
            self._stats.count("citations_invented")
            return Sentence("refused", text, gap, invented=invented + 1)
        claims = self._claims(text, real)
        if not any(c.verdict != "not_a_claim" for c in claims):
            leads = text.endswith(":") and self._known.issuperset(content_stems(text))
            return Sentence("shown" if leads else "chatter", text, gap, claims if leads else (), invented=invented)
        if not (real and _supported(claims)):
            claims = self._claims(text, list(self._texts))
            if not _supported(claims):
                return Sentence("refused", text, gap, invented=invented)
            self._stats.count("citations_mismatched" if real else "citations_missing")
            real = list(dict.fromkeys(m for c in claims for m in c.sources))
        cites = self._needed(text, real)
        return Sentence("shown", citations.with_marks(text, cites), gap, claims, cites, invented)

    def _needed(self, text: str, markers: Sequence[int]) -> tuple[int, ...]:
        """Of several sources those that say it alone, else all of them: together they do."""
        if len(markers) < 2:
            return tuple(markers)
        return tuple(m for m in markers if _supported(self._claims(text, [m]))) or tuple(markers)

    def _claims(self, text: str, markers: Sequence[int]) -> tuple[Claim, ...]:
        given = [GivenSource(str(m), self._texts[m]) for m in markers]
        claims = self._checker.check(text, given, self._question).claims
        return tuple(replace(c, sources=tuple(markers[place - 1] for place in c.sources)) for c in claims)


def _supported(claims: Sequence[Claim]) -> bool:
    return all(c.verdict in ("supported", "not_a_claim") for c in claims)
