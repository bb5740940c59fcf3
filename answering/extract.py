"""The few stretches of the hits that answer a question, chosen over all hits together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from answering.asking import Asked, read
from answering.cite import Unit
from answering.conflicts import disagreement
from answering.ground.facts import facts
from answering.ground.words import stem, words
from answering.model_answer import said_spans
from answering.ports import Catalog
from answering.similarity import Similarity
from answering.units import Piece, pieces
from ingest.items import Item, StoredChunk
from ingest.parse.labels import says_nothing
from retrieval.hits import Hit
from retrieval.terms import content_terms

MOST_UNITS = 4  # stretches in one answer; a reader of a chat window takes in about so many
MOST_CHARS = 1_200  # of an answer from several stretches; a single unit may be longer
EMBEDDED = 2  # best candidates whose own similarity is computed (some 3 ms each); more did not choose better
CONTEXT = 0.4  # what a question's word counts that stands only in heading, title or question of the item
# The parts of a unit's score: words, cosine, the hit's score, and 1 / rank of the hit. Chosen on the development
# questions, where the maximum is flat; they add up to 1.
LEXICAL, SEMANTIC, HIT, RANK = 0.30, 0.40, 0.15, 0.15
EXACT = 0.12  # for a unit that has the code tokens of the question letter for letter
OPENING = 0.08  # for the unit that opens an item, where the question is little more than a name
NAME = 2  # content words of such a question, at most
ENDLESS = 1_500  # characters: a unit with more is a screen of code, of which a few lines are asked for ...
TOO_MUCH = 0.1  # ... and loses so much
VALUE_BONUS = 0.2  # for a unit with a figure where one is asked for
FURTHER = 0.72  # a further unit scores at least this share of the best one ...
# ... this share where it is of another document. Both beside 0.85 and 0.75: citation precision on the development
# questions 0.816 to 0.822, on the bundled ones 0.894 to 0.903, recall the same
ELSEWHERE = 0.95
NEARNESS = 0.85  # ... is at least this near to the question, as a share of the best one's cosine ...
NEARNESS_WITHIN = 0.75  # ... or this, where it is of the same item ...
NEW_TERMS = 0.15  # ... and covers at least this much of the question (by IDF) that was not covered
CLOSE = 0.85  # or scores this share, from the same item
RIVALS = 8  # of the best units, so many are held against the first one
PART_COVERED = 0.5  # a part of a question counts as answered from this IDF-weighted share of its words
SAME = 0.8  # two units with this overlap (Jaccard of their terms) say the same
_KEPT = 2048  # stretches of documents cut into units: what is cited once is found again
K1, B = 1.2, 0.5  # BM25 (Robertson); b is low since units are short by construction


@dataclass(frozen=True)
class Candidate:
    """One unit that may answer. `own`: its terms; `around`: those of heading, title, question and lead-in.

    `value`: whether it has a figure, where one is asked for. `near`: its cosine to the question, where it is not
    `embedded` that of its chunk. `opens`: whether it is the first that its item says.
    """

    hit: Hit
    item: Item
    piece: Piece
    text: str
    own: tuple[str, ...]
    around: frozenset[str]
    value: bool
    score: float = 0.0
    near: float = 0.0
    embedded: bool = False
    opens: bool = False

    @property
    def unit(self) -> Unit:
        """As a citation takes it."""
        p = self.piece
        return Unit(self.hit.chunk, p.start, p.end, p.lead, self.hit.score, p.prose)


@dataclass(frozen=True, slots=True)
class Extract:
    """Units in reading order. `open_parts`: how many parts of the question no unit covers.

    `evidence`: features of how well the units fit, for the confidence model, 0..1: `answer_coverage` (IDF-weighted
    share of the question's terms in the units and around them), `answer_own` (in the units alone),
    `answer_similarity` (cosine of the best unit), `value_missing` (1 where a figure is asked for and none given); and
    `names_missing` and `figures_missing`: how many of the question's names and figures the chunks quoted don't have.
    """

    units: tuple[Unit, ...]
    open_parts: int = 0
    evidence: Mapping[str, float] = field(default_factory=dict)


def extract(question: str, hits: Sequence[Hit], catalog: Catalog, similarity: Similarity) -> Extract:
    """Choose what answers `question` from `hits`; empty where no hit holds anything but questions.

    Where there is no embedding model, a unit's similarity is that of its whole chunk.
    """
    asked = read(question)
    found = [c for hit in hits for c in _candidates(asked, hit, catalog)]
    if not found:
        return Extract((), len(asked.parts))
    idf = _idf(found)
    scored = _similar(asked, _lexical(asked, found, idf), similarity)
    chosen, uncovered = _choose(asked, scored, idf)
    return Extract(tuple(c.unit for c in _reading_order(chosen)), uncovered, _evidence(asked, chosen, idf))


def _evidence(asked: Asked, chosen: Sequence[Candidate], idf: Mapping[str, float]) -> dict[str, float]:
    said = frozenset[str]().union(*(_stems(text) for c in chosen for text in _read(c.hit.chunk)))
    return {
        "answer_coverage": _covered(asked.terms, chosen, idf),
        "answer_own": _own_share(asked, chosen, idf),
        "answer_similarity": max(c.near for c in chosen),
        "value_missing": float(asked.wants_value and not any(c.value for c in chosen)),
        "names_missing": float(len(asked.names - said)),
        "figures_missing": float(len(asked.figures - said)),
    }


def _read(chunk: StoredChunk) -> tuple[str, ...]:
    """All that a reader of the chunk sees of it."""
    return chunk.text, chunk.question or "", chunk.title, *chunk.heading


def _candidates(asked: Asked, hit: Hit, catalog: Catalog) -> list[Candidate]:
    chunk = hit.chunk
    text, item = catalog.text(chunk.version_key), catalog.item(chunk.version_key, chunk.item_id)
    about = _terms(" ".join((*chunk.heading, item.title, item.question or "")))
    out = []
    for number, span in enumerate(said_spans(item, text)):
        for at, (piece, quote, own) in enumerate(_telling(text, span.start, span.end, item.title, asked.wants_value)):
            if piece.start < chunk.span.end and chunk.span.start < piece.end:
                around = about | _terms(piece.context)
                value = asked.wants_value and _has_value(quote)
                out.append(Candidate(hit, item, piece, quote, own, around, value, opens=not number and not at))
    return out


@lru_cache(maxsize=_KEPT)
def _telling(
    text: str, start: int, end: int, title: str, lines: bool
) -> tuple[tuple[Piece, str, tuple[str, ...]], ...]:
    """The units of `text[start:end]` that say something, each with its words and its terms."""
    found = ((piece, text[piece.start : piece.end]) for piece in pieces(text, start, end, title, lines=lines))
    return tuple((piece, said, tuple(content_terms(said))) for piece, said in found if not says_nothing(said))


@lru_cache(maxsize=_KEPT)
def _terms(text: str) -> frozenset[str]:
    return frozenset(content_terms(text))


@lru_cache(maxsize=_KEPT)
def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, words(text)))


def _has_value(text: str) -> bool:
    stated = facts(text)
    return bool(stated.numbers or stated.dates or stated.versions)


def _idf(found: Sequence[Candidate]) -> dict[str, float]:
    """ln(1 + (N - n + 0.5) / (n + 0.5)), never negative, over the candidates and what stands around them."""
    counts = Counter(term for c in found for term in {*c.own, *c.around})
    return {term: math.log(1 + (len(found) - n + 0.5) / (n + 0.5)) for term, n in counts.items()}


def _weight(terms: Iterable[str], idf: Mapping[str, float], unseen: float) -> float:
    return math.fsum(idf.get(term, unseen) for term in terms)


def _lexical(asked: Asked, found: Sequence[Candidate], idf: Mapping[str, float]) -> list[Candidate]:
    """BM25 of each unit, as a share of a perfect match; words of its surroundings count in part."""
    average = math.fsum(len(c.own) for c in found) / len(found) or 1.0
    unseen = math.log(1 + (len(found) + 0.5) / 0.5)
    total = _weight(asked.terms, idf, unseen) or 1.0
    out = []
    for c in found:
        counts, norm = Counter(c.own), K1 * (1 - B + B * len(c.own) / average)
        score = 0.0
        for term in asked.terms:
            tf = counts[term] or (CONTEXT if term in c.around else 0.0)
            score += idf.get(term, 0.0) * min(1.0, tf * (K1 + 1) / (tf + norm)) if tf else 0.0
        lexical = min(1.0, score / total)
        bonus = (VALUE_BONUS if asked.wants_value and c.value else 0.0) + EXACT * _exact(asked, c.text)
        bonus -= TOO_MUCH if len(c.text) > ENDLESS else 0.0
        place = HIT * c.hit.score + RANK / c.hit.rank
        out.append(replace(c, score=LEXICAL * lexical + place + bonus))
    return out


def _exact(asked: Asked, text: str) -> float:
    """The share of the question's code tokens that stand in a text."""
    folded = text.lower()
    return sum(name.lower() in folded for name in asked.exact) / len(asked.exact) if asked.exact else 0.0


def _similar(asked: Asked, found: Sequence[Candidate], similarity: Similarity) -> list[Candidate]:
    """The score with the similarity: each unit's own for the best candidates, that of the chunk for the others."""
    known = [c.score + SEMANTIC * _of_chunk(c) + _opening(asked, c) for c in found]
    order = sorted(range(len(found)), key=lambda i: (-known[i], i))
    near = {i: _of_chunk(found[i]) for i in order}
    fresh = [i for i in order[:EMBEDDED] if not found[i].piece.whole]
    cosines = similarity.of(asked.text, [_with_context(found[i]) for i in fresh])
    own = dict(zip(fresh, cosines or (), strict=False))
    near.update(own)
    return [
        replace(c, score=c.score + SEMANTIC * max(0.0, near[i]), near=near[i], embedded=i in own)
        for i, c in enumerate(found)
    ]


def _opening(asked: Asked, c: Candidate) -> float:
    """What counts for being chosen first only: the further units are held against the score without it."""
    return OPENING if c.opens and len(asked.terms) <= NAME else 0.0


def _of_chunk(c: Candidate) -> float:
    return c.hit.similarities.get("dense", 0.0)


def _with_context(c: Candidate) -> str:
    return f"{c.item.title}. {c.text}" if not c.text.startswith(c.item.title) else c.text


def _choose(asked: Asked, found: Sequence[Candidate], idf: Mapping[str, float]) -> tuple[list[Candidate], int]:
    """The best unit, then one for each part not yet covered, then what adds to the answer."""
    order = sorted(found, key=lambda c: (-c.score, c.hit.rank, c.piece.start))
    chosen = [max(order, key=lambda c: c.score + _opening(asked, c))]
    uncovered = 0
    for part in asked.parts:
        if _covered(part, chosen, idf) < PART_COVERED:
            best = max(order, key=lambda c: _covered(part, [c], idf) + c.score)
            if _covered(part, [best], idf) < PART_COVERED:
                uncovered += len(asked.parts) > 1
            elif (fitting := _fitting(best, chosen)) is not None:
                chosen.append(fitting)
    for c in order:
        if c is not chosen[0] and _adds(asked, c, chosen, idf) and (fitting := _fitting(c, chosen)) is not None:
            chosen.append(fitting)
    chosen += _rival(chosen, order)
    return chosen, uncovered


def _rival(chosen: Sequence[Candidate], order: Sequence[Candidate]) -> list[Candidate]:
    """The best unit of another item that says otherwise than the first one chosen: a reader has to see both."""
    first = chosen[0]
    for c in order[:RIVALS]:
        apart = (c.item.id, c.hit.chunk.version_key) != (first.item.id, first.hit.chunk.version_key)
        if apart and c not in chosen and c.score >= FURTHER * first.score and disagreement(first.text, c.text):
            return [c]
    return []


def _covered(terms: frozenset[str], chosen: Sequence[Candidate], idf: Mapping[str, float]) -> float:
    """IDF-weighted share of the terms that stand in the chosen units or around them."""
    rarest = max(idf.values(), default=1.0)
    total = _weight(terms, idf, rarest)
    held = {t for t in terms if any(t in c.own or t in c.around for c in chosen)}
    return _weight(held, idf, rarest) / total if total else 1.0


def _adds(asked: Asked, c: Candidate, chosen: Sequence[Candidate], idf: Mapping[str, float]) -> bool:
    best = chosen[0]
    if asked.wants_value and len(asked.parts) == 1:
        return False
    same_document = c.hit.chunk.version_key == best.hit.chunk.version_key
    same_item = same_document and c.item.id == best.item.id
    nearest = best.near if c.embedded == best.embedded else _of_chunk(best)
    if c.near < (NEARNESS_WITHIN if same_item else NEARNESS) * nearest:
        return False
    if c.score < (FURTHER if same_document else ELSEWHERE) * best.score:
        return False
    gain = _own_share(asked, [*chosen, c], idf) - _own_share(asked, chosen, idf)
    return gain >= NEW_TERMS or (same_item and c.score >= CLOSE * best.score)


def _own_share(asked: Asked, chosen: Sequence[Candidate], idf: Mapping[str, float]) -> float:
    """IDF-weighted share of the question's terms that the units themselves hold."""
    total = _weight(asked.terms, idf, 0.0)
    held = {t for t in asked.terms if any(t in c.own for c in chosen)}
    return _weight(held, idf, 0.0) / total if total else 1.0


def _fitting(c: Candidate, chosen: Sequence[Candidate]) -> Candidate | None:
    """The candidate where there is room for it and nobody said it yet, without what it leans on if that is said."""
    if c.piece.leans and any(_overlap(c, o) for o in chosen):
        start = c.piece.start + c.piece.leans
        c = replace(c, piece=replace(c.piece, start=start, lead=start, leans=0), text=c.text[c.piece.leans :])
    if len(chosen) >= MOST_UNITS or sum(len(o.text) for o in chosen) + len(c.text) > MOST_CHARS:
        return None
    return None if any(_overlap(c, o) or _same(c, o) for o in chosen) else c


def _overlap(one: Candidate, other: Candidate) -> bool:
    same = one.hit.chunk.version_key == other.hit.chunk.version_key
    return same and one.piece.start < other.piece.end and other.piece.start < one.piece.end


def _same(one: Candidate, other: Candidate) -> bool:
    """Nearly the same words; two that state different figures are kept apart, since they may disagree."""
    a, b = set(one.own), set(other.own)
    if not a or not b or {t for t in a ^ b if t.isdecimal()}:
        return False
    return len(a & b) / len(a | b) >= SAME or len(a & b) / min(len(a), len(b)) >= 0.95


def _reading_order(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Documents in the order of their best unit, their units as they stand in the document."""
    first: dict[int, int] = {}
    for place, c in enumerate(chosen):
        first.setdefault(c.hit.chunk.version_key, place)
    return sorted(chosen, key=lambda c: (first[c.hit.chunk.version_key], c.piece.start))
