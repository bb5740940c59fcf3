"""What comes back to us from a chat that signs nothing: sealed by us, so that nobody else can make it up."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

SEALED_S = 14 * 24 * 3600
"""How long a button works: as long as its answer is remembered."""


class Seal:
    """Made of the bot's token: a new token makes what was sealed with the old one worthless."""

    def __init__(self, token: str, now: Callable[[], float] = time.time) -> None:
        self._key = hmac.new(token.encode(), b"cuecard/mattermost/seal", hashlib.sha256).digest()
        self._now = now

    def close(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts with an end and a seal, ready for JSON."""
        dated = {**facts, "until": int(self._now()) + SEALED_S}
        return {**dated, "seal": self._seal(dated)}

    def open(self, sealed: object) -> dict[str, Any] | None:
        """The facts that were sealed; None for anything else, and for what is too old."""
        if not isinstance(sealed, dict):
            return None
        dated = {key: value for key, value in sealed.items() if key != "seal"}
        given = sealed.get("seal")
        if not isinstance(given, str) or not _same(given, self._seal(dated)):
            return None
        return dated if dated["until"] >= self._now() else None

    def _seal(self, facts: dict[str, Any]) -> str:
        written = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return hmac.new(self._key, written.encode(), hashlib.sha256).hexdigest()


def is_one_of(given: object, known: tuple[str, ...]) -> bool:
    """Whether a token is known; all are looked at, and each in the same time."""
    if not isinstance(given, str):
        return False
    return sum(_same(given, each) for each in known) > 0


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), known.encode())
