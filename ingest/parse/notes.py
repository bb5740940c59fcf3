"""What is no question: cheat-sheet bullets, `Lead:` lines, the text of sections, and what is left over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from ingest.parse.blocks import Node
from ingest.parse.drafts import Draft
from ingest.parse.guide import is_part, part_level
from ingest.parse.labels import bold_lead, plain_lead
from ingest.parse.outline import Outline, Place, part
from ingest.parse.text import Text, plain

# A document is a cheat sheet when it has so many entries with a lead, they hold this share of the text that is in no
# question, and the middle one is long enough to be a statement: lists of two-word fragments stay with their section.
# Set by hand: the middle entry of three cheat sheets had 165 to 530 characters, that of 56 other public documents, by
# weaker bounds, 50 to 145, mostly under 100.
_CHEAT_LEADS = 4
_CHEAT_SHARE = 0.5
_CHEAT_CHARS = 100
_LINK = re.compile(r"!?\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])|<?https?://\S+>?")
_ANCHOR = re.compile(r"\]\(#[^)]*\)")
_MIN_PLAIN_BODY = 20


@dataclass(slots=True)
class Notes:
    """Drafts made of unclaimed text, and the lines (from 0) that turned out to be structure."""

    drafts: list[Draft] = field(default_factory=list)
    structure: set[int] = field(default_factory=set)


def find_notes(source: Text, outline: Outline, claimed: set[int], *, guide: bool) -> Notes:
    """Makes notes of every place none of whose lines is claimed yet."""
    notes = Notes()
    runs = list(_sections(source, outline, claimed, notes.structure))
    cheat = _is_cheat_sheet(source, runs)
    for run in runs:
        groups = list(_bullets(run)) if cheat else [run]
        for index, group in enumerate(groups):
            draft = _draft(source, group, cheat=cheat, guide=guide)
            for below in _indented(source, groups, index) if cheat else ():
                draft.end = source.end_of(below[-1].node.last - 1)
            notes.drafts.append(draft)
    return notes


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
        lines = set(range(node.first, node.last))
        if node.kind in ("heading", "close", "rule", "empty") or lines & claimed:
            if node.kind != "empty":
                if run:
                    yield run
                run = []
            continue
        if _is_structure(source, node):
            structure.update(lines)
            continue
        if run and run[-1].section != place.section:
            yield run
            run = []
        run += [Place(piece, place.path, place.section) for piece in _lead_lines(source, node)]
    if run:
        yield run


def _is_structure(source: Text, node: Node) -> bool:
    """Badges, tables of contents, and stray marks: nothing a question could be about."""
    text = "\n".join(source.lines[node.first : node.last])
    if not any(c.isalnum() for c in text):
        return node.kind not in ("code", "table")
    if node.kind in ("code",):
        return False
    links = _LINK.findall(text)
    if not links:
        return False
    words = plain(_LINK.sub(" ", re.sub(r"[|:\-]{2,}", " ", text)))
    bare = len(re.findall(r"[A-Za-z]{2,}", words))
    if len(_ANCHOR.findall(text)) >= 0.8 * len(links):
        return bare <= 0.3 * len(links) + 2
    images = sum(link.startswith("!") for link in links)
    return images > 0 and bare == 0 and not any(len(plain(link).split()) > 3 for link in links)


def _lead_lines(source: Text, node: Node) -> Iterator[Node]:
    """A paragraph each of whose lines has a lead of its own is as many paragraphs."""
    lines = range(node.first, node.last)
    if node.kind == "paragraph" and len(lines) > 1 and all(_line_lead(source.lines[i].strip()) for i in lines):
        for line in lines:
            yield part(source, node, line, line + 1)
    else:
        yield node


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
    for place in run:
        if not group or not _belongs(group, place.node):
            if group:
                yield group
            group = []
        group.append(place)
    if group:
        yield group


def _belongs(group: Sequence[Place], node: Node) -> bool:
    head = group[0].node
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


def _draft(source: Text, group: Sequence[Place], *, cheat: bool, guide: bool) -> Draft:
    first, last = group[0], group[-1]
    node = first.node
    start = (
        node.start
        if node.kind in ("bullet", "paragraph") and (len(group) == 1 or _lead(node))
        else source.starts[node.first]
    )
    title, question = "", None
    if cheat and _lead(node):
        lead = bold_lead(node.text) or plain_lead(node.text)
        title = lead.text if lead is not None else ""
        question = title if title.endswith("?") else None
    if not title:
        title = first.path[-1] if first.path else plain(node.text or source.lines[node.first])[:80]
    part_of_guide = guide and cheat and is_part(title)
    draft = Draft("guide" if part_of_guide else "note", title, first.path, start)
    draft.question, draft.end = question, source.end_of(last.node.last - 1)
    draft.item_level = part_level(title) if part_of_guide else None
    draft.leftover = not first.path
    return draft
