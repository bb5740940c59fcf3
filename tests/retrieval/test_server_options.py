"""How the settings shape a collection, seen as the server got them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qdrant_client import models as m

from retrieval import points as p
from retrieval.ports import SparseVector
from retrieval.server import ServerIndex
from retrieval.server_options import ServerOptions
from tests.doubles.qdrant_server import QUERY, QdrantDouble, qdrant_double

NO_TERMS = SparseVector((), ())


@pytest.fixture
def double() -> Iterator[QdrantDouble]:
    with qdrant_double() as made:
        yield made


def opened(double: QdrantDouble, **options: Any) -> ServerIndex:
    return ServerIndex(double.url, dim=3, fingerprint="x", options=ServerOptions(**options))


def config(double: QdrantDouble) -> m.CollectionConfig:
    """The collection as the server tells of it."""
    from qdrant_client import QdrantClient

    client = QdrantClient(url=double.url, check_compatibility=False)
    try:
        return client.get_collection("cuecard").config
    finally:
        client.close()


def dense(held: m.CollectionConfig) -> dict[str, m.VectorParams]:
    assert isinstance(held.params.vectors, dict)
    return held.params.vectors


def test_a_collection_is_made_as_the_settings_say(double: QdrantDouble) -> None:
    index = opened(double, shards=6, replicas=3, write_consistency=2, on_disk=True, quantization="scalar")
    assert index.count() == 0
    index.close()
    held = config(double)
    params = held.params
    assert (params.shard_number, params.replication_factor, params.write_consistency_factor) == (6, 3, 2)
    assert {name: params.on_disk for name, params in dense(held).items()} == {p.PASSAGE: True, p.QUESTION: True}
    assert params.sparse_vectors is not None
    terms = params.sparse_vectors[p.TERMS]
    assert (terms.modifier, terms.index and terms.index.on_disk) == (m.Modifier.IDF, True)
    assert isinstance(held.quantization_config, m.ScalarQuantization)
    assert held.quantization_config.scalar.always_ram


def test_what_is_not_set_is_the_servers_choice(double: QdrantDouble) -> None:
    index = opened(double)
    index.count()
    index.close()
    held = config(double)
    assert held.quantization_config is None
    assert [params.on_disk for params in dense(held).values()] == [None, None]


def test_payload_indexes_are_there_also_after_a_creation_that_was_interrupted(double: QdrantDouble) -> None:
    index = opened(double)
    index.count()
    held = double.collections["cuecard"]["indexes"]
    assert held == {p.VERSION_KEY: "integer", p.FACETS: "keyword"}
    index.close()
    held.clear()
    again = opened(double)
    assert again.version_counts() == {}
    assert double.collections["cuecard"]["indexes"] == held == {p.VERSION_KEY: "integer", p.FACETS: "keyword"}
    again.close()


def test_a_collection_follows_changed_settings_and_keeps_what_they_leave_open(double: QdrantDouble) -> None:
    first = opened(double, replicas=2, quantization="binary")
    generation = first.generation()
    first.close()

    unset = opened(double)
    assert unset.generation() == generation
    unset.close()
    assert isinstance(config(double).quantization_config, m.BinaryQuantization)

    changed = opened(double, replicas=3, on_disk=True, quantization="none", shards=4)
    assert changed.generation() == generation, "the index is the same"
    changed.close()
    held = config(double)
    assert (held.params.replication_factor, held.params.shard_number, held.quantization_config) == (3, 1, None)
    assert [params.on_disk for params in dense(held).values()] == [True, True]

    before = len(double.requests)
    same = opened(double, replicas=3, on_disk=True, quantization="none")
    same.count()
    same.close()
    assert not [request for request in double.requests[before:] if request.startswith(("PATCH", "PUT"))]


@pytest.mark.parametrize(
    ("quantization", "oversampling"), [("scalar", 2.0), ("binary", 3.0), ("none", None), (None, None)]
)
def test_quantized_vectors_are_compared_once_more_exactly(
    double: QdrantDouble, quantization: str | None, oversampling: float | None
) -> None:
    asked: list[m.QueryRequest] = []
    through = double.client.query_batch_points

    def listen(name: str, requests: list[m.QueryRequest]) -> Any:
        asked.extend(requests)
        return through(name, requests)

    double.client.query_batch_points = listen  # type: ignore[method-assign, assignment]
    index = opened(double, quantization=quantization)
    one = np.array([1, 0, 0], dtype=np.float32)
    index.query(SparseVector((1,), (1.0,)), one, limit=3, filters={})
    index.nearest_questions(one[None], limit=3, filters={})
    index.close()
    assert double.came(QUERY) == 2
    for request in asked:
        params = None if request.using == p.TERMS else request.params
        quantized = params.quantization if params else None
        if oversampling is None or request.using == p.TERMS:
            assert quantized is None
        else:
            assert quantized == m.QuantizationSearchParams(rescore=True, oversampling=oversampling)
    assert {request.using for request in asked} == {p.TERMS, p.PASSAGE, p.QUESTION}
