"""The app manifest: what Slack is told to make an app of."""

from __future__ import annotations

from typing import Any

from api.slack.installed import EVENTS_PATH, REDIRECT_PATH, SCOPES

EVENTS = ("app_mention", "app_uninstalled", "message.channels", "message.groups", "message.im", "message.mpim")
PLACEHOLDER = "https://YOUR-SERVER.example"


def manifest(public_url: str | None, *, sockets: bool, oauth: bool) -> dict[str, Any]:
    """The manifest for a server at `public_url`; with `sockets` it needs no address. `oauth`: several workspaces."""
    address = (public_url or PLACEHOLDER).rstrip("/")
    url = {} if sockets else {"url": f"{address}{EVENTS_PATH}"}
    command = {
        "command": "/ask",
        "description": "Ask the interview notes",
        "usage_hint": "which redis eviction policy and why",
        "should_escape": True,
        **url,
    }
    shortcut = {
        "name": "Find in our notes",
        "type": "message",
        "callback_id": "find_in_notes",
        "description": "Looks up what this message asks",
    }
    request_url = {} if sockets else {"request_url": f"{address}{EVENTS_PATH}"}
    redirects = {"redirect_urls": [f"{address}{REDIRECT_PATH}"]} if oauth else {}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "cuecard",
            "description": "Answers from our own interview notes, with file and lines",
            "background_color": "#1f2933",
        },
        "features": {
            "bot_user": {"display_name": "cuecard", "always_online": True},
            "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "slash_commands": [command],
            "shortcuts": [shortcut],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}, **redirects},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **request_url},
            "interactivity": {"is_enabled": True, **request_url},
            "socket_mode_enabled": sockets,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }
