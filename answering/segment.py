"""Text as a reader sees it: blocks (paragraph, list item, code, table, heading) and their sentences, with offsets.

A light scanner for pieces of Markdown and plain text, made to be fast (it runs while somebody waits) and total: every
character that is not white space is in exactly one block, and in exactly one sentence of its block. It is not a
Markdown parser; documents are parsed in ingest.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

BlockKind = Literal["paragraph", "item", "code", "table", "heading", "markup"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_FENCE = re.compile(r"\s*(`{3,}(?=[^`\n]*$)|~{3,}|\$\$)", re.MULTILINE)
_HEADING = re.compile(r"\s{0,3}#{1,6}(?:\s|$)")
_DEEP_HEADING = re.compile(r"\s*#{1,6}\s")  # inside of a list item that is all of the text
_UNDERLINE = re.compile(r"\s{0,3}=+\s*$")
_RULE = re.compile(r"\s*(?:([-*_])(?:\s*\1){2,}|[-*+])\s*$")
_TAG = re.compile(r"\s*(?:</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>\s*|<!--(?:(?!-->).)*-->\s*)+$")
_ITEM = re.compile(r"(\s*)(?:[-*+•‣▪●◦–—]|\(?\d{1,3}[.)]|\(?[a-z]\))(?:\s+(?=\S))")
_PROSE = re.compile(r"(?:[*_`\"'(]{0,3}[A-Z][\w'’-]*|[IAa])[*_`,:]{0,3}(?:\s+[^\s{};=<>]+){3}")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")

# A mark of a citation such as [1] or [1, 2]; it belongs to the sentence before it.
CITATION = re.compile(r"\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\](?!\()")
_STOP = re.compile(
    r"(?<![.!?…。])[.!?…。]+[\"'”’»)\]*_`]*(?:\s{0,2}\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\](?!\())*(?=\s|\Z)"
)
_CODE_SPAN = re.compile(r"``[^\n]+?``|`[^`\n]+`")
_OPENING = frozenset("\"'“‘`(")  # a stop right after one of these, with space before, is spoken of, not used
_LAST_TOKEN = re.compile(r"[^\s(\[{\"'“‘*_]+\Z")

# Abbreviations after which a sentence goes on (general English usage, in lower case, without the last full stop).
_NEVER = re.compile(
    r"e\.?g|i\.?e|viz|vs|cf|mrs?|ms|dr|prof|rev|gen|sen|rep|gov|st|mt|figs?|eqs?|approx|ca|resp|incl|excl|eds?|vols?|pp|"
    r"sec|ch|para|art|min|max|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|"
    r"tsp|tbsp|oz|lbs?|qt|ft|yd",
    re.IGNORECASE,
)
# Abbreviations that end a sentence only where the next word begins with a capital.
_MAYBE = re.compile(
    r"etc|inc|ltd|co|corp|[js]r|al|u\.[skn]|e\.u|[ap]\.m|ph\.d|[ab]\.[cd]|d\.c|bros|est|dept|nos?", re.IGNORECASE
)
_SHORT_LINE = 50  # characters: a line this short is not wrapped prose, so the line break after it is meant


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text of one kind. `body`: where its words begin. `indent`: column of its marker."""

    kind: BlockKind
    start: int
    end: int
    body: int
    indent: int = 0


