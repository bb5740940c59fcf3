"""From what Slack sends to events: pure functions over its payloads. None: nothing that concerns the bot."""

from __future__ import annotations

import json
import re
from typing import Any

from api.chat.events import ACTIONS, RELATED, Event, Place
from api.library import MAX_QUESTION
from api.slack.mrkdwn import unescape

Payload = dict[str, Any]

_SPOKEN = (None, "file_share", "thread_broadcast")
"""Subtypes of messages that a person wrote."""

_FIRST_MENTION = re.compile(r"^\s*<@([A-Z0-9]+)(?:\|[^>]*)?>")


def event_of(body: Payload) -> Event | None:
    """An event of the Events API (the whole body, with `event` in it)."""
    event = body.get("event") or {}
    if event.get("type") == "app_mention":
        return _spoken(body, event, addressed=True)
    if event.get("type") != "message":
        return None
    subtype = event.get("subtype")
    if subtype == "message_changed":
        return _changed(body, event)
    if subtype == "message_deleted":
        return _deleted(body, event)
    return _spoken(body, event, addressed=_is_direct(event)) if subtype in _SPOKEN else None


def command(body: Payload) -> Event:
    """A slash command."""
    channel = body.get("channel_id", "")
    return Event(
        "question",
        Place("slack", body.get("team_id", ""), channel),
        body.get("user_id", ""),
        (f"slack/command/{body.get('trigger_id', '')}",),
        text=unescape(body.get("text", "")).strip(),
        private=True,
        direct=channel.startswith("D"),
        reply=body.get("response_url", ""),
        trigger=body.get("trigger_id", ""),
    )


def shortcut(body: Payload) -> Event | None:
    """The message shortcut "find in our notes": the message is the question, as far as one may be long."""
    message = body.get("message") or {}
    text = unescape(message.get("text", "")).strip()[:MAX_QUESTION]
    if body.get("type") != "message_action" or not text:
        return None
    place = _place(body, message.get("thread_ts") or message.get("ts", ""))
    return Event(
        "question",
        place,
        body["user"]["id"],
        (f"slack/shortcut/{body.get('trigger_id', '')}",),
        text=text,
        private=True,
        direct=place.channel.startswith("D"),
        reply=body.get("response_url", ""),
        trigger=body.get("trigger_id", ""),
    )


def press(body: Payload) -> Event | None:
    """A button."""
    action = (body.get("actions") or [{}])[0]
    name = action.get("action_id", "")
    name = RELATED if name.startswith(f"{RELATED}_") else name
    if name not in ACTIONS:
        return None
    container, message = body.get("container") or {}, body.get("message") or {}
    thread = container.get("thread_ts") or message.get("thread_ts") or container.get("message_ts", "")
    place = _place(body, thread)
    user = body["user"]["id"]
    key = f"slack/press/{place.channel}/{user}/{name}/{action.get('action_ts', '')}/{body.get('trigger_id', '')}"
    return Event(
        "press",
        place,
        user,
        (key,),
        private=bool(container.get("is_ephemeral")),
        direct=place.channel.startswith("D"),
        reply=body.get("response_url", ""),
        trigger=body.get("trigger_id", ""),
        action=name,
        value=action.get("value", ""),
    )


def rephrased(body: Payload) -> Event | None:
    """The dialog "ask differently", sent off."""
    view = body.get("view") or {}
    try:
        state = json.loads(view.get("private_metadata") or "{}")
        text = view["state"]["values"]["question"]["question"]["value"] or ""
    except (ValueError, KeyError, TypeError):
        return None
    team = (body.get("team") or {}).get("id", "")
    return Event(
        "rephrase",
        Place("slack", team, state.get("channel", ""), state.get("thread", "")),
        body["user"]["id"],
        (f"slack/view/{view.get('id', '')}/{view.get('hash', '')}/{body.get('trigger_id', '')}",),
        text=text.strip(),
        direct=bool(state.get("direct")),
        reply=state.get("reply", ""),
        value=state.get("answer", ""),
    )


def _spoken(body: Payload, event: Payload, *, addressed: bool) -> Event | None:
    """Something a person said, to the bot or beside it."""
    user, ts = event.get("user", ""), event.get("ts", "")
    if _is_bot(event) or not user or not ts:
        return None
    bot = _bot_user(body)
    if user == bot:
        return None
    text = event.get("text") or ""
    first = _FIRST_MENTION.match(text)
    if not addressed and first and first[1] != bot:
        return None  # people who talk to each other in a thread of the bot's
    return Event(
        "question",
        _event_place(body, event, event.get("thread_ts") or ts),
        user,
        _keys(body, f"slack/message/{event.get('channel', '')}/{ts}"),
        text=_without_mention(text, bot),
        message=ts,
        addressed=addressed,
        direct=_is_direct(event),
        external=bool(body.get("is_ext_shared_channel")),
    )


def _changed(body: Payload, event: Payload) -> Event | None:
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    # Slack tells of its own changes too, such as a link's preview
    if _is_bot(message) or not message.get("user") or message.get("text") == before.get("text"):
        return None
    ts = message.get("ts", "")
    stamp = (message.get("edited") or {}).get("ts") or event.get("event_ts", "")
    return Event(
        "edit",
        _event_place(body, event, message.get("thread_ts") or ts),
        message["user"],
        _keys(body, f"slack/edit/{event.get('channel', '')}/{ts}/{stamp}"),
        text=_without_mention(message.get("text") or "", _bot_user(body)),
        message=ts,
        direct=_is_direct(event),
        external=bool(body.get("is_ext_shared_channel")),
    )


def _deleted(body: Payload, event: Payload) -> Event | None:
    before = event.get("previous_message") or {}
    ts = event.get("deleted_ts") or before.get("ts", "")
    if _is_bot(before) or not ts:
        return None
    return Event(
        "delete",
        _event_place(body, event, before.get("thread_ts") or ts),
        before.get("user", ""),
        _keys(body, f"slack/delete/{event.get('channel', '')}/{ts}"),
        message=ts,
        direct=_is_direct(event),
        external=bool(body.get("is_ext_shared_channel")),
    )


def _keys(body: Payload, key: str) -> tuple[str, ...]:
    event_id = body.get("event_id")
    return (key, f"slack/event/{event_id}") if event_id else (key,)


def _is_bot(message: Payload) -> bool:
    return bool(message.get("bot_id") or message.get("bot_profile")) or message.get("subtype") == "bot_message"


def _is_direct(event: Payload) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")


def _bot_user(body: Payload) -> str:
    """The bot's own user id, as the event tells whom it was meant for."""
    bots = [each.get("user_id", "") for each in body.get("authorizations") or () if each.get("is_bot", True)]
    return bots[0] if bots else ""


def _without_mention(text: str, bot: str) -> str:
    """What was said, without the name it was said to."""
    name = re.compile(rf"<@{re.escape(bot)}(?:\|[^>]*)?>") if bot else _FIRST_MENTION
    text = name.sub(" ", text)
    return " ".join(unescape(text).split()) if "\n" not in text else unescape(text).strip()


def _event_place(body: Payload, event: Payload, thread: str) -> Place:
    # in a channel that organisations share, `team_id` may be the other one's; the bot is installed in this one
    team = next((each.get("team_id") for each in body.get("authorizations") or ()), None) or body.get("team_id", "")
    return Place("slack", team, event.get("channel", ""), thread)


def _place(body: Payload, thread: str) -> Place:
    team = (body.get("team") or {}).get("id") or (body.get("user") or {}).get("team_id", "")
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id", "")
    return Place("slack", team, channel, thread)
