"""The bundled corpus, as the demo ingests it."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.conftest import ROOT, Run


def test_it_is_large_enough_and_nothing_in_it_is_lost(run: Run, corpus_home: Path) -> None:
    documents = run("docs", "list", "--home", corpus_home, "--json").json["documents"]
    assert len(documents) >= 14
    assert sum(sum(document["items"].values()) for document in documents) >= 300
    assert not any(document["path"] == "README.md" for document in documents)


def test_every_question_outside_of_guides_has_an_answer(run: Run, corpus_home: Path) -> None:
    for document in run("docs", "list", "--home", corpus_home, "--json").json["documents"]:
        if document["path"].startswith("guides/"):
            continue
        shown = run("docs", "show", document["id"], "--home", corpus_home, "--json").json
        asked = [item for item in shown["items"] if item["kind"] == "qa"]
        assert [item["question"] for item in asked if not item["answer"] and not item["talking_points"]] == []


def test_an_unchanged_corpus_costs_no_embedding(run: Run, corpus_home: Path) -> None:
    report = run("ingest", ROOT / "corpus", "--home", corpus_home, "--json").json
    assert report["documents"]["added"] == report["documents"]["updated"] == 0
    assert report["seconds"] < 2
