"""What changed between two versions, item by item."""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalog import Catalog
from ingest.catalog_info import ItemChange
from ingest.diff import MAX_DIFF_LINES, diff_versions, item_changes
from ingest.errors import NotFoundError, UsageError
from ingest.items import Document, Item, Span
from ingest.sync import sync
from tests.fakes import MemoryIndexer

FIRST = """---
level: junior
---
# Caching

## What is a cache?

A cache keeps answers.
It is fast.

## What is a miss?

A question that the cache can't answer.

## What is a hit?

The other case.
"""


class Shelf:
    """A library over a folder with one file, with the parser that people use."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
        self.indexer = MemoryIndexer()

    def put(self, text: str, path: str = "cache.md") -> str:
        """Write the file and sync; the document's id."""
        (self.root / path).write_text(text)
        sync(self.catalog, self.indexer, [self.root], yes=True)
        return self.catalog.document(path).id


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.catalog.close()


def test_a_changed_item_is_told_line_by_line(shelf: Shelf) -> None:
    shelf.put(FIRST)
    name = shelf.put("\n" + FIRST.replace("It is fast.", "It is fast, and small.\nIt forgets."))
    diff = diff_versions(shelf.catalog, name)
    (item,) = diff.items
    assert (item.title, item.change) == ("What is a cache?", "changed")
    assert diff.changes == {"added": 0, "removed": 0, "changed": 1, "moved": 0}
    lines = item.diff.split("\n")
    assert re.fullmatch(r"@@ -\d+,\d+ \+\d+,\d+ @@", lines[0])
    assert [line for line in lines if line[0] in "+-"] == ["-It is fast.", "+It is fast, and small.", "+It forgets."]
    assert " A cache keeps answers." in lines
    assert item.new_line == (item.old_line or 0) + 1
    assert diff.old.version != diff.new.version
    assert diff.text_differs


def test_added_removed_and_moved_items(shelf: Shelf) -> None:
    shelf.put(FIRST)
    hit = "## What is a hit?\n\nThe other case.\n"
    changed = FIRST.replace(hit, "").replace("## What is a cache?", hit + "\n## What is a cache?")
    changed = changed.replace("## What is a miss?\n\nA question that the cache can't answer.\n", "")
    name = shelf.put(changed + "\n## What is eviction?\n\nForgetting on purpose.\n")
    diff = diff_versions(shelf.catalog, name)
    told = {item.title: item for item in diff.items}
    assert {title: item.change for title, item in told.items()} == {
        "What is a hit?": "moved",
        "What is a miss?": "removed",
        "What is eviction?": "added",
    }
    assert told["What is a hit?"].diff == ""
    assert (told["What is a miss?"].new_line, told["What is eviction?"].old_line) == (None, None)
    assert "-A question that the cache can't answer." in told["What is a miss?"].diff
    assert "+Forgetting on purpose." in told["What is eviction?"].diff
    assert told["What is eviction?"].diff.startswith("@@ -0,0 +")
    (newest, oldest) = shelf.catalog.versions(name)
    assert newest.changes == {"added": 1, "removed": 1, "changed": 0, "moved": 1}
    assert oldest.changes == {"added": 3, "removed": 0, "changed": 0, "moved": 0}


def test_the_meta_data_is_compared(shelf: Shelf) -> None:
    shelf.put(FIRST)
    meta = "level: senior\ntags: [a, b]\nexpires: 2024-01-01\ntitle: Caches"
    name = shelf.put(FIRST.replace("level: junior", meta))
    diff = diff_versions(shelf.catalog, name)
    assert diff.items == ()
    assert {change.field: (change.old, change.new) for change in diff.meta} == {
        "title": ("Caching", "Caches"),
        "level": ("junior", "senior"),
        "expires": (None, "2024-01-01"),
        "tags": ((), ("a", "b")),
    }
    assert (diff.new.expires, diff.old.expires) == ("2024-01-01", None)


def test_text_outside_of_items_differs_too(shelf: Shelf) -> None:
    shelf.put(FIRST)
    name = shelf.put(FIRST.replace("# Caching", "# Caching\n\n---"))
    diff = diff_versions(shelf.catalog, name)
    assert (diff.items, diff.text_differs) == ((), True)