def blocks(text: str) -> list[Block]:
    """The blocks of a text, in order, without overlap; what lies between them is white space."""
    lines = _lines(text)
    # the text may be a piece of a list item, all of it indented; its first line may have lost the indentation
    base = min((line.indent for line in lines[1:] if not line.blank), default=0)
    return list(_scan(lines, base + 4))


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The sentences of `text[start:end]` as offsets into `text`. Only white space lies between them.

    A full stop after an abbreviation, an initial, a list number, or in a version, decimal, file name or address ends
    nothing; neither does one inside a code span. A citation mark after the stop belongs to the sentence before it.
    """
    stop = len(text) if end is None else end
    code = [m.span() for m in _CODE_SPAN.finditer(text, start, stop)]
    cuts = [m.end() for m in _STOP.finditer(text, start, stop) if _ends_sentence(text, start, m, code)]
    cuts += _line_cuts(text, start, stop, code)
    spans, at = [], start
    for cut in [*sorted(set(cuts)), stop]:
        piece = _strip(text, at, cut)
        if piece[0] < piece[1]:
            spans.append(piece)
        at = max(at, cut)
    return spans


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends_sentence(text: str, start: int, stop: re.Match[str], code: list[tuple[int, int]]) -> bool:
    if _inside(code, stop.start() + 1):
        return False
    follows = text[stop.end() : stop.end() + 8].lstrip()[:1]
    if text[max(start, stop.start() - 2) : stop.start()].strip() in _OPENING:
        return False
    if not follows or stop.group()[0] in "!?":
        return True
    if stop.group().startswith(("..", "…")) and follows.islower():
        return False
    found = _LAST_TOKEN.search(text, max(start, stop.start() - 40), stop.start())
    if not found:
        return True
    word = found.group()
    if word.isdigit() and not text[start : found.start()].strip():
        return False
    if _NEVER.fullmatch(word) or (len(word) == 1 and word.isupper() and word not in "CI"):
        return False
    return not (_MAYBE.fullmatch(word) and not follows.isupper())


def _inside(spans: list[tuple[int, int]], at: int) -> bool:
    """Whether a place lies in one of the spans, which are in order."""
    number = bisect_right(spans, at, key=itemgetter(0)) - 1
    return number >= 0 and spans[number][0] <= at < spans[number][1]


def _line_cuts(text: str, start: int, stop: int, code: list[tuple[int, int]]) -> list[int]:
    """Line breaks that end a sentence: after a short line or a hard break, before a line that begins anew."""
    cuts = []
    line = start
    at = text.find("\n", start, stop)
    while at != -1:
        before = text[line:at]
        following = text[at + 1 : stop].lstrip(" \t>")[:1] if at + 1 < stop else ""
        anew = following != "" and not following.islower() and following not in ",.;)]"
        meant = (
            len(before) < _SHORT_LINE or before.endswith(("  ", "\\", ":")) or before.rstrip().endswith((".", "!", "?"))
        )
        if anew and meant and before.strip() and not _inside(code, at):
            cuts.append(at)
        line = at + 1
        at = text.find("\n", line, stop)
    return cuts


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    text: str

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def indent(self) -> int:
        wide = self.text.expandtabs(4)
        return len(wide) - len(wide.lstrip())


def _lines(text: str) -> list[_Line]:
    return [_Line(m.start(), m.end(), m.group()) for m in _LINE.finditer(text)]


def _scan(lines: list[_Line], code: int) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        if lines[at].blank:
            at += 1
            continue
        kind, last = _block_at(lines, at, code)
        yield _block(kind, lines[at : last + 1])
        at = last + 1


def _block_at(lines: list[_Line], at: int, code: int) -> tuple[BlockKind, int]:
    """What begins at this line, and the last line of it. `code`: the indentation from which text is code."""
    text = lines[at].text
    if fence := _FENCE.match(text):
        return "code", _fence_end(lines, at, fence.group(1))
    if _HEADING.match(text) or (_DEEP_HEADING.match(text) and 4 <= lines[at].indent < code):
        return "heading", at
    if _RULE.match(text) or _TAG.match(text):
        return "markup", at
    if _is_table(lines, at):
        return "table", _while(lines, at, lambda i: "|" in lines[i].text)
    if _ITEM.match(text):
        return "item", _while(lines, at, lambda i: not _begins_block(lines, i))
    if _is_indented_code(lines, at, code):
        return "code", _while(lines, at, lambda i: lines[i].indent >= code and not _FENCE.match(lines[i].text))
    if at + 1 < len(lines) and _UNDERLINE.match(lines[at + 1].text):
        return "heading", at + 1
    return "paragraph", _while(lines, at, lambda i: not _begins_block(lines, i))


def _while(lines: list[_Line], at: int, goes_on: Callable[[int], bool]) -> int:
    last = at
    while last + 1 < len(lines) and not lines[last + 1].blank and goes_on(last + 1):
        last += 1
    return last


def _begins_block(lines: list[_Line], at: int) -> bool:
    text = lines[at].text
    return bool(
        _FENCE.match(text) or _HEADING.match(text) or _RULE.match(text) or _TAG.match(text) or _ITEM.match(text)
    ) or _is_table(lines, at)


def _fence_end(lines: list[_Line], at: int, mark: str) -> int:
    if mark == "$$" and "$$" in lines[at].text.strip()[2:]:
        return at
    for last in range(at + 1, len(lines)):
        closing = lines[last].text.strip()
        if closing.startswith(mark) and not closing.strip(mark[0]):
            return last
        if mark == "$$" and closing.endswith("$$"):
            return last
    return len(lines) - 1


def _is_table(lines: list[_Line], at: int) -> bool:
    text = lines[at].text
    if "|" not in text:
        return False
    if text.lstrip().startswith("|") and text.count("|") > 1:
        return True
    return at + 1 < len(lines) and "|" in lines[at + 1].text and bool(_TABLE_RULE.match(lines[at + 1].text))


def _is_indented_code(lines: list[_Line], at: int, code: int) -> bool:
    """Indented as code, not the continuation of a list item above, and not written like prose."""
    text = lines[at].text
    if lines[at].indent < code or _PROSE.match(text.strip()):
        return False
    for before in reversed(lines[:at]):
        if before.blank:
            continue
        if _ITEM.match(before.text):
            return False
        if before.indent < code:
            return True
    return at > 0


def _block(kind: BlockKind, lines: list[_Line]) -> Block:
    while lines[-1].blank:
        lines = lines[:-1]
    first, last = lines[0], lines[-1]
    lead = len(first.text) - len(first.text.lstrip())
    start, end = first.start + lead, last.start + len(last.text.rstrip())
    if kind == "code":
        start = first.start
    marker = _ITEM.match(first.text) if kind == "item" else None
    body = first.start + marker.end() if marker else start
    return Block(kind, start, end, body, lead)
