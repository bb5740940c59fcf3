"""Both models: what the exported graph gives is what sentence-transformers gives."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.errors import ModelError
from retrieval.embed import CARD, GRAPH, QUICK, QUICK_WEIGHTS, TOKENIZER, WEIGHTS, OnnxEmbedder
from retrieval.export import PARITY, QUICK_PARITY, export_model
from retrieval.models import ensure_model, find_source
from retrieval.ports import Vectors


@pytest.fixture(scope="session")
def tiny(tiny_export: Path) -> OnnxEmbedder:
    return OnnxEmbedder(tiny_export)


def cosines(one: Any, other: Any) -> Vectors:
    one, other = np.asarray(one, dtype=np.float32), np.asarray(other, dtype=np.float32)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray(np.sum(one * other, axis=1) / norms, dtype=np.float32)


def test_the_default_model_agrees_with_sentence_transformers(embedder: OnnxEmbedder, varied_texts: list[str]) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(find_source(""), device="cpu")
    own = model.encode(varied_texts, normalize_embeddings=True, show_progress_bar=False)
    assert cosines(own, embedder.embed_passages(varied_texts)).min() >= PARITY
    assert (embedder.dim, embedder.max_tokens) == (384, 256)


def test_another_model_keeps_its_pooling_layers_prompts_and_limit(
    tiny: OnnxEmbedder, tiny_model: Path, varied_texts: list[str]
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_model), device="cpu")
    for own, ours in ((model.encode_query, tiny.embed_queries), (model.encode_document, tiny.embed_passages)):
        assert cosines(own(varied_texts, show_progress_bar=False), ours(varied_texts)).min() >= PARITY
    assert (tiny.dim, tiny.max_tokens) == (20, 24)
    assert (tiny.card.query_prompt, tiny.card.passage_prompt) == ("query: ", "passage: ")
    apart = cosines(tiny.embed_queries(["redis index"]), tiny.embed_passages(["redis index"]))
    assert apart[0] < 0.999, "the prompts make no difference"


def test_vectors_are_unit_length_and_do_not_depend_on_their_batch(
    embedder: OnnxEmbedder, varied_texts: list[str]
) -> None:
    together = embedder.embed_passages(varied_texts)
    assert together.dtype == np.float32
    assert together.shape == (len(varied_texts), 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    alone = np.concatenate([embedder.embed_passages([text]) for text in varied_texts])
    assert cosines(together, alone).min() >= PARITY
    assert embedder.embed_queries([]).shape == (0, 384)


def test_questions_are_read_by_a_smaller_graph_that_says_nearly_the_same(
    embedder: OnnxEmbedder, default_model: Path, varied_texts: list[str]
) -> None:
    quick = OnnxEmbedder(default_model, quick=True)
    assert (default_model / QUICK_WEIGHTS).stat().st_size < 0.7 * (default_model / WEIGHTS).stat().st_size
    vectors = quick.embed_queries(varied_texts)
    near = cosines(vectors, embedder.embed_queries(varied_texts))
    assert QUICK_PARITY <= near.min() < near.max() < 0.99999, "another graph, with rounded weights"
    alone = np.concatenate([quick.embed_queries([text]) for text in varied_texts])
    assert np.array_equal(vectors, alone), "whatever else is asked with it"
    (vector,), (tokens,) = quick.read_queries(["redis eviction"])
    whole_vector, whole_tokens = embedder.read_queries(["redis eviction"])
    assert cosines([vector], whole_vector)[0] >= QUICK_PARITY
    assert cosines(tokens, whole_tokens[0]).min() >= QUICK_PARITY


def test_a_model_without_a_quick_graph_reads_questions_by_the_whole_one(
    embedder: OnnxEmbedder, default_model: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(default_model, tmp_path / "model"))
    (folder / QUICK).write_bytes(b"")
    asked = ["redis eviction", "What is a deadlock?"]
    assert np.allclose(OnnxEmbedder(folder, quick=True).embed_queries(asked), embedder.embed_queries(asked), atol=1e-6)


def test_what_stands_beyond_the_limit_does_not_count(embedder: OnnxEmbedder) -> None:
    long = "redis evicts keys by policy. " * 400
    cut, other = embedder.embed_passages([long, long + "Something else entirely about Kafka."])
    assert np.allclose(cut, other, atol=1e-5)


def test_meaning_is_closer_than_wording(embedder: OnnxEmbedder) -> None:
    question = embedder.embed_queries(["How do I make a slow function start faster in the cloud?"])[0]
    near, far = embedder.embed_passages(["Reducing AWS Lambda cold start time", "A slow cooker recipe for the start"])
    assert question @ near > question @ far


def break_card(folder: Path) -> None:
    (folder / CARD).write_text("{}", encoding="utf-8")


def break_graph(folder: Path) -> None:
    (folder / GRAPH).write_bytes(b"no graph")


def break_tokenizer(folder: Path) -> None:
    (folder / TOKENIZER).write_text("[]", encoding="utf-8")


def cut_weights(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size // 2)


@pytest.mark.parametrize("damage", [break_card, break_graph, break_tokenizer, cut_weights])
def test_a_damaged_model_says_what_to_do(damage: Callable[[Path], None], default_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(default_model, folder)
    damage(folder)
    with pytest.raises(ModelError, match=r"can't be loaded.*cuecard doctor --repair") as caught:
        OnnxEmbedder(folder)
    assert str(folder) in str(caught.value)


def test_an_unknown_model_is_refused_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"nobody/nothing.*CUECARD_EMBED_MODEL"):
        ensure_model("nobody/nothing", tmp_path / "home", tmp_path / "cache")
    assert not list(tmp_path.rglob("*.onnx"))


def test_an_export_that_differs_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """A pooling that leaves the prompt out can't be expressed in the graph: the vectors differ, and that is noticed."""
    odd, out = tmp_path / "odd", tmp_path / "out"
    shutil.copytree(tiny_model, odd)
    config = odd / "1_Pooling" / "config.json"
    pooling = json.loads(config.read_text(encoding="utf-8"))
    mean = {**pooling, "include_prompt": False, "pooling_mode": "mean"}
    mean |= {key: key == "pooling_mode_mean_tokens" for key in pooling if key.startswith("pooling_mode_")}
    config.write_text(json.dumps(mean), encoding="utf-8")
    out.mkdir()
    with pytest.raises(ModelError, match="other vectors for queries"):
        export_model(str(odd), out, "odd")
