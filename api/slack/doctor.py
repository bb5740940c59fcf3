"""`cuecard slack doctor`: whether Slack and this server would understand each other, and what to do where not."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import httpx
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.signature import SignatureVerifier

from api.chat.doctor import Check, check, clock, found, rules_of, set_up
from api.chat.rules import Rules
from api.settings import Settings
from api.slack.client import DEFAULT_URL, TIMEOUT_S, log
from api.slack.installed import EVENTS_PATH, SCOPES, missing

MAX_SKEW_S = 120
"""Slack's signatures are good for five minutes; a clock this far away will soon refuse them."""

_ID = re.compile(r"[A-Z0-9]+")


def examine(settings: Settings) -> dict[str, Any]:
    """`{"ok", "checks": [{"name", "state", "detail", "hint"}]}`; a state is `on`, `off` or `failed`."""
    rules, read = rules_of(settings.home, "slack")
    checks = [set_up(missing(settings), "slack.md"), read]
    if settings.slack_bot_token is not None:
        checks += _token(settings, rules)
    elif settings.slack_client_id is not None:
        checks.append(check("token", "off", "each workspace brings its own, by OAuth."))
    checks.append(_sockets(settings))
    checks.append(_events_url(settings))
    return found(checks)


def _client(settings: Settings, token: str | None) -> WebClient:
    url = settings.slack_api_url or DEFAULT_URL
    return WebClient(token=token, base_url=url, timeout=TIMEOUT_S, retry_handlers=[], logger=log)


def _token(settings: Settings, rules: Rules) -> list[Check]:
    """The token, its scopes, the clock, and the channels of the rules."""
    client = _client(settings, settings.slack_bot_token)
    try:
        answer = client.auth_test()
    except (SlackApiError, SlackClientError, OSError) as error:
        return [check("token", "failed", _reason(error), "Install the app again and copy its bot token.")]
    headers: Mapping[str, Any] = {name.lower(): value for name, value in answer.headers.items()}
    checks = [check("token", "on", f"{answer['user']} in {answer['team']} ({answer['team_id']}).")]
    if rules.workspaces is not None and answer["team_id"] not in rules.workspaces:
        hint = "Add its id to `workspaces` in chat.toml."
        checks.append(check("workspace", "failed", f"{answer['team_id']} is not among the workspaces.", hint))
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    lacking = sorted(set(SCOPES) - granted)
    if lacking:
        hint = "Add them under OAuth & Permissions, and install the app again."
        checks.append(check("scopes", "failed", f"missing: {', '.join(lacking)}.", hint))
    else:
        checks.append(check("scopes", "on", f"all {len(SCOPES)} that are needed."))
    hint = "Set the clock, or let the machine follow a time server: signatures are refused."
    checks.append(clock(str(headers.get("date", "")), "Slack", MAX_SKEW_S, hint))
    owners = rules.owners_in("slack")
    # the rules may name channels of other chats, too
    channels = [owners] * bool(owners) + [channel for channel in rules.channels if _ID.fullmatch(channel)]
    return checks + [_channel(client, channel) for channel in channels]


def _channel(client: WebClient, channel: str) -> Check:
    name = f"channel {channel}"
    try:
        info = client.conversations_info(channel=channel)["channel"]
    except (SlackApiError, SlackClientError, OSError) as error:
        if isinstance(error, SlackApiError) and error.response.get("error") == "missing_scope":
            return check(name, "off", "can't be looked up without the scope channels:read.")
        return check(name, "failed", _reason(error), "Correct its id in chat.toml, or invite the bot.")
    if not info.get("is_member"):
        return check(name, "failed", "the bot is not a member.", "Say /invite @cuecard there.")
    return check(name, "on", "the bot is a member.")


def _sockets(settings: Settings) -> Check:
    if settings.slack_app_token is None:
        return check("Socket Mode", "off", "SLACK_APP_TOKEN is not set.")
    try:
        _client(settings, None).apps_connections_open(app_token=settings.slack_app_token)
    except (SlackApiError, SlackClientError, OSError) as error:
        hint = "Make an app-level token with the scope connections:write."
        return check("Socket Mode", "failed", _reason(error), hint)
    return check("Socket Mode", "on", "Slack offers a connection.")


def _events_url(settings: Settings) -> Check:
    """Whether the public address leads to a server that knows the signing secret."""
    name = "events URL"
    if settings.slack_signing_secret is None:
        return check(name, "off", "SLACK_SIGNING_SECRET is not set.")
    if settings.public_url is None:
        return check(name, "off", "CUECARD_PUBLIC_URL is not set.", "Set it, and this is tried out.")
    url = f"{settings.public_url.rstrip('/')}{EVENTS_PATH}"
    body = json.dumps({"type": "url_verification", "challenge": "cuecard"}).encode()
    stamp = str(int(time.time()))
    signature = SignatureVerifier(settings.slack_signing_secret).generate_signature(timestamp=stamp, body=body) or ""
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
    try:
        answer = httpx.post(
            url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=TIMEOUT_S
        )
    except httpx.HTTPError as error:
        hint = "Start `cuecard serve`, and see that the address leads to it."
        return check(name, "failed", f"{url} can't be reached ({type(error).__name__}).", hint)
    if answer.status_code == 200 and answer.json().get("challenge") == "cuecard":
        return check(name, "on", f"{url} answers.")
    hint = {
        401: "The server runs with another SLACK_SIGNING_SECRET, or its clock is wrong.",
        404: "The server there was started without Slack's settings, or is another one.",
    }.get(answer.status_code, "See the log of the server there.")
    return check(name, "failed", f"{url} answers {answer.status_code}.", hint)


def _reason(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return f"Slack says {error.response.get('error') or 'no'}."
    return f"Slack can't be reached ({type(error).__name__})."
