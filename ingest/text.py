"""Lines and offsets of a canonical text, and small readings of inline Markdown."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from ingest.items import Span

# what may stand before the words of a line: quote marks, list markers, task boxes
_MARKERS = re.compile(r"\s*(?:>\s?)*\s*(?:(?:[-*+•–]|\d{1,9}[.)])(?:[ \t]+(?:\[[ xX]\][ \t]+)?|$))*")
_HEADING_MARK = re.compile(r"\s*(?:>\s?)*\s*#{1,6}[ \t]*")

# None of these may look past the mark that could open the next of its kind: on marks that are never closed, that would
# take time with the square of their number.
TARGET = r"(?:\((?:[^()]++|\([^()]*+\))*+\)|\([^()]*+\([^()]*+\))"
"""A pattern: where a link leads, in round brackets, with pairs of them in it, or with one that is not closed."""

_IMAGE = re.compile(rf"!\[([^\[\]]*+)\]{TARGET}")
_LINK = re.compile(rf"\[([^\[\]]*+)\](?:{TARGET}|\[[^\[\]]*+\])")
_CODE_OR_TAG = re.compile(r"(`[^`\n]+`)|</?[a-zA-Z][^<>]{0,300}>")  # in code, a tag is what the words are about
# a mark inside is one between words ("2 * 3") or in one ("snake_case")
_WORD = "[A-Za-z0-9_]"
_STARS = re.compile(
    rf"(?<!{_WORD})(\*{{1,3}})(?=\S)((?:[^*]++|(?<=\s)\*(?=\s)|(?<={_WORD})\*(?={_WORD}))++)(?<=\S)\1(?!{_WORD})"
)
_UNDERSCORES = re.compile(
    rf"(?<!{_WORD})(_{{1,3}})(?=\S)((?:[^_]++|(?<=\s)_(?=\s)|(?<=[A-Za-z0-9])_++(?=[A-Za-z0-9]))++)(?<=\S)\1(?!{_WORD})"
)
_STRAY_BOLD = re.compile(r"\*\*|(?<![A-Za-z0-9_])__|__(?![A-Za-z0-9_])")
_MARKUP = re.compile(r"[*_`<\[\\]")
_MAX_PLAIN = 8_000
_MAX_CACHED = 400


class Text:
    """A canonical text with its line starts. Lines are counted from 0 here; `Span` counts them from 1.

    `pages`: the 1-based lines at which pages begin, where there are pages.
    """

    def __init__(self, text: str, pages: tuple[int, ...] = ()) -> None:
        self.text = text
        self.pages = pages
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
        first = self.line_of(start) + 1
        page = bisect_right(self.pages, first) if self.pages else None
        return Span(start, end, first, self.line_of(max(start, end - 1)) + 1, page)

    def slice(self, span: Span) -> str:
        """The text of a span."""
        return self.text[span.start : span.end]


def plain(markdown: str) -> str:
    """One line of readable text: emphasis, links, tags and code marks taken off, white space folded.

    Of a text longer than 8,000 characters only the beginning is read: nothing that long is a title or a question.
    """
    return _plain_short(markdown) if len(markdown) <= _MAX_CACHED else _plain(markdown[:_MAX_PLAIN])


@lru_cache(maxsize=1 << 15)
def _plain_short(markdown: str) -> str:
    return _plain(markdown)


def _plain(text: str) -> str:
    if not _MARKUP.search(text):
        return " ".join(text.split())
    text = _CODE_OR_TAG.sub(lambda match: match[1] or " ", text)
    if "[" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    for mark, pattern in (("*", _STARS), ("_", _UNDERSCORES)) * 2:
        if mark in text:
            text = pattern.sub(r"\2", text)
    text = _STRAY_BOLD.sub("", text).replace("`", "").replace("\\", "")
    return " ".join(text.split())


def fold(text: str) -> str:
    """What two texts have in common when they differ in case, punctuation and white space only."""
    return " ".join(re.findall(r"\w+", text.casefold()))
