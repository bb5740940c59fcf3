"""A reply cut into sentences while it comes: each is judged once complete, and told once nothing before it waits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from answering.answers import Claim
from answering.generate.judging import Judge, Sentence
from answering.ground.claims import split

_OPEN = re.compile(r"\s*[\[(【][^\])】\n]*\Z")


class Flow:
    """One answer as it comes. `tell` hears its text, in pieces that together are `text()`, and never takes one back.

    A sentence that was refused holds back everything after it until it is repaired or dropped.
    """

    def __init__(self, judge: Judge, tell: Callable[[str], None] | None = None) -> None:
        self._judge, self._tell = judge, tell
        self._buffer = ""
        self._sentences: list[Sentence] = []
        self._told = 0

    @property
    def begun(self) -> bool:
        """Whether anything was told."""
        return self._told > 0

    @property
    def invented(self) -> int:
        """Citations of sources that don't exist, all taken out."""
        return sum(s.invented for s in self._sentences)

    def feed(self, piece: str) -> None:
        """Take the next piece of the reply. Raises ModelError where nothing can be checked."""
        self._buffer += piece
        self._take(keep=1)

    def finish(self) -> None:
        """The reply is complete: what is left is a sentence too."""
        self._take(keep=0)

    def refused(self) -> dict[int, str]:
        """The sentences that may not be shown as they stand, by their place."""
        return {i: s.text for i, s in enumerate(self._sentences) if s.word == "refused"}

    def repair(self, place: int, raw: str) -> bool:
        """Put another wording in the place of a refused sentence, if that one may be shown."""
        old = self._sentences[place]
        item = "- " if old.text.startswith(("- ", "* ")) and not raw.lstrip().startswith(("-", "*")) else ""
        new = self._judge.judge(item + raw.strip(), old.gap)
        if new.word == "shown":
            self._sentences[place] = replace(new, invented=new.invented + old.invented)
        return new.word == "shown"

    def drop_refused(self) -> int:
        """Leave out what is still refused, and tell the rest. How many sentences were left out."""
        refused = self.refused()
        for place in refused:
            self._sentences[place] = replace(self._sentences[place], word="chatter")
        self._advance()
        return len(refused)

    def text(self) -> str:
        """The answer: everything that may be shown."""
        return "".join(piece for piece, _ in self._pieces(self._sentences))

    def shown(self) -> list[Sentence]:
        """The sentences that are shown, the offsets of their claims counted from the answer's start."""
        out: list[Sentence] = []
        at = 0
        for piece, sentence in self._pieces(self._sentences):
            start = at + len(piece) - len(sentence.text)
            at += len(piece)
            out.append(replace(sentence, claims=tuple(_moved(c, start) for c in sentence.claims)))
        return out

    def _take(self, *, keep: int) -> None:
        found = split(self._buffer)
        if keep and len(found) > 1 and _OPEN.match(self._buffer, found[-2].end):
            # "It is so. [" may go on as "[2]", which belongs to what it follows
            keep += 1
        at = 0
        for piece in found[: len(found) - keep]:
            self._sentences.append(self._judge.judge(piece.text, self._buffer[at : piece.start]))
            at = piece.end
        self._buffer = self._buffer[at:]
        self._advance()

    def _advance(self) -> None:
        """Tell what may be told by now."""
        waiting = next((i for i, s in enumerate(self._sentences) if s.word == "refused"), len(self._sentences))
        said = self._pieces(self._sentences[:waiting])
        # a line that only leads on is told with what it leads on to, if that may be shown at all
        while said and not said[-1][1].cites:
            said.pop()
        text = "".join(piece for piece, _ in said)
        if self._tell is not None and len(text) > self._told:
            self._tell(text[self._told :])
            self._told = len(text)

    @staticmethod
    def _pieces(sentences: list[Sentence]) -> list[tuple[str, Sentence]]:
        """What is shown, each with the white space before it. Lines that lead on to nothing are left out."""
        kept: list[Sentence] = []
        gap = ""
        for s in sentences:
            gap = max(gap, s.gap, key=_breadth)
            if s.word == "shown":
                kept.append(replace(s, gap=gap))
                gap = ""
        kept = [s for i, s in enumerate(kept) if s.cites or (i + 1 < len(kept) and kept[i + 1].cites)]
        out: list[tuple[str, Sentence]] = []
        for s in kept:
            after_code = bool(out) and "```" in out[-1][1].text
            out.append((_joint(s.gap, after_code) * bool(out) + s.text, s))
        return out


def _breadth(gap: str) -> int:
    return gap.count("\n")


def _joint(gap: str, after_code: bool) -> str:
    if after_code or gap.count("\n") > 1:
        return "\n\n"
    return "\n" if "\n" in gap else " "


def _moved(claim: Claim, by: int) -> Claim:
    return replace(claim, start=claim.start + by, end=claim.end + by)


def read_repairs(reply: str) -> Mapping[int, str]:
    """The lines of a repair by number."""
    found: dict[int, str] = {}
    for line in reply.splitlines():
        number, colon, text = line.strip().partition(":")
        if colon and number.strip().isascii() and number.strip().isdecimal():
            found.setdefault(int(number), text.strip())
    return found
