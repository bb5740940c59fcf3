"""Who may ask where, and what they may see there: `chat.toml` in the home.

    owners = "C0OWNERS"              # channel that is told what the library lacks; of several chats each one's:
                                     # owners = {slack = "C0OWNERS", mattermost = "..."}
    questions_per_minute = 10        # of one person
    only_listed_channels = true      # no other channel gets an answer
    workspaces = ["T0123"]           # no other workspace does; all that installed the bot where this is missing

    [everywhere]                     # channels that are not listed
    audience = "candidate"
    collections = ["public"]

    [direct]                         # direct messages; [people.U0123] says it for one person
    audience = "candidate"

    [channels.C0INTERVIEWERS]
    audience = "interviewer"

Without the file everybody asks everywhere as a candidate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from api.chat.events import Event
from ingest.errors import SettingsError
from ingest.view import Audience, View

RULES_FILE = "chat.toml"
CANDIDATES = View("candidate")
AUDIENCES = ("candidate", "interviewer")
PER_MINUTE = 10
NOT_HERE = "I don't answer in this channel. An administrator can change that."
"""What somebody is told who asks where nothing is answered, and nobody else sees it."""

_KEYS: dict[str, type | tuple[type, ...]] = {
    "owners": (str, dict),
    "questions_per_minute": int,
    "only_listed_channels": bool,
    "workspaces": list,
    "everywhere": dict,
    "direct": dict,
    "channels": dict,
    "people": dict,
}

_WANTED: dict[object, str] = {
    (str, dict): "a string, or a table with one for each chat",
    int: "a whole number from 1",
    bool: "true or false",
    list: "a list",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Allow-lists, and what is seen where. `workspaces` None: every workspace the bot is installed in.

    `owners`: their channel in every chat, or in each by its name.
    """

    owners: str | Mapping[str, str] = ""
    questions_per_minute: int = PER_MINUTE
    only_listed_channels: bool = False
    workspaces: frozenset[str] | None = None
    everywhere: View = CANDIDATES
    direct: View = CANDIDATES
    channels: Mapping[str, View] = field(default_factory=dict)
    people: Mapping[str, View] = field(default_factory=dict)

    def owners_in(self, platform: str) -> str:
        """The channel of the owners in a chat, "" for none."""
        return self.owners if isinstance(self.owners, str) else self.owners.get(platform, "")

    def allows(self, event: Event) -> bool:
        """Whether an event may be answered where it happened.

        A channel that is shared with another organisation must be listed by name.
        """
        if self.workspaces is not None and event.place.team not in self.workspaces:
            return False
        if event.direct:
            return True
        listed = event.place.channel in self.channels
        return listed or not (self.only_listed_channels or event.external)

    def view(self, channel: str, user: str, *, direct: bool) -> View:
        """What may be seen in a channel. Who somebody is counts in direct messages only: others read channels too."""
        if direct:
            return self.people.get(user, self.direct)
        return self.channels.get(channel, self.everywhere)


def read_rules(home: Path) -> Rules:
    """The rules of a home. Raises SettingsError for a file that can't be read as such, with the place in it."""
    path = home / RULES_FILE
    if not path.is_file():
        return Rules()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} can't be read as TOML: {error}.", hint="Correct the file.") from error
    for key, value in data.items():
        kind = _KEYS.get(key)
        if kind is None:
            raise SettingsError(f"{path}: `{key}` is not known.", hint=f"Known: {', '.join(_KEYS)}.")
        if not isinstance(value, kind) or (key == "questions_per_minute" and not _is_count(value)):
            raise SettingsError(f"{path}: `{key}` must be {_WANTED.get(kind, 'a table')}.", hint="Correct it.")
    views = {name: _view(path, name, data.get(name, {})) for name in ("everywhere", "direct")}
    tables = {
        name: {each: _view(path, f"{name}.{each}", value) for each, value in data.get(name, {}).items()}
        for name in ("channels", "people")
    }
    workspaces = _strings(path, "workspaces", data.get("workspaces"))
    owners = data.get("owners", "")
    if isinstance(owners, dict) and not all(isinstance(each, str) for each in owners.values()):
        raise SettingsError(f"{path}: `owners` must name a channel for each chat.", hint='Write slack = "C0OWNERS".')
    return Rules(
        owners=owners,
        questions_per_minute=data.get("questions_per_minute", PER_MINUTE),
        only_listed_channels=data.get("only_listed_channels", False),
        workspaces=workspaces,
        **cast(dict[str, Any], views | tables),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _view(path: Path, name: str, value: object) -> View:
    if not isinstance(value, dict) or not set(value) <= {"audience", "collections"}:
        raise SettingsError(f"{path}: [{name}] takes `audience` and `collections` only.", hint="Correct it.")
    audience = value.get("audience", "candidate")
    if audience not in AUDIENCES:
        raise SettingsError(
            f"{path}: [{name}] has the audience {audience!r}.", hint=f"Say one of {' or '.join(AUDIENCES)}."
        )
    return View(cast(Audience, audience), _strings(path, f"{name}.collections", value.get("collections")))


def _strings(path: Path, name: str, value: object) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise SettingsError(f"{path}: `{name}` must be a list of names.", hint='Write it as ["one", "two"].')
    return frozenset(value)


Verdict = Literal["new", "seen", "refused", "ignored"]
"""What became of an event: taken, taken before, not allowed here, or not meant for the bot."""
