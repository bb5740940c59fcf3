"""The walk over a root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.discover import Discovery, discover, outermost
from ingest.errors import DocumentError
from ingest.items import Meta
from tests.services import unprivileged


def write(root: Path, *paths: str, text: str = "text") -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def paths(found: Discovery) -> list[str]:
    return [file.path for file in found.files]


def reasons(found: Discovery) -> dict[str, str]:
    return {problem.path: problem.reason for problem in found.problems}


def test_supported_files_by_path(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "a/z.TXT", "a/b/c.markdown", "a.mdx", "a/notes.text")
    found = discover(tmp_path)
    assert paths(found) == ["a.mdx", "a/b/c.markdown", "a/notes.text", "a/z.TXT", "b.md"]
    assert [file.source for file in found.files] == [str(tmp_path / path) for path in paths(found)]
    assert not found.problems


def test_hidden_and_unsupported_files_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".hidden.md", ".git/config.md", "a/.b/c.md", "x.py", "y.PY", "LICENSE", "a.md", "old.md~")
    found = discover(tmp_path)
    assert paths(found) == ["a.md"]
    assert found.skipped == {"(none)": 1, ".md~": 1, ".py": 2}
    assert not found.problems


def test_an_ignore_file_counts_for_its_folder_and_below(tmp_path: Path) -> None:
    write(tmp_path, "drafts/a.md", "a/drafts/b.md", "a/keep.tmp.md", "a/x.tmp.md", "x.tmp.md", "a/b/only.md", "only.md")
    write(tmp_path, ".cuecardignore", text="drafts/\n*.tmp.md\n# a comment\n\n")
    write(tmp_path, "a/.cuecardignore", text="!keep.tmp.md\n/b/only.md\n")
    assert paths(discover(tmp_path)) == ["a/keep.tmp.md", "only.md"]


def test_what_an_unusable_ignore_file_should_keep_out_stays_out(tmp_path: Path) -> None:
    write(tmp_path, "a/b/c.md", "d.md")
    (tmp_path / "a/.cuecardignore").write_bytes(b"caf\xe9/\n")
    found = discover(tmp_path)
    assert paths(found) == ["d.md"]
    assert "UTF-8" in reasons(found)["a/.cuecardignore"]
    assert found.problems[0].source == str(tmp_path / "a")
    write(tmp_path, "a/.cuecardignore", text="ok\n!\n")
    assert "malformed pattern" in reasons(discover(tmp_path))["a/.cuecardignore"]


def test_scopes_see_the_rules_and_meta_data_above_them(tmp_path: Path) -> None:
    write(tmp_path, "a/b/c.md", "a/b/d.md", "a/e.md", "f.md")
    write(tmp_path, ".cuecardignore", text="d.md\n")
    write(tmp_path, "a/_meta.yaml", text="audience: interviewer\n")
    found = discover(tmp_path, ["a/b", "f.md", "a/b/c.md"])
    assert paths(found) == ["a/b/c.md", "f.md"]
    assert found.files[0].folder == Meta(audience="interviewer")
    assert found.files[1].folder == Meta()


def test_what_the_walk_skips_is_a_problem_when_named(tmp_path: Path) -> None:
    write(tmp_path, "x.py", ".h.md", ".h/a.md", "drafts/a.md", "ok.md")
    write(tmp_path, ".cuecardignore", text="drafts/\n")
    found = discover(tmp_path, ["x.py", ".h.md", ".h", "drafts/a.md", "ok.md"])
    assert paths(found) == ["ok.md"]
    said = reasons(found)
    assert sorted(said) == [".h", ".h.md", "drafts", "x.py"]
    assert ".py" in said["x.py"]
    assert "hidden" in said[".h.md"]
    assert ".cuecardignore" in said["drafts"]
    assert found.skipped == {}


def test_folder_meta_is_inherited_and_the_nearest_wins(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "in/b.md", "in/deep/c.md")
    write(tmp_path, "_meta.yaml", text="audience: interviewer\nlevel: senior\n")
    write(tmp_path, "in/deep/_meta.yaml", text="level: staff\n")
    folders = {file.path: file.folder for file in discover(tmp_path).files}
    assert folders == {
        "a.md": Meta(audience="interviewer", level="senior"),
        "in/b.md": Meta(audience="interviewer", level="senior"),
        "in/deep/c.md": Meta(audience="interviewer", level="staff"),
    }


def test_malformed_folder_meta_holds_for_all_below_it(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "in/b.md", "in/deep/c.md")
    write(tmp_path, "in/_meta.yaml", text="level: staff\naudience: [interviewer\n")
    write(tmp_path, "in/deep/_meta.yaml", text="level: staff\n")
    found = discover(tmp_path)
    folders = {file.path: file.folder for file in found.files}
    assert folders["a.md"] == Meta()
    for path in ("in/b.md", "in/deep/c.md"):
        folder = folders[path]
        assert isinstance(folder, DocumentError)
        assert folder.path == "in/_meta.yaml"
    assert [(problem.path, problem.line) for problem in found.problems] == [("in/_meta.yaml", 3)]


def test_links_are_followed_and_loops_told(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    write(root, "a/b.md")
    write(other, "c.md")
    (root / "link").symlink_to(other)
    (root / "file.md").symlink_to(other / "c.md")
    (root / "a/up").symlink_to(root)
    (root / "self.md").symlink_to(root / "self.md")
    (root / "gone.md").symlink_to(root / "nowhere.md")
    found = discover(root)
    assert paths(found) == ["a/b.md", "file.md", "link/c.md"]
    said = reasons(found)
    assert sorted(said) == ["a/up", "gone.md", "self.md"]
    assert "loop" in said["a/up"]
    assert "link" in said["self.md"]
    assert "nowhere" in said["gone.md"]


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    os.mkfifo(tmp_path / "pipe.md")
    found = discover(tmp_path)
    assert paths(found) == ["a.md"]
    assert reasons(found) == {"pipe.md": "not a regular file"}


def test_names_that_cannot_be_kept_are_told(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("text")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    found = discover(tmp_path)
    assert paths(found) == ["a.md"]
    assert reasons(found) == {r"caf\xe9.md": "its name is not UTF-8"}


def test_unreadable_folders_are_told_and_the_rest_goes_on(open_folder: Path) -> None:
    write(open_folder, "a/b.md", "c.md")
    (open_folder / "a").chmod(0)
    with unprivileged():
        found = discover(open_folder)
        named = discover(open_folder / "a")
    assert paths(found) == ["c.md"]
    assert "Permission denied" in reasons(found)["a"]
    assert found.problems[0].source == str(open_folder / "a")
    assert "Permission denied" in reasons(named)[str(open_folder / "a")]


def test_outermost() -> None:
    assert outermost(["a/b", "a", "ab", "c/d"]) == ["a", "ab", "c/d"]
    assert outermost(["a", ""]) == [""]
