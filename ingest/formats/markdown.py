"""Markdown and plain text → nodes: headings, paragraphs, bullets, code, tables, each with its lines.

Markdown is read by markdown-it-py (see commonmark.py), after HTML that only frames text is out of its way (framing.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.blocks import Node, NodeKind, SourceText
from ingest.errors import DocumentError
from ingest.formats.decode import decode
from ingest.formats.framing import Framed, blank_frames
from ingest.formats.front_matter import merged, read_front_matter
from ingest.items import Meta
from ingest.text import Text, plain

if TYPE_CHECKING:
    from markdown_it.token import Token

_KINDS: dict[str, NodeKind] = {"fence": "code", "code_block": "code", "table": "table", "hr": "rule"}


def read_markdown(data: bytes, path: str, folder: Meta) -> SourceText:
    """Markdown, with or without front matter. Raises DocumentError."""
    return _read(data, path, folder, plain_text=False)


def read_plain(data: bytes, path: str, folder: Meta) -> SourceText:
    """Plain text, with or without front matter. Raises DocumentError."""
    return _read(data, path, folder, plain_text=True)


def from_markdown(
    text: str,
    meta: Meta | None = None,
    *,
    body_line: int = 1,
    plain_text: bool = False,
    path: str = "the text",
) -> SourceText:
    """The blocks of a canonical text. `plain_text`: indentation makes no code. Raises DocumentError for `path`."""
    blocks = read_blocks(Text(text), body=body_line - 1, plain_text=plain_text, path=path)
    return SourceText(text, blocks, meta or Meta(), body_line)


def _read(data: bytes, path: str, folder: Meta, *, plain_text: bool) -> SourceText:
    text = decode(data, path)
    meta, body_line = read_front_matter(text, path)
    if body_line > 1 and not "".join(text.split("\n")[body_line - 1 :]).strip():
        raise DocumentError(path, "nothing follows the front matter", hint="Write something below it, or remove it.")
    return from_markdown(text, merged(folder, meta), body_line=body_line, plain_text=plain_text, path=path)


def read_blocks(source: Text, *, body: int = 0, plain_text: bool = False, path: str = "the text") -> list[Node]:
    """The nodes of a document from line `body` on, in order. `plain_text`: indentation makes no code.

    Raises DocumentError for `path` where there are more blocks or lines than one document may have.
    """
    from ingest.formats.commonmark import TooMuchError, parse

    framed = blank_frames(source, body)
    try:
        tokens = parse("\n".join(framed.lines), plain_text=plain_text)
    except TooMuchError as error:
        raise DocumentError(path, error.reason, line=error.line + 1, hint="Split it into several files.") from None
    nodes = _Converter(framed, tokens).blocks(0)
    if framed.woven:
        nodes = sorted(nodes + framed.woven, key=lambda n: (n.first, {"heading": 0, "close": 2}.get(n.kind, 1)))
    return nodes


class _Converter:
    """Walks the tokens once. What a token opens is read up to the token that closes it."""

    def __init__(self, framed: Framed, tokens: list[Token]) -> None:
        self._framed = framed
        self._source = framed.source
        self._tokens = tokens
        self._at = 0

    def blocks(self, depth: int) -> list[Node]:
        """The blocks up to the end of what is open. `depth`: how many lists they stand in."""
        nodes: list[Node] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.nesting < 0:
                break
            if token.type in ("bullet_list_open", "ordered_list_open"):
                nodes += self._list(depth)
            elif token.map is not None:
                nodes += self._block(token, token.map[0], self._last(*token.map), depth)
        return nodes

    def _block(self, token: Token, first: int, last: int, depth: int) -> list[Node]:
        source = self._source
        if token.type in ("paragraph_open", "heading_open"):
            text = self._tokens[self._at].content
            self._at += 2
            if token.type == "paragraph_open":
                return [Node("paragraph", first, last, text, _paragraph_start(source, first), last, depth=depth)]
            start = source.content_start(first, heading=token.markup.startswith("#"))
            return [Node("heading", first, last, text, start, last, level=int(token.tag[1]), depth=depth)]
        if token.type == "blockquote_open":
            children = self.blocks(depth)
            text = " ".join(child.text for child in children)
            return [Node("quote", first, last, text, source.starts[first], last, depth=depth, children=children)]
        if token.type == "html_block":
            return self._html(token.content, first, last, depth)
        return [Node(_KINDS[token.type], first, last, "", source.starts[first], last, depth=depth)]

    def _html(self, content: str, first: int, last: int, depth: int) -> list[Node]:
        if first in self._framed.events:
            return self._framed.events[first] or [Node("empty", first, last, depth=depth)]
        kind: NodeKind = "html" if plain(content) else "empty"
        return [Node(kind, first, last, content.strip(), self._source.starts[first], last, depth=depth)]

    def _list(self, depth: int) -> list[Node]:
        entries: list[Node] = []
        while self._tokens[self._at].nesting > 0:
            token = self._tokens[self._at]
            self._at += 1
            entries.append(self._entry(token, depth))
        self._at += 1
        return entries

    def _entry(self, token: Token, depth: int) -> Node:
        first, last = token.map or [0, 1]
        last = self._last(first, last)
        children = self.blocks(depth + 1)
        number = int(token.info) if token.info.isdigit() else None
        start = self._source.content_start(first)
        bullet = Node("bullet", first, last, "", start, last, depth=depth, number=number, children=children)
        if children and children[0].kind == "paragraph" and children[0].first == first:
            lead = children.pop(0)
            bullet.text, bullet.head = lead.text, lead.last
        elif children:
            bullet.head = children[0].first
        else:
            bullet.kind = "empty"
        return bullet

    def _last(self, first: int, last: int) -> int:
        """The line past a block, the empty ones at its end left out."""
        while last > first + 1 and self._framed.blank(last - 1):
            last -= 1
        return last


def _paragraph_start(source: Text, line: int) -> int:
    raw = source.lines[line]
    return source.starts[line] + len(raw) - len(raw.lstrip(" \t>"))