def test_versions_are_named_by_key_or_hash(shelf: Shelf) -> None:
    shelf.put(FIRST)
    shelf.put(FIRST.replace("fast", "quick"))
    name = shelf.put(FIRST.replace("fast", "slow"))
    third, second, first = shelf.catalog.versions(name)
    assert (diff_versions(shelf.catalog, name).old, diff_versions(shelf.catalog, name).new) == (second, third)
    for asked in (str(first.key), first.version, first.version[7:], first.version[7:15], first.version[:15].upper()):
        if asked.startswith("SHA"):
            asked = "sha256:" + asked[7:]
        diff = diff_versions(shelf.catalog, name, asked)
        assert (diff.old, diff.new) == (first, third)
    diff = diff_versions(shelf.catalog, name, new=str(second.key))
    assert (diff.old, diff.new) == (first, second)
    back = diff_versions(shelf.catalog, name, str(third.key), str(first.key))
    assert "+It is fast." in back.items[0].diff
    same = diff_versions(shelf.catalog, name, str(third.key), str(third.key))
    assert (same.items, same.meta, same.text_differs) == ((), (), False)


def test_what_cannot_be_compared_is_told(shelf: Shelf) -> None:
    with pytest.raises(NotFoundError, match="No document has the id nothing"):
        diff_versions(shelf.catalog, "nothing")
    name = shelf.put(FIRST)
    (only,) = shelf.catalog.versions(name)
    with pytest.raises(UsageError, match=r"cache\.md has served no version before") as caught:
        diff_versions(shelf.catalog, name)
    assert f"cuecard docs history {name}" in caught.value.hint
    for asked in ("999", only.version[7:10], "ffffffffffff", ""):
        with pytest.raises(NotFoundError, match="has served no version"):
            diff_versions(shelf.catalog, name, asked)
    first, second, beginning = _hashes_that_begin_alike()
    shelf.put(first)
    shelf.put(second)
    with pytest.raises(UsageError, match="fits several versions"):
        diff_versions(shelf.catalog, name, beginning)


def test_a_version_that_was_being_built_is_not_compared(shelf: Shelf) -> None:
    shelf.put(FIRST)
    name = shelf.put(FIRST.replace("fast", "quick"))
    shelf.indexer.fail_on_put = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        shelf.put(FIRST.replace("fast", "slow"))
    building, *served = shelf.catalog.versions(name)
    assert building.state == "building"
    diff = diff_versions(shelf.catalog, name)
    assert [diff.new, diff.old] == served
    with pytest.raises(NotFoundError):
        diff_versions(shelf.catalog, name, str(building.key))


def test_across_a_rename_items_go_by_their_words(shelf: Shelf) -> None:
    old = shelf.put(FIRST)
    (shelf.root / "cache.md").unlink()
    name = shelf.put(FIRST, "caching.md")
    assert name != old
    diff = diff_versions(shelf.catalog, name)
    assert (diff.items, [change.field for change in diff.meta]) == ((), ["path"])
    shelf.put(FIRST.replace("fast", "quick"), "caching.md")
    oldest = shelf.catalog.versions(name)[-1]
    (item,) = diff_versions(shelf.catalog, name, str(oldest.key)).items
    assert (item.title, item.change) == ("What is a cache?", "changed")


def test_it_says_all_of_it_in_json(shelf: Shelf) -> None:
    shelf.put(FIRST)
    name = shelf.put(FIRST.replace("fast", "quick"))
    told = diff_versions(shelf.catalog, name).to_dict()
    assert told["path"] == "cache.md"
    assert told["changes"]["changed"] == 1
    assert set(told["items"][0]) == {"id", "title", "change", "old_line", "new_line", "diff"}
    assert told["old"]["version"].startswith("sha256:")


def test_long_items_are_compared_in_bounded_time() -> None:
    words = "\n".join(str(n % 7) for n in range(2 * MAX_DIFF_LINES))
    old, new = (_document([("a", text)]) for text in (words, words[::-1] + "x"))
    catalog = _Two(old, new)
    started = time.monotonic()
    diff = diff_versions(catalog, "d", "1", "2")  # type: ignore[arg-type]
    assert time.monotonic() - started < 2
    assert diff.items[0].diff.count("\n") == 4 * MAX_DIFF_LINES


NAMED = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["1", "2", "3\n3"])), unique_by=lambda n: n[0])


