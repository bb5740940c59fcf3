"""Deterministic checks of one claim against its sources, by name. A check with nothing to look at is not listed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from answering.answers import Check
from answering.ground.facts import Fact, Facts
from answering.ground.passages import Passage, Window, content_stems
from answering.ground.polarity import Polarity, degrees, opposites, polarity, strong_words, turned
from answering.ground.quantities import Date
from answering.ground.substitutions import Substitution, left_out, said_again, substitutions
from answering.ground.words import stem

ELSEWHERE = 0.3  # a number taken from a sentence that shares this much less with the claim than the window is misplaced

REPEATED = 0.85  # share, both ways, from which claim and sentence are the same but for a word or two
SIMILAR = 0.5  # the same, from which it is looked at word by word
RESTATED = 0.6  # share of a sentence's content words from which a claim is taken to say that sentence again


_CONDITION = re.compile(
    r"\b(?:only if|only when|if|when(?:ever)?|unless|until|provided that|as long as|except when|in case)\b"
    r"[^,;:.()!?]{4,160}",
    re.IGNORECASE,
)
_APART = re.compile(r"[;:]\s")
LEFT_OUT = 0.34  # share of a condition's content words up to which a claim leaves the condition out
TOUCHED = 0.1  # share of a sentence's content words from which its conditions are looked at: they may be most of it
KEPT = 0.75  # share of the rest of its sentence from which the claim says that sentence again


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw. `looked`: how many things. `missing`: those that no source states.

    `opposed`: those where the window that matches the claim says something else in the same place.
    """

    name: str
    looked: int
    missing: tuple[str, ...] = ()
    opposed: tuple[str, ...] = ()

    @property
    def check(self) -> Check:
        """The finding as an answer shows it."""
        detail = [f"not in the sources: {', '.join(self.missing)}"] if self.missing else []
        detail += [f"the source says otherwise: {', '.join(self.opposed)}"] if self.opposed else []
        return Check(self.name, not self.missing and not self.opposed, "; ".join(detail))


@dataclass(frozen=True)
class Case:
    """One claim beside its sources. `window`: the stretch that matches it best, None where nothing does."""

    claim: str
    facts: Facts
    passages: Sequence[Passage]
    window: Window | None

    @cached_property
    def window_text(self) -> str:
        """The text of the window, empty where there is none."""
        if self.window is None:
            return ""
        return self.passages[self.window.source].text[self.window.start : self.window.end]

    @cached_property
    def near(self) -> Facts:
        """The facts of the window."""
        if self.window is None:
            return Facts()
        return self.passages[self.window.source].facts.between(self.window.start, self.window.end)

    @property
    def coverage(self) -> float:
        """The share of the claim's content words in the window, 0..1."""
        return self.window.coverage if self.window else 0.0

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(content_stems(self.claim))

    def shared(self, source: Passage, at: int) -> float:
        """The share of the claim's content words in the sentence of a source that holds this place, 0..1."""
        number = max(0, bisect_right(source.starts, at) - 1)
        return len(self._stems & set(source.stems[number])) / max(1, len(self._stems))

    def restated(self, share: float) -> Iterator[str]:
        """The sentences of the window of whose content words the claim has at least this share."""
        if self.window is None:
            return
        source = self.passages[self.window.source]
        for i in range(self.window.first, self.window.last + 1):
            stems, (start, end) = set(source.stems[i]), source.spans[i]
            if len(stems & self._stems) >= share * len(stems) > 0:
                yield source.text[start:end]

    @cached_property
    def substitutions(self) -> tuple[Substitution, ...]:
        """What the claim has in the place of other words, in the sentence that it says again."""
        if any(self.claim in source.text for source in self.passages):
            return ()
        said = dict.fromkeys([*self.restated(SIMILAR), self.window_text, *self._elsewhere()])
        told = (substitutions(self.claim, sentence) for sentence in said)
        return min((t for t in told if t is not None), key=len, default=())

    def _elsewhere(self) -> Iterator[str]:
        """Sentences of any source that share half of their content words and of the claim's."""
        for source in self.passages:
            shared: Counter[int] = Counter()
            for stem_ in self._stems:
                shared.update(source.places.get(stem_, ()))
            for i, count in shared.items():
                if count >= SIMILAR * max(len(self._stems), len(set(source.stems[i]))):
                    start, end = source.spans[i]
                    yield source.text[start:end]

    @cached_property
    def polarities(self) -> tuple[Polarity, Polarity]:
        """Of the claim, and of the window."""
        return polarity(self.claim), polarity(self.window_text)


