"""From the Markdown of notes to Mattermost's, which is much the same, but in which names call people."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt

_GUARD = "\u200b"
_WRITTEN = re.compile(r"&(?=(?:#0*64|#x0*40|commat);)", re.IGNORECASE)
"""What begins an `@` that is written as HTML has it."""

_EVERYBODY = re.compile(r"@(?=(?:channel|all|here)(?![A-Za-z0-9]))", re.IGNORECASE)  # `_` gets an escape before it
_MENTION = re.compile(rf"(?<![A-Za-z0-9])@|{_EVERYBODY.pattern}", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_~\[\]#>|<])")
_FENCES = re.compile(r"`{3,}")
_PICTURE = re.compile(r"!+\[")


def quiet(text: str) -> str:
    """The same text, which calls nobody and loads no picture. `<!channel>` is how Slack writes `@channel`."""
    return _PICTURE.sub("[", _uncalled(text))


def plain(text: str) -> str:
    """Plain text that stays plain: nothing in it means anything to Mattermost."""
    return _SPECIAL.sub(r"\\\1", _uncalled(text))


def _uncalled(text: str) -> str:
    text = _MENTION.sub(f"@{_GUARD}", text)
    return _WRITTEN.sub(f"&{_GUARD}", text).replace("<!", f"<{_GUARD}!")


def blocks_of(markdown: str) -> list[str]:
    """The text, a string for each paragraph, list, table or piece of code."""
    lines = markdown.splitlines()
    found: list[str] = []
    for token in _parser().parse("\n".join(lines)):
        if token.level or token.map is None:
            continue
        if token.type in ("fence", "code_block"):
            found.append(code(token.content, token.info))
        else:
            first, after = token.map
            found.append(quiet("\n".join(lines[first:after]).strip("\n")))
    return [block for block in found if block.strip()]


def code(text: str, language: str = "") -> str:
    """A piece of code in a fence that nothing in it closes."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCES.findall(text))])
    kind = language.split()[0] if language.strip().replace("-", "").isalnum() else ""
    content = _EVERYBODY.sub(f"@{_GUARD}", text.strip("\n"))
    return f"{fence}{kind}\n{content}\n{fence}"


def code_span(text: str) -> str:
    """A few words as code."""
    return f"`{quiet(text.replace('`', 'ˋ'))}`"


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])
