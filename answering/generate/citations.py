"""The citations of a sentence that a language model wrote: read, and taken out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from answering.ground.claims import markers
from answering.segment import CITATION

# The ways in which models cite, beside [1]: [Source 1], (source 1), 【1†source】, [^1].
_OTHER = re.compile(
    r"[\[(]\s*(?:sources?|refs?\.?|references?|docs?|documents?)\s*#?\s*(\d{1,3}(?:\s*(?:,|;|–|-|and|&)\s*\d{1,3})*)\s*[\])]"
    r"|【\s*(\d{1,3})[^】\n]{0,60}】|\[\^(\d{1,3})\](?!:)",
    re.IGNORECASE,
)
# Brackets that name no number but pretend to a source: [citation needed], [Smith 2020], [notes.md:12], [doi:...].
_PRETENDED = re.compile(
    r"\[(?:citation[^\]\n]*|[^\[\]\n]*\b(?:19|20)\d\d[a-z]?|[^\[\]\n]*\.(?:md|pdf|html?|docx?|txt)\b[^\[\]\n]*|doi:[^\]\n]*)\](?!\()",
    re.IGNORECASE,
)
_FAR = re.compile(r"https?://[^\s)\]>\"']+|\bwww\.[^\s)\]>\"']+|\b10\.\d{4,9}/\S+", re.IGNORECASE)
_INDEXED = re.compile(r"[\w)\]\"']\Z")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)


def usual(text: str) -> str:
    """The text with every citation written as [1]."""

    def marks(m: re.Match[str]) -> str:
        numbers = re.findall(r"\d+", m.group(1) or m.group(2) or m.group(3))
        return "".join(f"[{int(n)}]" for n in numbers)

    return _OTHER.sub(marks, text)


def cited(text: str) -> tuple[int, ...]:
    """The markers of the usual citations of a text, in order, each once; an index in code is none."""
    return markers(_without_indexes(text))


def pretended(text: str) -> int:
    """How many brackets claim a source that is no number."""
    return len(_PRETENDED.findall(text))


def bare(text: str) -> str:
    """The text without citations of any kind, and without the space before them."""
    indexes = {m.span() for m in _indexes(text)}
    out, at = "", 0
    for m in sorted([*CITATION.finditer(text), *_PRETENDED.finditer(text)], key=lambda m: m.start()):
        if m.span() in indexes or m.start() < at:
            continue
        out += text[at : m.start()].rstrip(" ")
        at = m.end()
    return out + text[at:]


def far(text: str) -> frozenset[str]:
    """Addresses in a text."""
    return frozenset(m.group().rstrip(".,;:") for m in _FAR.finditer(text))


def with_marks(text: str, numbers: Iterable[int]) -> str:
    """The text with citations at its end; after code on a line of their own."""
    marks = "".join(f"[{n}]" for n in numbers)
    return f"{text}\n\n{marks}" if text.endswith("```") else f"{text} {marks}"


def _indexes(text: str) -> Iterable[re.Match[str]]:
    """Brackets with a number in code that follow a name, as in `rows[0]`."""
    for code in _CODE.finditer(text):
        for m in CITATION.finditer(text, code.start(), code.end()):
            if _INDEXED.search(text, code.start(), m.start()):
                yield m


def _without_indexes(text: str) -> str:
    for m in _indexes(text):
        text = text[: m.start()] + " " * len(m.group()) + text[m.end() :]
    return text
