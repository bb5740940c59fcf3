"""What of the hits a language model is given to answer from: each a source that could be cited as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from answering.answers import Source
from answering.cite import Unit, is_whole, source_of, trimmed, verify
from answering.model_answer import said_spans
from answering.ports import Catalog
from retrieval.hits import Hit

MOST_SOURCES = 6
MOST_CHARS = 9_000
"""Of all sources together: some 2,500 tokens, which small local models read in reasonable time."""


def offered(hits: Sequence[Hit], catalog: Catalog) -> dict[int, tuple[Unit, Source]]:
    """What the best hits say, by marker from 1: the stretch and the source that cites it, verified."""
    out: dict[int, tuple[Unit, Source]] = {}
    seen: set[tuple[int, int, int]] = set()
    chars = 0
    for hit in hits:
        for unit in _units(hit, catalog):
            place = (unit.chunk.version_key, unit.start, unit.end)
            if place in seen or chars + unit.end - unit.start > MOST_CHARS:
                continue
            source = source_of(unit, catalog, len(out) + 1)
            if is_whole(unit.chunk, catalog) and verify(source, catalog, unit.chunk.version_key):
                seen.add(place)
                out[source.marker] = (unit, source)
                chars += unit.end - unit.start
            if len(out) == MOST_SOURCES:
                return out
    return out


def _units(hit: Hit, catalog: Catalog) -> list[Unit]:
    """What a hit's chunk says, without the question that it answers."""
    chunk = hit.chunk
    text, item = catalog.text(chunk.version_key), catalog.item(chunk.version_key, chunk.item_id)
    out = []
    for span in said_spans(item, text):
        start, end = trimmed(text, max(span.start, chunk.span.start), min(span.end, chunk.span.end))
        if start < end:
            out.append(Unit(chunk, start, end, start, hit.score, prose=False))
    return out
