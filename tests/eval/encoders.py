"""A tiny encoder of random weights, for what trains or loads models."""

from __future__ import annotations

from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789:.,?"


def write_encoder(folder: Path, labels: dict[int, str] | None = None) -> str:
    """A BERT of two small layers with a tokenizer of letters; with `labels` it classifies, into as many."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{x}" for x in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=256, initializer_range=0.3,
    )  # fmt: skip
    if labels is None:
        BertModel(config).save_pretrained(folder)
    else:
        config.num_labels = len(labels)
        config.id2label = labels
        config.label2id = {label: number for number, label in labels.items()}
        BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
