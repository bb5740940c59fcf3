"""The learned verifier: a small cross-encoder that reads a claim beside its evidence and says whether that supports it.

The one that ships (`verifier/`, its card in docs/verifier.md) runs on ONNX Runtime. Any Hugging Face model that
classifies sequences can take its place: one with one output, or one with an output for entailment.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ingest.errors import ModelError

FOLDER = Path(__file__).with_name("verifier")
GRAPH, TOKENIZER, CARD = "model.onnx", "tokenizer.json", "card.json"
MAX_TOKENS = 192
"""Tokens of claim and evidence together; of what is longer, the longer of both is cut."""

NONE = "none"
_MOST_THREADS = 4
_BATCH_TOKENS = 4096
_SUPPORTING = ("entail", "support", "consistent", "factual", "attributable")


class Verifier(Protocol):
    """Reads claims beside evidence."""

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (claim, evidence), how probable it is that the evidence supports all of the claim, 0..1.

        Raises ModelError.
        """


def find_verifier(name: str) -> Verifier:
    """The verifier of a setting: "" is the one that ships, "none" one that always fails. Nothing is loaded yet."""
    if name.lower() == NONE:
        return NoVerifier()
    return ModelVerifier(name) if name else OnnxVerifier(FOLDER)


class NoVerifier:
    """In the place of a verifier where there is none."""

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:  # noqa: ARG002
        """Raises ModelError, for nothing too."""
        raise ModelError("There is no verifier.", hint="Unset CUECARD_VERIFIER to use the one that ships.")


class OnnxVerifier:
    """An exported cross-encoder with one output. Loaded with the first claim; thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._parts: tuple[Any, Any] | None = None

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """As the port says; batches of alike lengths."""
        if not pairs:
            return []
        tokenizer, session = self._loaded()
        read = tokenizer.encode_batch(list(pairs))
        order = sorted(range(len(read)), key=lambda i: len(read[i].ids))
        found = np.zeros(len(read), dtype=np.float64)
        while order:
            count = max(1, _BATCH_TOKENS // len(read[order[-1]].ids))
            part, order = order[-count:], order[:-count]
            found[part] = self._run(session, [read[i] for i in part])
        return [float(p) for p in 1 / (1 + np.exp(-np.clip(found, -60, 60)))]

    def _run(self, session: Any, read: Sequence[Any]) -> np.ndarray[Any, Any]:
        longest = max(len(each.ids) for each in read)
        shape = (len(read), longest)
        ids, kinds, mask = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        for row, each in enumerate(read):
            size = len(each.ids)
            ids[row, :size], kinds[row, :size], mask[row, :size] = each.ids, each.type_ids, 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
        try:
            (logits,) = session.run(["logits"], given)
        except Exception as error:  # onnxruntime raises kinds of its own
            raise ModelError("The verifier's model failed.", hint="Reinstall cuecard.") from error
        return np.asarray(logits, dtype=np.float64).reshape(len(read), -1)[:, 0]

    def _loaded(self) -> tuple[Any, Any]:
        with self._loading:
            if self._parts is None:
                try:
                    self._parts = (_tokenizer(self._folder), _session(self._folder))
                except Exception as error:
                    raise ModelError(
                        f"The verifier in {self._folder.name}/ can't be loaded: {error}",
                        hint="Reinstall cuecard, or set CUECARD_VERIFIER to a model that is on this machine.",
                    ) from error
            return self._parts


def read_card(folder: Path = FOLDER) -> dict[str, Any]:
    """What is known of the verifier that ships: how it was made, and its figures. Raises ModelError."""
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The verifier has no card: {error}", hint="Reinstall cuecard.") from error
    return card


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
    tokenizer.no_padding()
    return tokenizer


def _session(folder: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_MOST_THREADS, os.cpu_count() or 1)
    # threads that wait for work must not keep the cores from the rest of an answer
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])


class ModelVerifier:
    """A Hugging Face model for sequence classification, by name or path. Loaded with the first claim; thread-safe.

    One output: a logit of support, read as (claim, evidence). Several: softmax, and the output that is named for
    entailment, support or consistency; such models read (evidence, claim), as premise and hypothesis.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading = threading.Lock()
        self._parts: tuple[Any, Any, int | None] | None = None

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """As the port says."""
        if not pairs:
            return []
        try:
            tokenizer, model, supporting = self._loaded()
            return _read_by(tokenizer, model, supporting, pairs)
        except ModelError:
            raise
        except Exception as error:  # torch, transformers and the hub raise all kinds
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"The verifier {self._name} can't be used: {first}",
                hint="Set CUECARD_VERIFIER to a sequence classification model that is on this machine, or unset it.",
            ) from error

    def _loaded(self) -> tuple[Any, Any, int | None]:
        with self._loading:
            if self._parts is None:
                from transformers import AutoModelForSequenceClassification, AutoTokenizer

                tokenizer = AutoTokenizer.from_pretrained(self._name)
                model = AutoModelForSequenceClassification.from_pretrained(self._name).eval()
                self._parts = (tokenizer, model, self._supporting(model.config))
            return self._parts

    def _supporting(self, config: Any) -> int | None:
        if config.num_labels == 1:
            return None
        labels = {int(number): str(label).lower() for number, label in config.id2label.items()}
        found = [n for n, label in labels.items() if label.startswith(_SUPPORTING)]
        if len(found) != 1:
            said = ", ".join(labels.values())
            raise ModelError(
                f"Of the outputs of the verifier {self._name} ({said}) none, or several, are for support.",
                hint="Set CUECARD_VERIFIER to a model with one output, or with one that is called entailment.",
            )
        return found[0]


def _read_by(tokenizer: Any, model: Any, supporting: int | None, pairs: Sequence[tuple[str, str]]) -> list[float]:
    import torch

    found: list[float] = []
    for start in range(0, len(pairs), 16):
        part = pairs[start : start + 16]
        firsts, seconds = ([p[i] for p in part] for i in ((0, 1) if supporting is None else (1, 0)))
        given = tokenizer(
            firsts, seconds, truncation="longest_first", max_length=MAX_TOKENS, padding=True, return_tensors="pt"
        )
        with torch.no_grad():
            logits = model(**given).logits.float()
        scores = torch.sigmoid(logits[:, 0]) if supporting is None else torch.softmax(logits, -1)[:, supporting]
        found += [float(score) for score in scores]
    return found
