"""An answer split into claims with true offsets: sentences, list items, table rows, code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from answering.ground.lexicon import lexicon
from answering.ground.words import is_content, plain, words
from answering.segment import CITATION, Block, blocks, sentences

_LEAD_IN = re.compile(r"\b(?:as follows|following|here (?:is|are)|here's|below|these)\b", re.IGNORECASE)
_MARKER_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_TABLE_RULE = re.compile(r"[\s|:-]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer: `answer[start:end] == text`. `markers`: the citation marks in it, in order.

    `claims`: whether it says something that needs support; greetings, questions, headings, bare lead-ins ("there are
    the following three:") and sentences about the answer itself don't.
    """

    text: str
    start: int
    end: int
    markers: tuple[int, ...] = ()
    claims: bool = True


def split(answer: str) -> list[Piece]:
    """The pieces of an answer in order. Together they hold every character that is not white space."""
    pieces: list[Piece] = []
    for block in blocks(answer):
        pieces.extend(_pieces(answer, block))
    return pieces


def _pieces(answer: str, block: Block) -> list[Piece]:
    if block.kind in ("heading", "markup"):
        return [_piece(answer, block.start, block.end, claims=False)]
    if block.kind == "code":
        return [_piece(answer, block.start, block.end, claims=True)]
    if block.kind == "table":
        return _rows(answer, block)
    spans = sentences(answer, block.body, block.end)
    if not spans:
        return [_piece(answer, block.start, block.end, claims=False)]
    spans[0] = (block.start, spans[0][1])
    return [_piece(answer, start, end, claims=_says_something(answer[start:end])) for start, end in spans]


def _rows(answer: str, block: Block) -> list[Piece]:
    """A table's rows; its head and the rule under it are no claims."""
    lines, at = [], block.start
    for line in answer[block.start : block.end].split("\n"):
        lead = len(line) - len(line.lstrip())
        if line.strip():
            lines.append((at + lead, at + len(line.rstrip())))
        at += len(line) + 1
    ruled = [bool(_TABLE_RULE.fullmatch(answer[a:b])) for a, b in lines]
    head = [r or (i + 1 < len(ruled) and ruled[i + 1]) for i, r in enumerate(ruled)]
    return [_piece(answer, a, b, claims=not h) for (a, b), h in zip(lines, head, strict=True)]


def _piece(answer: str, start: int, end: int, *, claims: bool) -> Piece:
    text = answer[start:end]
    return Piece(text, start, end, markers(text), claims)


def markers(text: str) -> tuple[int, ...]:
    """The numbers of the citation marks in a text, in order, each once: "[1, 3]" and "[1][3]" are (1, 3)."""
    found: dict[int, None] = {}
    for mark in CITATION.findall(text):
        spread = _MARKER_RANGE.sub(lambda m: " ".join(str(n) for n in _between(m)), mark)
        found.update(dict.fromkeys(int(n) for n in re.findall(r"\d+", spread)))
    return tuple(found)


def _between(m: re.Match[str]) -> range:
    first, last = int(m.group(1)), int(m.group(2))
    return range(first, last + 1) if first <= last <= first + 50 else range(first, first + 1)


def _says_something(text: str) -> bool:
    bare = CITATION.sub("", text).rstrip(" *_\n\t)\"'”")
    if bare.endswith("?"):
        return False
    if bare.endswith(":") and _LEAD_IN.search(bare):
        return False
    said = plain(bare)
    return any(is_content(w) and w not in lexicon().meta for w in words(said)) or any(c.isdigit() for c in said)
