"""What a reranker does to a search, and any cross-encoder as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest.errors import ModelError
from ingest.ports import NewVersion
from retrieval.cross import CrossEncoderReranker
from retrieval.indexer import ChunkIndexer
from retrieval.ports import Vectors
from retrieval.retriever import Retriever
from retrieval.server import IN_MEMORY, ServerIndex
from tests.fakes import HashingEmbedder
from tests.retrieval.library import MemoryCatalog, chunk, document

LINES = ["redis is fast", "redis is small and redis is fast", "postgres is steady", "redis evicts keys"]


class Fond:
    """Likes passages that hold a word; `fail` is raised while it is set."""

    weight = 1.0

    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[Sequence[str]] = []
        self.fail: ModelError | None = None

    def read(self, query: str) -> tuple[Vectors, str]:
        return HashingEmbedder().embed_queries([query])[0], query

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        assert question == "redis"
        if self.fail:
            raise self.fail
        self.asked.append(passages)
        return [float(self.word in passage) for passage in passages]

    def kept(self, passage: str) -> Iterator[tuple[str, str, str]]:
        return iter([("fond", self.word, passage)])


@pytest.fixture
def fond() -> Fond:
    return Fond("evicts")


@pytest.fixture
def retriever(fond: Fond) -> Retriever:
    embedder, catalog = HashingEmbedder(), MemoryCatalog()
    index = ServerIndex(IN_MEMORY, dim=embedder.dim, fingerprint="")
    version = NewVersion(1, document("a.md", *(chunk(f"c{n}", line, context="Stores") for n, line in enumerate(LINES))))
    ChunkIndexer(embedder, index).put([version])
    catalog.serve(version)
    return Retriever(catalog, index, embedder, reranker=fond)


def test_the_reranker_moves_what_it_likes_to_the_front(retriever: Retriever, fond: Fond) -> None:
    found = retriever.search("redis")
    assert found.hits[0].chunk.text == "redis evicts keys"
    assert found.hits[0].rerank == 1.0
    assert [hit.rerank for hit in found.hits[1:]] == [0.0] * (len(found.hits) - 1)
    assert all(passage.startswith("Stores\n") for passage in fond.asked[0]), "what is looked at is what was embedded"
    assert "rerank" in found.timings_ms
    assert all(0 <= hit.score <= 1 for hit in found.hits)
    assert not found.degraded
    retriever.search("redis")
    assert len(fond.asked) == 1, "the answer is remembered"


def test_a_reranker_that_fails_leaves_the_order_and_says_so(retriever: Retriever, fond: Fond) -> None:
    fond.fail = ModelError("The reranker is away.")
    found = retriever.search("redis")
    assert found.degraded
    assert len(found.hits) >= 3
    assert all(hit.rerank is None for hit in found.hits)
    fond.fail = None
    assert retriever.search("redis").hits[0].rerank == 1.0, "what was degraded is not remembered"


@pytest.fixture(scope="module")
def cross_encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Tiny cross-encoders of random weights, by the number of their outputs."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder = tmp_path_factory.mktemp("cross")
    letters = "abcdefghijklmnopqrstuvwxyz?"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    made = {}
    for labels in (1, 3):
        torch.manual_seed(3)
        config = BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64, initializer_range=0.5,
        )  # fmt: skip
        config.num_labels = labels
        made[labels] = folder / str(labels)
        BertForSequenceClassification(config).save_pretrained(made[labels])
        tokenizer.save_pretrained(made[labels])
    return made


def test_any_cross_encoder_scores_passages_by_themselves(cross_encoders: dict[int, Path]) -> None:
    embedder = HashingEmbedder()
    reranker = CrossEncoderReranker(str(cross_encoders[1]), embedder)
    vector, question = reranker.read("why redis?")
    assert vector == pytest.approx(embedder.embed_queries(["why redis?"])[0])
    scores = reranker.scores(question, LINES)
    assert all(0 <= score <= 1 for score in scores)
    assert len({round(score, 4) for score in scores}) > 1
    assert reranker.scores(question, LINES[::-1]) == pytest.approx(scores[::-1], abs=1e-4)
    assert reranker.scores(question, []) == []
    assert list(reranker.kept("text")) == []


def test_a_cross_encoder_that_can_not_be_used_says_so(cross_encoders: dict[int, Path], tmp_path: Path) -> None:
    several = CrossEncoderReranker(str(cross_encoders[3]), HashingEmbedder())
    with pytest.raises(ModelError, match="gives 3 scores"):
        several.scores("why?", LINES)
    missing = CrossEncoderReranker(str(tmp_path / "nothing"), HashingEmbedder())
    with pytest.raises(ModelError, match="can't be used") as caught:
        missing.scores("why?", LINES)
    assert "CUECARD_RERANK_MODEL" in caught.value.hint
