"""What Slack's reference says of messages and dialogs, as a checker. The numbers stand here once more on purpose."""

from __future__ import annotations

import json
import re
from typing import Any

_CONTROL = re.compile(r"<([^<>]*)>")
_KNOWN = re.compile(r"(?:[@#][A-Z0-9]+|(?:https?://|mailto:)[^|]+)(?:\|[^|]*)?")


def problems_of(payload: dict[str, Any]) -> list[str]:
    """Everything that Slack would refuse in the arguments of a message, or that calls people it should not."""
    found = _text_problems(payload.get("text", ""), 40_000, "text", mrkdwn=True)
    if not payload.get("text"):
        found.append("text: there is none for notifications")
    blocks = payload.get("blocks") or []
    if len(blocks) > 50:
        found.append(f"{len(blocks)} blocks")
    action_ids: list[str] = []
    for number, block in enumerate(blocks):
        found += _block_problems(block, f"blocks[{number}]", action_ids)
    if len(action_ids) != len(set(action_ids)):
        found.append(f"action ids twice: {action_ids}")
    if len(json.dumps(blocks)) > 50_000:
        found.append(f"blocks of {len(json.dumps(blocks))} bytes")
    if sum(len(text) for text in texts_of(payload)) > 13_200:
        found.append("more than 13,200 characters in all blocks")
    return found


def texts_of(payload: dict[str, Any]) -> list[str]:
    """What a reader sees, block by block."""
    found: list[str] = []
    for block in payload.get("blocks") or []:
        if "text" in block:
            found.append(block["text"]["text"])
        inner = [element["text"] for element in block.get("elements", ())]
        found += [text if isinstance(text, str) else text["text"] for text in inner]
    return found


def view_problems(view: dict[str, Any]) -> list[str]:
    """Everything that Slack would refuse in a dialog."""
    found = [f"{name} is too long" for name in ("title", "submit", "close") if len(view[name]["text"]) > 24]
    found += ["private_metadata is too long"] * (len(view.get("private_metadata", "")) > 3_000)
    found += ["callback_id is too long"] * (len(view.get("callback_id", "")) > 255)
    for block in view["blocks"]:
        element = block["element"]
        if len(element.get("initial_value", "")) > min(3_000, element.get("max_length", 3_000)):
            found.append("initial_value is too long")
        if len(block["label"]["text"]) > 2_000:
            found.append("label is too long")
    return found


def _block_problems(block: dict[str, Any], where: str, action_ids: list[str]) -> list[str]:
    found = [f"{where}: block_id is too long"] * (len(block.get("block_id", "")) > 255)
    kind = block.get("type")
    if kind == "section":
        return found + _object_problems(block["text"], 3_000, where)
    if kind == "context":
        elements = block["elements"]
        found += [f"{where}: {len(elements)} elements"] * (not 1 <= len(elements) <= 10)
        return found + [each for element in elements for each in _object_problems(element, 3_000, where)]
    if kind == "actions":
        elements = block["elements"]
        found += [f"{where}: {len(elements)} elements"] * (not 1 <= len(elements) <= 25)
        for element in elements:
            action_ids.append(element["action_id"])
            found += [f"{where}: action_id is too long"] * (len(element["action_id"]) > 255)
            found += [f"{where}: value is too long"] * (len(element.get("value", "")) > 2_000)
            found += [f"{where}: a button's text is not plain"] * (element["text"]["type"] != "plain_text")
            found += _text_problems(element["text"]["text"], 75, f"{where} button", mrkdwn=False)
        return found
    return [*found, f"{where}: blocks of type {kind} are not expected"]


def _object_problems(text: dict[str, Any], most: int, where: str) -> list[str]:
    return _text_problems(text["text"], most, where, mrkdwn=text["type"] == "mrkdwn")


def _text_problems(text: str, most: int, where: str, *, mrkdwn: bool) -> list[str]:
    found = [f"{where}: {len(text)} characters, at most {most}"] * (len(text) > most)
    found += [f"{where}: empty"] * (not text.strip())
    if not mrkdwn:
        return found
    for inner in _CONTROL.findall(text):
        found += [f"{where}: <{inner}> means something to Slack"] * (not _KNOWN.fullmatch(inner))
    left = _CONTROL.sub("", text)
    quotes = re.sub(r"^> ?", "", left, flags=re.MULTILINE)
    found += [f"{where}: a bare < or >"] * ("<" in quotes or ">" in quotes)
    found += [f"{where}: a bare &"] * bool(re.search(r"&(?!amp;|lt;|gt;)", left))
    found += [f"{where}: code is not closed"] * (left.count("```") % 2)
    return found
