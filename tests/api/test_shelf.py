"""What there is to choose from: questions to suggest, and the values questions can be narrowed by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.shelf import Shelf
from ingest.catalog import Catalog
from ingest.sync import sync
from ingest.view import EVERYTHING, View
from tests.fakes import MemoryIndexer

FILES = {
    "python.md": "---\ntopic: Python\nlevel: senior\n---\n# Python\n\n## What is the GIL?\n\nA lock.\n\n"
    "## What is a generator, and when do you use one?\n\nA lazy iterator.\n\n## What is asyncio?\n",
    "redis.md": "# Redis\n\n## Which eviction policy do you use?\n\nallkeys-lru.\n",
    "guide.md": "---\naudience: interviewer\ntopic: Hiring\n---\n# Guide\n\n## What is the canary question?\n\nThis.\n",
}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def catalog(notes: Path, database: str) -> Iterator[Catalog]:
    made = Catalog(database)
    sync(made, MemoryIndexer(), [notes])
    yield made
    made.close()


def asked(shelf: Shelf, text: str, limit: int = 10, view: View = EVERYTHING) -> list[str]:
    return [each["question"] for each in shelf.questions(text, limit, view)]


def test_questions_that_are_answered_are_found_by_the_beginnings_of_their_words(catalog: Catalog) -> None:
    shelf = Shelf(catalog)
    assert asked(shelf, "gen wh") == ["What is a generator, and when do you use one?"]
    # the one whose words come first, and the shorter one, is the better fit
    assert asked(shelf, "USE") == ["Which eviction policy do you use?", "What is a generator, and when do you use one?"]
    assert asked(shelf, "ici") == []
    assert asked(shelf, "asyncio") == []


def test_without_words_a_few_of_every_document_are_given(catalog: Catalog) -> None:
    found = asked(Shelf(catalog), "", limit=3)
    assert found[0] == "What is the GIL?"
    assert "Which eviction policy do you use?" in found


def test_nothing_that_may_not_be_seen_is_suggested_or_counted(catalog: Catalog) -> None:
    shelf, candidate = Shelf(catalog), View("candidate")
    assert asked(shelf, "canary") == ["What is the canary question?"]
    assert asked(shelf, "canary", view=candidate) == []
    assert "Hiring" in shelf.facets(EVERYTHING)["topic"]
    assert list(shelf.facets(candidate)["topic"]) == ["Python"]
    nothing = View("interviewer", frozenset())
    assert asked(shelf, "", view=nothing) == []
    assert shelf.facets(nothing) == {"topic": {}, "level": {}, "kind": {}, "collection": {}}


def test_it_follows_the_library(catalog: Catalog, notes: Path) -> None:
    shelf = Shelf(catalog)
    assert asked(shelf, "tuple") == []
    (notes / "tuple.md").write_text("# More\n\n## What is a tuple?\n\nA sequence.\n", encoding="utf-8")
    (notes / "redis.md").unlink()
    sync(catalog, MemoryIndexer(), [notes])
    assert asked(shelf, "tuple") == ["What is a tuple?"]
    assert asked(shelf, "eviction") == []
