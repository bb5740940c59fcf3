"""Whether two texts say the same thing or its opposite: negation, opposite words, degrees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from answering.ground.lexicon import lexicon
from answering.ground.words import is_content, stem

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?|[,;:.!?()\n]")
_IDIOM = re.compile(
    r"\b(?:not (?:only|just|merely)|no (?:more|less|fewer|later|doubt|matter))\b"
)  # these negate nothing
_SCOPE = 2  # content words that a negator turns: "does not lock rows" turns lock and rows
_NEAR = 4  # words to either side within which two places must share a word to speak of the same thing
# "immutable", "indirect" are opposites of the rest; "import", "include", "discover" are not: the ending tells
_PREFIXED = re.compile(
    r"(?:un|non-?)(?P<bare>[a-z]{4,})|(?:in|im|ir|il|dis)(?P<adjective>[a-z]{2,}(?:able|ible|ent|ant|ive|al|ous|ect|ar|ity))"
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: `stem` is empty for function words; `negated`: a negator stands before it in its clause."""

    text: str
    stem: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Polarity:
    """A text's words in order, all of them as a set, and how often it negates."""

    words: tuple[Word, ...]
    vocabulary: frozenset[str]
    negations: int

    @property
    def negates(self) -> bool:
        """Whether it negates anything."""
        return self.negations > 0


@lru_cache(maxsize=4096)
def polarity(text: str) -> Polarity:
    """Read a text's polarity word by word; a negator turns the next two content words of its clause."""
    found: list[Word] = []
    reach = negations = 0
    for token in _TOKEN.findall(_IDIOM.sub(" ", text.lower())):
        word = token.replace("’", "'")
        if not token[0].isalnum() or word == "but":
            reach = 0
            continue
        if word in lexicon().negators or word.endswith("n't"):
            reach, negations = _SCOPE, negations + 1
            found.append(Word(word, "", False))
            continue
        content = is_content(word)
        found.append(Word(word, stem(word) if content else "", content and reach > 0))
        reach -= content
    return Polarity(tuple(found), frozenset(w.text for w in found), negations)


def turned(one: Polarity, other: Polarity) -> list[str]:
    """Words that `one` negates and `other` affirms in the same surroundings, and nowhere negates."""
    if not one.negates:
        return []
    settled = {w.stem for w in other.words if w.negated}
    found = []
    for i, word in enumerate(one.words):
        if word.negated and word.stem not in settled:
            places = [j for j, w in enumerate(other.words) if w.stem == word.stem]
            if any(_same_place(one, i, other, j, least=2) and not _softened(other, j) for j in places):
                found.append(word.text)
    return list(dict.fromkeys(found))


def opposites(claim: Polarity, source: Polarity) -> list[tuple[str, str]]:
    """(word of the claim, word of the source) that mean the contrary, in the same surroundings.

    Left out: a pair of which exactly one is negated ("not asynchronous", "synchronous"), and words of which either
    text has both sides.
    """
    found = []
    for i, word in enumerate(claim.words):
        if word.text in source.vocabulary or not (others := contraries(word.text) & source.vocabulary):
            continue
        if others & claim.vocabulary or _spoken_of(word, source):
            continue
        for j, other in enumerate(source.words):
            if other.text in others and word.negated == other.negated and _same_place(claim, i, source, j):
                found.append((word.text, other.text))
                break
    return found


def _same_place(one: Polarity, i: int, other: Polarity, j: int, least: int = 1) -> bool:
    """Whether content words (at least so many) stand near both, besides the words themselves."""
    own = {one.words[i].stem, other.words[j].stem, ""}
    return len((_around(one, i) & _around(other, j)) - own) >= least


def _softened(text: Polarity, at: int) -> bool:
    """Whether a negation, or another word that may stand for one, is near."""
    near = (*text.words[max(0, at - 2 * _NEAR) : at], *text.words[at + 1 : at + _NEAR + 1])
    return text.words[at].negated or any(w.text in lexicon().softeners or w.negated for w in near)


def _around(text: Polarity, at: int) -> set[str]:
    return {w.stem for w in text.words[max(0, at - _NEAR) : at + _NEAR + 1]}


def _spoken_of(word: Word, source: Polarity) -> bool:
    """The source has the claim's word in another form: it speaks of both sides."""
    return bool(word.stem) and any(w.stem == word.stem for w in source.words)


@lru_cache(maxsize=16384)
def contraries(word: str) -> frozenset[str]:
    """The words that mean the contrary of a lower-case one: listed ones, and those that a prefix makes."""
    listed = lexicon().opposites.get(word, frozenset())
    return listed | frozenset(_prefixed(word))


def _prefixed(word: str) -> Iterator[str]:
    if m := _PREFIXED.fullmatch(word):
        yield m.group("bare") or m.group("adjective")
    for prefix in ("un", "non", "in", "im", "ir", "il", "dis"):
        if _PREFIXED.fullmatch(prefix + word):
            yield prefix + word


def strong_words(claim: Polarity) -> frozenset[str]:
    """The absolutes and superlatives of a text."""
    return claim.vocabulary & (lexicon().absolutes | lexicon().superlatives)


def degrees(claim: Polarity, source: Polarity) -> list[str]:
    """Absolutes and superlatives of the claim ("always", "the fastest") that the source does not have."""
    have = {stem(w) for w in source.vocabulary}
    return sorted(w for w in strong_words(claim) if w not in source.vocabulary and stem(w) not in have)
