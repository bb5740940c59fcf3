"""Nodes → outline: which nodes are headings (marked or not), and the heading path of every node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.blocks import BOLD, SUMMARY, UNMARKED, Node
from ingest.parse.facets import read_line
from ingest.parse.labels import bold_lead, is_lettered, plain_lead, read_label
from ingest.parse.stars import find_stories, read_part
from ingest.parse.wording import asks, is_prompt, pictured
from ingest.text import Text, plain

FRAME = 10
"""What a `<details>` adds to the level of each heading in it, so that none of them ends what stands outside."""

_MAX_HEADING_CHARS = 90
_MAX_HEADING_WORDS = 14
_MAX_BOLD_CHARS = 200
_MAX_SUMMARY_CHARS = 1000
_MAX_PATH = 40  # headings above a node that are kept: more of them come from `<details>` in `<details>` only
_BARE = re.compile(r"[ \t]*(?:Question|QUESTION|Answer|ANSWER)(?:[ ]?#?\d{1,4})?[ \t]*")
_TITLE = re.compile(r"<h(?P<level>[1-6])\b[^<>]*>\s*(?P<words>[^<>]+?)\s*</h(?P=level)\s*>", re.I)
_QUIET = ("empty", "close", "rule")


@dataclass(slots=True)
class Place:
    """A node with its place in the document: the headings above it and the index of the nearest one (-1: none).

    `frame`: how many `<details>` it stands in.
    """

    node: Node
    path: tuple[str, ...]
    section: int
    frame: int = 0


@dataclass(slots=True)
class Outline:
    """All top-level nodes in order, headings among them.

    `stories`: the index of each node that opens a part of a STAR story → that of the node that opens the story.
    """

    places: list[Place]
    stories: dict[int, int] = field(default_factory=dict)
    _headings: list[int] = field(default_factory=list)

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
        if not self._headings:
            self._headings = [i for i, place in enumerate(self.places) if place.node.kind == "heading"]
        return self._headings


def rank(node: Node) -> int:
    """A heading's level, whatever `<details>` it stands in."""
    return node.level % FRAME


def heading_text(node: Node) -> str:
    """A heading's words as a path shows them."""
    return plain(node.text).rstrip(" :")


def split_lines(source: Text, nodes: Sequence[Node]) -> list[Node]:
    """Splits paragraphs in which lines have a label of their own ("Q: …" over "A: …"), or state facets."""
    out: list[Node] = []
    for node in nodes:
        cuts = [node.first]
        if node.kind == "paragraph" and node.last - node.first > 1:
            told = _tells_story(source, node)
            stated = bool(read_line(source.lines[node.first]))
            for line in range(node.first + 1, node.last):
                was, stated = stated, bool(read_line(source.lines[line]))
                if told or was != stated or _opens_label(source, node.first, line):
                    cuts.append(line)
        if len(cuts) == 1:
            out.append(node)
            continue
        for first, last in zip(cuts, [*cuts[1:], node.last], strict=True):
            out.append(part(source, node, first, last))
    return out


def _tells_story(source: Text, node: Node) -> bool:
    """Whether each line of a paragraph is a part of a story."""
    lines = range(node.first, node.last)
    return len(lines) in (3, 4, 5) and all(read_part(part(source, node, line, line + 1)) for line in lines)


def _opens_label(source: Text, first: int, line: int) -> bool:
    text = source.lines[line].lstrip(" \t>")[:300]
    if text.startswith("A. "):
        return any(source.lines[above].lstrip(" \t>").startswith("Q. ") for above in range(first, line))
    return read_label(text) is not None and not is_lettered(source.lines, line)


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
    """Promotes unmarked and bold headings, joins the parts of stories, then gives every node its path."""
    nodes = [flat for node in _nested(source, nodes) for flat in _hoist(node)]
    for node in nodes:
        _as_written(source, node)
    nodes = split_lines(source, _announced(source, nodes))
    stories = find_stories(nodes)
    _join(nodes, stories)
    marked = sum(n.kind == "heading" and n.level <= 6 for n in nodes)
    below = _below(nodes)
    told = {index for story in stories for index in story}
    opening = next((i for i, n in enumerate(nodes) if n.kind not in _QUIET), 0)
    for index, node in enumerate(nodes):
        if index in told:
            continue
        if node.kind == "heading" and _is_too_long(node):
            node.kind, node.level = "paragraph", 0
        elif node.kind == "paragraph" and _is_bold_heading(node, below[index]):
            node.kind, node.level = "heading", BOLD
        elif (
            node.kind == "paragraph"
            and marked <= 1
            and _is_unmarked_heading(node, below[index], opens=index == opening)
        ):
            node.kind, node.level = "heading", UNMARKED
    return Outline(_places(nodes), {index: story[0] for story in stories for index in story})


def _as_written(source: Text, node: Node) -> None:
    """Takes a text as it is written where a reader took framing tags off it; an image that says something is text."""
    if node.kind == "empty" and any("<img" in line and pictured(line) for line in source.lines[node.first : node.last]):
        node.kind, node.start = "html", source.starts[node.first]
    first = node.text.split("\n", 1)[0].rstrip()
    if node.kind == "html" and (match := _TITLE.fullmatch(first)) and node.last - node.first == 1:
        node.kind, node.level, node.text, first = "heading", int(match["level"]), match["words"], match["words"]
    if not first or source.text.startswith(first, node.start):
        return
    end = source.end_of(max(node.head, node.first + 1) - 1)
    if node.kind == "heading":
        node.start = max(node.start, source.text.find(first, node.start, end))
    elif node.kind in ("paragraph", "bullet"):
        node.text = source.text[node.start : end]


