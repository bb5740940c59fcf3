from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from api.settings import load_settings
from retrieval.embed import FILES, OnnxEmbedder
from retrieval.models import ensure_model

SYLLABLES = ("re", "dis", "ka", "fka", "in", "dex", "lo", "ck", "que", "ry", "##s", "##ing", "##ed", "##er", "##x")


@pytest.fixture(scope="session")
def default_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the default model, as all homes of this user share it; beside its home the cache it is from."""
    base = tmp_path_factory.mktemp("default-model")
    shared = load_settings(None, {}).cache
    shared.mkdir(parents=True, exist_ok=True)
    (base / "cache").symlink_to(shared, target_is_directory=True)
    return ensure_model("", base / "home", base / "cache")


@pytest.fixture(scope="session")
def embedder(default_model: Path) -> OnnxEmbedder:
    return OnnxEmbedder(default_model)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of random weights that differs from the default one in everything it can.

    Its first token is its vector, a dense layer follows, nothing normalises, texts are cut early, and queries and
    documents have prompts.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-model")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789:.,?"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{x}" for x in letters), *SYLLABLES]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(words)), encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=24)
    modules = [transformer, Pooling(32, pooling_mode="cls"), Dense(32, 20, activation_function=torch.nn.Tanh())]
    model = SentenceTransformer(modules=modules, device="cpu", prompts={"query": "query: ", "document": "passage: "})
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture(scope="session")
def tiny_export(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny model, exported for this test run."""
    base = tmp_path_factory.mktemp("tiny-export")
    return ensure_model(str(tiny_model), base / "home", base / "cache")


@pytest.fixture
def exported_at_once(tiny_export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export in this process takes no time, and gives what the real one gave."""

    def export(_source: str, folder: Path, _mark: str) -> None:
        for name in FILES:
            shutil.copyfile(tiny_export / name, folder / name)

    monkeypatch.setattr("retrieval.models._export", export)


@pytest.fixture(scope="session")
def varied_texts() -> list[str]:
    """Short, long and odd texts, from a fixed seed."""
    dice = random.Random(7)  # noqa: S311 (texts, not secrets)
    words = [part.strip("#") for part in SYLLABLES] + ["redis", "p99", "O(1)", "naïve", "東京", "C++"]
    return ["", "?", "redis"] + [" ".join(dice.choices(words, k=dice.randint(1, 60))) for _ in range(40)]
