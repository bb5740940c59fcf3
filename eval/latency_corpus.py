"""Chunks in any number for measuring speed: real ones first, then recombinations of them.

What is synthetic. A recombined chunk has the first half of one real text and the second half of another; between them
stand invented words, about one in twelve, drawn from a Zipf distribution without an end, so that the vocabulary grows
with the number of chunks as it does in real text. Its vectors are mixed from those of the two texts and noise: no
model has seen it. Its question, where the first text has one, is that question after an invented word. Real chunks
are documents as ingest made them, with vectors of the embedding model.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.items import Chunk, Document, Item, Span
from retrieval.ports import SparseVector, Vectors
from retrieval.terms import BM25_WEIGHTS, document_vector, term_id, tokenize

CHUNKS_A_DOCUMENT = 40
_INVENTED = 0.08  # words invented for each real one
_ZIPF = 1.3  # natural text has about 1; the distribution without an end needs more
_SHARES = (0.7, 0.5, 0.35)  # of the first text's vector, the second's, and noise: a cosine of 0.75 to the first
_OWN_QUESTION = (0.9, 0.44)  # of a real question's vector, and noise
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]

_Terms = Counter[int]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document with what the index needs of its chunks: `passages` float32 [chunks, d], `questions` float32 [all
    forms of all chunks, d], and `terms`, one sparse vector a chunk."""

    document: Document
    passages: Vectors
    questions: Vectors
    terms: tuple[SparseVector, ...]


@dataclass(frozen=True, slots=True)
class Half:
    """Half of a real text: its words, how many, and its terms."""

    text: str
    words: int
    terms: _Terms


@dataclass(frozen=True, slots=True)
class Piece:
    """A real chunk to recombine. `context`: the terms of its headings; `asked`: those of its question."""

    chunk: Chunk
    answered: bool
    halves: tuple[Half, Half]
    context: _Terms
    asked: _Terms
    passage: Vectors
    questions: Vectors


def embedded(document: Document, passages: Vectors, questions: Vectors) -> Embedded:
    """A real document with its terms as the index keeps them."""
    fields = ([(chunk.context, BM25_WEIGHTS.context), (chunk.text, 1.0)] for chunk in document.chunks)
    return Embedded(document, passages, questions, tuple(document_vector(each) for each in fields))


def pieces_of(real: Iterable[Embedded]) -> list[Piece]:
    """All chunks of real documents as pieces."""
    pieces = []
    for each in real:
        answered = {item.id for item in each.document.items if item.answer is not None}
        taken = 0
        for chunk, passage in zip(each.document.chunks, each.passages, strict=True):
            questions = each.questions[taken : taken + len(chunk.questions)]
            taken += len(chunk.questions)
            sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n+", chunk.text) if part.strip()]
            middle = (len(sentences) + 1) // 2
            halves = _half(sentences[:middle]), _half(sentences[middle:] or sentences)
            context, asked = _counted(" › ".join(chunk.heading)), _counted(chunk.question or "")
            pieces.append(Piece(chunk, chunk.item_id in answered, halves, context, asked, passage, questions))
    return pieces


def fitting(real: Iterable[Embedded], count: int) -> list[Embedded]:
    """The real documents that a library of `count` chunks begins with: as far as whole ones fit."""
    taken, left = [], count
    for each in real:
        if len(each.document.chunks) <= left:
            left -= len(each.document.chunks)
            taken.append(each)
    return taken


