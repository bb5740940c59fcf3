"""A document's stretch cut into units that can stand in an answer: never a fragment, never half a code block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from answering.sections import Section, is_heading, sections
from answering.segment import Block, blocks, sentences
from answering.unfit import is_unfit
from ingest.parse.labels import says_nothing

SHORT = 500  # characters: an item this short is given whole
PARAGRAPH = 400  # characters: a longer paragraph is cut into sentences
LONG_ITEM = 600  # characters: a longer list item is cut into sentences
WHOLE_LIST = 700  # characters: a list this short, with its lead-in, is one unit
MAX_WHOLE = 1_500  # characters of a lead-in with its block that stay one unit
TELLING = 40  # characters from which a list item says something by itself, without the list around it

_OPEN_END = re.compile(r"[:,][*_\s]*\Z")
_MARKER = re.compile(r"(\s*)(?:[-*+•]|\d{1,3}[.)])\s+")
_CLOSED_END = re.compile(r"[.!?…)\"'”`*_\]>|]\s*\Z")
# A sentence that begins so is understood after another one only.
_LEANS = re.compile(
    r"[*_]{0,3}(?:it|its|they|their|them|this|that|these|those|such|he|she|then|but|and|or|so|however|otherwise|therefore"
    r"|thus|hence|instead|also|moreover|besides|conversely|still|both|neither|in (?:that|this|these|those|such) \w+"
    r"|e\.g|for (?:example|instance)|in addition|on the other hand|as a result|because of (?:that|this)"
    r"|the (?:former|latter|other|same|second|first)"
    r"|(?!(?:when|if|while|because|as|since|after|before|until|once|unless|though|although|where|in)\b)"
    r"[a-z]+(?: of| about)? (?:it|them|these|those))\b",  # "Think of it as a cache"
    re.IGNORECASE,
)

# A sentence that begins so speaks of what stands above it, be that text or code.
_BACK = re.compile(
    r"(?:in|from|with|as|like)?\s*(?:you can see |(?:seen|shown|mentioned|described) )?(?:in )?(?:the |your |this )?"
    r"(?:above|(?:previous|preceding) (?:code|example|snippet|output|command|table))\b|in your example\b",
    re.IGNORECASE,
)
# A sentence that says so leads to what follows it, whatever mark it ends with.
_AHEAD = re.compile(
    r"\b(?:below|as follows|the following|following (?:code|example|snippet)"
    r"|let(?:'s| us) (?:take|see|look|consider|say|explain)|with an? example"
    r"|here(?:'s| is| are) (?:an?|the|some) (?:\w+ ){0,2}examples?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]`: one unit. `lead`: its start with the list marker. `context`: a lead-in that it stands under.

    `prose`: a sentence of running text. `whole`: everything its region has. `leans`: how many characters at its start
    are there only because its own first words speak of them.
    """

    start: int
    end: int
    lead: int
    context: str = ""
    prose: bool = True
    whole: bool = False
    leans: int = 0


def pieces(text: str, start: int, end: int, title: str = "", *, lines: bool = False) -> list[Piece]:
    """The units of `text[start:end]`, in order; they may overlap (a list, and an item of it).

    A region of at most SHORT characters is one unit; where it is a list whose items each say something, they are
    units too. With `lines`, list items and sentences are units even in a short region, and so is a title with a figure
    in it ("Introduction (0-2 min)"). Otherwise headings, a first line that repeats `title`, and questions are none.
    """
    named, found = _without_title(text, _shifted(text, start, trimmed(text, start, end)), title)
    if lines and named is not None and re.search(r"\d", text[named.start : named.end]):
        return [Piece(named.body, named.end, named.start, prose=False), *_pieces(text, found, lines=True)]
    return _pieces(text, found, lines=lines)


def _pieces(text: str, blocks_: Sequence[Block], *, lines: bool) -> list[Piece]:
    parts = sections(text, blocks_)
    if not parts:
        return []
    first = _with_marker(text, parts[0].blocks[0])
    parts[0] = replace(parts[0], blocks=(first, *parts[0].blocks[1:]))
    found = [block for part in parts for block in part.blocks]
    one, last = len(found) == 1, found[-1]
    whole = Piece(first.body if one else first.start, last.end, first.start, prose=one, whole=True)
    if (head := parts[0].head) is not None and (len(parts) > 1 or parts[0].tied or _wants_head(first)):
        whole = Piece(head.start, last.end, head.start, prose=False, whole=True)
    telling = len(found) > 1 and all(b.kind == "item" and _tells(b) for b in found)
    if whole.end - whole.start <= SHORT and not telling and not (lines and _has_parts(text, found)):
        return [] if is_unfit(text[whole.start : whole.end]) else [whole]
    cut = [p for part in parts for p in _section_pieces(text, part, lines=lines)]
    cut = [p for p in cut if not is_unfit(text[p.start : p.end])]
    return [replace(p, whole=True) if (p.start, p.end) == (whole.start, whole.end) else p for p in cut]


