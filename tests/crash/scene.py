"""A folder of documents, the home it is ingested into, and what has to hold whatever happens to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from ingest.catalog import Catalog
from retrieval.mend import diagnose, lost_in_sample
from tests.crash import worker

FILES = 48

Change = Callable[["Crashed", random.Random], None]


@dataclass
class Crashed:
    """A folder, the home it is ingested into, and what each has been.

    `offered`: every text a path ever had. `served`: what was served after the last run that ended.
    """

    folder: Path
    home: Path
    files: dict[str, str] = field(default_factory=dict)
    offered: dict[str, set[str]] = field(default_factory=dict)
    served: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, content: str) -> None:
        (self.folder / path).write_text(content, encoding="utf-8")
        self.files[path] = content
        self.offered.setdefault(path, set()).add(content)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()
        del self.files[path]

    def rename(self, path: str, other: str) -> None:
        content = self.files[path]
        self.remove(path)
        self.write(other, content)
        self.renamed[path] = other

    def check_visible(self, acknowledged: int) -> bool:
        """After a kill: whole versions only, and none missing. Whether the kill left something half built."""
        with worker.opened(self.home) as parts:
            live = {info.path: info for info in parts.catalog.documents()}
            counts = parts.room.index.version_counts()
            for path, info in live.items():
                document = parts.catalog.load(info.version_key)
                assert document.text in self.offered[path], f"{path}: a text that nobody wrote"
                lines = [line for line in document.text.split("\n") if line.strip()]
                assert [chunk.text for chunk in document.chunks] == lines, f"{path}: not all of it"
                assert counts.get(info.version_key, 0) == len(lines), f"{path}: not all of it can be found"
            for path in list(live)[:: max(1, len(live) // 6)]:
                (first, *_) = parts.catalog.load(live[path].version_key).chunks
                hits = parts.room.retriever.search(first.text, filters={"document": path}).hits
                assert first.text in {hit.chunk.text for hit in hits}, f"{path}: a search does not find it"
            for path in self.served.keys() & self.files.keys():
                assert path in live, f"{path}: was served, still exists, and is gone"
            for old, new in self.renamed.items():
                kept = old in live or new in live or new not in self.files
                assert kept or old not in self.served, f"{old}: lost on its way to {new}"
            current = sum(
                parts.catalog.text(live[path].version_key) == now for path, now in self.files.items() if path in live
            )
            assert current >= acknowledged, "fewer documents are up to date than were acknowledged"
            numbers = [change.sequence for change in parts.catalog.changes(limit=100_000)]
            assert numbers == list(range(1, parts.catalog.sequence() + 1)), "the feed of changes has gaps"
            return building(parts.catalog) > 0

    def heal(self) -> None:
        """The next run; afterwards everything is as the folder has it, and nothing is left over."""
        with worker.opened(self.home) as parts:
            report = worker.ingest(parts, self.folder)
            assert report.quarantine == ()
            found = diagnose(parts.catalog, parts.room, thorough=False)
            assert found.sound, found
            assert found.points == found.chunks == parts.room.index.count()
            assert lost_in_sample(parts.catalog, parts.room, 5) == []
            self.served = {info.path: parts.catalog.text(info.version_key) for info in parts.catalog.documents()}
            assert self.served == self.files
            assert building(parts.catalog) == 0
            assert worker.ingest(parts, self.folder).unchanged == len(self.files)
        self.renamed.clear()


def seeded(seed: int | str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - changes and moments, not secrets


def building(catalog: Catalog) -> int:
    with catalog.transaction() as connection:
        return int(connection.execute(text("SELECT count(*) FROM versions WHERE state = 'building'")).scalar_one())


def new_text(dice: random.Random) -> str:
    words = [f"w{dice.randrange(500)}" for _ in range(6)]
    return "\n".join(f"{' '.join(words)} line {at} {dice.random()}" for at in range(dice.randint(1, 8))) + "\n"


def begin(crashed: Crashed, dice: random.Random) -> None:
    """A home of its own, and documents it has never seen."""
    crashed.home = crashed.home.with_name(f"home-{dice.getrandbits(40):x}")
    crashed.served.clear()
    for path in list(crashed.files):
        crashed.remove(path)
    for at in range(FILES):
        crashed.write(f"d{at:02}.md", new_text(dice))


def update(crashed: Crashed, dice: random.Random) -> None:
    for path in dice.sample(sorted(crashed.files), len(crashed.files) * 2 // 3):
        crashed.write(path, new_text(dice))


def remove(crashed: Crashed, dice: random.Random) -> None:
    for path in dice.sample(sorted(crashed.files), len(crashed.files) // 3):
        crashed.remove(path)


def rename(crashed: Crashed, dice: random.Random) -> None:
    for path in dice.sample(sorted(crashed.files), len(crashed.files) // 3):
        crashed.rename(path, f"r{dice.getrandbits(32):08x}.md")


def all_at_once(crashed: Crashed, dice: random.Random) -> None:
    for change in (rename, remove, update):
        change(crashed, dice)
    for _ in range(FILES - len(crashed.files)):
        crashed.write(f"n{dice.getrandbits(32):08x}.md", new_text(dice))


CHANGES: tuple[Change, ...] = (begin, update, remove, rename, all_at_once)
