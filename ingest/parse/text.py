"""Lines and offsets of a canonical text, and small readings of inline Markdown."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from ingest.items import Span

# what may stand before the words of a line: quote marks, list markers, task boxes
_MARKERS = re.compile(r"\s*(?:>\s?)*\s*(?:(?:[-*+•–]|\d{1,9}[.)])(?:[ \t]+(?:\[[ xX]\][ \t]+)?|$))*")
_HEADING_MARK = re.compile(r"\s*(?:>\s?)*\s*#{1,6}[ \t]*")

_IMAGE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9_])(\*{1,3}|_{1,3})(?=\S)(.{1,2000}?)(?<=\S)\1(?![A-Za-z0-9_])", re.S)
_STRAY_BOLD = re.compile(r"\*\*|(?<![A-Za-z0-9_])__|__(?![A-Za-z0-9_])")
_MAX_PLAIN = 8_000
_SPACE = re.compile(r"\s+")


class Text:
    """A canonical text with its line starts. Lines are counted from 0 here; `Span` counts them from 1."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts: list[int] = []
        offset = 0
        for line in self.lines:
            self.starts.append(offset)
            offset += len(line) + 1

    def __len__(self) -> int:
        return len(self.lines)

    def blank(self, line: int) -> bool:
        """Whether a line holds nothing but white space."""
        return not self.lines[line].strip()

    def line_of(self, offset: int) -> int:
        """The line in which an offset lies."""
        return bisect_right(self.starts, offset) - 1

    def content_start(self, line: int, *, heading: bool = False) -> int:
        """Offset of the first word of a line, past list markers, quote marks and heading marks."""
        match = (_HEADING_MARK if heading else _MARKERS).match(self.lines[line])
        return self.starts[line] + (match.end() if match else 0)

    def end_of(self, line: int) -> int:
        """Offset just past the last visible character of a line."""
        return self.starts[line] + len(self.lines[line].rstrip())

    def span(self, start: int, end: int) -> Span:
        """The span of two offsets, white space at both ends left out."""
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        return Span(start, end, self.line_of(start) + 1, self.line_of(max(start, end - 1)) + 1)

    def slice(self, span: Span) -> str:
        """The text of a span."""
        return self.text[span.start : span.end]


@lru_cache(maxsize=4096)
def plain(markdown: str) -> str:
    """One line of readable text: emphasis, links, tags and code marks taken off, white space folded.

    Of a text longer than 8,000 characters only the beginning is read: nothing that long is a title or a question.
    """
    markdown = markdown[:_MAX_PLAIN]
    text = _TAG.sub(" ", markdown)
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    for _ in range(2):
        text = _EMPHASIS.sub(r"\2", text)
    text = _STRAY_BOLD.sub("", text).replace("`", "").replace("\\", "")
    return _SPACE.sub(" ", text).strip()


def fold(text: str) -> str:
    """What two texts have in common when they differ in case, punctuation and white space only."""
    return " ".join(re.findall(r"\w+", text.casefold()))