def findings(case: Case) -> list[Finding]:
    """What every check that has something to look at found, in a fixed order."""
    found = (
        _numbers(case),
        _dates(case),
        _versions(case),
        _identifiers(case),
        _complexity(case),
        _entities(case),
        _quotes(case),
        _negation(case),
        _comparisons(case),
        _conditions(case),
    )
    return [f for f in found if f is not None]


def _numbers(case: Case) -> Finding | None:
    """Amounts must stand in the window, or in a sentence that speaks of the claim about as much."""
    wanted = case.facts.numbers
    missing, opposed = [], [f"{s.mine} against {s.theirs}" for s in case.substitutions if s.kind == "figure"]
    if not wanted and not opposed:
        return None
    for q in wanted:
        if any(q.agrees(n) for n in case.near.numbers) or any(q.text in told for told in opposed):
            continue
        elsewhere = max(
            (case.shared(p, n.start) for p in case.passages for n in p.facts.numbers if q.agrees(n)), default=None
        )
        rivals = [n for n in case.near.numbers if q.rivals(n) and not any(n.agrees(w) for w in wanted)]
        if rivals and (elsewhere is None or elsewhere < case.coverage - ELSEWHERE):
            opposed.append(f"{q.text} against {rivals[0].text}")
        elif elsewhere is None and not (q.spelled and not q.dimension):
            missing.append(q.text)
    return Finding("numbers", max(1, len(wanted)), tuple(missing), tuple(opposed))


def _dates(case: Case) -> Finding | None:
    wanted = case.facts.dates
    if not wanted:
        return None
    missing, opposed = [], []
    for date in wanted:
        if date.agrees(case.near.dates):
            continue
        rivals = [d for d in case.near.dates if _same_parts(date, d) and not d.agrees(wanted)]
        if rivals:
            opposed.append(f"{date.text} against {rivals[0].text}")
        elif not date.agrees([d for p in case.passages for d in p.facts.dates]):
            missing.append(date.text)
    return Finding("dates", len(wanted), tuple(missing), tuple(opposed))


def _same_parts(one: Date, other: Date) -> bool:
    return (one.year is None, one.month is None) == (other.year is None, other.month is None)


def _versions(case: Case) -> Finding | None:
    def stated(fact: Fact, text: str) -> bool:
        return re.search(rf"(?<![\d.]){re.escape(fact.key)}(?!\d)", text) is not None

    return _by_text("versions", case.facts.versions, case, stated, rivals=case.near.versions)


def _identifiers(case: Case) -> Finding | None:
    def stated(fact: Fact, text: str) -> bool:
        parts = fact.text.strip("`").removesuffix("()").split()
        bare = r"\s*".join(re.escape(part) for part in parts)
        return re.search(rf"(?<!\w){bare}(?!\w)", text, re.IGNORECASE) is not None

    return _by_text("identifiers", case.facts.identifiers, case, stated)


def _complexity(case: Case) -> Finding | None:
    wanted, near = case.facts.complexity, {f.key for f in case.near.complexity}
    if not wanted:
        return None
    keys = {f.key for p in case.passages for f in p.facts.complexity}
    off = [f for f in wanted if f.key not in near]
    claimed = {f.key for f in wanted}
    opposed = [f.text for f in off if near - claimed]
    missing = [f.text for f in off if not near - claimed and f.key not in keys]
    return Finding("complexity", len(wanted), tuple(missing), tuple(opposed))


def _entities(case: Case) -> Finding | None:
    names = [f for f in case.facts.names if not _is_code(f, case.facts.identifiers)]
    if not names:
        return None
    missing = [f.text for f in names if not any(_named(f.key, p) for p in case.passages)]
    opposed = [f"{s.mine} against {s.theirs}" for s in case.substitutions if s.kind == "name"]
    return Finding("entities", len(names), tuple(dict.fromkeys(missing)), tuple(opposed))


