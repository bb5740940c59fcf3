"""Words and figures that a claim has in the place of others, where it says a sentence of its source again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

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

# Behind these a capital begins a title or an entry, and is no name's.
_BEGINS = re.compile(r"(?:^|[.!?:;|→•–—-]|\n)[\s*_`>#\"“(\[]*$")
_TIME = {"time", "months"}
_ALIKE = 3  # letters with which two spellings of a name begin: "Postgres", "PostgreSQL"
_MARKER = re.compile(r"(?m)^[ \t]*\(?\d{1,3}[.)](?=\s)")


Kind = Literal["word", "name", "opposite", "figure"]


@dataclass(frozen=True, slots=True)
class Substitution:
    """`mine`: what the claim has in the place of `theirs`; `kind`: what both are, figures and units alike."""

    mine: str
    theirs: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    key: str
    name: bool


@lru_cache(maxsize=4096)
def said_again(claim: str, sentence: str) -> bool:
    """Whether the claim says this sentence again, or a part of it, but for a few words."""
    mine, theirs = _tokens(claim), _tokens(sentence)
    return len(mine) > 1 and _share(_aligned(mine, theirs), len(mine)) >= AGAIN


@lru_cache(maxsize=4096)
def substitutions(claim: str, sentence: str) -> tuple[Substitution, ...] | None:
    """What the claim exchanges in the sentence, in order; None where it does not say the sentence again.

    Function words without an opposite, and forms of one word, are left out.
    """
    mine, theirs = _tokens(claim), _tokens(sentence)
    aligned = _aligned(mine, theirs)
    if len(mine) < FEWEST or _share(aligned, len(mine)) < AGAIN:
        return None
    said, there = {t.key for t in mine}, {t.key for t in theirs}
    found = []
    for kind, a, b, c, d in aligned.get_opcodes():
        if kind != "replace" or b - a > LONGEST or d - c > LONGEST:
            continue
        reordered = {t.key for t in mine[a:b]} <= there and {t.key for t in theirs[c:d]} <= said
        exchanged = None if reordered else _exchanged(mine[a:b], theirs[c:d])
        if exchanged is not None:
            found.append(exchanged)
    return tuple(found)


def _aligned(mine: Sequence[_Token], theirs: Sequence[_Token]) -> SequenceMatcher[str]:
    return SequenceMatcher(None, [t.key for t in mine], [t.key for t in theirs], autojunk=False)


def _share(aligned: SequenceMatcher[str], length: int) -> float:
    return sum(block.size for block in aligned.get_matching_blocks()) / max(1, length)


def _exchanged(mine: Sequence[_Token], theirs: Sequence[_Token]) -> Substitution | None:
    one, other = ([t for t in side if is_content(t.text.lower())] for side in (mine, theirs))
    if _figures(mine, theirs):
        return Substitution(_joined(mine), _joined(theirs), "figure")
    if _opposed(mine, theirs):
        return Substitution(_joined(mine), _joined(theirs), "opposite")
    if not (one and other) or any(t.key.isdigit() for t in (*one, *other)):
        return None
    names = any(t.name for t in one) and any(t.name for t in other) and not _alike(one, other)
    return Substitution(_joined(one), _joined(other), "name" if names else "word")


def _opposed(mine: Sequence[_Token], theirs: Sequence[_Token]) -> bool:
    if any(one.text.lower() in contraries(other.text.lower()) for one in mine for other in theirs):
        return True
    # among more words those of grammar may stand for anything
    one, other = mine[0].text.lower(), theirs[0].text.lower()
    return len(mine) == len(theirs) == 1 and one in lexicon().exclusive.get(other, ())


def _figures(mine: Sequence[_Token], theirs: Sequence[_Token]) -> bool:
    """Another number with as many digits (another precision is for the check of numbers), or another unit of a kind."""
    if len(mine) != 1 or len(theirs) != 1:
        return False
    one, other = mine[0].key, theirs[0].key
    if one.isdigit() and other.isdigit():
        return len(one) == len(other)
    units = lexicon().units
    a, b = units.get(mine[0].text.lower()), units.get(theirs[0].text.lower())
    return a is not None and b is not None and a != b and (a[0] == b[0] or {a[0], b[0]} <= _TIME)


def _alike(mine: Sequence[_Token], theirs: Sequence[_Token]) -> bool:
    """Two spellings of a name, or a name and its initials."""
    one, other = ([t.text.lower() for t in side] for side in (mine, theirs))
    return (
        any(a[:_ALIKE] == b[:_ALIKE] for a in one for b in other)
        or "".join(w[0] for w in one) in other
        or "".join(w[0] for w in other) in one
    )


def _joined(tokens: Sequence[_Token]) -> str:
    return " ".join(t.text for t in tokens)


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[_Token, ...]:
    bare = _MARKER.sub(lambda m: " " * len(m[0]), CITATION.sub(lambda m: " " * len(m[0]), text))
    places = {n.start for n in facts(bare).names}
    lowered = set(re.findall(r"(?<!\w)[a-z]+(?!\w)", bare))

    def name(m: re.Match[str]) -> bool:
        if m.start() not in places or m[0].lower() in lowered:
            return False
        return not m[0][1:].islower() or _BEGINS.search(bare[max(0, m.start() - 12) : m.start()]) is None

    return tuple(_Token(m[0], _key(m[0].lower().replace("’", "'")), name(m)) for m in WORD.finditer(bare))


def _key(word: str) -> str:
    if word in lexicon().numbers:
        return f"{lexicon().numbers[word]:g}"
    return stem(word) if is_content(word) else word
