"""Sync against a dictionary: whatever is done to a folder, the library holds what the folder holds, and its history."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ingest.catalog import Catalog
from ingest.quarantine import drop
from ingest.sync import SyncReport, sync
from tests.fakes import LINES, MemoryIndexer

# A.md and a.md, x.md and the folder x.md: what differs in case only, what is a file now and a folder then
PATHS = st.sampled_from(
    ["a.md", "A.md", "b.txt", "x.md", "x.md/a.md", "in/a.md", "in/b.md", "in/deep/c.md", "out/d.md"]
)
TEXTS = st.sampled_from(["one", "two\nlines", "three\n\nthree", "one\n" * 40])
MALFORMED = ("---\ntitle: [\n---\nbody", "---\ntags: {\n---\nbody")


@dataclass(frozen=True)
class Served:
    """A version that was served under a path, after another one."""

    path: str
    text: str
    number: int
    before: Served | None

    def line(self) -> set[Served]:
        """It and all before it."""
        return {self} | (self.before.line() if self.before else set())


class FolderAndLibrary(RuleBasedStateMachine):
    """`files` is what the folder holds, `good` what the library should serve, `past` all that it ever served.

    `dropped`: what was put aside of the quarantine, by path, with the text that could not be taken.
    """

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "root"
        self.root.mkdir()
        self.catalog = Catalog(f"sqlite:///{self.folder / 'catalog.db'}")
        self.indexer = MemoryIndexer()
        self.files: dict[str, str] = {}
        self.good: dict[str, str] = {}
        self.past: list[Served] = []
        self.live: dict[str, Served] = {}
        self.dropped: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.heard = 0
        self.rooted = False

    @rule(path=PATHS, text=TEXTS | st.sampled_from(MALFORMED))
    def write(self, path: str, text: str) -> None:
        self.put({path: text})

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.take(data.draw(st.sampled_from(sorted(self.files))))

    @precondition(lambda self: self.files)
    @rule(data=st.data(), to=PATHS)
    def rename(self, data: st.DataObject, to: str) -> None:
        self.put({to: self.take(data.draw(st.sampled_from(sorted(self.files))))})

    @precondition(lambda self: len(self.files) > 1)
    @rule(data=st.data())
    def pass_on(self, data: st.DataObject) -> None:
        """Two files swap their places, or more move on in a circle."""
        paths = data.draw(st.lists(st.sampled_from(sorted(self.files)), min_size=2, max_size=4, unique=True))
        texts = [self.files[path] for path in paths]
        self.put(dict(zip(paths[1:] + paths[:1], texts, strict=True)))

    @precondition(lambda self: self.refused)
    @rule(data=st.data())
    def put_aside(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.catalog.quarantine(dropped=True)))
        drop(self.catalog, entry.id)
        self.dropped[entry.path] = self.refused[entry.path]

    @rule()
    def sync_all(self) -> None:
        self.sync("")

    @precondition(lambda self: self.rooted and (self.root / "in").is_dir())
    @rule()
    def sync_a_part(self) -> None:
        self.sync("in/")

    @rule(moment=st.sampled_from(["fail_on_put", "fail_on_drop"]))
    def sync_interrupted(self, moment: str) -> None:
        setattr(self.indexer, moment, KeyboardInterrupt())
        try:
            self.sync("")
        except KeyboardInterrupt:
            self.listen()
            now = self.served()
            for path, text in now.items():
                assert text in (self.good.get(path), self.files.get(path))
            self.good = now
        setattr(self.indexer, moment, None)

    @invariant()
    def only_what_was_synced_is_served(self) -> None:
        assert self.served() == self.good == {path: version.text for path, version in self.live.items()}
        assert self.catalog.live_versions() <= set(self.indexer.versions)

    @invariant()
    def what_was_refused_is_told_unless_it_was_dropped(self) -> None:
        entries = self.catalog.quarantine(dropped=True)
        assert {entry.path: entry.dropped for entry in entries} == {p: p in self.dropped for p in self.refused}
        assert [entry for entry in entries if not entry.dropped] == self.catalog.quarantine()

    @invariant()
    def nothing_that_was_served_is_forgotten(self) -> None:
        for info in self.catalog.documents():
            line = [version for version in self.past if version.path == info.path]
            expected = set().union(*(version.line() for version in line))
            told = [version for version in self.catalog.versions(info.id) if version.live_at]
            texts = [(version.path, self.catalog.text(version.key)) for version in told]
            assert texts == [(v.path, v.text) for v in sorted(expected, key=lambda v: -v.number)]

    def sync(self, scope: str) -> None:
        self.rooted = True
        report = sync(self.catalog, self.indexer, [self.root / scope], yes=True, parser=LINES)
        was = {path: text for path, text in self.good.items() if path.startswith(scope)}
        now = {path: text for path, text in self.files.items() if path.startswith(scope)}
        bad = {path: text for path, text in now.items() if text in MALFORMED}
        self.refused = {p: text for p, text in self.refused.items() if not p.startswith(scope)} | bad
        self.dropped = {p: text for p, text in self.dropped.items() if self.refused.get(p) == text}
        assert {entry.path for entry in report.quarantine} == bad.keys() - self.dropped.keys()
        gone, new = was.keys() - now.keys(), now.keys() - bad.keys() - was.keys()
        # whatever vanished and came up again, text by text, was renamed
        again = Counter(was[path] for path in gone) & Counter(now[path] for path in new)
        assert report.renamed == again.total()
        assert report.removed == len(gone) - report.renamed
        assert report.added == len(new) - report.renamed
        assert report.unchanged == sum(was.get(path) == text for path, text in now.items())
        assert set(self.indexer.versions) == self.catalog.live_versions()
        self.listen(report)
        kept = {path: text for path, text in self.good.items() if path not in was or path in bad}
        self.good = {**kept, **{path: text for path, text in now.items() if path not in bad}}

    def listen(self, report: SyncReport | None = None) -> None:
        """Follow the feed: what it tells is all that anybody needs to know what is served."""
        news = self.catalog.changes(self.heard)
        assert [change.sequence for change in news] == [self.heard + n for n in range(1, len(news) + 1)]
        self.heard += len(news)
        told = Counter(change.kind for change in news)
        if report is not None:
            counts = report.to_dict()["documents"]
            assert all(told[kind] == counts[kind] for kind in ("added", "updated", "renamed", "removed"))
        for change in news:
            if change.kind in ("added", "updated", "renamed"):
                before = self.live.pop(change.detail) if change.kind == "renamed" else self.live.get(change.path)
                if before is None:
                    before = next((old for old in reversed(self.past) if old.path == change.path), None)
                served = Served(change.path, self.files[change.path], len(self.past), before)
                assert change.kind != "renamed" or (before and before.text == served.text)
                self.past.append(served)
                self.live[change.path] = served
            elif change.kind == "removed":
                del self.live[change.path]

    def put(self, texts: dict[str, str]) -> None:
        """Write files, and clear away what stands in their place."""
        for path, text in texts.items():
            for other in sorted(self.files):
                if PurePosixPath(other) in PurePosixPath(path).parents or other.startswith(f"{path}/"):
                    self.take(other)
            self.files[path] = text
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def take(self, path: str) -> str:
        """Take a file away, and its folders where they are empty then."""
        file = self.root / path
        file.unlink()
        for folder in file.parents:
            if folder == self.root or any(folder.iterdir()):
                break
            folder.rmdir()
        return self.files.pop(path)

    def served(self) -> dict[str, str]:
        return {info.path: self.catalog.text(info.version_key) for info in self.catalog.documents()}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.catalog.close()
            shutil.rmtree(self.folder)


TestFolderAndLibrary = FolderAndLibrary.TestCase
TestFolderAndLibrary.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
