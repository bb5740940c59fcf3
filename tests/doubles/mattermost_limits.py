"""What Mattermost's reference says of posts and dialogs, as a checker. The numbers stand here once more on purpose."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCED = re.compile(r"^(`{3,})[^`\n]*\n.*?^\1`*[ ]*$", re.DOTALL | re.MULTILINE)
_EVERYBODY = re.compile(r"@(channel|all|here)\b", re.IGNORECASE)
_MENTION = re.compile(r"(?<![A-Za-z0-9])@[A-Za-z&]|&#0*64;|&#x0*40;|&commat;")


def problems_of(post: dict[str, Any], length: int = 16_383) -> list[str]:
    """Everything that Mattermost would refuse in a post, or that calls people it should not."""
    message, props = post.get("message", ""), post.get("props") or {}
    attachments = props.get("attachments") or []
    found = [f"message: {len(message)} characters, at most {length}"] * (len(message) > length)
    found += ["an empty post"] * (not message.strip() and not attachments)
    found += _mentions(message, "message")
    if len(json.dumps(props)) > 8_000:
        found.append(f"props of {len(json.dumps(props))} characters, old servers take 8,000")
    ids: list[str] = []
    for number, attachment in enumerate(attachments):
        found += _attachment_problems(attachment, f"attachments[{number}]", ids)
    found += [f"action ids twice: {ids}"] * (len(ids) != len(set(ids)))
    return found


def dialog_problems(asked: dict[str, Any]) -> list[str]:
    """Everything that Mattermost would refuse in a dialog."""
    dialog = asked["dialog"]
    found = [] if re.match(r"https?://", asked["url"]) and asked["trigger_id"] else ["no url, or no trigger_id"]
    found += ["title is too long"] * (not 1 <= len(dialog["title"]) <= 24)
    found += ["submit_label is too long"] * (len(dialog.get("submit_label", "")) > 24)
    found += [f"{len(dialog['elements'])} elements"] * (not 1 <= len(dialog["elements"]) <= 5)
    for element in dialog["elements"]:
        found += ["display_name is too long"] * (not 1 <= len(element["display_name"]) <= 24)
        found += ["name is too long"] * (not 1 <= len(element["name"]) <= 300)
        found += ["max_length is too large"] * (element["max_length"] > 3_000)
        found += ["default is too long"] * (len(element.get("default", "")) > element["max_length"])
    return found


def _attachment_problems(attachment: dict[str, Any], where: str, ids: list[str]) -> list[str]:
    found = [f"{where}: {name} is not expected" for name in set(attachment) - {"text", "actions"}]
    found += _mentions(attachment.get("text", ""), where)
    for action in attachment["actions"]:
        ids.append(action["id"])
        found += [f"{where}: the id {action['id']} is not of letters and digits"] * (not action["id"].isalnum())
        found += [f"{where}: the type {action['type']}"] * (action["type"] != "button")
        found += [f"{where}: a name of {len(action['name'])}"] * (not 1 <= len(action["name"]) <= 75)
        styles = ("default", "primary", "success", "good", "warning", "danger")
        found += [f"{where}: the style {action.get('style')}"] * (action.get("style", "default") not in styles)
        integration = action["integration"]
        found += [f"{where}: no URL"] * (not re.match(r"https?://", integration["url"]))
        found += [f"{where}: no seal"] * (not integration["context"].get("seal"))
    return found


def _mentions(text: str, where: str) -> list[str]:
    """What calls people: names anywhere but in code, and those of everybody even there."""
    left = _FENCED.sub("", text)
    found = [f"{where}: calls {each}" for each in _MENTION.findall(left)]
    found += [f"{where}: calls {each}" for each in _EVERYBODY.findall(text)]
    found += [f"{where}: <! calls people where Slack's syntax is read"] * ("<!" in left)
    found += [f"{where}: loads a picture"] * ("![" in left)
    return found
