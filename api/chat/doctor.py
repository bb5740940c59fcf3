"""What the doctors of all chats have in common: `{"name", "state", "detail", "hint"}`, of the rules and the clock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from api.chat.rules import Rules, read_rules
from ingest.errors import SettingsError

Check = dict[str, str]


def check(name: str, state: str, detail: str, hint: str = "") -> Check:
    """One thing that was looked at; a state is `on`, `off` or `failed`."""
    return {"name": name, "state": state, "detail": detail, "hint": hint}


def found(checks: Sequence[Check]) -> dict[str, Any]:
    """`{"ok", "checks"}`."""
    return {"ok": all(each["state"] != "failed" for each in checks), "checks": list(checks)}


def set_up(why: str, page: str) -> Check:
    """Whether all settings are there: `why` says what is missing, `page` of the docs what to do."""
    return check("settings", "failed" if why else "on", why or "complete.", f"See docs/{page}." if why else "")


def rules_of(home: Path, platform: str) -> tuple[Rules, Check]:
    """The rules, and whether they can be read."""
    try:
        rules = read_rules(home)
    except SettingsError as error:
        return Rules(), check("rules", "failed", error.message, error.hint)
    return rules, check("rules", "on", _described(rules, platform))


def clock(date: str, who: str, most: float, hint: str) -> Check:
    """How far this machine's clock is from the one of the `Date` header: at most `most` seconds."""
    try:
        ahead = time.time() - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return check("clock", "off", f"{who} did not tell the time.")
    state, advice = ("failed", hint) if abs(ahead) > most else ("on", "")
    return check("clock", state, f"{ahead:+.0f} s away from {who}'s.", advice)


def _described(rules: Rules, platform: str) -> str:
    listed = f"{len(rules.channels)} channels listed"
    others = (
        "no others are answered" if rules.only_listed_channels else f"others see what a {rules.everywhere.audience} may"
    )
    channel = rules.owners_in(platform)
    owners = f"owners in {channel}" if channel else "no channel of owners"
    return f"{listed}, {others}; {owners}; {rules.questions_per_minute} questions a minute."
