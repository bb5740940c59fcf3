"""Archives of documents: read as folders are, and nothing in them can hurt."""

from __future__ import annotations

import io
import os
import stat
import struct
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.discover import Discovery, discover, read_bytes
from ingest.errors import DocumentError
from ingest.formats import archive
from ingest.formats.decode import MAX_FILE_BYTES
from ingest.items import Meta
from tests.ingest.test_discover import paths, reasons
from tests.ingest.test_sync import Library, counts

QA = "## What is a TTL?\n\nA time to live.\n"


def pack(file: Path, members: Mapping[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file


def patch(file: Path, **fields: int) -> None:
    """Changes fields of every member's entry in the directory, and of its local header."""
    places = {"flags": (8, 6), "method": (10, 8), "crc": (16, 14), "packed": (20, 18), "size": (24, 22)}
    data = bytearray(file.read_bytes())
    for name, value in fields.items():
        form = "<H" if name in ("flags", "method") else "<I"
        for mark, offset in zip((b"PK\1\2", b"PK\3\4"), places[name], strict=True):
            at = data.find(mark)
            while at >= 0:
                struct.pack_into(form, data, at + offset, value)
                at = data.find(mark, at + 4)
    file.write_bytes(data)


def contents(found: Discovery) -> dict[str, bytes]:
    return {file.path: read_bytes(file.source, file.path) for file in found.files}


def refusal(file: Path, member: str) -> DocumentError:
    """How the reading of a member fails."""
    path = f"{file.name}/{member}"
    with pytest.raises(DocumentError) as caught:
        read_bytes(str(file / member), path)
    assert caught.value.path == path
    assert caught.value.hint
    return caught.value


def test_members_are_files_with_paths_and_sources_below_the_archive(tmp_path: Path) -> None:
    file = pack(tmp_path / "in" / "notes.ZIP", {"a.md": QA, "deep/er/b.txt": b"text", "c/": b""})
    found = discover(tmp_path)
    assert contents(found) == {"in/notes.ZIP/a.md": QA.encode(), "in/notes.ZIP/deep/er/b.txt": b"text"}
    assert [each.source for each in found.files] == [str(file / "a.md"), str(file / "deep/er/b.txt")]
    assert not found.problems


def test_an_archive_can_be_named(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"a.md": QA})
    pack(tmp_path / "b.zip", {"b.md": QA})
    assert paths(discover(tmp_path, ["b.zip"])) == ["b.zip/b.md"]
    (tmp_path / "x.py").write_text("")
    assert ".zip" in discover(tmp_path, ["x.py"]).problems[0].hint


def test_junk_and_unknown_formats_are_left_out(tmp_path: Path) -> None:
    junk = {"__MACOSX/._a.md": "x", "in/__MACOSX/b.md": "x", ".DS_Store": "x", "in/.DS_Store": "x", ".h/c.md": "x"}
    pack(tmp_path / "a.zip", {**junk, "in/x.py": "x", "in/y.py": "y", "LICENSE": "z", "a.md": QA})
    found = discover(tmp_path)
    assert paths(found) == ["a.zip/a.md"]
    assert found.skipped == {"(none)": 1, ".py": 2}
    assert not found.problems


def test_folder_meta_counts_inside_and_from_outside(tmp_path: Path) -> None:
    (tmp_path / "_meta.yaml").write_text("audience: interviewer\nlevel: senior\n")
    meta = {"_meta.yaml": "topic: caching\n", "in/_meta.yaml": "level: staff\n", "bad/_meta.yaml": "level: [a\n"}
    pack(tmp_path / "a.zip", {**meta, "a.md": QA, "in/b.md": QA, "bad/c.md": QA})
    found = discover(tmp_path)
    folders = {file.path: file.folder for file in found.files}
    assert folders["a.zip/a.md"] == Meta(audience="interviewer", level="senior", topic="caching")
    assert folders["a.zip/in/b.md"] == Meta(audience="interviewer", level="staff", topic="caching")
    assert isinstance(folders["a.zip/bad/c.md"], DocumentError)
    assert [(problem.path, problem.line) for problem in found.problems] == [("a.zip/bad/_meta.yaml", 2)]


def test_ignore_rules_reach_into_archives_and_stand_in_them(tmp_path: Path) -> None:
    (tmp_path / ".cuecardignore").write_text("out.zip\nold.zip/\ndrafts/\n/a.zip/x.md\n")
    pack(tmp_path / "out.zip", {"a.md": QA})
    pack(tmp_path / "old.zip", {"a.md": QA})
    inside = {".cuecardignore": "*.tmp.md\n", "in/.cuecardignore": "!keep.tmp.md\n"}
    documents = [
        "a.md",
        "x.md",
        "in/x.md",
        "drafts/b.md",
        "in/drafts/b.md",
        "c.tmp.md",
        "in/keep.tmp.md",
        "in/d.tmp.md",
    ]
    pack(tmp_path / "a.zip", {**inside, **dict.fromkeys(documents, QA)})
    assert paths(discover(tmp_path)) == ["a.zip/a.md", "a.zip/in/keep.tmp.md", "a.zip/in/x.md"]
    assert "excluded" in discover(tmp_path, ["old.zip"]).problems[0].reason


def test_an_unusable_ignore_file_keeps_its_folder_out(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"in/.cuecardignore": b"\xff\xfe\xff", "in/deep/a.md": QA, "b.md": QA})
    found = discover(tmp_path)
    assert paths(found) == ["a.zip/b.md"]
    assert [problem.path for problem in found.problems] == ["a.zip/in/.cuecardignore"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("../evil.md", "leads out"),
        ("in/../../evil.md", "leads out"),
        ("/etc/evil.md", "absolute"),
        ("C:/evil.md", "absolute"),
        ("c:evil.md", "absolute"),
        ("in\\evil.md", "backslash"),
        ("..\\..\\evil.md", "backslash"),
        ("a" * 1100 + ".md", "1,103 characters"),
        ("/evil\n\x1b[31m.md", "absolute"),
    ],
)
def test_names_that_lead_elsewhere_are_refused_alone(tmp_path: Path, name: str, word: str) -> None:
    file = pack(tmp_path / "a.zip", {name: QA, "good.md": QA})
    found = discover(tmp_path)
    assert paths(found) == ["a.zip/good.md"]
    [problem] = found.problems
    assert word in problem.reason
    assert problem.hint
    assert problem.path.startswith("a.zip/")
    assert problem.path.isprintable()
    assert problem.source.startswith(f"{file}/")
    # whatever is asked for, only members are read
    outside = tmp_path.parent / "evil.md"
    outside.write_text("secret")
    assert "not in the archive" in refusal(file, "in/evil.md").reason


