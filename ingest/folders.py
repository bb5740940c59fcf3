"""A folder on the way down, on disk or in an archive: its rules, its meta data, and those of the folders above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ingest.errors import DocumentError
from ingest.ignoring import Rules
from ingest.items import Meta

IGNORE_FILE = ".cuecardignore"


@dataclass(slots=True)
class Folder:
    """`path` is "" for the root; `names` are sorted. `identity` is device and inode; zeros in an archive.

    `meta` is what this folder and those above it say about their files, or why that can't be understood.
    """

    path: str
    identity: tuple[int, int]
    names: list[str]
    meta: Meta | DocumentError
    rules: Rules | None
    outer: Folder | None

    def ignores(self, path: str) -> bool:
        """Whether a path (with `/` at its end for a folder) is ignored: the nearest rule that speaks of it decides."""
        for folder in self.upwards():
            if folder.rules is not None:
                below = path[len(folder.path) + 1 :] if folder.path else path
                verdict = folder.rules.verdict(below)
                if verdict is not None:
                    return verdict
        return False

    def upwards(self) -> Iterator[Folder]:
        """This folder and those above it, up to the root."""
        folder: Folder | None = self
        while folder is not None:
            yield folder
            folder = folder.outer
