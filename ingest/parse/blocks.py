"""Canonical text → nodes: headings, paragraphs, bullets, code, tables, each with its lines.

Markdown is read by markdown-it-py (CommonMark with tables). HTML that only frames text (`<details>`, `<br>`, comments)
is blanked before that, line for line, so that the Markdown inside it is read as Markdown; a `<summary>` becomes a
heading node of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ingest.parse.text import Text, plain

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

NodeKind = Literal["heading", "paragraph", "bullet", "code", "table", "quote", "html", "rule", "empty", "close"]

# heading levels past Markdown's six
UNMARKED, BOLD, SUMMARY = 6, 7, 8


@dataclass(slots=True)
class Node:
    """One block. `first`, `last`: its lines, counted from 0, `last` exclusive.

    `text` is the inline Markdown of a heading, a paragraph, or a bullet's first paragraph; `start` is the offset at
    which it begins. `head` is the line after that text, where a bullet's further content begins. `level` is a
    heading's; `depth` counts the lists a node stands in; `number` is an ordered bullet's.
    """

    kind: NodeKind
    first: int
    last: int
    text: str = ""
    start: int = 0
    head: int = 0
    level: int = 0
    depth: int = 0
    number: int | None = None
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterable[Node]:
        """The node and all that it holds, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


_FENCE = re.compile(r"[ >]{0,12}(?:[-*+]|\d{1,9}[.)])?[ \t]*(`{3,}|~{3,})(.*)$")
_FRAME = re.compile(
    r"</?(?:details|p|br|div|center|section|article|span|font|kbd|sub|sup|b|i|u|em|strong|hr)\b[^<>\n]*>", re.I
)
_OPENERS = re.compile(r"<(summary)\b[^<>]*>|(<!--)|(</details\s*>)", re.I)
_SUMMARY_END = re.compile(r"</summary\s*>", re.I)
_MAX_SUMMARY_LINES = 12
_MAX_NESTING = 40
_MAX_MARKUP_LINE = 20_000  # a longer line is data, not framing
_MAX_COMMENT_LINES = 100


# Stands where framing HTML was: a line of HTML to Markdown, so that lists and paragraphs end there as a reader expects.
_BREAK = "<!---->"


@dataclass(slots=True)
class _Masked:
    """The lines with framing HTML blanked, and the nodes that stood there: by their line where nothing else is left on
    it, else in `woven`."""

    source: Text
    lines: list[str]
    events: dict[int, list[Node]]
    woven: list[Node]

    def blank(self, line: int) -> bool:
        return not self.lines[line].strip()


def _blank(lines: list[str], first: int, column: int, last: int, end: int) -> str:
    """Blanks from (first, column) to (last, end) and returns what stood there."""
    if first == last:
        taken = lines[first][column:end]
        lines[first] = lines[first][:column] + " " * (end - column) + lines[first][end:]
        return taken
    parts = [lines[first][column:], *lines[first + 1 : last], lines[last][:end]]
    lines[first] = lines[first][:column]
    lines[first + 1 : last] = [""] * (last - first - 1)
    lines[last] = " " * end + lines[last][end:]
    return "\n".join(parts)


def _find_end(lines: list[str], pattern: re.Pattern[str], line: int, column: int, limit: int) -> tuple[int, int] | None:
    for at in range(line, min(len(lines), line + limit)):
        match = pattern.search(lines[at], column if at == line else 0)
        if match:
            return at, match.end()
    return None


_COMMENT_END = re.compile(r"-->")


def _mask(source: Text, body: int) -> _Masked:
    """Blanks front matter, and framing HTML outside of code, keeping every line where it is."""
    masked = _Masked(source, [""] * body + source.lines[body:], {}, [])
    fence = ""
    for at in range(body, len(masked.lines)):
        line = masked.lines[at]
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not opened[2].strip():
                fence = ""
        elif opened and "`" not in opened[2]:
            fence = opened[1]
        elif "<" in line and at not in masked.events and len(line) <= _MAX_MARKUP_LINE:
            _mask_line(masked, at)
    return masked


def _mask_line(masked: _Masked, at: int) -> None:
    lines, found = masked.lines, []
    touched = {at}
    while match := _OPENERS.search(lines[at]):
        if match[3]:
            _blank(lines, at, match.start(), at, match.end())
            found.append(Node("close", at, at + 1, level=SUMMARY))
            continue
        pattern, limit = (_SUMMARY_END, _MAX_SUMMARY_LINES) if match[1] else (_COMMENT_END, _MAX_COMMENT_LINES)
        end = _find_end(lines, pattern, at, match.end(), limit)
        if end is None:
            _blank(lines, at, match.start(), at, match.end())
            continue
        start = masked.source.starts[at] + match.end()
        taken = _blank(lines, at, match.start(), *end)
        touched.update(range(at, end[0] + 1))
        if match[1]:
            found.append(_summary(taken[match.end() - match.start() :], start, at, end[0] + 1))
    _unframe(lines, at)
    for line in touched:
        if not lines[line].strip():
            lines[line] = " " * (len(masked.source.lines[line]) - len(masked.source.lines[line].lstrip())) + _BREAK
            masked.events[line] = found if line == at else []
            if line != at:
                lines[line] = ""
    if at not in masked.events:
        masked.woven += found


