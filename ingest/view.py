"""What of a library somebody may see. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Audience = Literal["candidate", "interviewer"]
AUDIENCES: tuple[Audience, ...] = ("candidate", "interviewer")

INTERVIEWERS = ("interviewer", "interviewers")
"""What a document's `audience` says, in any case, where it is for interviewers only."""


@dataclass(frozen=True, slots=True)
class View:
    """Who looks: interviewers see everything, candidates nothing that is marked `audience: interviewer`.

    `collections`: those that may be seen; None for all of them. Hashable, so that caches can be kept apart by it.
    """

    audience: Audience = "interviewer"
    collections: frozenset[str] | None = None

    def has(self, collection: str) -> bool:
        """Whether anything of this collection may be seen."""
        return self.collections is None or collection in self.collections

    def shows(self, collection: str, audience: str | None) -> bool:
        """Whether a document of this collection may be seen; `audience` is what its version says of itself."""
        return self.has(collection) and (self.audience == "interviewer" or not is_for_interviewers(audience))

    def within(self, other: View) -> View:
        """What both see."""
        audience: Audience = "candidate" if "candidate" in (self.audience, other.audience) else "interviewer"
        if self.collections is None or other.collections is None:
            return View(audience, other.collections if self.collections is None else self.collections)
        return View(audience, self.collections & other.collections)


EVERYTHING = View()


def is_for_interviewers(audience: str | None) -> bool:
    """Whether a document that says this of its audience is kept from candidates."""
    return audience is not None and " ".join(audience.split()).casefold() in INTERVIEWERS
