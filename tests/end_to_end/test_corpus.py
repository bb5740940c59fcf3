"""The bundled corpus, as the demo ingests it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from api.home import connect
from api.settings import load_settings
from tests.end_to_end.conftest import ROOT, Run


def test_it_is_large_enough_and_nothing_in_it_is_lost(run: Run, corpus_home: Path) -> None:
    documents = run("docs", "list", "--home", corpus_home, "--json").json["documents"]
    assert len(documents) >= 14
    assert sum(sum(document["items"].values()) for document in documents) >= 300
    assert not any(document["path"] == "README.md" for document in documents)


def test_every_question_outside_of_guides_has_an_answer(corpus_home: Path) -> None:
    with closing(connect(load_settings(corpus_home, {}), "tests")) as library:
        documents = library.documents(None)["documents"]
        shown = [library.document(each["id"], None) for each in documents if not each["path"].startswith("guides/")]
    asked = [item for document in shown for item in document["items"] if item["kind"] == "qa"]
    assert len(asked) > 100
    assert [item["question"] for item in asked if not item["answer"] and not item["talking_points"]] == []


def test_an_unchanged_corpus_costs_no_embedding(run: Run, corpus_home: Path) -> None:
    report = run("ingest", ROOT / "corpus", "--home", corpus_home, "--json").json
    assert report["documents"]["added"] == report["documents"]["updated"] == 0
    assert report["seconds"] < 2
