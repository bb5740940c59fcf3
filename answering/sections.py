"""Blocks by the heading that they stand under, so that nothing is joined across headings and code keeps its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answering.segment import Block

_NAME_ONLY = re.compile(r"(\*\*|__)(?:(?!\1)[^.!?])+\1:?")
_CODE_ONLY = re.compile(r"`[^`\n]+`:?")
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*\Z")
_SHOWS = re.compile(
    r"\W*(?:(?:a|an|the|code|simple|quick|for|sample) ){0,2}"
    r"(?:examples?|usage|output|code|syntax|result|snippet|demo)\b[^\n]*",
    re.IGNORECASE,
)
_MARKS = re.compile(r"#{1,6}\s+(?:\d{1,3}[.)]\s+)?")
_OPEN_END = re.compile(r"[:,][*_\s]*\Z")


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks that follow each other. `head`: the line that names them, from its first word on; none in the beginning.

    `tied`: the head is code, of which the first block speaks: it says nothing without it.
    """

    head: Block | None
    blocks: tuple[Block, ...]
    tied: bool = False


def sections(text: str, found: Sequence[Block]) -> list[Section]:
    """The sections of a stretch, in order. A rule ends one as a heading does; other marks are left out."""
    out = [Section(None, ())]
    for block in found:
        previous = out[-1].blocks[-1] if out[-1].blocks else None
        said = text[block.start : block.end]
        if block.kind == "markup":
            if _RULE.match(said):
                out.append(Section(None, ()))
        elif previous and block.kind == "paragraph" and _NAME_ONLY.fullmatch(said) and _SHOWS.fullmatch(said):
            continue  # "**Example:**" between a sentence and its code parts nothing
        elif is_heading(text, block):
            out.append(Section(_named(text, block), ()))
        elif _names_code(text, block) and not (previous and _OPEN_END.search(text[previous.body : previous.end])):
            out.append(Section(block, (), tied=True))
        else:
            last = out[-1]
            out[-1] = Section(last.head, (*last.blocks, block), last.tied)
    # a line of code with nothing after it names nothing: it is what is said
    return [Section(None, (s.head,)) if s.tied and s.head and not s.blocks else s for s in out if s.blocks or s.tied]


def is_heading(text: str, block: Block) -> bool:
    """A heading, marked or all bold."""
    bold = block.kind == "paragraph" and bool(_NAME_ONLY.fullmatch(text[block.start : block.end]))
    return block.kind == "heading" or bold


def _names_code(text: str, block: Block) -> bool:
    return block.kind == "paragraph" and bool(_CODE_ONLY.fullmatch(text[block.start : block.end]))


def _named(text: str, block: Block) -> Block | None:
    """The heading without its marks and number; None for one that is underlined."""
    said = text[block.start : block.end]
    if "\n" in said:
        return None
    marks = _MARKS.match(said)
    start = block.start + (marks.end() if marks else 0)
    return Block("heading", start, block.end, start, block.indent) if start < block.end else None
