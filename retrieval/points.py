"""What both index adapters agree on: names of vectors, ids of points, and how results are read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ingest.view import INTERVIEWERS, View
from retrieval.hits import ARMS, Arm
from retrieval.ports import FILTER_KEYS, ArmHit, ArmResults, IndexPoint, SparseVector, Vectors

LAYOUT = "index-2"
"""Part of every index's fingerprint: change it whenever points are laid out differently."""

PASSAGE, QUESTION, TERMS = "passage", "question", "bm25"
VECTOR_OF_ARM: Mapping[Arm, str] = {"bm25": TERMS, "dense": PASSAGE, "question": QUESTION}
VERSION_KEY, CHUNK_ID = "version_key", "chunk_id"
# One payload field for all filters, of values like "kind=qa": each payload index, even an empty one, costs 4 ms of
# every opening of the embedded index, and there would be eleven.
FACETS = "facets"
IDENTITY = [VERSION_KEY, CHUNK_ID]

_NAMESPACE = uuid.UUID("6f0e3a52-0f0b-5c1e-9b1c-3b6c7a1f4d20")
# The most query terms whose IDF is asked for: more is a pasted text, and its first terms tell enough.
MOST_IDF_TERMS = 32
# Names and paths are compared as they are; what people write by hand, without regard to case.
_EXACT_KEYS = frozenset({"collection", "document", "kind"})


def point_id(version_key: int, chunk_id: str) -> str:
    """The point of one chunk of one version: writing it again replaces it."""
    return str(uuid.uuid5(_NAMESPACE, f"{version_key}:{chunk_id}"))


def payload_of(point: IndexPoint) -> dict[str, Any]:
    """The point's payload: its identity, and its values to filter by."""
    facets = [facet for key in FILTER_KEYS for facet in facets_of(key, point.payload.get(key, ()))]
    return {VERSION_KEY: point.version_key, CHUNK_ID: point.chunk_id, FACETS: facets}


def facets_of(key: str, values: Sequence[str]) -> list[str]:
    """Values of a filter as they are stored and compared; a point passes where it has one of them."""
    if key not in _EXACT_KEYS:
        values = [" ".join(value.split()).casefold() for value in values]
    return [f"{key}={value}" for value in values]


def visible_facets(view: View) -> tuple[list[str] | None, list[str]]:
    """What a view lets pass: points with one of the first facets (None: any), and with none of the second."""
    hidden = facets_of("audience", INTERVIEWERS) if view.audience == "candidate" else []
    if view.collections is None:
        return None, hidden
    # no collection has an empty name, and an empty list of facets might mean all of them
    return facets_of("collection", sorted(view.collections) or [""]), hidden


def arms_asked(terms: SparseVector, vector: Vectors | None) -> dict[Arm, Any]:
    """What each arm is asked: our sparse vector, a list of numbers, or (several vectors a point) a list of lists."""
    asked: dict[Arm, Any] = {}
    if terms.indices:
        asked["bm25"] = terms
    if vector is not None:
        plain = vector.tolist()
        asked["dense"], asked["question"] = plain, [plain]
    return asked


def read_key(record: Any) -> tuple[int, str]:
    """Version key and chunk id of a stored point, as either engine gives it with IDENTITY."""
    return int(record.payload[VERSION_KEY]), str(record.payload[CHUNK_ID])


def read_vectors(record: Any) -> tuple[Vectors, Vectors]:
    """float32 [d] and [n, d]: the vectors of a stored point's passage and questions, as either engine gives it."""
    passage = np.array(record.vector[PASSAGE], dtype=np.float32)
    questions = np.array(record.vector.get(QUESTION) or [], dtype=np.float32)
    return passage, questions.reshape(-1, len(passage))


def read_terms(asked: Mapping[Any, tuple[int, str]], records: Iterable[Any]) -> dict[tuple[int, str], frozenset[int]]:
    """The dimensions of stored points' terms, as either engine gives them. `asked`: whose points these are, by id."""
    found = {}
    for record in records:
        terms = (record.vector or {}).get(TERMS)
        found[asked[str(record.id)]] = frozenset(terms.indices if terms else ())
    return found


def read_hits(batch: Sequence[Any]) -> list[ArmHit]:
    """One arm's hits, as either engine gives them."""
    return [ArmHit(int(x.payload[VERSION_KEY]), str(x.payload[CHUNK_ID]), float(x.score)) for x in batch]


def read_results(arms: Sequence[Arm], terms: Sequence[int], batches: Sequence[Sequence[Any]]) -> ArmResults:
    """The answers of either engine: one batch for each arm asked, then the best point for each single term.

    A point's score for one term is the engine's IDF times its stored weight, so that the IDF can be read off.
    """
    found: dict[Arm, list[ArmHit]] = {arm: [] for arm in ARMS}
    for arm, batch in zip(arms, batches, strict=False):
        found[arm] = read_hits(batch)
    idf = dict.fromkeys(terms, 0.0)
    for term, batch in zip(terms, batches[len(arms) :], strict=True):
        for point in batch[:1]:
            stored = point.vector[TERMS]
            idf[term] = float(point.score) / float(stored.values[stored.indices.index(term)])
    return ArmResults(found, idf)
