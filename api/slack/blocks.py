"""From what the bot says to Block Kit, within Slack's limits: what does not fit moves on, and sources never go."""

from __future__ import annotations

import re
from typing import Any

from api.chat.events import RELATED
from api.chat.messages import Asked, Button, Buttons, Cited, Message, Notice, Part, Prose, Small, Sources
from api.chat.ports import Payload
from api.slack.limits import BLOCKS, BUTTON_TEXT, SECTION_TEXT, TOTAL, WISE_TEXT
from api.slack.mrkdwn import blocks_of, escape, plain, split

Block = dict[str, Any]

_FENCE = re.compile(r"^\s*(?:```|~~~).*\n?|```", re.MULTILINE)

SPARE_BLOCKS = 5
"""Left free in a message, so that buttons and small print always have their place."""


def render(message: Message) -> list[Payload]:
    """Payloads for `chat.postMessage`, the one with the buttons first."""
    if any(isinstance(part, Buttons) for part in message.parts):
        return _anchored(message)
    return _packed(message)


def _anchored(message: Message) -> list[Payload]:
    """One message with everything but the prose that does not fit, which goes into messages after it."""
    for thrifty in (False, True):
        fixed = {id(part): _part(part, thrifty=thrifty) for part in message.parts if not isinstance(part, Prose)}
        if sum(map(_length, fixed.values())) <= TOTAL - SECTION_TEXT:
            break
    else:
        fixed = {id(part): _part(part) for part in message.parts if not isinstance(part, (Prose, Sources))}
    used = sum(map(_length, fixed.values()))
    count = sum(map(len, fixed.values()))
    blocks: list[Block] = []
    moved: list[Block] = []
    for part in message.parts:
        if id(part) in fixed:
            blocks += fixed[id(part)]
            continue
        for section in _part(part):
            fits = used + _length([section]) <= TOTAL and count < BLOCKS - SPARE_BLOCKS and not moved
            if fits:
                blocks.append(section)
                used, count = used + _length([section]), count + 1
            else:
                moved.append(section)
    if moved:
        blocks.append(_context("The rest follows."))
    text = fallback(message)
    return [{"text": text, "blocks": blocks}, *_pages(moved, "(continued)")]


def _packed(message: Message) -> list[Payload]:
    """As many messages as it takes, from top to bottom."""
    return _pages([block for part in message.parts for block in _part(part)], fallback(message))


def _pages(blocks: list[Block], text: str) -> list[Payload]:
    pages: list[list[Block]] = []
    for block in blocks:
        full = pages and (len(pages[-1]) >= BLOCKS or _length(pages[-1]) + _length([block]) > TOTAL)
        if not pages or full:
            pages.append([])
        pages[-1].append(block)
    return [{"text": text if number == 0 else "(continued)", "blocks": page} for number, page in enumerate(pages)]


def fallback(message: Message) -> str:
    """All of it as plain text, for notifications and readers of the screen; the prose gives way to the sources."""
    fixed = [_plain_part(part) for part in message.parts if not isinstance(part, Prose)]
    room = max(WISE_TEXT - sum(len(text) + 1 for text in fixed), 500)
    lines: list[str] = []
    for part in message.parts:
        if not isinstance(part, Prose):
            lines.append(_plain_part(part))
            continue
        text = plain(_FENCE.sub("", part.markdown).strip())
        if len(text) > room:
            text = split(text, max(room, 100))[0] + " …"
        room -= len(text)
        lines.append(text)
    return "\n".join(line for line in lines if line)


def _plain_part(part: Part) -> str:
    if isinstance(part, Notice):
        return plain(f"{part.head}: {part.detail}" if part.detail else part.head)
    if isinstance(part, Asked):
        return f"<@{part.user}>: {plain(part.question)}"
    if isinstance(part, Sources):
        lines = [plain(f"[{each.marker}] {each.title}, {each.place}") for each in part.sources]
        return "\n".join([plain(part.head), *lines] if part.head else lines)
    if isinstance(part, Small):
        return plain(part.text)
    return ""


def _part(part: Part, *, thrifty: bool = False) -> list[Block]:
    """The blocks of a part. `thrifty`: sources without their quotes, which "Show more" has."""
    if isinstance(part, Prose):
        return [_section(text) for text in _sections(blocks_of(part.markdown))]
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
        return [_section(text) for text in _sections([f"*{plain(part.head)}*"] * bool(part.head) + sources, "\n")]
    if isinstance(part, Small):
        return [_context(part.text)]
    return _buttons(part)


def _sections(texts: list[str], between: str = "\n\n") -> list[str]:
    """Texts put together while they fit into one section."""
    found: list[str] = []
    for text in texts:
        for piece in split(text, SECTION_TEXT):
            if found and len(found[-1]) + len(between) + len(piece) <= SECTION_TEXT:
                found[-1] += between + piece
            else:
                found.append(piece)
    return found


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


def _length(blocks: list[Block]) -> int:
    total = 0
    for block in blocks:
        if "text" in block:
            total += len(block["text"]["text"])
        for element in block.get("elements", ()):
            text = element["text"]
            total += len(text) if isinstance(text, str) else len(text["text"])
    return total