def test_odd_but_harmless_names_are_kept(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"./in//a.md": QA, "b..md": QA, "...md": QA, "c: d.md": QA, "e f%20.md": QA})
    found = discover(tmp_path)
    assert list(contents(found)) == ["a.zip/b..md", "a.zip/e f%20.md", "a.zip/in/a.md"]


def test_names_in_utf8_with_and_without_the_flag_and_in_cp437(tmp_path: Path) -> None:
    flagged = pack(tmp_path / "a.zip", {"größe-日本.md": QA})
    pack(tmp_path / "b.zip", {"größe.md": QA})
    patch(tmp_path / "b.zip", flags=0)
    name = "gr\x94\xe1e.md".encode("latin-1")  # größe in CP437
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as made:
        made.writestr("gr__e.md", QA)
    (tmp_path / "c.zip").write_bytes((tmp_path / "c.zip").read_bytes().replace(b"gr__e.md", name))
    assert list(contents(discover(tmp_path))) == ["a.zip/größe-日本.md", "b.zip/größe.md", "c.zip/größe.md"]
    broken = flagged.read_bytes().replace("ö".encode(), b"\xff\xff")
    flagged.write_bytes(broken)
    assert "not a zip archive" in reasons(discover(tmp_path))["a.zip"]


def test_links_in_archives_are_not_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        link = zipfile.ZipInfo("link.md")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("a.md", QA)
    found = discover(tmp_path)
    assert paths(found) == ["a.zip/a.md"]
    assert "link" in reasons(found)["a.zip/link.md"]
    assert "link" in refusal(tmp_path / "a.zip", "link.md").reason


