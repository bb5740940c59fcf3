"""What an installation of the Slack bot needs. Imports nothing of Slack's."""

from __future__ import annotations

from api.settings import Settings

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "chat:write",
    "commands",
    "groups:history",
    "im:history",
    "mpim:history",
)
"""What the bot must be allowed: the manifest asks for it, `cuecard slack doctor` compares."""

EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH = "/slack/events", "/slack/install", "/slack/oauth_redirect"


def wanted(settings: Settings) -> bool:
    """Whether somebody began to set the bot up."""
    return settings.slack_bot_token is not None or settings.slack_client_id is not None


def missing(settings: Settings) -> str:
    """What keeps the bot from being on, "" where nothing does."""
    if not wanted(settings):
        return "SLACK_BOT_TOKEN is not set."
    if settings.slack_bot_token is not None:
        if settings.slack_signing_secret is None and settings.slack_app_token is None:
            return "Neither SLACK_SIGNING_SECRET (for HTTP) nor SLACK_APP_TOKEN (for Socket Mode) is set."
        return ""
    needed = {
        "SLACK_CLIENT_SECRET": settings.slack_client_secret,
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret,
        "CUECARD_PUBLIC_URL": settings.public_url,
    }
    lacking = [name for name, value in needed.items() if value is None]
    return f"SLACK_CLIENT_ID is set, but not {' and '.join(lacking)}." if lacking else ""