def _wants_head(block: Block) -> bool:
    """Whether what stands under a heading is hard to read without it."""
    return block.kind in ("code", "table", "item")


def _section_pieces(text: str, part: Section, *, lines: bool) -> Iterator[Piece]:
    """The pieces of a section, with its heading or with what they lean on, where they need that."""
    first = part.blocks[0]
    for p in _cut(text, part.blocks, lines=lines):
        if p.lead <= first.body and part.head is not None and (part.tied or _needs_head(first, p)):
            yield replace(p, start=part.head.start, lead=part.head.start, prose=False)
        elif (start := _leaned_on(text, part.blocks, p)) is not None:
            yield replace(p, start=start, lead=start, prose=False, leans=p.start - start)
        else:
            yield p


def _needs_head(first: Block, p: Piece) -> bool:
    """Code and tables do, and lists that are given whole; an entry of a list does not."""
    return first.kind in ("code", "table") or (first.kind == "item" and p.end > first.end)


def _leaned_on(text: str, found: Sequence[Block], p: Piece) -> int | None:
    """Where the block before begins to say what the first words of `p`, which open their own block, speak of."""
    at = next((n for n, block in enumerate(found) if block.kind == "paragraph" and block.start == p.start), 0)
    back = bool(at) and bool(_BACK.match(text, p.start))
    if not at or not (back or _LEANS.match(text, p.start)):
        return None
    before, start = found[at - 1], None
    if before.kind == "paragraph" and not is_heading(text, before):
        start = _understood(text, sentences(text, before.body, before.end))[-1][0]
    elif before.kind in ("code", "table") and back:
        start = before.start
        if at > 1 and found[at - 2].kind == "paragraph":
            start = _understood(text, sentences(text, found[at - 2].body, found[at - 2].end))[-1][0]
    limit = WHOLE_LIST if before.kind == "paragraph" else MAX_WHOLE
    return start if start is not None and p.end - start <= limit else None


def trimmed(text: str, start: int, end: int) -> int:
    """Where `text[start:end]` ends without the links, placeholders and marks that its last lines hold."""
    kept = end
    for line in reversed(text[start:end].splitlines(keepends=True)):
        if not says_nothing(line) or line.lstrip().startswith(("```", "~~~", "|")):
            break
        kept -= len(line)
    return start + len(text[start:kept].rstrip())


def _has_parts(text: str, found: Sequence[Block]) -> bool:
    """Whether there is a list, or more than one sentence."""
    return len(found) > 1 or len(sentences(text, found[0].body, found[0].end)) > 1


def _shifted(text: str, start: int, end: int) -> list[Block]:
    moved = blocks(text[start:end])
    return [Block(b.kind, b.start + start, b.end + start, b.body + start, b.indent) for b in moved]


def _with_marker(text: str, block: Block) -> Block:
    """A first block whose list marker stands before the region, made to begin with it."""
    line = text.rfind("\n", 0, block.start) + 1
    marker = _MARKER.fullmatch(text, line, block.start)
    if block.kind != "paragraph" or marker is None:
        return block
    return Block("item", line + len(marker.group(1)), block.end, block.body, len(marker.group(1)))


def _without_title(text: str, found: Sequence[Block], title: str) -> tuple[Block | None, list[Block]]:
    """The title that the text begins with, if it does, and the blocks after it."""
    first = found[0] if found else None
    named, rest = None, list(found)
    if first is not None and first.kind in ("paragraph", "heading", "item"):
        line, newline, _ = text[first.body : first.end].partition("\n")
        if title and _bare(line) == _bare(title):
            end = first.body + len(line.rstrip())
            named, rest = Block("heading", first.start, end, first.body, first.indent), list(found[1:])
            start = first.body + len(line) + 1
            if newline and first.kind == "paragraph":
                rest.insert(0, Block("paragraph", start, first.end, start, first.indent))
    return named, rest


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _cut(text: str, found: Sequence[Block], *, lines: bool) -> Iterator[Piece]:
    at = 0
    while at < len(found):
        last = _group_end(text, found, at)
        if last > at:
            yield from _group(text, found[at : last + 1], lines=lines)
        else:
            yield from _block_pieces(text, found[at], "", lines=lines)
        at = last + 1


def _is_open(text: str, block: Block) -> bool:
    """Whether a block's words lead on to what follows: they end in a colon or comma, or in no mark at all."""
    said = text[block.body : block.end]
    return block.kind in ("paragraph", "item") and (bool(_OPEN_END.search(said)) or not _CLOSED_END.search(said))


def _group_end(text: str, found: Sequence[Block], at: int) -> int:
    """The last block that belongs with the one at `at`: its code, its table, its list, or the rest of its own list."""
    block = found[at]
    if at + 1 == len(found) or block.kind not in ("paragraph", "item"):
        return at
    if block.kind == "item":
        named = found[at + 1].kind == "paragraph" and _OPEN_END.search(text[block.body : block.end])
        return at + 1 if named else _list_end(found, at)
    if found[at + 1].kind in ("code", "table"):
        return at + 1
    if not _is_open(text, block):
        return at
    return _list_end(found, at + 1) if found[at + 1].kind == "item" else at + 1


