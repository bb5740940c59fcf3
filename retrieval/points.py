"""What both index adapters agree on: names of vectors, ids of points, and how results are read."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from ingest.view import INTERVIEWERS, View
from retrieval.hits import ARMS, Arm
from retrieval.ports import FILTER_KEYS, ArmHit, ArmResults, IndexPoint, SparseVector, Vectors

LAYOUT = "index-4"
"""Part of every index's fingerprint: change it whenever points are laid out differently."""

PASSAGE, QUESTION, TERMS = "passage", "question", "bm25"
VECTOR_OF_ARM: Mapping[Arm, str] = {"bm25": TERMS, "dense": PASSAGE, "question": QUESTION}
VERSION_KEY = "version_key"
# One payload field for all filters, of values like "kind=qa": each payload index, even an empty one, costs 4 ms of
# every opening of the embedded index, and there would be eleven.
FACETS = "facets"

_ITEM_BITS, _ORDINAL_BITS = 64, 24
# The most query terms whose IDF is asked for: more is a pasted text, and its first terms tell enough.
MOST_IDF_TERMS = 32
# Names and paths are compared as they are; what people write by hand, without regard to case.
_EXACT_KEYS = frozenset({"collection", "document", "kind"})


def point_id(version_key: int, chunk_id: str) -> uuid.UUID:
    """The point of one chunk of one version: writing it again replaces it.

    The id says which chunk it is: 40 bits of version key, 64 of item id (16 hexadecimal digits), 24 of ordinal. So hits
    need no payload, which cost half a millisecond a search. Raises ValueError for a chunk id of another form.
    """
    item, _, ordinal = chunk_id.partition("-")
    number, rest = int(item, 16), int(ordinal)
    if number >> _ITEM_BITS or rest >> _ORDINAL_BITS or chunk_id != f"{number:016x}-{rest}":
        raise ValueError(f"{chunk_id!r} is no chunk id")
    return uuid.UUID(int=(version_key << _ITEM_BITS | number) << _ORDINAL_BITS | rest)


def key_of(point: uuid.UUID | str | int) -> tuple[int, str]:
    """Version key and chunk id of a point, by its id as either engine gives it."""
    whole = point.int if isinstance(point, uuid.UUID) else uuid.UUID(str(point)).int
    item, ordinal = whole >> _ORDINAL_BITS & (1 << _ITEM_BITS) - 1, whole & (1 << _ORDINAL_BITS) - 1
    return whole >> _ITEM_BITS + _ORDINAL_BITS, f"{item:016x}-{ordinal}"


def payload_of(point: IndexPoint) -> dict[str, Any]:
    """The point's payload: its version, by which it is removed and counted, and its values to filter by."""
    facets = [facet for key in FILTER_KEYS for facet in facets_of(key, point.payload.get(key, ()))]
    return {VERSION_KEY: point.version_key, FACETS: facets}


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


def read_vectors(record: Any) -> tuple[Vectors, Vectors]:
    """float32 [d] and [n, d]: the vectors of a stored point's passage and questions, as either engine gives it."""
    passage = np.array(record.vector[PASSAGE], dtype=np.float32)
    questions = np.array(record.vector.get(QUESTION) or [], dtype=np.float32)
    return passage, questions.reshape(-1, len(passage))


def read_held(records: Iterable[Any], terms: Set[int]) -> dict[tuple[int, str], frozenset[int]]:
    """Which of these terms each stored point has, as either engine gives it."""
    wanted, found = frozenset(terms), {}
    for record in records:
        own = (record.vector or {}).get(TERMS)
        found[key_of(record.id)] = wanted.intersection(own.indices if own else ())
    return found


def read_hits(batch: Sequence[Any], most: float = 1.0) -> list[ArmHit]:
    """One arm's hits, as either engine gives them. `most`: what they score at most; cosines of rounded vectors may be
    a little more than 1."""
    return [ArmHit(*key_of(x.id), min(most, float(x.score))) for x in batch]


def read_results(arms: Sequence[Arm], terms: Sequence[int], batches: Sequence[Sequence[Any]]) -> ArmResults:
    """The answers of either engine: one batch for each arm asked, then the best point for each single term."""
    found: dict[Arm, list[ArmHit]] = {arm: [] for arm in ARMS}
    for arm, batch in zip(arms, batches, strict=False):
        found[arm] = read_hits(batch, math.inf if arm == "bm25" else 1.0)
    return ArmResults(found, read_idf(terms, batches[len(arms) :]))


def read_idf(terms: Sequence[int], batches: Sequence[Sequence[Any]]) -> dict[int, float]:
    """The IDF of each term, off the best point for it; 0 where there is none.

    A point's score for one term is the engine's IDF times its stored weight.
    """
    idf = dict.fromkeys(terms, 0.0)
    for term, batch in zip(terms, batches, strict=True):
        for point in batch[:1]:
            stored = point.vector[TERMS]
            idf[term] = float(point.score) / float(stored.values[stored.indices.index(term)])
    return idf
