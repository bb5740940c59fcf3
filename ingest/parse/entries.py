"""List entries that hold a question or its parts: where its words end, and what of it carries labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ingest.blocks import Node
from ingest.parse.facets import read_line
from ingest.parse.labels import bold_lead, is_lettered, read_label
from ingest.parse.outline import split_lines
from ingest.parse.wording import answer_behind, asks, is_question
from ingest.text import Text


def flatten(source: Text, node: Node) -> Iterator[Node]:
    """A bullet whose parts carry labels or state facets, as the sequence of its parts."""
    if node.kind != "bullet" or not _labelled(source, node):
        yield node
        return
    words = Node("paragraph", node.first, node.head, node.text, node.start, node.head, depth=node.depth + 1)
    first, *others = split_lines(source, [words])
    yield replace(first, kind="bullet", depth=node.depth, number=node.number)
    yield from others
    for child in node.children:
        yield from flatten(source, child)


def _labelled(source: Text, node: Node) -> bool:
    for inner in node.walk():
        if inner.kind in ("bullet", "paragraph"):
            for line, text in enumerate(inner.text.split("\n"), inner.first):
                if read_label(text[:300]) and not is_lettered(source.lines, min(line, len(source) - 1)):
                    return True
                if inner is not node and read_line(text):
                    return True
    return False


def entry_parts(source: Text, node: Node) -> tuple[int, int]:
    """Where a list entry's question ends and its answer begins: after bold words, a question mark, or a line."""
    lead = bold_lead(node.text)
    if lead is not None and asks(lead.text):
        return node.start + lead.rest, node.start + lead.rest
    first_line = node.text.split("\n", 1)[0]
    parted = answer_behind(first_line)
    if parted is not None:
        return node.start + parted[0], node.start + parted[1]
    end = source.end_of(node.first if "\n" in node.text and is_question(first_line) else node.head - 1)
    return end, end
