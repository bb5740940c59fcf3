"""What an installation of the Mattermost bot needs."""

from __future__ import annotations

from api.settings import Settings

EVENTS_PATH = "/mattermost/events"


def wanted(settings: Settings) -> bool:
    """Whether somebody began to set the bot up."""
    return settings.mattermost_url is not None or settings.mattermost_token is not None


def missing(settings: Settings) -> str:
    """What keeps the bot from being on, "" where nothing does."""
    needed = {
        "CUECARD_MATTERMOST_URL": settings.mattermost_url,
        "CUECARD_MATTERMOST_TOKEN": settings.mattermost_token,
    }
    lacking = [name for name, value in needed.items() if value is None]
    return f"{' and '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} not set." if lacking else ""


def tokens(listed: str | None) -> tuple[str, ...]:
    """The tokens of a setting that holds several."""
    return tuple(each.strip() for each in (listed or "").split(",") if each.strip())
