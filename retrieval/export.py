"""A sentence-transformers model to an ONNX folder, with proof that both give the same vectors.

The only place that imports torch and sentence-transformers. The whole forward pass is exported, pooling, dense and
normalising modules included, so that nothing of it has to be rebuilt.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ingest.errors import CuecardError, ModelError
from retrieval.embed import (
    GRAPH,
    QUICK,
    QUICK_WEIGHTS,
    TEXT_VECTORS,
    TOKEN_VECTORS,
    TOKENIZER,
    WEIGHTS,
    ModelCard,
    OnnxEmbedder,
)
from retrieval.quick import optimise, write_quick

PARITY = 0.9999
"""The least cosine between the model's own vector of a text and the exported one's."""
QUICK_PARITY = 0.99
"""The least cosine between the exported vector of a question and that of the quick graph."""

_LONGEST = 8192  # tokens, where neither the model nor its tokenizer says

# Short, long (beyond any limit), code, other scripts, and nothing at all: what pooling, padding and cutting depend on.
PARITY_TEXTS = (
    "How do you deal with Lambda cold starts?",
    "redis eviction",
    "def gather(*tasks): return await asyncio.gather(*tasks, return_exceptions=True)",
    "Idempotency keys make a POST safe to repeat: the server keeps the first answer. " * 60,
    "Größe, naïve, 東京, O(n log n), p99 < 200 ms",
    "",
)


def export_model(source: str, folder: Path, fingerprint: str) -> None:
    """Write the model `source` (a folder or a hub name) to `folder`, which exists and is empty.

    Raises ModelError where it can't be loaded or exported, or the export's vectors differ from its own.
    """
    try:
        with quiet():
            _export(source, folder, fingerprint)
    except CuecardError:
        raise
    except Exception as error:  # torch, transformers and the hub raise all kinds
        raise ModelError(
            f"The embedding model {source} can't be loaded and exported: {_first_line(error)}",
            hint="Set CUECARD_EMBED_MODEL to a sentence-transformers text model that is on this machine.",
        ) from error


def _export(source: str, folder: Path, fingerprint: str) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    # "eager" attention exports to operators that ONNX Runtime fuses: half as fast again as "sdpa"
    model = SentenceTransformer(source, device="cpu", model_kwargs={"attn_implementation": "eager"}).eval()
    outputs = _outputs(torch, model)
    names = _trace(torch, model, folder / "traced.onnx", outputs)
    optimise(folder / "traced.onnx", folder / GRAPH, WEIGHTS)
    for leftover in folder.glob("traced.onnx*"):
        leftover.unlink()
    tokenizer = model.tokenizer
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise ModelError(f"The embedding model {source} has no fast tokenizer.", hint="Choose another model.")
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    prompts = {name: prompt or "" for name, prompt in model.prompts.items()}
    default = prompts.get(model.default_prompt_name or "", "")
    with torch.no_grad():
        dim = int(model.encode(["dimension"]).shape[1])
    ModelCard(
        name=source,
        fingerprint=fingerprint,
        dim=dim,
        max_tokens=_max_tokens(model),
        inputs=names,
        pad_id=int(tokenizer.pad_token_id or 0),
        query_prompt=prompts.get("query", default),
        passage_prompt=next((prompts[n] for n in ("document", "passage", "corpus") if n in prompts), default),
        tokens=TOKEN_VECTORS in outputs,
    ).write(folder)
    whole = OnnxEmbedder(folder)
    _check_parity(model, whole)
    _add_quick(whole, folder)


def _outputs(torch: Any, model: Any) -> dict[str, str]:
    """The graph's outputs, and what the model calls them. ("embedding" is the name of a node.)"""
    with torch.no_grad():
        found = model(dict(_sample(model)))
    names = {TEXT_VECTORS: "sentence_embedding", TOKEN_VECTORS: "token_embeddings"}
    return {output: name for output, name in names.items() if name in found}


def _sample(model: Any) -> Any:
    return model.tokenizer(["one text", "another, somewhat longer text"], padding=True, return_tensors="pt")


def _trace(torch: Any, model: Any, path: Path, outputs: Mapping[str, str]) -> tuple[str, ...]:
    """Export the forward pass with free batch and sequence lengths; the names of its inputs, in order."""
    sample = _sample(model)
    names = tuple(name for name in ("input_ids", "attention_mask", "token_type_ids") if name in sample)

    class Forward(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:
            found = self.model(dict(zip(names, tensors, strict=True)))
            return tuple(found[name] for name in outputs.values())

    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with torch.no_grad():
        torch.onnx.export(
            Forward().eval(),
            tuple(sample[name] for name in names),
            str(path),
            input_names=list(names),
            output_names=list(outputs),
            dynamic_shapes=(tuple(free for _ in names),),
            dynamo=True,
            verbose=False,
        )
    return names


def _add_quick(whole: OnnxEmbedder, folder: Path) -> None:
    """The graph for questions; an empty file where it would change them too much, or can't be made."""
    texts = [*PARITY_TEXTS, *(f"{first} {second}" for first in PARITY_TEXTS for second in PARITY_TEXTS)]
    expected = whole.embed_queries(texts)
    try:
        write_quick(folder / GRAPH, [whole.feed(text) for text in texts], folder / QUICK, QUICK_WEIGHTS)
        cosines = np.sum(expected * OnnxEmbedder(folder, quick=True).embed_queries(texts), axis=1)
        kept = bool(np.min(cosines) >= QUICK_PARITY)
    except Exception:  # the quantizer raises all kinds, for models that it doesn't know
        kept = False
    if not kept:
        for name in (QUICK, QUICK_WEIGHTS):
            (folder / name).write_bytes(b"")


def _check_parity(model: Any, exported: OnnxEmbedder) -> None:
    texts = list(PARITY_TEXTS)
    for role, own, ours in (
        ("queries", model.encode_query, exported.embed_queries),
        ("passages", model.encode_document, exported.embed_passages),
    ):
        expected = np.asarray(own(texts, normalize_embeddings=True, show_progress_bar=False), dtype=np.float32)
        cosines = np.sum(expected * ours(texts), axis=1)
        if not np.min(cosines) >= PARITY:
            raise ModelError(
                f"The export of {exported.card.name} gives other vectors for {role} than the model itself "
                f"(least cosine {np.min(cosines):.4f}, {PARITY} is asked for).",
                hint="Set CUECARD_EMBED_MODEL to another model.",
            )


def _max_tokens(model: Any) -> int:
    limits = [model.max_seq_length, getattr(model.tokenizer, "model_max_length", None), _LONGEST]
    return int(min(limit for limit in limits if limit))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' progress bars and warnings about themselves."""
    from transformers.utils import logging as hub_logging

    transformers_logging: Any = hub_logging  # its functions are untyped
    exporter = logging.getLogger("torch.onnx._internal.exporter._registration")
    level, verbosity, disabled = exporter.level, transformers_logging.get_verbosity(), logging.root.manager.disable
    exporter.setLevel(logging.ERROR)
    logging.disable(logging.WARNING)  # the quantizer speaks through the root logger
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
        logging.disable(disabled)
        transformers_logging.set_verbosity(verbosity)
