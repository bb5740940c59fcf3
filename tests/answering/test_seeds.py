"""The five seed documents through the real rooms, where they are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from answering.answerer import Answerer
from answering.build import build_answerer
from api.settings import load_settings
from ingest.catalog import Catalog
from ingest.sync import sync
from retrieval.build import build_retrieval

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "corpora" / "seeds"

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed documents (../shared/corpora/seeds) are not here")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Answerer, Catalog]]:
    home = tmp_path_factory.mktemp("seeds")
    catalog = Catalog(f"sqlite:///{home / 'catalog.sqlite3'}")
    room = build_retrieval(home, catalog, shared_cache=load_settings(None, {}).cache)
    sync(catalog, room.indexer, sorted(SEEDS.glob("*_*.md")), collection="default", yes=True)
    yield build_answerer(room.retriever, catalog, embedder=room.embedder), catalog
    room.close()
    catalog.close()


@pytest.mark.parametrize(
    ("question", "kind", "document", "part"),
    [
        ("How do you deal with Lambda cold starts?", "model_answer", "senior_python", "provisioned concurrency"),
        (
            "which redis eviction policy and why",
            "extractive",
            "cheat_sheet",
            "`allkeys-lru` if everything is cacheable",
        ),
        (
            "how is confidence in a legal answer protected against hallucination",
            "extractive",
            "cheat_sheet",
            "a grounding checker that verifies citations exist",
        ),
        ("what is the weight of communication in the evaluation", "extractive", "sophia", "**Communication** (15%)"),
        ("how do you mentor junior developers", "model_answer", "noah_backend", "collaborative environment"),
    ],
)
def test_questions_and_their_answers(
    opened: tuple[Answerer, Catalog], question: str, kind: str, document: str, part: str
) -> None:
    answerer, catalog = opened
    answer = answerer.ask(question)
    assert answer.kind == kind
    assert document in answer.sources[0].document
    assert part in answer.sources[0].quote
    assert {c.verdict for c in answer.claims} <= {"supported", "not_a_claim"}
    assert not answer.low_confidence
    by_path = {info.path: info.version_key for info in catalog.documents()}
    for source in answer.sources:
        text = catalog.text(by_path[source.document])
        assert text[source.start : source.end] == source.quote
        assert text.split("\n")[source.line_start - 1].find(source.quote.split("\n")[0]) >= 0


def test_what_no_document_covers_is_not_answered(opened: tuple[Answerer, Catalog]) -> None:
    answer = opened[0].ask("How do I configure Kafka consumer groups in Rust?")
    assert answer.kind == "abstained"
    assert answer.low_confidence
    assert answer.reasons
    assert "“Rust”" in answer.answer
