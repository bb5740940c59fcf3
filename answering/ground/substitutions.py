"""Words that a claim has in the place of others, where it says a sentence of its source again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from answering.ground.facts import facts
from answering.ground.lexicon import lexicon
from answering.ground.polarity import contraries
from answering.ground.words import WORD, is_content, stem
from answering.segment import CITATION

# A claim says a sentence again where this share of its words stands there in the same order, and it has as many words.
# By hand: with one word in four exchanged, the claims of `eval perturb` still count, and paraphrases hardly ever do.
AGAIN, FEWEST = 0.75, 4
LONGEST = 3
"""Words of an exchange, on either side: what is longer is another way of saying it."""

_ALIKE = 3  # letters with which two spellings of a name begin: "Postgres", "PostgreSQL"
_MARKER = re.compile(r"(?m)^[ \t]*\(?\d{1,3}[.)](?=\s)")


@dataclass(frozen=True, slots=True)
class Substitution:
    """`mine`: what the claim has in the place of `theirs`. `names`: both are names; `opposed`: opposite words."""

    mine: str
    theirs: str
    names: bool
    opposed: bool


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    key: str
    name: bool


@lru_cache(maxsize=4096)
def substitutions(claim: str, sentence: str) -> tuple[Substitution, ...] | None:
    """What the claim exchanges in the sentence, in order; None where it does not say the sentence again.

    Figures, function words without an opposite, and forms of one word are left out.
    """
    mine, theirs = _tokens(claim), _tokens(sentence)
    if len(mine) < FEWEST:
        return None
    aligned = SequenceMatcher(None, [t.key for t in mine], [t.key for t in theirs], autojunk=False)
    if sum(block.size for block in aligned.get_matching_blocks()) < AGAIN * len(mine):
        return None
    found = []
    for kind, a, b, c, d in aligned.get_opcodes():
        if kind == "replace" and b - a <= LONGEST and d - c <= LONGEST:
            exchanged = _exchanged(mine[a:b], theirs[c:d])
            if exchanged is not None:
                found.append(exchanged)
    return tuple(found)


def _exchanged(mine: list[_Token], theirs: list[_Token]) -> Substitution | None:
    opposed = any(one.text.lower() in contraries(other.text.lower()) for one in mine for other in theirs)
    if len(mine) == len(theirs) == 1:  # among more words those of grammar may stand for anything
        opposed |= mine[0].text.lower() in lexicon().exclusive.get(theirs[0].text.lower(), ())
    one, other = ([t for t in side if is_content(t.text.lower()) and not t.key.isdigit()] for side in (mine, theirs))
    if not opposed and not (one and other):
        return None
    names = any(t.name for t in one) and any(t.name for t in other) and not _alike(one, other)
    return Substitution(
        _joined(one if one and other else mine), _joined(other if one and other else theirs), names, opposed
    )


def _alike(mine: list[_Token], theirs: list[_Token]) -> bool:
    """Two spellings of a name, or a name and its initials."""
    one, other = ([t.text.lower() for t in side] for side in (mine, theirs))
    return (
        any(a[:_ALIKE] == b[:_ALIKE] for a in one for b in other)
        or "".join(w[0] for w in one) in other
        or "".join(w[0] for w in other) in one
    )


def _joined(tokens: list[_Token]) -> str:
    return " ".join(t.text for t in tokens)


def _tokens(text: str) -> list[_Token]:
    bare = _MARKER.sub(lambda m: " " * len(m[0]), CITATION.sub(lambda m: " " * len(m[0]), text))
    stated = facts(bare)
    places = {n.start for n in stated.names}
    return [_Token(m[0], _key(m[0].lower().replace("’", "'")), m.start() in places) for m in WORD.finditer(bare)]


def _key(word: str) -> str:
    if word in lexicon().numbers:
        return f"{lexicon().numbers[word]:g}"
    return stem(word) if is_content(word) else word
