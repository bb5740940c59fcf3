"""Text as words: plain form for verbatim comparison, tokens, stems."""

from __future__ import annotations

import re

from answering.ground.lexicon import lexicon
from answering.segment import CITATION
from retrieval.terms import stem as term_stem

WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_MARKUP = re.compile(r"[*`~#>|]+|(?<!\w)_+|_+(?!\w)|<[^<>]{1,80}>|^[ \t]*(?:[-+•]|\d{1,3}[.)])\s+", re.MULTILINE)
_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})


def plain(text: str) -> str:
    """The text without Markdown marks and citation marks, in lower case, one space between words."""
    bare = _LINK.sub(r"\1", CITATION.sub(" ", text))
    return _SPACE.sub(" ", _MARKUP.sub(" ", bare.translate(_QUOTES))).strip().lower()


def stem(word: str) -> str:
    """The stem of a lower-case English word."""
    return term_stem(word.removesuffix("'s"))


def words(text: str) -> list[str]:
    """The words of a text in lower case, in order; "don't" is one word."""
    return [w.replace("’", "'") for w in WORD.findall(text.lower())]


def is_content(word: str) -> bool:
    """Whether a lower-case word carries content: not a function word, not a lone letter, not a contraction of one."""
    return (
        len(word) > 1
        and word not in lexicon().stop
        and not (word.endswith("n't") or word.partition("'")[0] in lexicon().stop)
    )
