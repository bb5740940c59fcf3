"""Whether two texts say the same thing or its opposite: negation, opposite words, degrees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from answering.ground.lexicon import lexicon
from answering.ground.words import is_content, stem

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?|[,;:.!?()\n]")
_SCOPE = 5  # words after a negator that it can turn, at most, within the clause


@dataclass(frozen=True, slots=True)
class Polarity:
    """The words of a text, and the stems of its content words that stand under a negation and those that don't."""

    words: frozenset[str]
    negated: frozenset[str]
    affirmed: frozenset[str]


@lru_cache(maxsize=4096)
def polarity(text: str) -> Polarity:
    """Read a text's polarity word by word; a negator reaches to the end of its clause, at most five words."""
    seen: set[str] = set()
    negated: set[str] = set()
    affirmed: set[str] = set()
    reach = 0
    for token in _TOKEN.findall(text.lower()):
        if not token[0].isalnum():
            reach = 0
            continue
        word = token.replace("’", "'")
        seen.add(word)
        if word in lexicon().negators or word.endswith("n't"):
            reach = _SCOPE
        elif word == "but":
            reach = 0
        elif is_content(word):
            (negated if reach > 0 else affirmed).add(stem(word))
            reach -= 1
        else:
            reach -= 1
    return Polarity(frozenset(seen), frozenset(negated), frozenset(affirmed))


def turned(claim: Polarity, source: Polarity) -> list[str]:
    """Stems that one side negates and the other only affirms."""
    lost = (claim.negated & source.affirmed) - source.negated
    gained = (source.negated & claim.affirmed) - claim.negated
    return sorted(lost | gained)


def opposites(claim: Polarity, source: Polarity) -> list[tuple[str, str]]:
    """(word of the claim, word of the source) that mean the contrary, where neither text has both.

    A pair of which exactly one side is negated ("not asynchronous", "synchronous") says the same and is left out.
    """
    found = []
    for word in sorted(claim.words - source.words):
        for other in sorted((_opposites(word) & source.words) - claim.words):
            same_side = (stem(word) in claim.negated) == (stem(other) in source.negated)
            if same_side and not _has_ally(word, other, source):
                found.append((word, other))
                break
    return found


def _has_ally(word: str, other: str, source: Polarity) -> bool:
    """The source also has a word that means much the same as the claim's: it speaks of both sides."""
    return any(ally in source.words for ally in _opposites(other) if ally != word and stem(ally) == stem(word))


@lru_cache(maxsize=16384)
def _opposites(word: str) -> frozenset[str]:
    listed = lexicon().opposites.get(word, frozenset())
    if not is_content(word) or len(word) < 5:
        return listed
    taken = {word.removeprefix(p) for p in lexicon().prefixes if word.startswith(p) and len(word) - len(p) >= 5}
    return listed | taken | {p + word for p in lexicon().prefixes}


def strong_words(claim: Polarity) -> frozenset[str]:
    """The absolutes and superlatives of a text."""
    return claim.words & (lexicon().absolutes | lexicon().superlatives)


def degrees(claim: Polarity, source: Polarity) -> list[str]:
    """Absolutes and superlatives of the claim ("always", "the fastest") that the source does not have."""
    have = {stem(w) for w in source.words}
    return sorted(w for w in strong_words(claim) if w not in source.words and stem(w) not in have)