def make_documents(real: Sequence[Embedded], count: int, seed: int = 0) -> Iterator[Embedded]:
    """Documents of `count` chunks in all: real ones as far as they fit, then recombined ones.

    The same `real`, `count` and `seed` give the same documents. `real` has to hold a chunk.
    """
    first = fitting(real, count)
    yield from first
    left = count - sum(len(each.document.chunks) for each in first)
    pieces = pieces_of(real) if left else []
    rng = np.random.default_rng(seed)
    for number in range(0, left, CHUNKS_A_DOCUMENT):
        yield _recombined(pieces, number // CHUNKS_A_DOCUMENT, min(CHUNKS_A_DOCUMENT, left - number), rng)


def invented_word(rank: int) -> str:
    """The `rank`-th word (from 1) of a vocabulary without an end; different ranks, different words."""
    word = ""
    while rank:
        rank, digit = divmod(rank - 1, len(_SYLLABLES))
        word = _SYLLABLES[digit] + word
    return word + "x"  # hardly a word of any text, and no stemmer's business


def _recombined(pieces: Sequence[Piece], number: int, count: int, rng: np.random.Generator) -> Embedded:
    chosen = [(pieces[a], pieces[b]) for a, b in rng.integers(len(pieces), size=(count, 2))]
    title = f"Recombined {number}"
    title_terms = _counted(title)
    path = f"recombined/{number:06d}.md"
    parts, length, lines = [f"# {title}\n\n"], len(title) + 4, 3
    items: list[Item] = []
    chunks: list[Chunk] = []
    terms: list[SparseVector] = []
    for first, second in chosen:
        word, *others = _invented(1 + round(_INVENTED * (first.halves[0].words + second.halves[1].words)), rng)
        forms = tuple(f"{word} {form}" for form in first.chunk.questions)
        question = forms[0] if forms else None
        body = f"{first.halves[0].text} {' '.join(others or [word])} {second.halves[1].text}"
        if question is not None:
            parts.append(f"### {question}\n\n")
            length, lines = length + len(parts[-1]), lines + 2
        parts.append(f"{body}\n\n")
        span = Span(length, length + len(body), lines, lines)
        length, lines = length + len(parts[-1]), lines + 2
        name = hashlib.sha256(f"{path} {len(items)}".encode()).hexdigest()[:16]
        context = " › ".join((title, *first.chunk.heading, *((question,) if question else ())))
        answer = span if question and first.answered else None
        items.append(Item(name, first.chunk.kind, question or body[:40], span, question=question, answer=answer))
        made = Chunk(f"{name}-0", name, len(chunks), first.chunk.kind, span, body, context)
        chunks.append(replace(made, heading=first.chunk.heading, question=question, questions=forms))
        new = Counter(map(term_id, (*(others or [word]), *((word,) if question else ()))))
        known = (first.halves[0].terms, second.halves[1].terms, first.context, title_terms, new)
        terms.append(_weighed([*known, first.asked] if question else known))
    text = "".join(parts)
    document = Document(
        id=hashlib.sha256(path.encode()).hexdigest()[:16],
        collection="default",
        path=path,
        version="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        title=title,
        text=text,
        items=tuple(items),
        chunks=tuple(chunks),
    )
    return Embedded(document, *_vectors(chosen, rng), tuple(terms))


def _vectors(pairs: Sequence[tuple[Piece, Piece]], rng: np.random.Generator) -> tuple[Vectors, Vectors]:
    firsts, seconds = (np.stack([pair[at].passage for pair in pairs]) for at in (0, 1))
    asked = np.concatenate([first.questions for first, _ in pairs])
    one, other, noise = _SHARES
    passages = _unit(one * firsts + other * seconds + noise * _noise(firsts.shape, rng))
    return passages, _unit(_OWN_QUESTION[0] * asked + _OWN_QUESTION[1] * _noise(asked.shape, rng))


def _weighed(counted: Iterable[_Terms]) -> SparseVector:
    """What `document_vector` makes of a text of these terms; summed, because reading each text takes ten times as long
    and a million of them have to be made. A test holds the two together."""
    total: _Terms = Counter()
    for terms in counted:
        for term, count in terms.items():
            total[term] += count
    weights = BM25_WEIGHTS
    norm = weights.k1 * (1 - weights.b + weights.b * total.total() / weights.average_length)
    ordered = sorted(total)
    return SparseVector(tuple(ordered), tuple(total[t] * (weights.k1 + 1) / (total[t] + norm) for t in ordered))


def _invented(count: int, rng: np.random.Generator) -> list[str]:
    return [invented_word(rank) for rank in rng.zipf(_ZIPF, size=count).tolist()]


def _half(sentences: Sequence[str]) -> Half:
    words = " ".join(sentences).split()
    return Half(" ".join(words), len(words), _counted(" ".join(words)))


def _counted(text: str) -> _Terms:
    return Counter(map(term_id, tokenize(text)))


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Vectors:
    return _unit(rng.standard_normal(shape, dtype=np.float32))


def _unit(vectors: npt.NDArray[Any]) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
