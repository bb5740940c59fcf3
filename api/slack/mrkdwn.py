"""From the Markdown of notes to Slack's mrkdwn, which knows neither headings nor lists nor tables, nor escapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_BULLETS = "•◦▪"
_GUARD = "\u200b"
_OPENER = re.compile(r"(?<!\w)([*_~`])(?=\S)")
_QUOTED = re.compile(r"^(?:> ?)+")
_FENCE = re.compile(r"``(?=`)")
_ADDRESSES = ("http://", "https://", "mailto:")
_STYLES = {"strong": "*", "em": "_", "s": "~"}


def escape(text: str) -> str:
    """Plain text: what is special to Slack's control sequences is not special any more. It can call nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str) -> str:
    """Plain text that stays plain: nothing in it turns bold, italic, struck or code either."""
    return _OPENER.sub(rf"\1{_GUARD}", escape(text))


def unescape(text: str) -> str:
    """What a person wrote, from what Slack sends: names of channels, addresses as they read."""
    text = re.sub(r"<([^<>|]+)\|([^<>]*)>", r"\2", text)
    text = re.sub(r"<([@#])([A-Z0-9]+)>", r"\1\2", text)
    text = re.sub(r"<(?:mailto:)?([^<>@#!][^<>]*)>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def blocks_of(markdown: str) -> list[str]:
    """The text as mrkdwn, a string for each paragraph, list, table or piece of code."""
    tokens = _parser().parse(markdown)
    found: list[str] = []
    position = 0
    while position < len(tokens):
        end = _end(tokens, position)
        text = _block(tokens[position:end], 0).strip("\n")
        if text.strip():
            found.append(text)
        position = end
    return found


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _end(tokens: Sequence[Token], start: int) -> int:
    """The position after the block that begins at `start`."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position + 1
    return len(tokens)


def _block(tokens: Sequence[Token], depth: int) -> str:
    """One block with what is in it."""
    first = tokens[0]
    if first.type in ("fence", "code_block"):
        return _code(first.content)
    if first.type == "inline":
        return _inline(first.children or [])
    if first.type == "hr":
        return "———"
    if first.type == "html_block":
        return plain(first.content.strip())
    inner = tokens[1:-1]
    if first.type == "heading_open":
        return f"*{_inline(inner[0].children or [], bold=True)}*" if inner else ""
    if first.type == "table_open":
        return _table(inner)
    if first.type in ("bullet_list_open", "ordered_list_open"):
        return _list(first, inner, depth)
    if first.type == "blockquote_open":
        lines = "\n".join(_children(inner, depth)).splitlines()
        return "\n".join(f"> {_QUOTED.sub('', line)}" for line in lines)  # Slack has no quotes within quotes
    return "\n".join(_children(inner, depth))


def _children(tokens: Sequence[Token], depth: int) -> list[str]:
    found: list[str] = []
    position = 0
    while position < len(tokens):
        end = _end(tokens, position)
        found.append(_block(tokens[position:end], depth))
        position = end
    return found


def _list(first: Token, inner: Sequence[Token], depth: int) -> str:
    number = int(first.attrGet("start") or 1) if first.type == "ordered_list_open" else None
    lines: list[str] = []
    position = 0
    while position < len(inner):
        end = _end(inner, position)
        mark = _BULLETS[min(depth, len(_BULLETS) - 1)] if number is None else f"{number}."
        number = None if number is None else number + 1
        head, *rest = _children(inner[position + 1 : end - 1], depth + 1) or [""]
        if head.startswith(">"):  # a quote is one at the beginning of a line only
            head, rest = "", [head, *rest]
        lines.append(f"{'    ' * depth}{mark} {head}")
        lines += rest
        position = end
    return "\n".join(lines)


def _table(tokens: Sequence[Token]) -> str:
    """Columns of one width each, as code: the only way to keep them under each other."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children or []).strip())
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    rule = "  ".join("-" * width for width in widths)
    return _code("\n".join([lines[0], rule, *lines[1:]]))


def _code(text: str) -> str:
    content = _FENCE.sub(rf"\g<0>{_GUARD}", escape(text.strip("\n")))
    return f"```\n{content}\n```"


def _inline(tokens: Sequence[Token], *, bold: bool = False) -> str:
    """Text with its styles. `bold`: it stands in bold already."""
    written, links = "", []
    for number, token in enumerate(tokens):
        name, _, side = token.type.rpartition("_")
        if name in _STYLES and not (bold and name == "strong"):
            mark = _STYLES[name]
            following = tokens[number + 1].content[:1] if number + 1 < len(tokens) else ""
            if side == "open":
                written += (_GUARD if written[-1:].isalnum() else "") + mark
            else:
                written += mark + (_GUARD if following.isalnum() else "")
        elif token.type == "link_open":
            address = str(token.attrGet("href") or "")
            links.append(address.startswith(_ADDRESSES))
            written += f"<{escape(address)}|" if links[-1] else ""
        elif token.type == "link_close":
            written += ">" if links.pop() else ""
        else:
            written += _piece(token)
    return written


def _piece(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "code_inline":
        return plain(token.content) if "`" in token.content else f"`{escape(token.content)}`"
    if token.type == "image":
        return plain(token.content)
    return plain(token.content) if token.type in ("text", "html_inline", "text_special") else ""
