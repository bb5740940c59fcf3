"""`cuecard eval parsing` over the bundled corpus, and over what it has to count."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import UsageError
from tests.end_to_end.conftest import ROOT
from tests.eval.conftest import FakeHome
from tests.eval.test_commands import run


def test_the_bundled_corpus_is_understood_and_nothing_of_it_lost(home: FakeHome) -> None:
    assert run(home, "parsing", ROOT / "corpus").exit_code == 0
    (body,) = home.shown
    total = body["all"]
    assert total["files"] == sum(source["files"] for source in body["sources"].values()) >= 22
    assert (total["lost_lines"], total["quarantined"]) == (0, 0)
    assert total["became_answered_qa_where_answered"] >= 0.95
    assert total["leftover"] <= 0.05
    assert "| all" in home.texts[0]


def test_a_question_without_its_answer_is_counted_as_such(home: FakeHome, tmp_path: Path) -> None:
    folder = tmp_path / "notes" / "mine"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# Notes\n\n## What is a lock?\n\nA promise.\n\n## What is a mutex?\n")
    run(home, "parsing", tmp_path / "notes")
    (body,) = home.shown
    mine = body["sources"]["mine"]
    assert (mine["question_headings"], mine["question_headings_with_answer"]) == (2, 1)
    assert (mine["became_answered_qa"], mine["became_answered_qa_where_answered"]) == (0.5, 1.0)


def test_a_folder_without_documents_is_refused(home: FakeHome, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No file that can be read"):
        run(home, "parsing", tmp_path)
