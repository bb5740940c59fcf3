"""Glossaries: terms with their definitions, one note each, however short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingest.blocks import Node
from ingest.parse.labels import Lead, bold_lead, plain_lead
from ingest.parse.outline import Place, part
from ingest.text import Text, plain

_NAMES = re.compile(
    r"\b(?:glossary|terminology|terms|definitions|vocabulary|acronyms|abbreviations|jargon)\b",
    re.I,
)
_DASHED = re.compile(r"(?P<lead>\S[^\n]{0,70}?)[ \t]+[-–—→][ \t]+(?=\S)")
_DEFINED = re.compile(r"[ ]{0,3}[:~][ \t]+\S")  # "Term", and on the next line ": what it means"
_MIN_ENTRIES = 3
_SHARE = 0.6  # of a section's blocks that have a term in front, from which on it is a glossary
_MAX_TERM_WORDS = 8


def is_glossary(run: Sequence[Place]) -> bool:
    """Whether a stretch of a section lists terms: its headings say so and most blocks have one in front, or it is
    written as a definition list."""
    if any(is_defined(place.node) for place in run):
        return True
    named = any(_NAMES.search(title) for title in run[0].path)
    terms = sum(term(place.node) is not None for place in run)
    return named and terms >= _MIN_ENTRIES and terms >= _SHARE * len(run)


def term(node: Node) -> Lead | None:
    """The term that a paragraph or list entry defines: "**Quorum** – …", "Quorum: …", "Quorum - …"."""
    if node.kind not in ("paragraph", "bullet") or not node.text:
        return None
    if is_defined(node):
        first, _, _ = node.text.partition("\n")
        return Lead(plain(first), len(first))
    lead = bold_lead(node.text) or plain_lead(node.text)
    if lead is None and (dashed := _DASHED.match(node.text)):
        lead = Lead(plain(dashed["lead"]), dashed.end())
    return lead if lead is not None and len(lead.text.split()) <= _MAX_TERM_WORDS else None


def is_defined(node: Node) -> bool:
    """Whether a paragraph is a term with `: definition` lines under it."""
    lines = node.text.split("\n")
    if node.kind != "paragraph" or len(lines) < 2 or _DEFINED.match(lines[0]):
        return False
    return bool(_DEFINED.match(lines[1])) and len(lines[0].split()) <= _MAX_TERM_WORDS


def split_terms(source: Text, node: Node, *, named: bool) -> Iterator[Node]:
    """A paragraph of several terms, as one paragraph for each. `named`: it stands in a glossary."""
    lines = range(node.first, node.last)
    if node.kind != "paragraph" or len(lines) < 2:
        yield node
        return
    defined = [line + 1 in lines and bool(_DEFINED.match(source.lines[line + 1])) for line in lines]
    if defined[0] and not _DEFINED.match(source.lines[node.first]):
        cuts = [
            line
            for line, is_term in zip(lines, defined, strict=True)
            if is_term and not _DEFINED.match(source.lines[line])
        ]
    elif named and all(term(part(source, node, line, line + 1)) for line in lines):
        cuts = list(lines)
    else:
        cuts = [node.first]
    for first, last in zip(cuts, [*cuts[1:], node.last], strict=True):
        yield part(source, node, first, last)


def names_glossary(path: Sequence[str]) -> bool:
    """Whether one of the headings over a block says that terms follow."""
    return any(_NAMES.search(title) for title in path)
