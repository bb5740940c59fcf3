"""What a line of a PDF is, judged with all others: heading, code, list entry; and whether it goes on in the next."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ingest.formats.pdf_layout import LEADERS, Line, Table, join
from ingest.formats.pdf_pages import HYPHEN, Piece

_LARGER = 1.06  # than most of the text: a heading
_HEADING_LINES = 2.5  # lines in a row in a heading's size, on average at most
_SENTENCES = 0.3  # of the lines in a heading's size end with a full stop, at most
_MOSTLY_BOLD = 0.7  # of the text: bold says nothing then
_MOSTLY_MONO = 0.95  # of the text in a font of fixed width: it is no code then
_CODE = 0.9  # of a line's letters in a font of fixed width
_LEADING = 1.3  # from base line to base line in a paragraph, in units of the size, where no paragraph shows it
_PARTED = 1.3  # times as much parts two paragraphs
_FULL = 2.5  # a line that ends nearer to the right edge, in units of the size, shows where that is
_GLYPHS = "•◦‣⁃∙·●○■□▪▫➢➤►▸❖◆◇❑❒✦✧"
_KEPT = "✓✔✗✘☐☑☒"  # they say something

_MARKER = re.compile(
    rf"(?:(?P<glyph>[{_GLYPHS}]|[{_KEPT}])\s*|(?P<weak>[-–—*o])\s+|\(?(?P<number>\d{{1,3}})[.)](?:\s+|$)"
    r"|(?P<letter>\([a-zA-Z]\)|[a-z][.)]|[A-Z]\)|\(?(?:i{1,3}|iv|vi{0,3}|ix|x)\))\s+)"
)
_CUT = re.compile(rf"[^\W_][-{HYPHEN}]$")  # a word that goes on in the next line
_PAGE = re.compile(r"\W*(\d{1,4}|[ivxlc]{1,7})")


def contents_entry(text: str) -> tuple[str, str] | None:
    """(title, page) of an entry of a table of contents: a title, dots, and a page."""
    match = LEADERS.search(text)
    page = _PAGE.fullmatch(text, match.end()) if match else None
    title = text[: match.start()].rstrip(" .") if match else ""
    return (title, page[1]) if page and any(c.isalnum() for c in title) else None


@dataclass(frozen=True, slots=True)
class Marker:
    """What opens a list entry. `x`: where it stands; `text_x`: where its words begin; `line`: the line without it.

    `strong`: nothing else could look like it. `glyph`: it is a bullet, not a number or letter.
    """

    x: float
    text_x: float
    line: Line
    number: int | None = None
    glyph: str = ""
    strong: bool = False

    def follows(self, before: Marker) -> bool:
        """Whether this is the next entry of the list in which `before` stands."""
        if abs(self.x - before.x) > 1.2 * self.line.size:
            return False
        if self.number is not None:
            return before.number is not None and self.number == before.number + 1
        return bool(self.glyph) and self.glyph == before.glyph


def read_marker(line: Line) -> Marker | None:
    """What makes a line a list entry, by its first characters or a drawn bullet before it; None for other lines."""
    if line.mark is not None:
        return Marker(line.mark - line.left, line.indent, line, glyph="•", strong=True)
    text = join(line.pieces).lstrip()
    match = _MARKER.match(text)
    if match is None or not text[match.end() :].strip() or (match["weak"] == "o" and not _stands_apart(line)):
        return None
    glyph = match["glyph"] or match["weak"] or ""
    kept = (match["letter"] or "") + (glyph if glyph in _KEPT else "")
    rest = line if kept else _without(line, len("".join(match[0].split())))
    number = int(match["number"]) if match["number"] else None
    x, text_x = line.indent, rest.indent
    if kept:
        text_x += line.size
    return Marker(x, text_x, rest, number, glyph, strong=bool(match["glyph"]))


def _stands_apart(line: Line) -> bool:
    """Whether the first piece is a single letter with a gap behind it: a word processor's bullet, not a word."""
    first, *others = line.pieces
    return len(first.text.strip()) == 1 and bool(others) and others[0].x0 - first.x1 > 0.5 * line.size


def _without(line: Line, count: int) -> Line:
    """A line without its first visible characters."""
    pieces: list[Piece] = []
    for piece in line.pieces:
        text = piece.text.lstrip()
        if count >= len("".join(text.split())):
            count -= len("".join(text.split()))
            continue
        if count:
            rest = text[count:].lstrip()
            x0 = piece.x1 - (piece.x1 - piece.x0) * len(rest) / max(1, len(text.rstrip()))
            piece, count = replace(piece, text=rest, x0=x0), 0
        pieces.append(piece)
    return replace(line, pieces=pieces)


def _half(size: float) -> float:
    """A size, to half a point."""
    return round(2 * size) / 2


