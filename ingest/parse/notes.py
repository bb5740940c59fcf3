"""What is no question: cheat-sheet bullets, `Lead:` lines, terms, commands, stories, the text of sections, the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from ingest.blocks import Node
from ingest.parse.anchors import is_structure
from ingest.parse.commands import command_groups
from ingest.parse.drafts import Draft
from ingest.parse.facets import read_lines, section_facets
from ingest.parse.glossary import is_defined, is_glossary, names_glossary, split_terms, term
from ingest.parse.guide import is_part
from ingest.parse.labels import bold_lead, plain_lead
from ingest.parse.outline import Outline, Place, part
from ingest.parse.rows import term_rows
from ingest.parse.tables import read_table
from ingest.text import Text, plain

# A document is a cheat sheet when it has so many entries with a lead, they hold this share of the text that is in no
# question, and the middle one is long enough to be a statement: lists of two-word fragments stay with their section.
# Set by hand: the middle entry of three cheat sheets had 165 to 530 characters, that of 56 other public documents, by
# weaker bounds, 50 to 145, mostly under 100.
_CHEAT_LEADS = 4
_CHEAT_SHARE = 0.5
_CHEAT_CHARS = 100
_MIN_PLAIN_BODY = 20
_MAX_INTRODUCTION = 200  # a shorter paragraph over a listing belongs to its first commands


@dataclass(slots=True)
class Notes:
    """Drafts made of unclaimed text, and the lines (from 0) that turned out to be structure."""

    drafts: list[Draft] = field(default_factory=list)
    structure: set[int] = field(default_factory=set)


def find_notes(source: Text, outline: Outline, claimed: set[int], *, guide: bool) -> Notes:
    """Makes notes of every place none of whose lines is claimed yet."""
    notes = Notes()
    runs = list(_sections(source, outline, claimed, notes.structure))
    stories = {id(outline.places[part].node): part == opening for part, opening in outline.stories.items()}
    cheat = _is_cheat_sheet(source, [run for run in runs if not any(id(place.node) in stories for place in run)])
    for run in runs:
        for piece in _pieces(source, run, notes):
            _make(source, piece, notes, stories, cheat=cheat, guide=guide)
    return notes


def _pieces(source: Text, run: Sequence[Place], notes: Notes) -> Iterator[list[Place]]:
    """A run without its tables of terms and listings of commands, which make notes of their own."""
    piece: list[Place] = []
    for place in run:
        table = read_table(source, place.node) if place.node.kind == "table" else None
        rows = term_rows(place, table) if table is not None and table.has_terms else []
        listing = command_groups(source, place.node) if place.node.kind == "code" else []
        if not rows and not listing:
            piece.append(place)
            continue
        opening = piece.pop() if listing and piece and _introduces(source, piece[-1].node) else None
        if piece:
            yield piece
        piece = []
        notes.structure.update(range(place.node.first, place.node.last))
        notes.drafts += rows or _listing(source, place, listing, opening)
    if piece:
        yield piece


def _introduces(source: Text, node: Node) -> bool:
    return node.kind == "paragraph" and _size(source, node) <= _MAX_INTRODUCTION


def _listing(source: Text, place: Place, groups: Sequence[tuple[int, int]], opening: Place | None) -> list[Draft]:
    drafts = []
    for first, last in groups:
        title = place.path[-1] if place.path else source.lines[first].strip()[:80]
        draft = Draft("note", title, place.path, source.starts[first], end=source.end_of(last - 1))
        drafts.append(draft)
    if opening is not None:
        drafts[0].start = opening.node.start
    return drafts


def _make(
    source: Text, run: Sequence[Place], notes: Notes, stories: dict[int, bool], *, cheat: bool, guide: bool
) -> None:
    told = any(id(place.node) in stories for place in run)
    entries = not told and (cheat or is_glossary(run))
    groups = list(_bullets(run)) if entries else list(_told(run, stories))
    for index, group in enumerate(groups):
        draft = _draft(source, group, entries=entries, guide=guide)
        for below in _indented(source, groups, index) if entries else ():
            draft.end = source.end_of(below[-1].node.last - 1)
        notes.drafts.append(draft)


def _told(run: Sequence[Place], stories: dict[int, bool]) -> Iterator[list[Place]]:
    """A section with several stories, story by story."""
    group: list[Place] = []
    told = False
    for place in run:
        if told and stories.get(id(place.node)):
            yield group
            group = []
        group.append(place)
        told = told or id(place.node) in stories
    if group:
        yield group


def _indented(source: Text, groups: Sequence[Sequence[Place]], index: int) -> Sequence[Sequence[Place]]:
    """The entries that stand under a lead with nothing behind it by a step of indentation too small for Markdown."""
    head = groups[index][0].node
    lead = bold_lead(head.text)
    if (
        head.kind != "bullet"
        or lead is None
        or head.text[lead.rest :].strip()
        or head.children
        or len(groups[index]) > 1
    ):
        return ()
    own = _indent(source, head)
    end = index + 1
    while end < len(groups) and groups[end][0].node.kind == "bullet" and _indent(source, groups[end][0].node) > own:
        end += 1
    return groups[index + 1 : end]


def _indent(source: Text, node: Node) -> int:
    line = source.lines[node.first]
    return len(line) - len(line.lstrip())


def _size(source: Text, node: Node) -> int:
    return source.end_of(node.last - 1) - source.starts[node.first]


def _is_cheat_sheet(source: Text, runs: Sequence[Sequence[Place]]) -> bool:
    groups = [group for run in runs for group in _bullets(run)]
    sizes = [sum(_size(source, p.node) for p in group) for group in groups if _lead(group[0].node)]
    total = sum(_size(source, p.node) for group in groups for p in group)
    return len(sizes) >= _CHEAT_LEADS and sum(sizes) >= _CHEAT_SHARE * total and median(sizes) >= _CHEAT_CHARS


def _sections(source: Text, outline: Outline, claimed: set[int], structure: set[int]) -> Iterator[list[Place]]:
    """Unclaimed content, one list for each stretch of a section without a gap."""
    run: list[Place] = []
    for place in outline.places:
        node = place.node
        lines = range(node.first, node.last)
        if node.kind in ("heading", "close", "rule", "empty") or any(i in claimed or i in structure for i in lines):
            if node.kind != "empty":
                if run:
                    yield run
                run = []
            continue
        if is_structure(source, node):
            structure.update(lines)
            continue
        if run and run[-1].section != place.section:
            yield run
            run = []
        run += [Place(piece, place.path, place.section) for piece in _lead_lines(source, node, place.path)]
    if run:
        yield run


def _lead_lines(source: Text, node: Node, path: Sequence[str]) -> Iterator[Node]:
    """A paragraph each of whose lines has a lead of its own, or a term, is as many paragraphs."""
    lines = range(node.first, node.last)
    if node.kind == "paragraph" and len(lines) > 1 and all(_line_lead(source.lines[i].strip()) for i in lines):
        for line in lines:
            yield part(source, node, line, line + 1)
    else:
        yield from split_terms(source, node, named=names_glossary(path))


def _line_lead(text: str) -> bool:
    if (bold := bold_lead(text)) is not None:
        return bool(text[bold.rest :].strip())
    lead = plain_lead(text)
    return lead is not None and len(text) - lead.rest >= _MIN_PLAIN_BODY


def _lead(node: Node) -> bool:
    """Whether a node opens a cheat-sheet entry: a bold lead, or a `Lead: text` line."""
    if node.kind not in ("bullet", "paragraph"):
        return False
    if bold_lead(node.text) is not None:
        return True
    return node.kind == "paragraph" and _line_lead(node.text)


def _bullets(run: Sequence[Place]) -> Iterator[list[Place]]:
    """Splits a section into entries; what stands before the first is an entry too.

    A lead with nothing behind it takes all that follows up to the next bold lead; one with a body takes code, tables,
    quotes and a sentence that was cut in two.
    """
    group: list[Place] = []
    glossary = bool(run) and is_glossary(run)
    for place in run:
        if not group or not _belongs(group, place.node, glossary=glossary):
            if group:
                yield group
            group = []
        group.append(place)
    if group:
        yield group


def _belongs(group: Sequence[Place], node: Node, *, glossary: bool) -> bool:
    head = group[0].node
    if glossary:
        return term(node) is None
    if not _lead(head):
        return not _lead(node)
    bold = bold_lead(node.text) if node.kind in ("bullet", "paragraph") else None
    head_bold = bold_lead(head.text)
    if head_bold is not None and not head.text[head_bold.rest :].strip() and not head.children:
        return bold is None
    if node.kind in ("code", "table", "quote"):
        return True
    if node.kind != "paragraph" or _lead(node):
        return False
    previous = group[-1].node.text.rstrip()
    return node.text[:1].islower() or (previous[-1:] not in ".!?:;…)" and previous[-1:].isalnum() and len(group) == 1)


def _draft(source: Text, group: Sequence[Place], *, entries: bool, guide: bool) -> Draft:
    first, last = group[0], group[-1]
    node = first.node
    alone = len(group) == 1 or (entries and _lead(node))
    start = node.start if node.kind in ("bullet", "paragraph") and alone else source.starts[node.first]
    title, question = "", None
    if entries and (_lead(node) or is_defined(node) or (term(node) is not None)):
        lead = bold_lead(node.text) or term(node) or plain_lead(node.text)
        title = lead.text if lead is not None else ""
        question = title if title.endswith("?") else None
    if not title:
        title = first.path[-1] if first.path else plain(node.text or source.lines[node.first])[:80]
    part_of_guide = guide and entries and is_part(title)
    draft = Draft("guide" if part_of_guide else "note", title, first.path, start)
    draft.question, draft.end = question, source.end_of(last.node.last - 1)
    if part_of_guide:
        draft.facets = section_facets(title)
    for place in group:
        if place.node.kind == "paragraph":
            draft.facets = draft.facets.over(read_lines(source.lines[place.node.first : place.node.last]))
    draft.leftover = not first.path
    return draft
