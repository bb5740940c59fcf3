"""`cuecard mattermost doctor`: whether Mattermost and this server would understand each other, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import httpx

from api.chat.doctor import Check, check, clock, found, rules_of, set_up
from api.chat.rules import Rules
from api.mattermost.client import API, TIMEOUT_S
from api.mattermost.installed import EVENTS_PATH, missing, tokens
from api.mattermost.listen import LARGEST, MARGIN_S, silent
from api.mattermost.seals import Seal
from api.settings import Settings
from api.settings_checks import MAX_POST

_ID = re.compile(r"[a-z0-9]{26}")


def examine(settings: Settings) -> dict[str, Any]:
    """`{"ok", "checks": [{"name", "state", "detail", "hint"}]}`; a state is `on`, `off` or `failed`."""
    why = missing(settings)
    rules, read = rules_of(settings.home, "mattermost")
    checks = [set_up(why, "mattermost.md"), read]
    if not why:
        headers = {"Authorization": f"Bearer {settings.mattermost_token}"}
        url = (settings.mattermost_url or "").rstrip("/")
        with httpx.Client(base_url=f"{url}{API}", headers=headers, timeout=TIMEOUT_S) as client:
            checks += _server(client, settings, rules)
        checks.append(_socket(f"ws{url.removeprefix('http')}{API}/websocket", settings.mattermost_token or ""))
    for name, listed, what in (
        ("slash commands", settings.mattermost_command_tokens, "CUECARD_MATTERMOST_COMMAND_TOKENS"),
        ("outgoing webhooks", settings.mattermost_webhook_tokens, "CUECARD_MATTERMOST_WEBHOOK_TOKENS"),
    ):
        count = len(tokens(listed))
        checks.append(check(name, "on", f"{count} known.") if count else check(name, "off", f"{what} is not set."))
    checks.append(_callback(settings))
    return found(checks)


def _server(client: httpx.Client, settings: Settings, rules: Rules) -> Iterable[Check]:
    """The token, the clock, how long posts may be, and the channels of the rules."""
    try:
        answer = client.get("/users/me")
    except httpx.HTTPError as error:
        yield check("token", "failed", _unreached(error), "Correct CUECARD_MATTERMOST_URL, or start the server.")
        return
    if answer.status_code != 200:
        hint = "Make a token for the bot account, under Integrations, Bot Accounts."
        yield check("token", "failed", f"Mattermost answers {answer.status_code}.", hint)
        return
    account = answer.json()
    hint = "" if account.get("is_bot") else "Make a bot account: this is a person's, whose other messages are ignored."
    yield check("token", "on", f"@{account['username']}.", hint)
    hint = "Set the clock, or let the machine follow a time server: messages could be missed after a restart."
    yield clock(answer.headers.get("Date", ""), "Mattermost", MARGIN_S, hint)
    yield from _look(client, settings, rules, account["id"])


def _look(client: httpx.Client, settings: Settings, rules: Rules, me: str) -> Iterable[Check]:
    try:
        yield _length(client, int(settings.mattermost_post_length or MAX_POST))
        owners = rules.owners_in("mattermost")
        # the rules may name channels of other chats, too
        for channel in [owners] * bool(owners) + [each for each in rules.channels if _ID.fullmatch(each)]:
            member = client.get(f"/channels/{channel}/members/{me}").status_code == 200
            hint = "" if member else "Correct its id in chat.toml, or add the bot to the channel."
            said = "the bot is a member." if member else "the bot is not a member, or there is no such channel."
            yield check(f"channel {channel}", "on" if member else "failed", said, hint)
    except (httpx.HTTPError, ValueError) as error:
        yield check("server", "failed", _unreached(error), "Try again.")


def _length(client: httpx.Client, ours: int) -> Check:
    config = client.get("/config/client", params={"format": "old"})
    theirs = str(config.json().get("MaxPostSize", "")) if config.status_code == 200 else ""
    if not theirs.isdecimal():
        return check("post length", "off", "Mattermost did not tell it.")
    if int(theirs) < ours:
        hint = f"Set CUECARD_MATTERMOST_POST_LENGTH={theirs}; until then long answers come as plain text."
        return check("post length", "failed", f"Mattermost takes {theirs} characters, not {ours}.", hint)
    return check("post length", "on", f"{ours} characters.")


def _socket(url: str, token: str) -> Check:
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    try:
        with connect(url, open_timeout=TIMEOUT_S, close_timeout=1, max_size=LARGEST, logger=silent) as connection:
            connection.send(json.dumps({"seq": 1, "action": "authentication_challenge", "data": {"token": token}}))
            for _ in range(10):
                said = json.loads(connection.recv(timeout=TIMEOUT_S))
                if said.get("event") == "hello":
                    return check("listening", "on", "Mattermost tells what happens.")
    except (OSError, WebSocketException, ValueError) as error:
        hint = "See that no proxy in between refuses WebSockets."
        return check("listening", "failed", f"no WebSocket at {url} ({type(error).__name__}).", hint)
    return check("listening", "failed", "Mattermost does not let the bot listen.", "Make a new token.")


def _callback(settings: Settings) -> Check:
    """Whether the public address leads to a server with the same token."""
    name = "callback"
    if settings.public_url is None:
        return check(name, "off", "CUECARD_PUBLIC_URL is not set: there are no buttons.", "Set it, and there are.")
    if settings.mattermost_token is None:
        return check(name, "off", "CUECARD_MATTERMOST_TOKEN is not set.")
    url = f"{settings.public_url.rstrip('/')}{EVENTS_PATH}"
    context = Seal(settings.mattermost_token).close({"at": "", "user": "", "action": "ping"})
    try:
        answer = httpx.post(url, json={"context": context, "channel_id": ""}, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        hint = "Start `cuecard serve`, and see that the address leads to it."
        return check(name, "failed", f"{url} can't be reached ({type(error).__name__}).", hint)
    if answer.status_code == 200:
        return check(name, "on", f"{url} answers.")
    hint = {
        401: "The server runs with another CUECARD_MATTERMOST_TOKEN.",
        404: "The server there was started without Mattermost's settings, or is another one.",
    }.get(answer.status_code, "See the log of the server there.")
    return check(name, "failed", f"{url} answers {answer.status_code}.", hint)


def _unreached(error: Exception) -> str:
    return f"Mattermost can't be reached ({type(error).__name__})."
