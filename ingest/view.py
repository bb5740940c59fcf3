"""What of a library somebody may see. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Audience = Literal["candidate", "interviewer"]


@dataclass(frozen=True, slots=True)
class View:
    """Who looks: interviewers see everything, candidates nothing that is marked `audience: interviewer`.

    `collections`: those that may be seen; None for all of them. Hashable, so that caches can be kept apart by it.
    """

    audience: Audience = "interviewer"
    collections: frozenset[str] | None = None


EVERYTHING = View()