def _list_end(found: Sequence[Block], at: int) -> int:
    """The last block of a list: items, and what is indented under them or is their code."""
    last, indent = at, found[at].indent
    for number in range(at + 1, len(found)):
        block = found[number]
        under = block.indent >= indent if block.kind == "item" else block.indent > indent
        if not under and not (block.kind in ("code", "table") and number == last + 1):
            break
        last = number
    return last


def _group(text: str, group: Sequence[Block], *, lines: bool) -> Iterator[Piece]:
    """A lead-in with what it leads, or a list: whole where that is short, else lead-in and members to choose from."""
    first, last = group[0], group[-1]
    if first.kind == "item" and len(group) == 2 and last.kind == "paragraph" and last.indent <= first.indent:
        yield from _under_lead(text, first.body, last, text[first.body : first.end])
        return
    lead_in, members = "", group
    start, limit = first.start, WHOLE_LIST
    if first.kind == "paragraph":
        spans = sentences(text, first.body, first.end)
        spans = _understood(text, spans)
        start, limit = spans[-1][0], MAX_WHOLE if group[1].kind != "item" else WHOLE_LIST
        ahead = _is_open(text, first) or bool(_AHEAD.search(text, *spans[-1]))
        earlier = spans[:-1] if ahead else spans
        yield from (Piece(a, b, a) for a, b in earlier)
        lead_in, members = text[start : first.end], group[1:]
    if members[0].kind == "paragraph":
        yield from _under_lead(text, start, members[0], lead_in)
        return
    whole = last.end - start <= limit
    if whole:
        yield Piece(start, last.end, start, prose=False)
    if whole and members[0].kind in ("code", "table"):
        # alone it is a riddle: what introduces it says what it shows
        return
    if whole and not lines and not all(_tells(m) for m in members if m.kind == "item"):
        return
    for entry in _entries(members):
        yield from _entry_pieces(text, entry, lead_in)


def _under_lead(text: str, start: int, block: Block, lead_in: str) -> Iterator[Piece]:
    """A paragraph under a lead-in of its own: the lead-in goes with the first sentence."""
    first, *others = sentences(text, block.body, block.end)
    yield Piece(start, first[1], start)
    yield from (Piece(a, b, a, lead_in) for a, b in others)


def _tells(block: Block) -> bool:
    return block.end - block.body >= TELLING


def _entries(members: Sequence[Block]) -> Iterator[list[Block]]:
    """The members of a list by entry: an item of the outermost level with everything under it."""
    outermost = min((m.indent for m in members if m.kind == "item"), default=0)
    entry: list[Block] = []
    for member in members:
        if member.kind == "item" and member.indent <= outermost and entry:
            yield entry
            entry = []
        entry.append(member)
    if entry:
        yield entry


def _entry_pieces(text: str, entry: Sequence[Block], context: str) -> Iterator[Piece]:
    """One entry of a list: alone, or with what stands under it; a long one by its parts, under its own first line."""
    head, last = entry[0], entry[-1]
    if len(entry) == 1:
        yield from _block_pieces(text, head, context)
        return
    if last.end - head.body <= (MAX_WHOLE if any(b.kind in ("code", "table") for b in entry) else WHOLE_LIST):
        yield Piece(head.body, last.end, head.start, context, prose=False)
        return
    own = f"{context} {text[head.body : head.end]}"
    if not _is_open(text, head) and _tells(head):
        yield from _block_pieces(text, head, context)
    for inner in _entries(entry[1:]):
        yield from _entry_pieces(text, inner, own)


def _block_pieces(text: str, block: Block, context: str, *, lines: bool = False) -> Iterator[Piece]:
    if block.kind in ("code", "table"):
        yield Piece(block.start, block.end, block.start, context, prose=False)
        return
    said, prose = text[block.body : block.end], block.kind == "paragraph"
    if len(said) <= (PARAGRAPH if prose else LONG_ITEM) and not lines:
        if not _OPEN_END.search(said) or said.rstrip().endswith(","):
            yield Piece(block.body, block.end, block.start, context, prose=prose)
        return
    for start, end in _understood(text, sentences(text, block.body, block.end)):
        if not _OPEN_END.search(text[start:end]):
            yield Piece(start, end, block.start if start == block.body else start, context, prose=prose)


def _understood(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sentences, those that lean on the one before together with that: "It does so too" says nothing alone."""
    out: list[tuple[int, int]] = []
    for number, (start, end) in enumerate(spans):
        first = number
        while first and _LEANS.match(text, spans[first][0]) and end - spans[first - 1][0] <= PARAGRAPH:
            first -= 1
        out.append((spans[first][0] if not _LEANS.match(text, spans[first][0]) else start, end))
    return out