def _announced(source: Text, nodes: Sequence[Node]) -> list[Node]:
    """Lines that are nothing but "Question" and "Answer", as headings, where a document has both."""
    lines = (line for n in nodes if n.kind == "paragraph" for line in range(n.first, n.last))
    bare = [line for line in lines if _BARE.fullmatch(source.lines[line])]
    if len({source.lines[line].strip()[0].lower() for line in bare}) < 2:
        return list(nodes)
    marks, out = set(bare), []
    for node in nodes:
        if node.kind != "paragraph" or not marks.intersection(range(node.first, node.last)):
            out.append(node)
            continue
        cuts = [i for i in range(node.first, node.last) if i == node.first or i in marks or i - 1 in marks]
        for first, last in zip(cuts, [*cuts[1:], node.last], strict=True):
            out.append(part(source, node, first, last))
            if first in marks:
                out[-1].kind, out[-1].level = "heading", BOLD
    return out


def _join(nodes: list[Node], stories: Sequence[Sequence[int]]) -> None:
    """Parts of a story are no headings; the question above them is one, however it is written."""
    for story in stories:
        for index in story:
            if nodes[index].kind == "heading":
                nodes[index].kind, nodes[index].level = "paragraph", 0
        above = next((nodes[i] for i in range(story[0] - 1, -1, -1) if nodes[i].kind not in _QUIET), None)
        if above is not None and above.kind == "paragraph" and above.last - above.first == 1:
            above.kind, above.level = ("heading", BOLD) if _is_posed(above.text) else ("paragraph", 0)


def _is_posed(text: str) -> bool:
    return (asks(text) or is_prompt(text)) and read_label(text) is None


def _nested(source: Text, nodes: Sequence[Node]) -> list[Node]:
    """Puts bullets into the numbered entry above them where they are indented less than Markdown asks for.

    "10. Why?" with "   - Because" under it makes two lists: from ten on, three spaces are not enough.
    """
    out: list[Node] = []
    for node in nodes:
        head = out[-1] if out else None
        below = head is not None and head.kind == "bullet" and head.number is not None and node.number is None
        if head is None or not below or node.kind != "bullet" or _indent(source, node) <= _indent(source, head):
            out.append(node)
            continue
        for inner in node.walk():
            inner.depth += 1
        head.children.append(node)
        head.last = node.last
    return out


def _indent(source: Text, node: Node) -> int:
    line = source.lines[node.first]
    return len(line) - len(line.lstrip())


def _hoist(node: Node) -> list[Node]:
    """ "1. ### What is X?" with its answer indented under it is a heading and what follows it."""
    if node.kind != "bullet" or node.text or not node.children or node.children[0].kind != "heading":
        return [node]
    heading = node.children[0]
    heading.number = node.number
    return [flat for child in node.children for flat in _hoist(child)]


def _frames(nodes: Sequence[Node]) -> dict[int, int]:
    """The index of each summary → that of the `</details>` that closes it, where there is one."""
    opened: list[int] = []
    frames: dict[int, int] = {}
    for index, node in enumerate(nodes):
        if node.level == SUMMARY and node.kind != "close":
            opened.append(index)
        elif node.kind == "close" and opened:
            frames[opened.pop()] = index
    return frames


def _places(nodes: Sequence[Node]) -> list[Place]:
    frames = _frames(nodes)
    closing = set(frames.values())
    places: list[Place] = []
    stack: list[tuple[int, str, int]] = []
    frame = 0
    for index, node in enumerate(nodes):
        if node.kind == "close":
            frame -= index in closing
            node.level = frame * FRAME + SUMMARY
        elif node.kind == "heading":
            node.level += frame * FRAME
        if node.kind in ("heading", "close"):
            while stack and stack[-1][0] >= node.level:
                stack.pop()
        places.append(Place(node, tuple(text for _, text, _ in stack), stack[-1][2] if stack else -1, frame))
        if node.kind == "heading" and len(stack) < _MAX_PATH:
            stack.append((node.level, heading_text(node), index))
        frame += index in frames
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


def _is_too_long(node: Node) -> bool:
    if node.level == SUMMARY:
        return len(node.text) > _MAX_SUMMARY_CHARS
    return node.last - node.first > 2 or len(node.text) > 300


def _is_bold_heading(node: Node, below: Node | None) -> bool:
    """A paragraph that is one bold phrase, is no label, and has something under it."""
    text = node.text.strip()
    if len(text) > _MAX_BOLD_CHARS + 4 or node.last - node.first > 2:
        return False
    lead = bold_lead(text)
    if lead is None or text[lead.rest :].strip(" :") or _plain_label(text) or read_line(text):
        return False
    return below is not None and below.kind != "heading"


def _plain_label(text: str) -> bool:
    label = read_label(text)
    return label is not None and not text[label.rest :].strip(" *_:")


def _could_head(node: Node) -> bool:
    text = node.text.strip()
    if node.kind != "paragraph" or node.last - node.first != 1 or not 2 <= len(text) <= _MAX_HEADING_CHARS:
        return False
    if len(text.split()) > _MAX_HEADING_WORDS or read_label(text) or plain_lead(text) or read_part(node):
        return False
    return (text[0].isalnum() or text[0] in "`\"“'") and (text[-1].isalnum() or text[-1] in "?)\"”'`+#")


def _is_unmarked_heading(node: Node, below: Node | None, *, opens: bool) -> bool:
    """A short line alone that ends in no full stop and stands over content."""
    if not _could_head(node) or below is None or below.kind == "heading":
        return False
    # two such lines in a row are a list without marks, unless they open the document
    return opens or not _could_head(below)
