"""How a Qdrant server keeps the collection: what the settings say, in the words of qdrant-client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from retrieval import points as p

if TYPE_CHECKING:
    from qdrant_client import models as m

Quantization = Literal["none", "scalar", "binary"]
QUANTIZATIONS: tuple[Quantization, ...] = ("none", "scalar", "binary")

TIMEOUT_S = 10
"""Seconds that a call waits for the server, where nothing else is set."""

# How many times as many candidates as are asked for are compared by their whole vectors: a bit a number loses more
# than a byte. Qdrant's article on binary quantization recommends 3; its guide's example of scalar quantization has 2.
_OVERSAMPLING = {"scalar": 2.0, "binary": 3.0}


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What is wanted of the server; None leaves a matter as the server, or whoever tuned the collection, has it.

    `shards` (>= 1) counts when the collection is made, the others also afterwards: `replicas` (>= 1) hold each shard,
    and `write_consistency` (1..replicas) of them have a write before it is acknowledged. `on_disk`: vectors are read
    from mapped files, not held in memory. `quantization`: vectors are compared by a byte or a bit a number, held in
    memory; the best are compared once more by their whole vectors, so that scores are exact. `timeout_s`: seconds, of
    each call. `patience_s`: seconds for which a write that failed is tried again.
    """

    shards: int | None = None
    replicas: int | None = None
    write_consistency: int | None = None
    on_disk: bool | None = None
    quantization: Quantization | None = None
    timeout_s: int = TIMEOUT_S
    patience_s: float = 8.0

    @property
    def search_params(self) -> m.SearchParams | None:
        """How the dense arms are asked."""
        from qdrant_client import models as m

        if self.quantization not in _OVERSAMPLING:
            return None
        wanted = m.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING[self.quantization])
        return m.SearchParams(quantization=wanted)

    def creation(self, dim: int) -> dict[str, Any]:
        """What `create_collection` is given for vectors of `dim` numbers."""
        from qdrant_client import models as m

        several = m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM)
        dense: dict[str, Any] = {"size": dim, "distance": m.Distance.COSINE, "on_disk": self.on_disk}
        terms = m.SparseIndexParams(on_disk=True) if self.on_disk else None
        wanted = {
            "vectors_config": {
                p.PASSAGE: m.VectorParams(**dense),
                p.QUESTION: m.VectorParams(**dense, multivector_config=several),
            },
            "sparse_vectors_config": {p.TERMS: m.SparseVectorParams(modifier=m.Modifier.IDF, index=terms)},
            "shard_number": self.shards,
            "replication_factor": self.replicas,
            "write_consistency_factor": self.write_consistency,
            "quantization_config": self._quantized(),
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def changes(self, config: m.CollectionConfig) -> dict[str, Any]:
        """What `update_collection` has to be given, so that a collection of this `config` is as wanted; or nothing."""
        from qdrant_client import models as m

        changed: dict[str, Any] = {}
        factors: dict[str, Any] = {
            "replication_factor": self.replicas,
            "write_consistency_factor": self.write_consistency,
        }
        other = {name: value for name, value in factors.items() if value not in (None, getattr(config.params, name))}
        if other:
            changed["collection_params"] = m.CollectionParamsDiff(**other)
        vectors = config.params.vectors if isinstance(config.params.vectors, dict) else {}
        moved = [name for name, held in vectors.items() if bool(held.on_disk) != self.on_disk]
        if self.on_disk is not None and moved:
            changed["vectors_config"] = {name: m.VectorParamsDiff(on_disk=self.on_disk) for name in moved}
            terms = m.SparseVectorParams(modifier=m.Modifier.IDF, index=m.SparseIndexParams(on_disk=self.on_disk))
            changed["sparse_vectors_config"] = {p.TERMS: terms}
        if self.quantization not in (None, _kind(config.quantization_config)):
            changed["quantization_config"] = self._quantized() or m.Disabled.DISABLED
        return changed

    def _quantized(self) -> m.ScalarQuantization | m.BinaryQuantization | None:
        from qdrant_client import models as m

        if self.quantization == "scalar":
            # the largest hundredth of all numbers doesn't stretch the scale of the others
            kept = m.ScalarQuantizationConfig(type=m.ScalarType.INT8, quantile=0.99, always_ram=True)
            return m.ScalarQuantization(scalar=kept)
        if self.quantization == "binary":
            return m.BinaryQuantization(binary=m.BinaryQuantizationConfig(always_ram=True))
        return None


def _kind(quantized: object) -> str:
    """Which of QUANTIZATIONS a collection has, or "other"."""
    from qdrant_client import models as m

    if quantized is None:
        return "none"
    known = {m.ScalarQuantization: "scalar", m.BinaryQuantization: "binary"}
    return known.get(type(quantized), "other")  # type: ignore[call-overload, no-any-return]