@given(NAMED, NAMED)
def test_items_that_stay_keep_their_order(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> None:
    changes = {change.id: change for change in item_changes(_document(old), _document(new))}
    was, now = dict(old), dict(new)
    assert {name for name, c in changes.items() if c.change == "added"} == now.keys() - was.keys()
    assert {name for name, c in changes.items() if c.change == "removed"} == was.keys() - now.keys()
    both = [name for name in now if name in was]
    assert {name for name, c in changes.items() if c.change == "changed"} == {n for n in both if was[n] != now[n]}
    stayed = [name for name in both if name not in changes]
    assert stayed == [name for name in was if name in stayed]
    places = [list(was).index(name) for name in both]
    assert len([c for c in changes.values() if c.change == "moved"]) <= len(places) - _longest_rise(places)
    for name, change in changes.items():
        assert (change.old_line is None, change.new_line is None) == (name not in was, name not in now)


@given(NAMED, NAMED)
def test_a_diff_holds_both_texts(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> None:
    first, second = _document(old), _document(new)
    for item in diff_versions(_Two(first, second), "d", "1", "2").items:  # type: ignore[arg-type]
        for text, mark in ((first, "-"), (second, "+")):
            lines = text.text.split("\n")
            for header, body in re.findall(r"@@ (.*) @@\n((?:[ +-].*\n?)*)", item.diff):
                start, count = map(int, header.split(mark)[1].split(" ")[0].split(","))
                said = [line[1:] for line in body.rstrip("\n").split("\n") if line[0] in (" ", mark)]
                assert said == lines[start - 1 : start - 1 + count] if count else not said


def test_headings_with_other_words_move_nothing() -> None:
    def under(*headings: str) -> Document:
        document = _document([(str(number), "text") for number in range(len(headings))])
        items = tuple(
            Item(item.id, "note", item.title, item.span, heading=("Top", heading))
            for item, heading in zip(document.items, headings, strict=True)
        )
        return Document("d", "default", "a.md", "sha256:0", "T", document.text, items=items)

    def moved(old: Document, new: Document) -> list[str]:
        return [change.id for change in item_changes(old, new) if change.change == "moved"]

    assert moved(under("A", "A", "B"), under("Renamed", "Renamed", "B")) == []
    assert moved(under("A", "A", "B"), under("A", "B", "B")) == ["1"]
    assert moved(under("A", "A", "B"), under("A", "New", "B")) == ["1"]


def _hashes_that_begin_alike() -> tuple[str, str, str]:
    """Two texts, and the four digits that both of their hashes begin with."""
    seen: dict[str, str] = {}
    for number in itertools.count():
        text = f"{FIRST}\n{number}\n"
        beginning = hashlib.sha256(text.encode()).hexdigest()[:4]
        if beginning in seen:
            return seen[beginning], text, beginning
        seen[beginning] = text
    raise AssertionError("there are only so many beginnings")


class _Two:
    """A catalog of two versions, 1 and 2."""

    def __init__(self, old: Document, new: Document) -> None:
        self.found = {1: old, 2: new}

    def versions(self, _: str) -> list[object]:
        from ingest.catalog_info import VersionInfo

        at = "2024-01-01T00:00:00.000Z"
        names = [(key, document.version) for key, document in self.found.items()]
        return [
            VersionInfo(key, "d", "a.md", name, "live", "T", {}, 0, 0, None, None, None, at, at, None)
            for key, name in reversed(names)
        ]

    def load(self, key: int) -> Document:
        return self.found[key]


def _document(named: Sequence[tuple[str, str]]) -> Document:
    """A document whose items are these, with an empty line between them."""
    items, start, line = [], 0, 1
    for name, text in named:
        height = text.count("\n") + 1
        items.append(Item(name, "note", name, Span(start, start + len(text), line, line + height - 1)))
        start, line = start + len(text) + 2, line + height + 1
    text = "\n\n".join(text for _, text in named)
    return Document("d", "default", "a.md", f"sha256:{text}", "T", text, items=tuple(items))


def _longest_rise(numbers: list[int]) -> int:
    best: list[int] = []
    for index, number in enumerate(numbers):
        best.append(1 + max((best[i] for i in range(index) if numbers[i] < number), default=0))
    return max(best, default=0)


def test_changes_are_plain_data() -> None:
    (change,) = item_changes(_document([]), _document([("a", "1")]))
    assert change == ItemChange("a", "a", "added", None, 1)
