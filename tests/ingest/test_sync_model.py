"""Sync against a dictionary: whatever is done to a folder, the library holds what the folder holds."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ingest.catalog import Catalog
from ingest.sync import sync
from tests.fakes import LINES, MemoryIndexer

PATHS = st.sampled_from(["a.md", "b.txt", "in/a.md", "in/b.md", "in/deep/c.md", "out/d.md"])
TEXTS = st.sampled_from(["one", "two\nlines", "three\n\nthree", "one\n" * 40])
MALFORMED = "---\ntitle: [\n---\nbody"


class FolderAndLibrary(RuleBasedStateMachine):
    """`files` is what the folder holds, `good` what the library should serve."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "root"
        self.root.mkdir()
        self.catalog = Catalog(f"sqlite:///{self.folder / 'catalog.db'}")
        self.indexer = MemoryIndexer()
        self.files: dict[str, str] = {}
        self.good: dict[str, str] = {}
        self.rooted = False

    @rule(path=PATHS, text=TEXTS | st.just(MALFORMED))
    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.files[path] = text

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.files)))
        (self.root / path).unlink()
        del self.files[path]

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
            now = self.served()
            for path, text in now.items():
                assert text in (self.good.get(path), self.files.get(path))
            self.good = now
        setattr(self.indexer, moment, None)

    @invariant()
    def only_what_was_synced_is_served(self) -> None:
        assert self.served() == self.good
        assert self.catalog.live_versions() <= set(self.indexer.versions)

    def sync(self, scope: str) -> None:
        self.rooted = True
        report = sync(self.catalog, self.indexer, [self.root / scope], yes=True, parser=LINES)
        was = {path: text for path, text in self.good.items() if path.startswith(scope)}
        now = {path: text for path, text in self.files.items() if path.startswith(scope)}
        bad = {path for path, text in now.items() if text == MALFORMED}
        assert {problem.path for problem in report.quarantine} == bad
        assert {e.path for e in self.catalog.quarantine() if e.path.startswith(scope)} == bad
        assert report.removed == len(was.keys() - now.keys())
        assert report.added == len(now.keys() - bad - was.keys())
        assert report.unchanged == sum(was.get(path) == text for path, text in now.items())
        assert set(self.indexer.versions) == self.catalog.live_versions()
        kept = {path: text for path, text in self.good.items() if path not in was or path in bad}
        self.good = {**kept, **{path: text for path, text in now.items() if path not in bad}}

    def served(self) -> dict[str, str]:
        return {info.path: self.catalog.text(info.version_key) for info in self.catalog.documents()}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.catalog.close()
            shutil.rmtree(self.folder)


TestFolderAndLibrary = FolderAndLibrary.TestCase
TestFolderAndLibrary.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
