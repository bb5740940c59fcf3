"""Names of uploaded files: whatever is sent, what is kept lies below the folder of its collection."""

from __future__ import annotations

import io
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import UnsupportedError
from api.upload_store import DRAFTS, Upload, UploadStore, body_hash, document_path
from ingest.errors import IndexUnavailableError, UsageError

PIECES = ["..", ".", "/", "\\", "a", "B", " ", "é", "e\u0301", "\x00", "\n", "\u2028", "~", ":", "C:", "%2e", "x" * 250]
names = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=10).map("".join)


@settings(max_examples=200, deadline=None)
@given(names, names)
def test_a_name_is_refused_or_lies_in_its_folder(name: str, prefix: str) -> None:
    try:
        path = document_path(f"{name}.md", prefix)
    except UsageError as error:
        said = str(error)
    else:
        said = "fine"
        check_path(path)
    assert said.isprintable()


def check_path(path: str) -> None:
    assert path == unicodedata.normalize("NFC", path)
    assert os.path.normpath(path) == path
    parts = Path(path).parts
    assert "/".join(parts) == path
    assert not any(part.startswith(".") or part != part.replace("\\", "") for part in parts)
    assert all(len(part.encode()) < 256 for part in parts)
    assert document_path(path) == path


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=200), unique=True, min_size=2, max_size=2))
def test_two_collections_never_share_a_folder(collections: list[str]) -> None:
    store = UploadStore(Path("/home"))
    one, other = (store.root(collection) for collection in collections)
    assert one != other
    assert one.parent == other.parent == store.folder
    assert not one.name.startswith(".")
    assert len(one.name.encode()) < 256
    assert one.name.lower() != other.name.lower()


def test_only_what_is_read_is_taken() -> None:
    assert document_path("Notes.MD") == "Notes.MD"
    assert document_path("a.zip", "packs/") == "packs/a.zip"
    with pytest.raises(UnsupportedError, match=r"\.md"):
        document_path("a.exe")
    with pytest.raises(UnsupportedError, match="none"):
        document_path("README")


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    store = UploadStore(tmp_path)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002 - as in io
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().read(3)

    with store.drafts([Upload("a.md", io.BytesIO(b"first"))]) as drafts:
        store.place("default", drafts)
    with pytest.raises(IndexUnavailableError, match="No space left"), store.drafts([Upload("a.md", Broken(b"second"))]):
        raise AssertionError("nothing to place")
    assert (store.root("default") / "a.md").read_bytes() == b"first"
    assert list((store.folder / DRAFTS).iterdir()) == []


def test_the_hash_of_an_upload_is_that_of_its_files(tmp_path: Path) -> None:
    store = UploadStore(tmp_path)

    def hash_of(collection: str, *files: tuple[str, bytes]) -> str:
        with store.drafts([Upload(path, io.BytesIO(data)) for path, data in files]) as drafts:
            return body_hash(collection, drafts)

    one = hash_of("c", ("a.md", b"1"), ("b.md", b"2"))
    assert one == hash_of("c", ("b.md", b"2"), ("a.md", b"1"))
    others = [
        hash_of("d", ("a.md", b"1"), ("b.md", b"2")),
        hash_of("c", ("a.md", b"2"), ("b.md", b"1")),
        hash_of("c", ("a.md", b"1")),
        hash_of("c", ("a.md", b"1"), ("c.md", b"2")),
    ]
    assert len({one, *others}) == 5


def test_removing_leaves_other_files_alone(tmp_path: Path) -> None:
    store = UploadStore(tmp_path)
    with store.drafts([Upload("x/y/a.md", io.BytesIO(b"a")), Upload("x/b.md", io.BytesIO(b"b"))]) as drafts:
        store.place("default", drafts)
    root = store.root("default")
    assert store.keeps(str(root / "x/y/a.md"))
    store.remove(str(root / "x/y/a.md"))
    assert not (root / "x/y").exists()
    assert (root / "x/b.md").exists()
    store.remove(str(root / "x/b.md"))
    assert store.folder.is_dir()
    assert not root.exists()
    mine = tmp_path / "notes.md"
    mine.write_text("mine", encoding="utf-8")
    assert not store.keeps(str(mine))
