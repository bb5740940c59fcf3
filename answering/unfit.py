"""What can be no part of an answer: it asks, leads nowhere, or is half of something."""

from __future__ import annotations

import re

_LONGEST_PROMPT = 250  # characters

_FENCES = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_PROMPT = re.compile(
    r"(?:explain|describe|discuss|compare|contrast|define|list|name|design|implement|tell (?:me|us)|walk (?:me|us))\b",
    re.IGNORECASE,
)
_WAY_ON = re.compile(
    r"\W*(?:next|prev(?:ious)?|back(?: to)?|up|home|source|see(?: also)?|(?:read )?more|index|contents)\W*",
    re.IGNORECASE,
)
_LINKED = re.compile(r"!?\[[^\[\]]*\]\([^()\s]*\)|<?https?://\S+")


def is_unfit(text: str) -> bool:
    """A question, half a code block (a document can end, or be cut, inside one), a way on, or what leads nowhere."""
    half = len(_FENCES.findall(text)) % 2 == 1
    return half or _asks(text) or _leads_away(text) or (_ends_in_colon(text) and "\n" not in text.strip())


def _ends_in_colon(text: str) -> bool:
    return text.rstrip(" \t*_").endswith(":")


def _leads_away(text: str) -> bool:
    """One line that only names another page: "**Next**: [Part 2](part2.md)"."""
    rest, links = _LINKED.subn(" ", text)
    return bool(links) and bool(_WAY_ON.fullmatch(rest))


def _asks(text: str) -> bool:
    """A lone question or interview prompt: it asks, and answers nothing."""
    bare = text.strip().strip("*_`\"'“” ")
    return "\n" not in bare and (bare.endswith("?") or (bool(_PROMPT.match(bare)) and len(bare) < _LONGEST_PROMPT))