def test_archives_in_archives_are_told_and_not_opened(tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner.zip", {"a.md": QA}).read_bytes()
    (tmp_path / "inner.zip").unlink()
    pack(tmp_path / "a.zip", {"in/inner.zip": inner, "b.md": QA})
    found = discover(tmp_path)
    assert paths(found) == ["a.zip/b.md"]
    assert "inside an archive" in reasons(found)["a.zip/in/inner.zip"]


@pytest.mark.parametrize(
    ("fields", "word"), [({"flags": 1}, "encrypted"), ({"method": 14}, "LZMA"), ({"method": 77}, "method 77")]
)
def test_members_that_cannot_be_unpacked_are_refused(tmp_path: Path, fields: dict[str, int], word: str) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": QA, "b.py": "x"})
    patch(file, **fields)
    found = discover(tmp_path)
    assert not found.files
    assert word in reasons(found)["a.zip/a.md"]
    assert word in refusal(file, "a.md").reason


def test_bzip2_is_refused_because_it_unpacks_without_bounds(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": b"x" * 50_000_000}, compression=zipfile.ZIP_BZIP2)
    patch(file, size=1000)
    tracemalloc.start()
    try:
        assert "bzip2" in reasons(discover(tmp_path))["a.zip/a.md"]
        assert "bzip2" in refusal(file, "a.md").reason
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_twins_are_both_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
            for text in ("one", "two", "three"):
                made.writestr("in/a.md", text)
            made.writestr("b.md", QA)
    found = discover(tmp_path)
    assert paths(found) == ["a.zip/b.md"]
    assert "twice" in reasons(found)["a.zip/in/a.md"]


def test_damaged_members_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": "abcdefgh", "b.md": QA}, compression=zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace(b"abcdefgh", b"abcdefgX"))
    assert "CRC" in refusal(file, "a.md").reason
    assert read_bytes(str(file / "b.md"), "a.zip/b.md") == QA.encode()


@pytest.mark.parametrize("size", [10, 5000])
def test_a_member_that_lies_about_its_size_is_cut_off(tmp_path: Path, size: int) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": "words " * 500})
    patch(file, size=size)
    assert "damaged" in refusal(file, "a.md").reason


def test_a_lie_about_the_size_does_not_fill_the_memory(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": b"\0" * 60_000_000})
    patch(file, size=1000)
    tracemalloc.start()
    try:
        assert "damaged" in refusal(file, "a.md").reason
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_member_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": QA})
    patch(file, size=MAX_FILE_BYTES + 1)
    found = discover(tmp_path)
    assert not found.problems
    assert "limit" in refusal(file, "a.md").reason


def test_a_bomb_of_one_member_is_refused_whole(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": b"0" * (MAX_FILE_BYTES - 1), "b.md": QA})
    assert file.stat().st_size < 20_000
    found = discover(tmp_path)
    assert not found.files
    [problem] = found.problems
    assert (problem.path, problem.source) == ("a.zip", str(file))
    assert "bomb" in problem.reason
    assert "a.md" in problem.reason


def test_a_bomb_of_many_members_is_refused_whole(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {f"{number}.md": os.urandom(100_000) for number in range(33)})
    patch(file, size=MAX_FILE_BYTES)
    found = discover(tmp_path)
    assert not found.files
    assert "554 MB unpacked" in reasons(found)["a.zip"]


def test_what_is_never_read_makes_no_bomb(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"video.mp4": b"0" * 20_000_000, "b.md": QA})
    assert paths(discover(tmp_path)) == ["a.zip/b.md"]


def test_members_that_share_bytes_are_a_bomb(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": QA, "b.md": QA})
    data = bytearray(file.read_bytes())
    second = data.find(b"PK\1\2", data.find(b"PK\1\2") + 4)
    struct.pack_into("<I", data, second + 42, 0)  # where its local header is
    file.write_bytes(data)
    found = discover(tmp_path)
    assert not found.files
    assert "overlaps" in reasons(found)["a.zip"]


def test_too_many_members_are_refused_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path / "a.zip", {f"{number}.md": "" for number in range(archive.MAX_MEMBERS + 1)})
    started = time.perf_counter()
    assert "20,001 members" in reasons(discover(tmp_path))["a.zip"]
    assert time.perf_counter() - started < 5
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 1_000_000)
    os.utime(tmp_path / "a.zip", (1, 1))
    assert "directory" in reasons(discover(tmp_path))["a.zip"]


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\5\6", b"no archive at all", b"PK\5\6" + b"\xff" * 18, b"\0" * 5000])
def test_what_is_no_archive_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    found = discover(tmp_path)
    assert "zip archive" in reasons(found)["a.zip"]
    assert found.problems[0].source == str(tmp_path / "a.zip")
    assert "zip archive" in refusal(tmp_path / "a.zip", "x.md").reason


def test_a_folder_may_be_called_like_an_archive(tmp_path: Path) -> None:
    (tmp_path / "old.zip").mkdir()
    (tmp_path / "old.zip" / "a.md").write_text(QA)
    pack(tmp_path / "old.zip" / "in.zip", {"b.md": QA})
    assert list(contents(discover(tmp_path))) == ["old.zip/a.md", "old.zip/in.zip/b.md"]


def test_an_empty_archive_holds_nothing(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {})
    assert discover(tmp_path) == Discovery((), (), {})


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file"):
        read_bytes(str(tmp_path / "gone.md"), "gone.md")
    with pytest.raises(DocumentError, match="No such file"):
        read_bytes(str(tmp_path / "gone.zip" / "a.md"), "gone.zip/a.md")


def test_nobody_holds_the_archive_between_reads(tmp_path: Path) -> None:
    file = pack(tmp_path / "a.zip", {"a.md": QA})
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    assert contents(discover(tmp_path)) == {"a.zip/a.md": QA.encode()}
    if before:
        assert set(os.listdir("/proc/self/fd")) == before
    pack(file, {"a.md": "another"})
    assert contents(discover(tmp_path)) == {"a.zip/a.md": b"another"}


def test_many_members_are_read_in_little_time(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {f"in{number % 100}/{number}.md": f"{QA}\n{number}" for number in range(5000)})
    started = time.perf_counter()
    assert len(contents(discover(tmp_path))) == 5000
    assert time.perf_counter() - started < 4


def good_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("a.md", "in/b.txt", "in/_meta.yaml", "in/.cuecardignore"):
            made.writestr(name, "level: senior\n")
    return buffer.getvalue()


GOOD = good_archive()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 40))
@example([], 0)
@example([(GOOD.rindex(b"a.md"), 0)], 0)
def test_any_damage_is_told_or_harmless(tmp_path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    file = tmp_path / "a.zip"
    file.write_bytes(data[: len(data) - cut])
    os.utime(file, ns=(0, time.monotonic_ns()))
    for found in discover(tmp_path).files:
        try:
            text = read_bytes(found.source, found.path).decode()
        except DocumentError as error:
            text = f"{error.reason} {error.hint}"
        assert text == "level: senior\n" or changes


def test_a_member_without_a_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(GOOD.replace(b"a.md", b"\0.md"))
    found = discover(tmp_path)
    assert [file.path for file in found.files] == ["a.zip/in/b.txt"]
    assert [(problem.path, problem.reason) for problem in found.problems] == [("a.zip/(no name)", "it has no name")]


# -- through the catalog


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.catalog.close()


def test_an_archive_through_the_catalog(library: Library) -> None:
    library.write("a.md", "one")
    file = pack(library.home / "z.zip", {"b.md": "two", "in/c.md": "three"})
    assert counts(library.sync()) == (3, 0, 0, 0, 0)
    assert library.texts() == {"a.md": "one", "z.zip/b.md": "two", "z.zip/in/c.md": "three"}
    assert library.catalog.document("z.zip/b.md").source == str(file / "b.md")
    assert counts(library.sync()) == (0, 0, 3, 0, 0)

    pack(file, {"b.md": "two, changed", "in/c.md": "three", "d.md": "four"})
    assert counts(library.sync("z.zip")) == (1, 1, 1, 0, 0)
    pack(file, {"b.md": "two, changed", "in/c.md": "three"})
    assert counts(library.sync()) == (0, 0, 3, 1, 0)

    good = file.read_bytes()
    file.write_bytes(good[:50])
    report = library.sync()
    assert counts(report) == (0, 0, 1, 0, 1)
    assert set(library.quarantined()) == {"z.zip"}
    assert library.texts()["z.zip/b.md"] == "two, changed"
    file.write_bytes(good)
    assert counts(library.sync()) == (0, 0, 3, 0, 0)
    assert library.quarantined() == {}

    file.unlink()
    assert counts(library.sync(yes=True)) == (0, 0, 1, 2, 0)
    assert library.texts() == {"a.md": "one"}


def test_one_bad_member_keeps_its_last_good_version(library: Library) -> None:
    file = pack(library.home / "z.zip", {"a.md": "one", "b.md": "two"}, compression=zipfile.ZIP_STORED)
    library.sync()
    pack(file, {"a.md": "one, new", "b.md": "two, new"}, compression=zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace(b"one, new", b"one, NEW"))
    assert counts(library.sync()) == (0, 1, 0, 0, 1)
    assert library.texts() == {"z.zip/a.md": "one", "z.zip/b.md": "two, new"}
    assert "CRC" in library.quarantined()["z.zip/a.md"]


def test_an_archive_alone_can_be_synced(library: Library, tmp_path: Path) -> None:
    file = pack(tmp_path / "z.zip", {"a.md": "one"})
    assert counts(library.sync(str(file))) == (1, 0, 0, 0, 0)
    assert library.texts() == {"z.zip/a.md": "one"}
