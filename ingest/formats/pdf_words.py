"""The words of a block's lines, put together over the ends of lines and pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ingest.formats.inline import Run, to_markdown
from ingest.formats.pdf_layout import Line, parted
from ingest.formats.pdf_pages import HYPHEN, Piece

_HALF = re.compile(r"(?P<lead>[\w-]*?)(?P<half>[^\W\d_]+)[-\x02]$")
_REST = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_MAX_WORD = 100
_MAX_COLUMN = 200  # of a line of code; what is set further to the right is moved there


class Words:
    """Joins lines. It knows the words of the whole document, which tell a hyphen of a word from one at a line's end.

    Where the text of a block goes over the end of a page, there is a line break in it.
    """

    def __init__(self, lines: Iterable[Line], *, bold: bool, mono: bool) -> None:
        """`bold`, `mono`: whether such a font says anything here."""
        self.known = _known(lines)
        self.bold = bold
        self.mono = mono

    def plain(self, lines: Sequence[Line]) -> str:
        """The text of some lines, without any marks."""
        return "".join(run.text for run in self._runs(lines))

    def marked(self, lines: Sequence[Line]) -> str:
        """The text of some lines as inline Markdown."""
        runs = self._runs(lines)
        # code between bold words is bold to its reader, whatever its font
        for before, at, after in zip(range(len(runs)), range(1, len(runs)), range(2, len(runs)), strict=False):
            if runs[at].code and runs[before].bold and runs[after].bold:
                runs[at] = runs[at]._replace(bold=True)
        return to_markdown(runs)

    def _runs(self, lines: Sequence[Line]) -> list[Run]:
        """The words in their styles, neighbours of one style as one."""
        runs: list[Run] = []
        waits = False  # for the end of a word that goes over the end of a page
        for line, above in zip(lines, [None, *lines[:-1]], strict=True):
            if above is not None:
                cut = self._bridge(runs, line, " " if line.page == above.page else "\n")
                waits = waits or (cut and line.page != above.page)
            before: Piece | None = None
            for piece in line.pieces:
                text = f" {piece.text}" if before is not None and parted(before, piece) else piece.text
                if waits and " " in text.lstrip():
                    text, waits = text.lstrip().replace(" ", "\n", 1), False
                _append(runs, Run(text, bold=piece.bold and self.bold, code=piece.mono and self.mono))
                before = piece
        return [run._replace(text=run.text.replace(HYPHEN, "-")) for run in runs]

    def _bridge(self, runs: list[Run], line: Line, space: str) -> bool:
        """Ends a line so that the next can follow: with a space, or without where a hyphen cut a word: then True."""
        text = runs[-1].text.rstrip()
        cut = text.endswith(("-", HYPHEN))
        match, rest = (_HALF.search(text[-_MAX_WORD:]), _REST.match(line.text)) if cut else (None, None)
        if match is None or rest is None:
            # a number, or a name with one in it, keeps its hyphen
            text += "" if cut and text[-2:-1].isalnum() and line.text[:1].isalnum() else space
        else:
            text = text[:-1] + ("-" if self._keeps_hyphen(match["lead"], match["half"], rest[0]) else "")
        runs[-1] = runs[-1]._replace(text=text)
        return not text.endswith(space)

    def _keeps_hyphen(self, lead: str, half: str, rest: str) -> bool:
        first, second = half.casefold(), rest.casefold()
        if first + second in self.known:
            return False
        if f"{first}-{second}" in self.known or "-" in lead or not rest.islower() or not half[-1].islower():
            return True
        return first in self.known and second in self.known


def _known(lines: Iterable[Line]) -> set[str]:
    """All words that aren't cut by the end of a line."""
    known: set[str] = set()
    cut = False
    for line in lines:
        found = _WORD.findall(line.text.casefold())
        whole = found[1 if cut else 0 :]
        cut = line.text.endswith(("-", HYPHEN))
        known.update(whole[:-1] if cut else whole)
    return known


def _append(runs: list[Run], run: Run) -> None:
    """Adds a run to the last one where that has its style, or the run has no words."""
    if runs and (runs[-1][1:] == run[1:] or not run.text.strip()):
        runs[-1] = runs[-1]._replace(text=runs[-1].text + run.text)
    else:
        runs.append(run)


def code_lines(lines: Sequence[Line], blanks: Sequence[int]) -> list[str]:
    """Code, each letter in its column. `blanks`: how many empty lines stand before each line."""
    pieces = [(piece.x1 - piece.x0, len(piece.text.strip())) for line in lines for piece in line.pieces]
    widths = sorted(width / letters for width, letters in pieces if letters > 1)
    width = max(widths[len(widths) // 2] if widths else 0.0, 0.1 * lines[0].size)
    left = min(line.indent for line in lines)
    out: list[str] = []
    for line, blank in zip(lines, blanks, strict=True):
        text = ""
        for piece in line.pieces:
            column = min(_MAX_COLUMN, round((piece.x0 - line.left - left) / width))
            room = column - len(text)
            text += " " * room + piece.text.strip().replace(HYPHEN, "-")
        out += [""] * blank + [text.rstrip()]
    return out
