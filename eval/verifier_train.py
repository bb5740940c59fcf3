"""Fine-tuning the verifier: a sequence classifier with one output from an encoder's weights, then its ONNX export.

Same examples, same seed, same versions and machine: the same weights. bfloat16 where the processor multiplies it fast.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from answering.ground.verifier import CARD, GRAPH, MAX_TOKENS, TOKENIZER, OnnxVerifier
from eval.verifier_data import Learned, balanced
from ingest.errors import ModelError

Tell = Callable[[int, float], None]
"""Told after each step how many there are in all, and the mean loss of the last ones."""

PARITY = 0.05
"""How much the quantized model's probabilities may differ from the trained one's, in the mean."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How training goes. `families`: weights of the families of examples; 1 where not named.

    `smoothing`: labels are so far from 0 and 1, because some of them are wrong.
    """

    epochs: float = 1.5
    batch: int = 32
    rate: float = 1.2e-4
    warm_up: float = 0.06
    smoothing: float = 0.025
    seed: int = 1
    families: tuple[tuple[str, float], ...] = (("begin", 0.5), ("wice", 2.0))


def train(source: str, examples: Sequence[Learned], recipe: Recipe, tell: Tell) -> tuple[Any, Any]:
    """Model and tokenizer, fine-tuned from the encoder in the folder `source`. Examples have known labels.

    Raises ModelError where the encoder can't be loaded.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    random.seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    # dropout cost a third of each step, and one pass over many examples leaves little to overfit
    still = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModelForSequenceClassification.from_pretrained(
            source, num_labels=1, attn_implementation="eager", **still
        )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The encoder {source} can't be loaded: {error}", hint="Name a folder with a model."
        ) from error
    read = tokenizer(
        [e.claim for e in examples], [e.evidence for e in examples], truncation="longest_first", max_length=MAX_TOKENS
    )
    weights = torch.tensor(balanced(examples, dict(recipe.families)), dtype=torch.float32)
    wanted = torch.tensor([float(bool(e.supported)) for e in examples])
    wanted = wanted * (1 - 2 * recipe.smoothing) + recipe.smoothing
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate)
    steps = math.ceil(recipe.epochs * len(examples) / recipe.batch)
    losses: list[float] = []
    model.train()
    for step, batch in enumerate(_batches([len(ids) for ids in read["input_ids"]], recipe.batch, steps), 1):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * min(1.0, step / (recipe.warm_up * steps)) * (1 - (step - 1) / steps)
        given = tokenizer.pad({name: [read[name][i] for i in batch] for name in read}, return_tensors="pt")
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_fast_bfloat16(torch)):
            logits = model(**given).logits[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted[batch], reduction="none")
        mean = (loss * weights[batch]).mean()
        mean.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses = [*losses[-49:], float(mean.detach())]
        tell(steps, sum(losses) / len(losses))
    return model.eval(), tokenizer


def _fast_bfloat16(torch: Any) -> bool:
    return bool(torch.cpu._is_amx_tile_supported())


def _batches(lengths: Sequence[int], size: int, steps: int) -> Iterator[list[int]]:
    """Batches of examples of alike lengths, shuffled; epoch after epoch until there were so many."""
    done = 0
    while done < steps:
        order = list(range(len(lengths)))
        random.shuffle(order)
        batches = []
        for start in range(0, len(order), size * 50):
            part = sorted(order[start : start + size * 50], key=lambda i: lengths[i])
            batches += [part[i : i + size] for i in range(0, len(part), size)]
        random.shuffle(batches)
        yield from batches[: steps - done]
        done += len(batches)


def export(model: Any, tokenizer: Any, folder: Path, card: dict[str, Any], probe: Sequence[Learned]) -> dict[str, Any]:
    """Write the model as `answering.ground.verifier` loads it, its weights in eight bits; the card, with its parity.

    `probe`: examples on which both are compared. Raises ModelError where they differ by more than PARITY in the mean.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _quantize(model, tokenizer, Path(scratch))
        shutil.copyfile(Path(scratch) / GRAPH, folder / GRAPH)
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    own = predict(model, tokenizer, probe)
    ours = np.array(OnnxVerifier(folder).probabilities([(e.claim, e.evidence) for e in probe]))
    differs = float(np.abs(own - ours).mean())
    if differs > PARITY:
        raise ModelError(f"In eight bits the verifier's probabilities differ by {differs:.3f} in the mean.")
    written = {**card, "parity": {"examples": len(probe), "mean_difference": round(differs, 4)}}
    (folder / CARD).write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return written


def predict(model: Any, tokenizer: Any, examples: Sequence[Learned]) -> np.ndarray[Any, Any]:
    """The trained model's own probabilities, float64 [n]."""
    import torch

    found: list[float] = []
    for start in range(0, len(examples), 16):
        part = examples[start : start + 16]
        given = tokenizer(
            [e.claim for e in part],
            [e.evidence for e in part],
            truncation="longest_first",
            max_length=MAX_TOKENS,
            padding=True,
            return_tensors="pt",
        )
        with torch.no_grad():
            found += torch.sigmoid(model(**given).logits[:, 0].float()).tolist()
    return np.array(found)


def _quantize(model: Any, tokenizer: Any, folder: Path) -> None:
    """Trace, then keep the weights of products, and the embeddings, as signed bytes with a scale for each channel."""
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    names = ("input_ids", "attention_mask", "token_type_ids")

    class Forward(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any, mask: Any, kinds: Any) -> Any:
            return self.model(input_ids=ids, attention_mask=mask, token_type_ids=kinds).logits

    sample = tokenizer(
        ["a claim", "another claim"], ["what it is read against", "more"], padding=True, return_tensors="pt"
    )
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with torch.no_grad():
        torch.onnx.export(
            Forward().eval(),
            tuple(sample[name] for name in names),
            str(folder / "traced.onnx"),
            input_names=list(names),
            output_names=["logits"],
            dynamic_shapes={"ids": free, "mask": free, "kinds": free},
            dynamo=True,
            verbose=False,
        )
    traced = onnx.load(folder / "traced.onnx")
    del traced.graph.value_info[:]  # shapes that the quantizer would find to contradict its own
    onnx.save(traced, folder / "plain.onnx")
    quantize_dynamic(
        folder / "plain.onnx",
        folder / GRAPH,
        weight_type=QuantType.QInt8,
        per_channel=True,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def recipe_of(recipe: Recipe) -> dict[str, Any]:
    """A recipe as a card has it."""
    return {**asdict(recipe), "families": dict(recipe.families), "max_tokens": MAX_TOKENS}
