"""How what the bot says is spread over messages of a chat's size: what does not fit moves on, and sources never go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from api.chat.messages import Asked, Buttons, Message, Notice, Part, Prose, Small, Sources

CONTINUED, FOLLOWS = "(continued)", "The rest follows."
LEAST_PROSE = 500

_FENCE = re.compile(r"^\s*(?:```|~~~).*\n?|```", re.MULTILINE)
_OPENING = re.compile(r"(`{3,})([^`\n]*)\n")

Piece = TypeVar("Piece")


def is_anchored(message: Message) -> bool:
    """Whether a message has buttons: then everything but prose stands in one message with them."""
    return any(isinstance(part, Buttons) for part in message.parts)


def arrange(
    message: Message,
    show: Callable[[Part, bool], list[Piece]],
    size: Callable[[Piece], int],
    *,
    room: int,
    kept_for_prose: int,
    most: int,
) -> tuple[list[Piece], list[Piece]]:
    """The pieces of one message of `room` characters and `most` pieces, and the prose that goes into those after it.

    `show` gives the pieces of a part; told to be thrifty, sources without their quotes, which "Show more" has.
    """
    for thrifty in (False, True):
        fixed = {id(part): show(part, thrifty) for part in message.parts if not isinstance(part, Prose)}
        if _total(fixed.values(), size) <= room - kept_for_prose:
            break
    else:
        fixed = {id(part): show(part, False) for part in message.parts if not isinstance(part, (Prose, Sources))}
    used, count = _total(fixed.values(), size), sum(map(len, fixed.values()))
    here: list[Piece] = []
    moved: list[Piece] = []
    for part in message.parts:
        if id(part) in fixed:
            here += fixed[id(part)]
            continue
        for piece in show(part, False):
            if used + size(piece) <= room and count < most and not moved:
                here.append(piece)
                used, count = used + size(piece), count + 1
            else:
                moved.append(piece)
    return here, moved


def pages(pieces: Sequence[Piece], size: Callable[[Piece], int], *, room: int, most: int) -> list[list[Piece]]:
    """As many messages as it takes, from top to bottom."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if not found or len(found[-1]) >= most or sum(map(size, found[-1])) + size(piece) > room:
            found.append([])
        found[-1].append(piece)
    return found


def fallback(message: Message, plain: Callable[[str], str], asked: Callable[[Asked], str], *, most: int) -> str:
    """All of it as plain text of about `most` characters; the prose gives way to the sources.

    `plain` keeps text from meaning anything to the chat, `asked` says who asked.
    """

    def said(part: Part) -> str:
        if isinstance(part, Notice):
            return plain(f"{part.head}: {part.detail}" if part.detail else part.head)
        if isinstance(part, Asked):
            return asked(part)
        if isinstance(part, Sources):
            lines = [plain(f"[{each.marker}] {each.title}, {each.place}") for each in part.sources]
            return "\n".join([plain(part.head), *lines] if part.head else lines)
        return plain(part.text) if isinstance(part, Small) else ""

    fixed = [said(part) for part in message.parts if not isinstance(part, Prose)]
    room = max(most - sum(len(text) + 1 for text in fixed), LEAST_PROSE)
    lines: list[str] = []
    for part in message.parts:
        if not isinstance(part, Prose):
            lines.append(said(part))
            continue
        text = plain(_FENCE.sub("", part.markdown).strip())
        if len(text) > room:
            text = split(text, max(room, 100))[0] + " …"
        room -= len(text)
        lines.append(text)
    return "\n".join(line for line in lines if line)


def together(texts: Sequence[str], most: int, between: str = "\n\n") -> list[str]:
    """Texts put together while they fit into `most` characters; one that does not by itself is split."""
    found: list[str] = []
    for text in texts:
        for piece in split(text, most):
            if found and len(found[-1]) + len(between) + len(piece) <= most:
                found[-1] += between + piece
            else:
                found.append(piece)
    return found


def split(block: str, most: int) -> list[str]:
    """A block in pieces of at most `most` characters, cut at ends of lines where there are any; code stays code."""
    if len(block) <= most:
        return [block]
    head = fence = ""
    body = block
    if (opening := _OPENING.match(block)) and block.endswith(f"\n{opening[1]}"):
        head, fence = opening[0], f"\n{opening[1]}"
        body = block[len(head) : -len(fence)].strip("\n")
    room = most - len(head) - len(fence)
    pieces: list[str] = []
    current = ""
    for line in body.splitlines(keepends=True):
        for part in _cut(line, room):
            if current and len(current) + len(part) > room:
                pieces.append(current)
                current = ""
            current += part
    pieces.append(current)
    whole = [piece.strip("\n") for piece in pieces if piece.strip()]
    return [f"{head}{piece}{fence}" for piece in whole]


def _cut(line: str, most: int) -> list[str]:
    """A long line at blanks; never within an escape such as `&amp;`."""
    parts: list[str] = []
    while len(line) > most:
        at = line.rfind(" ", most // 2, most)
        if at < 0:
            at = most
            ampersand = line.rfind("&", at - 5, at)
            if ampersand >= 0 and ";" not in line[ampersand:at]:
                at = ampersand
        parts.append(line[:at])
        line = line[at:]
    return [*parts, line]


def _total(shown: Iterable[list[Piece]], size: Callable[[Piece], int]) -> int:
    return sum(size(piece) for pieces in shown for piece in pieces)
