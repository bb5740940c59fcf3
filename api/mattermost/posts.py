"""From what the bot says to Mattermost's posts, within their limits: what does not fit moves on, and sources never go.

A payload is `{"message", "plain", "state", "attachments"}`: `plain` is all of it without buttons, `state` the small
print at its end. Its buttons say in `press` what they do; `client.py` makes of that what Mattermost sends back.
"""

from __future__ import annotations

from typing import Any

from api.chat.compose import cut
from api.chat.layout import CONTINUED, FOLLOWS, arrange, fallback, is_anchored, pages, split
from api.chat.messages import Asked, Button, Buttons, Cited, Message, Notice, Part, Prose, Small, Sources
from api.chat.ports import Payload
from api.mattermost.limits import BUTTON_NAME, PLAIN_TEXT
from api.mattermost.markdown import blocks_of, code_span, plain

Piece = str | dict[str, Any]
"""A paragraph, or an attachment with buttons."""

MOST_PIECES = 10_000
KEPT_FOR_PROSE, MAX_ASKED, MAX_URL = 3_000, 500, 1_500
_BETWEEN = "\n\n"


def render(message: Message, length: int) -> list[Payload]:
    """Payloads for posts of at most `length` characters, the one with the buttons first."""
    text = fallback(message, plain, _asked, most=PLAIN_TEXT)[:PLAIN_TEXT]
    state = next((part.text for part in reversed(message.parts) if isinstance(part, Small)), "")
    room = length - len(FOLLOWS) - 2 * len(_BETWEEN)

    def show(part: Part, thrifty: bool) -> list[Piece]:
        return _part(part, room, thrifty=thrifty)

    if not is_anchored(message):
        return _payloads([piece for part in message.parts for piece in show(part, False)], text, "", room)
    kept = min(KEPT_FOR_PROSE, room // 4)
    here, moved = arrange(message, show, _size, room=room, kept_for_prose=kept, most=MOST_PIECES)
    if moved:
        here.append(plain(FOLLOWS))
    return [*_payloads(here, text, state, length), *_payloads(moved, CONTINUED, "", room)]


def _payloads(pieces: list[Piece], text: str, state: str, room: int) -> list[Payload]:
    attachments = [piece for piece in pieces if not isinstance(piece, str)]
    said = pages([piece for piece in pieces if isinstance(piece, str)], _size, room=room, most=MOST_PIECES)
    found: list[Payload] = [{"message": _BETWEEN.join(page), "plain": CONTINUED} for page in said]
    if found:
        found[0] |= {"plain": text, "state": state, "attachments": attachments}
    return found


def _size(piece: Piece) -> int:
    return len(piece) + len(_BETWEEN) if isinstance(piece, str) else 0


def _part(part: Part, room: int, *, thrifty: bool) -> list[Piece]:
    """The pieces of a part. `thrifty`: sources without their quotes, which "Show more" has."""
    if isinstance(part, Buttons):
        return [_buttons(part)]
    if isinstance(part, Prose):
        texts = [piece for block in blocks_of(part.markdown) for piece in split(block, room)]
    elif isinstance(part, Notice):
        texts = split(f":warning: **{plain(part.head)}**" + (f"\n{plain(part.detail)}" if part.detail else ""), room)
    elif isinstance(part, Asked):
        texts = [_asked(part)]
    elif isinstance(part, Sources):
        sources = [_source(source, thrifty=thrifty) for source in part.sources]
        lines = [f"**{plain(part.head)}**"] * bool(part.head) + sources
        texts = [piece for line in lines for piece in split(line, room)]
    else:
        texts = [f"_{plain(part.text)}_"]
    return [*texts]


def _asked(part: Asked) -> str:
    # not `@name`: whoever asked need not be called
    where = f" in ~{part.channel_name}" if part.channel_name else ""
    return f"**{plain(part.user_name or part.user)}** asked{where}: {plain(cut(part.question, MAX_ASKED))}"


def _source(source: Cited, *, thrifty: bool) -> str:
    title = plain(source.title)
    if source.url and len(source.url) < MAX_URL:
        title = f"[{title}]({source.url})"
    line = f"[{source.marker}] {title}  {code_span(source.place)}"
    # a blank line after it: what follows would be taken for a part of the quote
    return line if thrifty else f"{line}\n> {plain(source.quote)}"


def _buttons(part: Buttons) -> dict[str, Any]:
    row = [_button(button, number) for number, button in enumerate(part.buttons)]
    return {"text": plain(part.head), "actions": row} if part.head else {"actions": row}


def _button(button: Button, number: int) -> dict[str, Any]:
    # ids take letters and digits only, and those of one post must differ
    made = {
        "id": f"{button.action.replace('_', '')}{number}",
        "name": cut(button.label, BUTTON_NAME),
        "type": "button",
        "press": {"action": button.action, "value": button.value},
    }
    return {**made, "style": "primary"} if button.primary else made
