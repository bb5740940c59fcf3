"""From what the bot says to Block Kit, within Slack's limits: what does not fit moves on, and sources never go."""

from __future__ import annotations

from typing import Any

from api.chat.events import RELATED
from api.chat.layout import CONTINUED, FOLLOWS, arrange, fallback, is_anchored, pages, split, together
from api.chat.messages import Asked, Button, Buttons, Cited, Message, Notice, Part, Prose, Small, Sources
from api.chat.ports import Payload
from api.slack.limits import BLOCKS, BUTTON_TEXT, SECTION_TEXT, TOTAL, WISE_TEXT
from api.slack.mrkdwn import blocks_of, escape, plain

Block = dict[str, Any]

SPARE_BLOCKS = 5
"""Left free in a message, so that buttons and small print always have their place."""


def render(message: Message) -> list[Payload]:
    """Payloads for `chat.postMessage`, the one with the buttons first."""
    text = fallback(message, plain, lambda asked: f"<@{asked.user}>: {plain(asked.question)}", most=WISE_TEXT)
    if not is_anchored(message):
        return _messages([block for part in message.parts for block in _part(part)], text)
    blocks, moved = arrange(
        message,
        lambda part, thrifty: _part(part, thrifty=thrifty),
        _length,
        room=TOTAL,
        kept_for_prose=SECTION_TEXT,
        most=BLOCKS - SPARE_BLOCKS,
    )
    if moved:
        blocks.append(_context(FOLLOWS))
    return [{"text": text, "blocks": blocks}, *_messages(moved, CONTINUED)]


def _messages(blocks: list[Block], text: str) -> list[Payload]:
    found = pages(blocks, _length, room=TOTAL, most=BLOCKS)
    return [{"text": text if number == 0 else CONTINUED, "blocks": page} for number, page in enumerate(found)]


def _part(part: Part, *, thrifty: bool = False) -> list[Block]:
    """The blocks of a part. `thrifty`: sources without their quotes, which "Show more" has."""
    if isinstance(part, Prose):
        return [_section(text) for text in together(blocks_of(part.markdown), SECTION_TEXT)]
    if isinstance(part, Notice):
        text = f":warning: *{plain(part.head)}*" + (f"\n{plain(part.detail)}" if part.detail else "")
        return [_section(piece) for piece in split(text, SECTION_TEXT)]
    if isinstance(part, Asked):
        where = f" in <#{part.channel}>" if part.channel else ""
        return [
            _section(piece) for piece in split(f"<@{part.user}> asked{where}: {plain(part.question)}", SECTION_TEXT)
        ]
    if isinstance(part, Sources):
        sources = [_source(source, thrifty=thrifty) for source in part.sources]
        lines = [f"*{plain(part.head)}*"] * bool(part.head) + sources
        return [_section(text) for text in together(lines, SECTION_TEXT, "\n")]
    if isinstance(part, Small):
        return [_context(part.text)]
    return _buttons(part)


def _source(source: Cited, *, thrifty: bool) -> str:
    title = plain(source.title)
    if source.url and len(source.url) < SECTION_TEXT // 3:
        title = f"<{escape(source.url)}|{escape(source.title).replace('|', '¦')}>"
    line = f"[{source.marker}] {title}  `{escape(source.place).replace('`', 'ˋ')}`"
    return line if thrifty else f"{line}\n> {plain(source.quote)}"


def _buttons(part: Buttons) -> list[Block]:
    row: list[Block] = [_button(button, number) for number, button in enumerate(part.buttons)]
    actions = {"type": "actions", "elements": row}
    return [_context(part.head), actions] if part.head else [actions]


def _button(button: Button, number: int) -> Block:
    # ids of one message must differ, and those of related questions do in their number only
    action = f"{button.action}_{number}" if button.action == RELATED else button.action
    label = button.label if len(button.label) <= BUTTON_TEXT else f"{button.label[: BUTTON_TEXT - 1]}…"
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": button.value,
    }
    return {**made, "style": "primary"} if button.primary else made


def _section(text: str) -> Block:
    # without `verbatim` Slack would make links of what merely looks like a name or an address
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": plain(text)[:SECTION_TEXT], "verbatim": True}]}


def _length(block: Block) -> int:
    total = len(block["text"]["text"]) if "text" in block else 0
    for element in block.get("elements", ()):
        text = element["text"]
        total += len(text) if isinstance(text, str) else len(text["text"])
    return total
