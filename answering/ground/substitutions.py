"""What a claim exchanges, denies or leaves out, where it says a sentence of its source again: told word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
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
# A limiting clause counts as left out where the claim says this share of the rest of its sentence, the words next to
# the clause among it, and half of the clause's own words nowhere else. By hand, as above.
REST, BESIDE, MOVED = 0.6, 2, 0.5

_LIMITS = frozenset({"if", "when", "whenever", "unless", "until"})
_LIMITS_IN_TWO = frozenset({("provided", "that"), ("as", "long"), ("in", "case")})
_BEFORE_LIMITS = frozenset({"only", "but", "except"})
_PAUSE, _STOP = re.compile(r"[,;:.!?\n](?!\S)"), re.compile(r"[;:.!?\n](?!\S)")
_SHORTEST_LIMIT = 3  # words: "if necessary" limits little
# Behind these a capital begins a title or an entry, and is no name's.
_BEGINS = re.compile(r"(?:^|[.!?:;|→•–—-]|\n)[\s*_`>#\"“(\[]*$")
_TIME = {"time", "months"}
_MEASURED = re.compile(r"(\d+)([A-Za-z]+)")
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
    """`gap`: what stands between it and the word before it."""

    text: str
    key: str
    name: bool
    gap: str


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
    found = list(_denials(mine, theirs, aligned))
    for kind, a, b, c, d in aligned.get_opcodes():
        if kind != "replace" or b - a > LONGEST or d - c > LONGEST:
            continue
        reordered = {t.key for t in mine[a:b]} <= there and {t.key for t in theirs[c:d]} <= said
        exchanged = None if reordered else _exchanged(mine[a:b], theirs[c:d])
        if exchanged is not None:
            found.append(exchanged)
    return tuple(found)


def _denials(mine: Sequence[_Token], theirs: Sequence[_Token], aligned: SequenceMatcher[str]) -> Iterator[Substitution]:
    """Where the two differ by a negator and nothing else, and one of them denies more often than the other."""
    blocks = [block for block in aligned.get_matching_blocks() if block.size]
    there = theirs[blocks[0].b : blocks[-1].b + blocks[-1].size] if blocks else ()
    if sum(map(_negates, mine)) == sum(map(_negates, there)):
        return
    for kind, a, b, c, d in aligned.get_opcodes():
        one, other = mine[a:b], theirs[c:d]
        if kind == "equal" or len(one) > LONGEST or len(other) > LONGEST or not ((c > 0 and d < len(theirs)) or other):
            continue
        if sum(map(_negates, one)) != sum(map(_negates, other)) and not [
            t for t in (*one, *other) if not _negates(t) and t.text.lower() not in lexicon().auxiliaries
        ]:
            around = theirs[max(0, c - 1) : d + 1]
            yield Substitution(_joined(mine[max(0, a - 1) : b + 1]), _joined(around), "opposite")


def _negates(token: _Token) -> bool:
    word = token.text.lower().replace("’", "'")
    return word in lexicon().negators or word.endswith("n't")


@lru_cache(maxsize=4096)
def left_out(claim: str, sentence: str) -> tuple[str, ...]:
    """The "if ..." clauses of a sentence without which the claim says it again."""
    mine, theirs = _tokens(claim), _tokens(sentence)
    aligned = _aligned(mine, theirs)
    if len(mine) < _SHORTEST_LIMIT or _share(aligned, len(mine)) < AGAIN:
        return ()
    steps = aligned.get_opcodes()
    spare = Counter(t.key for kind, a, b, _, _ in steps if kind != "equal" for t in mine[a:b])
    same = sum(block.size for block in aligned.get_matching_blocks())
    found = []
    for at, (kind, a, b, c, d) in enumerate(steps):
        clause = theirs[c:d]
        if kind == "equal" or b - a > LONGEST or not _limits(clause) or not _apart(theirs, c, d):
            continue
        beside = steps[at - 1] if c > 0 else steps[min(at + 1, len(steps) - 1)]
        own = Counter(t.key for t in clause if is_content(t.text.lower()))
        moved = sum((own & spare).values())
        if (
            beside[0] == "equal"
            and beside[2] - beside[1] >= BESIDE
            and same >= REST * (len(theirs) - len(clause))
            and moved < MOVED * sum(own.values())
        ):
            found.append(_joined(clause))
    return tuple(found)


def _apart(tokens: Sequence[_Token], start: int, end: int) -> bool:
    """Whether `tokens[start:end]` is one clause, and what the rest of its sentence says hangs on it."""
    inside = any(_PAUSE.search(t.gap) for t in tokens[start + 1 : end])
    own = start > 0 and _STOP.search(tokens[start].gap)
    return not inside and not own and not (end < len(tokens) and _limits(tokens[end:]))


def _limits(tokens: Sequence[_Token]) -> bool:
    """Whether these words begin with a clause that says when, or whether, the rest holds."""
    said = [t.text.lower() for t in tokens]
    if said and said[0] in _BEFORE_LIMITS:
        said = said[1:]
    return len(said) >= _SHORTEST_LIMIT and (said[0] in _LIMITS or (said[0], said[1]) in _LIMITS_IN_TWO)


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
    """Another number with as many digits (another precision is for the check of numbers), or another unit of a kind;
    or either in one word: "5xx" and "6xx", "1GB" and "1TB"."""
    if len(mine) != 1 or len(theirs) != 1:
        return False
    one, other = mine[0], theirs[0]
    if one.key.isdigit() and other.key.isdigit():
        return len(one.key) == len(other.key)
    a, b = _MEASURED.fullmatch(one.text), _MEASURED.fullmatch(other.text)
    if a and b:
        return a[2] == b[2] if a[1] != b[1] else _other_unit(a[2], b[2])
    return _other_unit(one.text, other.text)


def _other_unit(mine: str, theirs: str) -> bool:
    units = lexicon().units
    a, b = units.get(mine.lower()), units.get(theirs.lower())
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
    known = facts(bare)
    places = {n.start for n in known.names}
    prose, at = [], 0
    for code in known.identifiers:  # `react-dom` does not say that React is no name
        prose.append(bare[at : code.start])
        at = max(at, code.start + len(code.text))
    lowered = set(re.findall(r"(?<!\w)[a-z]+(?!\w)", "\n".join([*prose, bare[at:]])))

    def name(m: re.Match[str]) -> bool:
        if m.start() not in places or m[0].lower() in lowered:
            return False
        return not m[0][1:].islower() or _BEGINS.search(bare[max(0, m.start() - 12) : m.start()]) is None

    found = list(WORD.finditer(bare))
    gaps = [bare[before.end() : m.start()] for before, m in pairwise(found)]
    return tuple(
        _Token(m[0], _key(m[0].lower().replace("’", "'")), name(m), gap)
        for m, gap in zip(found, ["", *gaps], strict=False)
    )


def _key(word: str) -> str:
    if word in lexicon().numbers:
        return f"{lexicon().numbers[word]:g}"
    return stem(word) if is_content(word) else word
