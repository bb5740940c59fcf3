"""From what Mattermost sends to events: pure functions over its payloads. None: nothing that concerns the bot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from api.chat.events import ACTIONS, Event, Place
from api.library import MAX_QUESTION

Payload = dict[str, Any]

DIRECT, GROUP = "direct", "group"
"""The workspaces of messages between two, and between some: those belong to no team of Mattermost's."""

REPHRASE = "rephrase"
_BETWEEN_TWO = re.compile(r"[a-z0-9]{26}__[a-z0-9]{26}")
_HANDLE = re.compile(r"/hooks/commands/[A-Za-z0-9]+$")
_FIRST_NAME = re.compile(r"^\s*@([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's account."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Channel:
    """Where something was said. `team`: of Mattermost's, DIRECT or GROUP."""

    id: str
    team: str

    @classmethod
    def of(cls, channel: Payload) -> Channel:
        """A channel as the API has it."""
        between = {"D": DIRECT, "G": GROUP}.get(channel.get("type", ""))
        return cls(channel["id"], between or channel.get("team_id") or GROUP)


def spoken(post: Payload, channel: Channel, me: Me, *, addressed: bool = False, trigger: str = "") -> Event | None:
    """Something a person said, to the bot or beside it. `trigger`: the word that an outgoing webhook listens to."""
    if not _is_of_a_person(post, me):
        return None
    direct = channel.team == DIRECT
    text = str(post.get("message") or "")
    named = _name_of(me).search(text) is not None
    first = _FIRST_NAME.match(text)
    if not (named or addressed or direct) and first:
        return None  # people who talk to each other in a thread of the bot's
    return Event(
        "question",
        _place(post, channel),
        post["user_id"],
        (f"mattermost/post/{post['id']}",),
        text=_without_name(text, me, trigger),
        message=post["id"],
        addressed=named or addressed or direct,
        direct=direct,
    )


def edited(post: Payload, channel: Channel, me: Me) -> Event | None:
    """A message that was changed."""
    if not _is_of_a_person(post, me) or not post.get("edit_at"):
        return None
    return Event(
        "edit",
        _place(post, channel),
        post["user_id"],
        (f"mattermost/edit/{post['id']}/{post['edit_at']}",),
        text=_without_name(str(post.get("message") or ""), me, ""),
        message=post["id"],
        direct=channel.team == DIRECT,
    )


def deleted(post: Payload, channel: Channel, me: Me) -> Event | None:
    """A message that was deleted."""
    if not _is_of_a_person(post, me):
        return None
    return Event(
        "delete",
        _place(post, channel),
        post["user_id"],
        (f"mattermost/delete/{post['id']}",),
        message=post["id"],
        direct=channel.team == DIRECT,
    )


def webhook(form: Payload) -> tuple[Payload, Channel]:
    """What an outgoing webhook tells, as a post: it does not say which thread it stands in."""
    post = {"id": form.get("post_id", ""), "user_id": form.get("user_id", ""), "message": form.get("text", "")}
    return {**post, "channel_id": form.get("channel_id", "")}, Channel(form.get("channel_id", ""), _team(form))


def command(form: Payload) -> Event:
    """A slash command."""
    handle = _HANDLE.search(form.get("response_url", ""))
    direct = _BETWEEN_TWO.fullmatch(form.get("channel_name", "")) is not None
    team = DIRECT if direct else _team(form)
    return Event(
        "question",
        Place("mattermost", team, form.get("channel_id", ""), form.get("root_id", "")),
        form.get("user_id", ""),
        (f"mattermost/command/{form.get('trigger_id', '')}",),
        text=form.get("text", "").strip(),
        private=True,
        direct=direct,
        reply=handle[0] if handle else "",
        trigger=form.get("trigger_id", ""),
        user_name=form.get("user_name", ""),
        channel_name="" if direct else form.get("channel_name", ""),
    )


def press(body: Payload, facts: Payload) -> Event | None:
    """A button; `facts` are what we sealed into it."""
    if facts.get("action") not in ACTIONS:
        return None
    user, private = str(body.get("user_id", "")), bool(facts["user"])
    thread = facts["thread"] or ("" if private else str(body.get("post_id", "")))
    return Event(
        "press",
        Place("mattermost", facts["team"], facts["channel"], thread),
        user,
        (f"mattermost/press/{facts['action']}/{user}/{body.get('trigger_id', '')}",),
        private=private,
        direct=facts["team"] == DIRECT,
        reply=facts["reply"],
        trigger=str(body.get("trigger_id", "")),
        action=facts["action"],
        value=facts["value"],
        user_name=str(body.get("user_name", "")),
        # under what was said directly instead of whispered, it is the name of that conversation
        channel_name=str(body.get("channel_name", "")) if facts["at"] == facts["channel"] else "",
    )


def rephrased(body: Payload, facts: Payload) -> Event | None:
    """The dialog "ask differently", sent off; `facts` are what we sealed into it."""
    text = (body.get("submission") or {}).get("question")
    if facts.get("action") != REPHRASE or body.get("cancelled") or not isinstance(text, str):
        return None
    return Event(
        "rephrase",
        Place("mattermost", facts["team"], facts["channel"], facts["thread"]),
        facts["user"],
        (f"mattermost/dialog/{facts['opened']}",),
        text=text.strip()[:MAX_QUESTION],
        direct=facts["team"] == DIRECT,
        reply=facts["reply"],
        value=facts["value"],
        user_name=facts["user_name"],
    )


def _is_of_a_person(post: Payload, me: Me) -> bool:
    """Whether neither a program nor Mattermost itself said it."""
    props = post.get("props") or {}
    robot = any(str(props.get(name, "")).lower() == "true" for name in ("from_bot", "from_webhook", "from_plugin"))
    author = post.get("user_id")
    return bool(post.get("id") and author) and author != me.id and not robot and not post.get("type")


def _place(post: Payload, channel: Channel) -> Place:
    return Place("mattermost", channel.team, channel.id, post.get("root_id") or post["id"])


def _team(form: Payload) -> str:
    return str(form.get("team_id") or GROUP)


def _name_of(me: Me) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@.-])@{re.escape(me.name)}(?![\w-]|\.\w)", re.IGNORECASE)


def _without_name(text: str, me: Me, trigger: str) -> str:
    """What was said, without the name it was said to."""
    if trigger and text.startswith(trigger):
        text = text[len(trigger) :]
    text = _name_of(me).sub(" ", text)
    return " ".join(text.split()) if "\n" not in text else text.strip()
