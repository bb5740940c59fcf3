"""Titles and keywords in a file's properties."""

from __future__ import annotations

import re

# the names that editors and templates give a document before its author does
_NAMELESS = re.compile(
    r"(?:untitled|new|html|word|blank)?[ _-]*(?:document|page|title|untitled)?[ _-]*\d*"
    r"|microsoft (?:office )?word - .*",
    re.I,
)


def given_title(title: str | None) -> str | None:
    """A title from a file's properties; None where only an editor gave it."""
    words = " ".join((title or "").split())
    return None if _NAMELESS.fullmatch(words) else words


def keywords(text: str | None) -> tuple[str, ...]:
    """The keywords of a file's properties: words with commas or semicolons between them."""
    parts = (" ".join(part.split()) for part in re.split(r"[,;]", text or ""))
    return tuple(dict.fromkeys(part for part in parts if part))
