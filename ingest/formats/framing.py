"""HTML that only frames Markdown (`<details>`, `<br>`, comments), blanked line for line; a `<summary>` is a heading."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from ingest.blocks import SUMMARY, Node
from ingest.text import Text

BREAK = "<!---->"
"""Stands where framing HTML was: a line of HTML to Markdown, so that lists and paragraphs end there."""

_MAX_SUMMARY_LINES = 12
_MAX_COMMENT_LINES = 100
_MAX_MARKUP_LINE = 20_000  # a longer line is data, not framing

_FENCE = re.compile(r"[ >]{0,12}(?:[-*+]|\d{1,9}[.)])?[ \t]*(`{3,}|~{3,})(.*)$")
_FRAME = re.compile(
    r"</?(?:details|p|br|div|center|section|article|span|font|kbd|sub|sup|b|i|u|em|strong|hr)\b[^<>\n]*>", re.I
)
_OPENERS = re.compile(r"<(summary)\b[^<>]*>|(<!--)|(</details\s*>)", re.I)
_SUMMARY_END = re.compile(r"</summary\s*>", re.I)
_COMMENT_END = re.compile(r"-->")
_HEADING_MARK = re.compile(r"#{1,6}\s+")
_INLINE_CODE = re.compile(r"`[^`\n]+`")


@dataclass(slots=True)
class Framed:
    """The lines with framing HTML blanked, each where it was.

    `events`: what stood on a line on which nothing else is left, by line. `woven`: what stood beside other text.
    """

    source: Text
    lines: list[str]
    events: dict[int, list[Node]] = field(default_factory=dict)
    woven: list[Node] = field(default_factory=list)

    def blank(self, line: int) -> bool:
        """Whether nothing is left on a line."""
        return not self.lines[line].strip()


def blank_frames(source: Text, body: int) -> Framed:
    """Blanks front matter (the lines before `body`), and framing HTML outside of code."""
    framed = Framed(source, [""] * body + source.lines[body:])
    ends = _Ends(source)
    fence = ""
    for at in range(body, len(framed.lines)):
        line = framed.lines[at]
        opened = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence:
            if opened and opened[1].startswith(fence) and not opened[2].strip():
                fence = ""
        elif opened and "`" not in opened[2]:
            fence = opened[1]
        elif "<" in line and at not in framed.events and len(line) <= _MAX_MARKUP_LINE:
            _blank_line(framed, ends, at)
    return framed


class _Ends:
    """Where summaries and comments end, as (line, column past the end), found in one pass."""

    def __init__(self, source: Text) -> None:
        self._summaries = _find_all(source, _SUMMARY_END, "</")
        self._comments = _find_all(source, _COMMENT_END, "-->")

    def next(self, line: int, column: int, *, summary: bool) -> tuple[int, int] | None:
        """The first end at or after a place, if it is near enough."""
        known, limit = (self._summaries, _MAX_SUMMARY_LINES) if summary else (self._comments, _MAX_COMMENT_LINES)
        at = bisect_left(known, (line, column, 0))
        if at == len(known) or known[at][0] >= line + limit:
            return None
        return known[at][0], known[at][2]


def _find_all(source: Text, pattern: re.Pattern[str], mark: str) -> list[tuple[int, int, int]]:
    """Every match as (line, first column, column past it). Lines without `mark` hold none."""
    return [
        (at, match.start(), match.end())
        for at, line in enumerate(source.lines)
        if mark in line
        for match in pattern.finditer(line)
    ]


def _blank_line(framed: Framed, ends: _Ends, at: int) -> None:
    """Blanks what a line opens, up to where it closes, and notes the summaries and the ends of details."""
    lines, found = framed.lines, list[Node]()
    touched, column = [at], 0
    spaced: list[str] = []
    while match := _OPENERS.search(lines[at], column):
        spaced += [lines[at][column : match.start()], " " * len(match[0])]
        column = match.end()
        if match[3]:
            found.append(Node("close", at, at + 1, level=SUMMARY))
            continue
        end = ends.next(at, column, summary=bool(match[1]))
        if end is None:
            continue
        if match[1]:
            found.append(_summary(framed, at, column, end))
        if end[0] > at:
            lines[at], column = "", 0
            lines[at + 1 : end[0]] = [""] * (end[0] - at - 1)
            lines[end[0]] = " " * end[1] + lines[end[0]][end[1] :]
            touched += range(at + 1, end[0] + 1)
            break
        spaced.append(" " * (end[1] - column))
        column = end[1]
    lines[at] = "".join([*spaced, lines[at][column:]])
    _unframe(lines, at)
    for line in touched:
        if not lines[line].strip():
            before = framed.source.lines[line]
            lines[line] = " " * (len(before) - len(before.lstrip())) + BREAK if line == at else ""
            framed.events[line] = found if line == at else []
    if at not in framed.events:
        framed.woven += found


def _summary(framed: Framed, first: int, column: int, end: tuple[int, int]) -> Node:
    """The heading that a summary is, from behind its tag to the end of the one that closes it."""
    last, past = end
    if first == last:
        taken = framed.lines[first][column:past]
    else:
        taken = "\n".join([framed.lines[first][column:], *framed.lines[first + 1 : last], framed.lines[last][:past]])
    inner = _SUMMARY_END.sub("", taken)
    text = inner.strip()
    mark = _HEADING_MARK.match(text)
    start = framed.source.starts[first] + column + len(inner) - len(inner.lstrip()) + (mark.end() if mark else 0)
    return Node("heading", first, last + 1, text[mark.end() :] if mark else text, start, last + 1, level=SUMMARY)


def _unframe(lines: list[str], at: int) -> None:
    """Takes tags that only frame text off a line, where they would hide it from Markdown."""
    if not _FRAME.search(lines[at]):
        return
    words = _FRAME.sub(" ", _INLINE_CODE.sub(lambda m: "x" * len(m[0]), lines[at]))
    if not words.strip():
        lines[at] = ""
    elif lines[at].lstrip().startswith("<"):
        lines[at] = _FRAME.sub(lambda m: " " * len(m[0]), lines[at]).strip()