def _summary(taken: str, start: int, first: int, last: int) -> Node:
    inner = _SUMMARY_END.sub("", taken)
    start += len(inner) - len(inner.lstrip())
    mark = re.match(r"#{1,6}\s+", inner.strip())
    text = inner.strip()[mark.end() :] if mark else inner.strip()
    return Node("heading", first, last, text=text, start=start + (mark.end() if mark else 0), head=last, level=SUMMARY)


def _unframe(lines: list[str], at: int) -> None:
    """Takes tags that only frame text off a line, where they would hide it from Markdown."""
    if not _FRAME.search(lines[at]):
        return
    words = _FRAME.sub(" ", _INLINE_CODE.sub(lambda m: "x" * len(m[0]), lines[at]))
    if not words.strip():
        lines[at] = ""
    elif lines[at].lstrip().startswith("<"):
        lines[at] = _FRAME.sub(lambda m: " " * len(m[0]), lines[at]).strip()


_INLINE_CODE = re.compile(r"`[^`\n]+`")


def read_blocks(source: Text, *, body: int = 0, plain_text: bool = False) -> list[Node]:
    """The nodes of a document from line `body` on, in order. `plain_text`: indentation makes no code."""
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    masked = _mask(source, body)
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    parser.core.ruler.disable(["inline", "text_join"])  # only lines matter here
    if plain_text:
        parser = parser.disable(["code", "lheading"])
    tree = SyntaxTreeNode(parser.parse("\n".join(masked.lines)))
    nodes = [node for child in tree.children for node in _convert(masked, child, 0)]
    if masked.woven:
        nodes = sorted(nodes + masked.woven, key=lambda n: (n.first, {"heading": 0, "close": 2}.get(n.kind, 1)))
    return nodes


def _convert(masked: _Masked, node: SyntaxTreeNode, depth: int) -> list[Node]:
    source = masked.source
    if node.type in ("bullet_list", "ordered_list"):
        return [_bullet(masked, item, depth, ordered=node.type == "ordered_list") for item in node.children]
    if node.map is None:
        return []
    first, last = node.map
    while last > first + 1 and masked.blank(last - 1):
        last -= 1
    if node.type == "heading":
        text = _inline(node)
        start = source.content_start(first, heading=node.markup.startswith("#"))
        return [Node("heading", first, last, text, start, last, level=int(node.tag[1]), depth=depth)]
    if node.type == "paragraph":
        return [Node("paragraph", first, last, _inline(node), _paragraph_start(source, first), last, depth=depth)]
    if node.type == "blockquote":
        children = [c for child in node.children for c in _convert(masked, child, depth)]
        text = " ".join(c.text for c in children)
        return [Node("quote", first, last, text, source.starts[first], last, depth=depth, children=children)]
    if node.type == "html_block":
        return _html(masked, node, first, last, depth)
    kinds: dict[str, NodeKind] = {"fence": "code", "code_block": "code", "table": "table", "hr": "rule"}
    return [Node(kinds.get(node.type, "paragraph"), first, last, "", source.starts[first], last, depth=depth)]


def _html(masked: _Masked, node: SyntaxTreeNode, first: int, last: int, depth: int) -> list[Node]:
    if first in masked.events:
        return masked.events[first] or [Node("empty", first, last, depth=depth)]
    kind: NodeKind = "html" if plain(node.content) else "empty"
    return [Node(kind, first, last, node.content.strip(), masked.source.starts[first], last, depth=depth)]


def _paragraph_start(source: Text, line: int) -> int:
    raw = source.lines[line]
    return source.starts[line] + len(raw) - len(raw.lstrip(" \t>"))


def _inline(node: SyntaxTreeNode) -> str:
    return next((child.content for child in node.children if child.type == "inline"), "")


def _bullet(masked: _Masked, item: SyntaxTreeNode, depth: int, *, ordered: bool) -> Node:
    first, last = item.map or (0, 1)
    while last > first + 1 and masked.blank(last - 1):
        last -= 1
    source = masked.source
    children = [node for child in item.children for node in _convert(masked, child, depth + 1)]
    number = int(item.info) if ordered and item.info.isdigit() else None
    start = source.content_start(first)
    bullet = Node("bullet", first, last, "", start, last, depth=depth, number=number, children=children)
    if children and children[0].kind == "paragraph" and children[0].first == first:
        lead = children.pop(0)
        bullet.text, bullet.head = lead.text, lead.last
    elif children:
        bullet.head = children[0].first
    else:
        bullet.kind = "empty"
    return bullet
