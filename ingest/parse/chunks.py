"""Items → chunks: whole where they are short, else cut where the text itself pauses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ingest.blocks import Node
from ingest.items import Chunk, Item
from ingest.text import Text, plain

# all-MiniLM-L6-v2 reads 256 word pieces, about 1,000 characters of English with code
TARGET_CHARS = 900
MAX_CHARS = 1400
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)]?\s+(?=[A-Z0-9`*“\"(\[-])")


def breaks_of(nodes: Sequence[Node]) -> dict[int, int]:
    """Where a piece may begin: line (from 0) → how good a place that is, 1 best."""
    out: dict[int, int] = {}
    for node in nodes:
        for inner in node.walk():
            rank = 1 if inner.kind == "heading" else 2 + inner.depth
            if inner.kind not in ("empty", "close", "rule"):
                out[inner.first] = min(rank, out.get(inner.first, rank))
    return out


def make_chunks(source: Text, title: str, item: Item, breaks: Mapping[int, int]) -> list[Chunk]:
    """The chunks of one item, in order; together they hold all of its text, save for what is only white space."""
    pieces = _pieces(source, item.span.start, item.span.end, breaks)
    pieces = [(start, end) for start, end in pieces if not source.text[start:end].isspace()]
    asked = item.question_span
    chunks = []
    for ordinal, (start, end) in enumerate(pieces):
        span = source.span(start, end)
        named = item.question or item.title
        shown = asked is not None and asked.start >= span.start and asked.end <= span.end
        shown = shown or plain(source.slice(span)[: len(named) + 40]).startswith(named)
        parts = [title, *(h for h in item.heading if h != title), *([] if shown or named in item.heading else [named])]
        chunks.append(
            Chunk(
                id=f"{item.id}-{ordinal}",
                item_id=item.id,
                ordinal=ordinal,
                kind=item.kind,
                span=span,
                text=source.slice(span),
                context=" › ".join(dict.fromkeys(p for p in parts if p)),
                heading=item.heading,
                question=item.question,
                questions=question_forms(item) if ordinal == 0 else (),
                level=item.level,
                difficulty=item.difficulty,
                topic=item.topic,
                company=item.company,
                tags=item.tags,
            )
        )
    return chunks


def question_forms(item: Item) -> tuple[str, ...]:
    """The ways in which an item's question is asked: whole, and each of its sentences that asks by itself."""
    if item.question is None:
        return ()
    sentences = [s.strip() for s in _SENTENCE_END.split(item.question) if len(s.split()) >= 4]
    return tuple(dict.fromkeys([item.question, *(sentences if len(sentences) > 1 else [])]))


def _pieces(source: Text, start: int, end: int, breaks: Mapping[int, int]) -> list[tuple[int, int]]:
    if end - start <= MAX_CHARS:
        return [(start, end)]
    atoms = _atoms(source, start, end, breaks)
    pieces: list[tuple[int, int]] = []
    begin, stop, rank_at = start, start, 0
    for a, b, rank in atoms:
        full = b - begin > TARGET_CHARS and stop > begin
        # a good place to pause is taken early, a bad one only when the piece is full
        early = rank <= 2 and stop - begin > TARGET_CHARS * 0.6 and rank < rank_at
        if full or early:
            pieces.append((begin, stop))
            begin = a
        stop, rank_at = b, max(rank, 3)
    pieces.append((begin, stop))
    if (
        len(pieces) > 1
        and pieces[-1][1] - pieces[-1][0] < TARGET_CHARS * 0.25
        and pieces[-1][1] - pieces[-2][0] <= MAX_CHARS
    ):
        pieces[-2:] = [(pieces[-2][0], pieces[-1][1])]
    return pieces


def _atoms(source: Text, start: int, end: int, breaks: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Stretches that stay whole: from one possible beginning to the next, and pieces of those that are too long."""
    first, last = source.line_of(start), source.line_of(max(start, end - 1))
    cuts = [line for line in range(first + 1, last + 1) if line in breaks]
    edges = [start, *(source.starts[line] for line in cuts), end]
    ranks = [0, *(breaks[line] for line in cuts)]
    atoms = []
    for a, b, rank in zip(edges, edges[1:], ranks, strict=False):
        if b - a <= MAX_CHARS:
            atoms.append((a, b, rank))
        else:
            atoms += [(x, y, rank if x == a else 9) for x, y in _cut_long(source, a, b)]
    return atoms


def _cut_long(source: Text, start: int, end: int) -> list[tuple[int, int]]:
    """Cuts one overlong block at line ends, then at sentence ends, then anywhere."""
    out: list[tuple[int, int]] = []
    while end - start > MAX_CHARS:
        window = source.text[start : start + TARGET_CHARS]
        cut = window.rfind("\n", TARGET_CHARS // 3)
        if cut < 0:
            ends = [m.start() for m in _SENTENCE_END.finditer(window) if m.start() > TARGET_CHARS // 3]
            cut = ends[-1] if ends else window.rfind(" ", TARGET_CHARS // 3)
        cut = cut + 1 if cut > 0 else TARGET_CHARS
        out.append((start, start + cut))
        start += cut
    out.append((start, end))
    return out