class Manner:
    """How a document is set: its sizes, its leading, its edges. All lines are judged by it.

    `says_bold`, `says_mono`: whether bold type and fonts of fixed width mean anything, because most isn't set in them.
    Sets `left` and `right` of each line: `left` to what its column is moved by against the first, so that `x - left`
    can be compared between columns and pages.
    """

    def __init__(self, pages: Sequence[tuple[float, Sequence[Line | Table]]]) -> None:
        """`pages`: (width, what stands on it)."""
        lines = [item for _, items in pages for item in items if isinstance(item, Line)]
        letters = sum(len(piece.text) for line in lines for piece in line.pieces) or 1
        mono = sum(len(piece.text) for line in lines for piece in line.pieces if piece.mono)
        bold = sum(len(piece.text) for line in lines for piece in line.pieces if piece.bold)
        self.says_mono, self.says_bold = mono <= _MOSTLY_MONO * letters, bold <= _MOSTLY_BOLD * letters
        self.body = self._body(lines)
        self.levels = self._levels(lines)
        self._set_edges(pages)
        self.leading = self._leading(lines)

    # -- what a line is

    def kind(self, line: Line) -> str:
        """heading, code, contents (an entry of a table of contents), or text."""
        if contents_entry(line.text):
            return "contents"
        if self.mono(line):
            return "code"
        if _half(line.size) in self.levels and any(c.isalnum() for c in line.text):
            return "heading"
        return "text"

    def level(self, line: Line) -> int:
        """A heading's level, from 1."""
        return self.levels[_half(line.size)]

    def mono(self, line: Line) -> bool:
        """Whether a line is set in a font of fixed width, and others aren't."""
        if not self.says_mono or not line.pieces[0].mono:
            return False
        return sum(len(p.text) for p in line.pieces if p.mono) >= _CODE * sum(len(p.text) for p in line.pieces)

    def bold(self, line: Line) -> bool:
        """Whether a line is bold, and others aren't. Code between bold words doesn't count."""
        said = [p for p in line.pieces if p.bold or any(c.isalnum() for c in p.text)]
        ends = bool(said) and said[0].bold and said[-1].bold
        return self.says_bold and ends and all(p.bold or p.mono for p in said)

    # -- how lines follow each other

    def wraps(self, line: Line, after: Line) -> bool:
        """Whether a line ends because the next word doesn't fit, not because its writer ended it."""
        if _CUT.search(line.text[-3:]):
            return True
        first = after.pieces[0]
        words = first.text.split()
        width = (first.x1 - first.x0) * len(words[0]) / max(1, len(first.text.strip())) if words else 0.0
        return line.x1 + width + 0.5 * line.size > line.right

    def parted(self, line: Line, after: Line) -> bool:
        """Whether the gap between two lines of a column is wider than within a paragraph, or they don't follow."""
        gap = after.y - line.y
        return not 0 < gap <= _PARTED * self.leading * max(line.size, after.size)

    def blank_lines(self, line: Line, after: Line) -> int:
        """How many lines of code would fit between two lines of it."""
        if after.opens or line.page != after.page:
            return 0
        return max(0, round((after.y - line.y) / (1.25 * line.size)) - 1)

    # -- the measures

    def _body(self, lines: Iterable[Line]) -> float:
        sizes: Counter[float] = Counter()
        for line in lines:
            if not self.says_mono or not line.pieces[0].mono:
                sizes[_half(line.size)] += len(line.text)
        return max(sizes, key=lambda size: (sizes[size], -size), default=0.0)

    def _levels(self, lines: Sequence[Line]) -> dict[float, int]:
        """Heading levels by size. A size in which whole paragraphs or sentences are set is no heading's."""
        counts: Counter[float] = Counter()
        runs: Counter[float] = Counter()
        sentences: Counter[float] = Counter()
        before: Line | None = None
        for line in lines:
            size = _half(line.size)
            counts[size] += 1
            goes_on = before is not None and _half(before.size) == size and before.page == line.page
            if before is None or not goes_on or line.y - before.y > 2 * size:
                runs[size] += 1
            sentences[size] += line.text.endswith(".")
            before = line
        larger = [
            size
            for size in counts
            if size >= max(_LARGER * self.body, self.body + 0.5)
            and counts[size] <= _HEADING_LINES * runs[size]
            and sentences[size] <= _SENTENCES * counts[size]
        ]
        return {size: min(level, 6) for level, size in enumerate(sorted(larger, reverse=True), 1)}

    def _set_edges(self, pages: Sequence[tuple[float, Sequence[Line | Table]]]) -> None:
        groups: dict[tuple[int, int], list[tuple[float, Line]]] = defaultdict(list)
        for width, items in pages:
            lines = [item for item in items if isinstance(item, Line)]
            least = min((line.left for line in lines), default=0.0)
            for line in lines:
                key = (1, 0) if line.columns == 1 else (line.columns, round(line.left / 20))
                groups[key].append((width, line))
                line.left = 0.0 if line.columns == 1 else line.left - least
        for (columns, _), members in groups.items():
            right = self._right_edge(members, single=columns == 1)
            for _, line in members:
                line.right = max(right, 0.0)

    def _right_edge(self, members: Sequence[tuple[float, Line]], *, single: bool) -> float:
        """Where the lines of a column end at the latest, one that sticks out aside.

        Where no line shows by a small letter below it that it was full, a single column is as far from the right edge
        of the page as from the left.
        """
        lines = [line for _, line in members if not self.mono(line)] or [line for _, line in members]
        ends = sorted((line.x1 for line in lines), reverse=True)
        size = median(line.size for line in lines)
        right = ends[1] if len(ends) > 9 and ends[0] - ends[1] > 3 * size else ends[0]
        shown = sum(
            after.text[:1].islower() and line.x1 > right - _FULL * size and line.page == after.page
            for line, after in pairwise(lines)
        )
        if not single or shown > 1:
            return right
        width = median(width for width, _ in members)
        return max(right, width - min(line.x0 for line in lines))

    def _leading(self, lines: Sequence[Line]) -> float:
        """From base line to base line within a paragraph, in units of the size."""
        gaps = [
            (after.y - line.y) / line.size
            for line, after in pairwise(lines)
            if not after.opens and line.size == after.size and after.text[:1].islower() and self.wraps(line, after)
        ]
        gaps = [gap for gap in gaps if 0.9 <= gap <= 4]
        return median(gaps) if len(gaps) > 1 else _LEADING