def _is_code(name: Fact, code: Iterable[Fact]) -> bool:
    return any(c.start <= name.start < c.start + len(c.text) for c in code)


def _named(key: str, source: Passage) -> bool:
    """The name, its parts, or its stem stand in the source; an acronym also as the initials of words in a row."""
    if key in source.words or stem(key) in source.places:
        return True
    parts = re.split(r"[^\w]+", key)
    if len(parts) > 1 and all(p in source.words for p in parts if p):
        return True
    return key.isalpha() and 2 <= len(key) <= 5 and key in source.initials


def _quotes(case: Case) -> Finding | None:
    def stated(fact: Fact, text: str) -> bool:
        return fact.key in re.sub(r"\W+", " ", text.lower())

    return _by_text("quotes", [f for f in case.facts.quotes if " " in f.key], case, stated)


def _by_text(
    name: str, wanted: Sequence[Fact], case: Case, stated: Callable[[Fact, str], bool], rivals: Sequence[Fact] = ()
) -> Finding | None:
    if not wanted:
        return None
    off = [f for f in wanted if not any(stated(f, p.text) for p in case.passages)]
    claimed = {f.key for f in wanted}
    others = [r.text for r in rivals if r.key not in claimed]
    if others:
        return Finding(name, len(wanted), (), tuple(f"{f.text} against {others[0]}" for f in off))
    return Finding(name, len(wanted), tuple(f.text for f in off))


def _negation(case: Case) -> Finding | None:
    """What one side negates, and opposite words (increase, decrease), where claim and window share surroundings.

    That the claim leaves out a negation of the source counts only for a sentence that it restates as a whole.
    """
    claim, source = case.polarities
    pairs = list(
        dict.fromkeys(
            [*opposites(claim, source), *((s.mine, s.theirs) for s in case.substitutions if s.kind == "opposite")]
        )
    )
    if case.window is None or not (claim.negates or source.negates or pairs):
        return None
    dropped = [word for sentence in case.restated(RESTATED) for word in turned(polarity(sentence), claim)]
    told = [f"{mine} against {theirs}" for mine, theirs in pairs]
    found = [*dict.fromkeys([*turned(claim, source), *dropped]), *told]
    if not found and (differing := _negators(case)):
        found = [differing]
    return Finding("negation", 1, (), tuple(found))


def _negators(case: Case) -> str:
    """Where a claim says one sentence again almost word for word: how differently often the two negate."""
    if case.coverage < REPEATED or case.window is None or case.window.first != case.window.last:
        return ""
    claim, source = case.polarities
    if claim.negations == source.negations or not any(case.restated(REPEATED)):
        return ""
    return f"{claim.negations} negations against {source.negations}"


def _comparisons(case: Case) -> Finding | None:
    """Absolutes and superlatives: "always", "the fastest", "only"."""
    claim, source = case.polarities
    strong = strong_words(claim)
    return Finding("comparisons", len(strong), tuple(degrees(claim, source))) if strong else None


def _conditions(case: Case) -> Finding | None:
    """A claim that says a sentence again without its "if ...": what held sometimes is said to hold always.

    Shares by hand: high enough that a claim which only touches on the sentence is not held to its conditions.
    """
    said = set(content_stems(case.claim))
    looked = 0
    missing: list[str] = []
    for sentence in case.restated(TOUCHED):
        if sentence.rstrip().endswith("?") or not said_again(case.claim, sentence):
            continue
        if without := left_out(case.claim, sentence):
            looked += len(without)
            missing += without
            continue
        for clause, around in _conditional(sentence):
            limits = set(content_stems(clause))
            rest = set(content_stems(around)) - limits
            if not limits or len(rest) < 2 or len(rest & said) < KEPT * len(rest):
                continue
            looked += 1
            if len(limits & said) <= LEFT_OUT * len(limits):
                missing.append(" ".join(clause.split()))
    return Finding("conditions", looked, missing=tuple(missing)) if looked else None


def _conditional(sentence: str) -> Iterator[tuple[str, str]]:
    """Each "if ..." of a sentence, and what else its part of the sentence says."""
    for part in _APART.split(sentence):
        for clause in _CONDITION.finditer(part):
            yield clause[0], part[: clause.start()] + " " + part[clause.end() :]
