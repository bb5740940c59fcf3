"""A document's stretch cut into units that can stand in an answer: never a fragment, never half a code block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from answering.segment import Block, blocks, sentences

SHORT = 400  # characters: an item this short is given whole
LONG_ITEM = 500  # characters: a longer list item is cut into sentences
MAX_WHOLE = 1_500  # characters of a list or of a lead-in with its block that stay one unit
_LEAD = re.compile(r":[*_\s]*\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]`: one unit. `lead`: its start with the list marker. `context`: a lead-in that it stands under.

    `prose`: a sentence of running text. `whole`: everything its region has.
    """

    start: int
    end: int
    lead: int
    context: str = ""
    prose: bool = True
    whole: bool = False


def pieces(text: str, start: int, end: int, title: str = "", *, lines: bool = False) -> list[Piece]:
    """The units of `text[start:end]`, in order.

    A region of at most SHORT characters is one unit, unless `lines` asks for its list items and sentences. A first
    line that repeats `title`, and headings, are no units.
    """
    found = [b for b in _shifted(text, start, end) if b.kind not in ("heading", "markup")]
    if found and _is_title(text[found[0].start : found[0].end], title):
        found = found[1:]
    elif found and (after := _after_title(text, found[0], title)) is not None:
        found[0] = after
    if not found:
        return []
    whole = Piece(found[0].body, found[-1].end, found[0].start, prose=len(found) == 1, whole=True)
    if whole.end - whole.start <= SHORT and not lines:
        return [whole]
    return list(_cut(text, found))


def _shifted(text: str, start: int, end: int) -> list[Block]:
    moved = blocks(text[start:end])
    return [Block(b.kind, b.start + start, b.end + start, b.body + start, b.indent) for b in moved]


def _is_title(line: str, title: str) -> bool:
    return bool(title) and _bare(line) == _bare(title)


def _after_title(text: str, block: Block, title: str) -> Block | None:
    """What follows a title that stands as the first line of a paragraph."""
    line, newline, _ = text[block.start : block.end].partition("\n")
    if not newline or block.kind != "paragraph" or not _is_title(line, title):
        return None
    start = block.start + len(line) + 1
    return Block("paragraph", start, block.end, start, block.indent)


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _cut(text: str, found: Sequence[Block]) -> Iterator[Piece]:
    at, context = 0, ""
    while at < len(found):
        block, last = found[at], _group_end(text, found, at)
        if last > at and found[last].end - block.body <= MAX_WHOLE:
            yield from _led(text, block, found[at + 1 : last + 1])
            at = last + 1
            continue
        if block.kind != "item":
            context = ""
        yield from _block_pieces(text, block, context)
        if _is_lead_in(text, block):
            context = text[block.body : block.end]
        at += 1


def _is_lead_in(text: str, block: Block) -> bool:
    return block.kind in ("paragraph", "item") and bool(_LEAD.search(text[block.body : block.end]))


def _group_end(text: str, found: Sequence[Block], at: int) -> int:
    """The last block that belongs to what is said at `at`: the code, table, list or paragraph under a lead-in."""
    if at + 1 == len(found) or found[at].kind not in ("paragraph", "item"):
        return at
    if found[at + 1].kind in ("code", "table"):
        return at + 1
    if not _is_lead_in(text, found[at]):
        return at
    if found[at + 1].kind == "paragraph":
        return at + 1
    deeper = found[at].indent if found[at].kind == "item" else -1
    last = at
    while last + 1 < len(found) and found[last + 1].kind == "item" and found[last + 1].indent > deeper:
        last += 1
    return last


def _led(text: str, block: Block, members: Sequence[Block]) -> Iterator[Piece]:
    """A lead-in with what it leads, whole; for a list each item too, for a paragraph each further sentence."""
    spans = [(block.body, block.end)] if block.kind == "item" else sentences(text, block.body, block.end)
    start = spans[-1][0]
    lead = block.start if block.kind == "item" else start
    lead_in = text[start : block.end]
    earlier = spans[:-1] if _is_lead_in(text, block) else spans
    yield from (Piece(a, b, a, prose=block.kind == "paragraph") for a, b in earlier)
    if members[0].kind == "paragraph":
        first, *others = sentences(text, members[0].body, members[0].end)
        yield Piece(start, first[1], lead)
        yield from (Piece(a, b, a, lead_in) for a, b in others)
        return
    yield Piece(start, members[-1].end, lead, prose=False)
    for member in members:
        if member.kind == "item":
            yield from _block_pieces(text, member, lead_in)


def _block_pieces(text: str, block: Block, context: str) -> Iterator[Piece]:
    if block.kind in ("code", "table"):
        yield Piece(block.start, block.end, block.start, context, prose=False)
        return
    length = block.end - block.body
    if block.kind == "item" and length <= LONG_ITEM:
        yield Piece(block.body, block.end, block.start, context, prose=False)
        return
    for number, (start, end) in enumerate(sentences(text, block.body, block.end)):
        if not _LEAD.search(text[start:end]):
            yield Piece(start, end, block.start if number == 0 else start, context, prose=block.kind == "paragraph")
