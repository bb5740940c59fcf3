"""Nodes → outline: which nodes are headings (marked or not), and the heading path of every node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.parse.blocks import BOLD, UNMARKED, Node
from ingest.parse.labels import bold_lead, plain_lead, read_label
from ingest.parse.text import Text, plain

_MAX_HEADING_CHARS = 90
_MAX_HEADING_WORDS = 14
_MAX_BOLD_CHARS = 200
_QUIET = ("empty", "close", "rule")


@dataclass(slots=True)
class Place:
    """A node with its place in the document: the headings above it and the index of the nearest one (-1: none)."""

    node: Node
    path: tuple[str, ...]
    section: int


@dataclass(slots=True)
class Outline:
    """All top-level nodes in order, headings among them."""

    places: list[Place]

    def section_end(self, index: int) -> int:
        """The index after the last place of the section whose heading is at `index`, deeper headings included."""
        level = self.places[index].node.level
        for at in range(index + 1, len(self.places)):
            node = self.places[at].node
            if node.kind == "heading" and node.level <= level:
                return at
        return len(self.places)

    def headings(self) -> list[int]:
        """The indices of all headings."""
        return [i for i, place in enumerate(self.places) if place.node.kind == "heading"]


def heading_text(node: Node) -> str:
    """A heading's words as a path shows them."""
    return plain(node.text).rstrip(" :")


def split_lines(source: Text, nodes: Sequence[Node]) -> list[Node]:
    """Splits paragraphs in which later lines start with a label of their own ("Q: …" over "A: …")."""
    out: list[Node] = []
    for node in nodes:
        cuts = [node.first]
        if node.kind == "paragraph" and node.last - node.first > 1:
            later = range(node.first + 1, node.last)
            cuts += [line for line in later if read_label(source.lines[line].lstrip(" \t>")[:300])]
        if len(cuts) == 1:
            out.append(node)
            continue
        for first, last in zip(cuts, [*cuts[1:], node.last], strict=True):
            out.append(part(source, node, first, last))
    return out


def part(source: Text, node: Node, first: int, last: int) -> Node:
    """The paragraph that some of a node's lines make."""
    if first == node.first:
        start = node.start
    else:
        raw = source.lines[first]
        start = source.starts[first] + len(raw) - len(raw.lstrip(" \t>"))
    text = source.text[start : source.end_of(last - 1)]
    return Node("paragraph", first, last, text, start, last, depth=node.depth)


def make_outline(source: Text, nodes: Sequence[Node]) -> Outline:
    """Promotes unmarked and bold headings, then gives every node its path."""
    nodes = split_lines(source, [flat for node in nodes for flat in _hoist(node)])
    marked = sum(n.kind == "heading" and n.level <= 6 for n in nodes)
    below = _below(nodes)
    opening = next((i for i, n in enumerate(nodes) if n.kind not in _QUIET), 0)
    for index, node in enumerate(nodes):
        if node.kind == "heading" and (node.last - node.first > 2 or len(node.text) > 300):
            node.kind, node.level = "paragraph", 0
        elif node.kind == "paragraph" and _is_bold_heading(node, below[index]):
            node.kind, node.level = "heading", BOLD
        elif (
            node.kind == "paragraph"
            and marked <= 1
            and _is_unmarked_heading(node, below[index], opens=index == opening)
        ):
            node.kind, node.level = "heading", UNMARKED
    return Outline(_places(nodes))


def _hoist(node: Node) -> list[Node]:
    """ "1. ### What is X?" with its answer indented under it is a heading and what follows it."""
    if node.kind != "bullet" or node.text or not node.children or node.children[0].kind != "heading":
        return [node]
    heading = node.children[0]
    heading.number = node.number
    return [flat for child in node.children for flat in _hoist(child)]


def _places(nodes: Sequence[Node]) -> list[Place]:
    places: list[Place] = []
    stack: list[tuple[int, str, int]] = []
    for index, node in enumerate(nodes):
        if node.kind == "heading":
            while stack and stack[-1][0] >= node.level:
                stack.pop()
            places.append(Place(node, tuple(text for _, text, _ in stack), stack[-1][2] if stack else -1))
            stack.append((node.level, heading_text(node), index))
            continue
        if node.kind == "close":
            while stack and stack[-1][0] >= node.level:
                stack.pop()
        places.append(Place(node, tuple(text for _, text, _ in stack), stack[-1][2] if stack else -1))
    return places


def _below(nodes: Sequence[Node]) -> list[Node | None]:
    """For each node the next one that is more than a mark."""
    out: list[Node | None] = []
    following: Node | None = None
    for node in reversed(nodes):
        out.append(following)
        if node.kind not in _QUIET:
            following = node
    return out[::-1]


def _is_bold_heading(node: Node, below: Node | None) -> bool:
    """A paragraph that is one bold phrase, is no label, and has something under it."""
    text = node.text.strip()
    if not text.startswith(("**", "__")) or len(text) > _MAX_BOLD_CHARS + 4 or node.last - node.first > 2:
        return False
    lead = bold_lead(text)
    if lead is None or text[lead.rest :].strip(" :") or _plain_label(text):
        return False
    return below is not None and below.kind != "heading"


def _plain_label(text: str) -> bool:
    label = read_label(text)
    return label is not None and not text[label.rest :].strip(" *_:")


def _could_head(node: Node) -> bool:
    text = node.text.strip()
    if node.kind != "paragraph" or node.last - node.first != 1 or not 2 <= len(text) <= _MAX_HEADING_CHARS:
        return False
    if len(text.split()) > _MAX_HEADING_WORDS or read_label(text) or plain_lead(text):
        return False
    return (text[0].isalnum() or text[0] in "`\"“'") and (text[-1].isalnum() or text[-1] in "?)\"”'`+#")


def _is_unmarked_heading(node: Node, below: Node | None, *, opens: bool) -> bool:
    """A short line alone that ends in no full stop and stands over content."""
    if not _could_head(node) or below is None or below.kind == "heading":
        return False
    # two such lines in a row are a list without marks, unless they open the document
    return opens or not _could_head(below)
