"""Stretches of documents -> an answer's text with markers, and the sources behind the markers, each one verified."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from answering.answers import Source
from answering.ports import Catalog, CitedStretch
from answering.segment import CITATION
from ingest.items import StoredChunk

# What may lie between two stretches of one chunk that are cited as one: white space and a list marker.
_SEAM = re.compile(r"\s*(?:(?:[-*+•]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+)?")
# Code, a table, a list or a heading is one only at the beginning of a line.
_BLOCK_START = re.compile(r"(?:```|~~~|\$\$|\||[-*+•]\s|\d{1,3}[.)]\s|#{1,6}\s)")
_BLOCK_END = re.compile(r"(?:^|\n)[ \t]*(?:```|~~~|\$\$|\|[^\n]*\|)[^\n]*\Z")

_CODE = re.compile(r"(?:```|~~~).*?(?:```|~~~|\Z)|`[^`\n]+`", re.DOTALL)
_INDEXED = re.compile(r"[\w)\]]\Z")


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a document's canonical text that belongs into an answer whole.

    `start`, `end`: offsets into the text of `chunk`'s version. `lead`: where it begins with its list marker, used
    where list items stand together. `score`: 0..1, how well its hit fits the question. `prose`: a sentence, which may
    follow another one on the same line.
    """

    chunk: StoredChunk
    start: int
    end: int
    lead: int
    score: float
    prose: bool = True


@dataclass(frozen=True, slots=True)
class CitedText:
    """An answer's text with markers, its sources, which stretch cites which, and how many citations were refused.

    `verbatim`: the text as the sources have it, of the same length. In `text` a number in brackets that a source
    brought along stands in round ones, since [7] would read as a citation of the answer's own.
    """

    text: str
    sources: tuple[Source, ...] = ()
    cited: tuple[CitedStretch, ...] = ()
    refused: int = 0
    verbatim: str = ""


def compose(units: Sequence[Unit], catalog: Catalog) -> CitedText:
    """Join units in the order given, a marker after each; units that touch become one.

    A citation leaves only if the catalog's text has the quote at its place; what fails is dropped and counted.
    """
    sources: list[Source] = []
    text, shown, cited, refused = "", "", [], 0
    previous: Unit | None = None
    for unit in _merged(units, catalog):
        source = source_of(unit, catalog, len(sources) + 1)
        if not (is_whole(unit.chunk, catalog) and verify(source, catalog, unit.chunk.version_key)):
            refused += 1
            continue
        joint = "\n\n" if text and _BLOCK_START.match(source.quote) else _joint(previous, unit, text)
        mark = ("\n\n" if _BLOCK_END.search(source.quote) else " ") + f"[{source.marker}]"
        start = len(text) + len(joint)
        text += joint + source.quote + mark
        shown += joint + without_marks(source.quote) + mark
        cited.append(CitedStretch(start, len(text), source.marker))
        sources.append(source)
        previous = unit
    return CitedText(shown, tuple(sources), tuple(cited), refused, text)


def without_marks(quote: str) -> str:
    """A quote, of the same length, in which nothing looks like a citation but what is code or an index."""
    code = [m.span() for m in _CODE.finditer(quote)]

    def round_brackets(m: re.Match[str]) -> str:
        kept = any(start <= m.start() < end for start, end in code) or _INDEXED.search(quote, 0, m.start())
        return m.group() if kept else f"({m.group()[1:-1]})"

    return CITATION.sub(round_brackets, quote)


def source_of(unit: Unit, catalog: Catalog, marker: int) -> Source:
    """The source that a unit cites, its quote taken from the canonical text."""
    text, chunk = catalog.text(unit.chunk.version_key), unit.chunk
    quote = text[unit.start : unit.end]
    first = text.count("\n", 0, unit.start) + 1
    pages = catalog.pages(chunk.version_key)
    return Source(
        marker=marker,
        id=chunk.id,
        document=chunk.document,
        collection=chunk.collection,
        version=chunk.version,
        title=chunk.title,
        heading=chunk.heading,
        kind=chunk.kind,
        question=chunk.question,
        quote=quote,
        start=unit.start,
        end=unit.end,
        line_start=first,
        line_end=first + quote.count("\n"),
        page=bisect_right(pages, first) if pages else None,
        score=round(min(1.0, max(0.0, unit.score)), 4),
        effective_date=chunk.meta.effective_date,
    )


def verify(source: Source, catalog: Catalog, version_key: int) -> bool:
    """Whether the canonical text has the quote where the source says, and the quote says anything."""
    text = catalog.text(version_key)
    if not 0 <= source.start < source.end <= len(text) or not source.quote.strip():
        return False
    lines = (text.count("\n", 0, source.start) + 1, text.count("\n", 0, source.end) + 1)
    return text[source.start : source.end] == source.quote and lines == (source.line_start, source.line_end)


def is_whole(chunk: StoredChunk, catalog: Catalog) -> bool:
    """Whether the chunk's text is what the canonical text has at its span, so that its offsets can be trusted."""
    return catalog.text(chunk.version_key)[chunk.span.start : chunk.span.end] == chunk.text


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without white space at its ends."""
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), end - (len(inner) - len(inner.rstrip()))


def _merged(units: Sequence[Unit], catalog: Catalog) -> list[Unit]:
    """Units with white space at their ends cut off, neighbours that touch made one, repetitions left out."""
    out: list[Unit] = []
    for unit in units:
        text = catalog.text(unit.chunk.version_key)
        start, end = trimmed(text, unit.start, unit.end)
        unit = replace(unit, start=start, end=end, lead=min(unit.lead, start))
        if any(_same_document(u, unit) and u.start <= start and end <= u.end for u in out):
            continue
        last = out[-1] if out else None
        if last is not None and _touch(last, unit, text):
            out[-1] = replace(last, start=last.lead, end=end, score=max(last.score, unit.score), prose=unit.prose)
        else:
            out.append(unit)
    return out


def _same_document(one: Unit, other: Unit) -> bool:
    return one.chunk.version_key == other.chunk.version_key


def _touch(last: Unit, unit: Unit, text: str) -> bool:
    same = _same_document(last, unit) and last.chunk.item_id == unit.chunk.item_id
    return same and last.end <= unit.start and bool(_SEAM.fullmatch(text, last.end, unit.start))


def _joint(previous: Unit | None, unit: Unit, text: str) -> str:
    """A space between sentences of one item, a blank line between anything else."""
    if previous is None:
        return ""
    same = _same_document(previous, unit) and previous.chunk.item_id == unit.chunk.item_id
    return " " if same and previous.prose and unit.prose and not text.endswith("\n") else "\n\n"
