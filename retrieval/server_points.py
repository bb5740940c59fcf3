"""Points, filters and vectors of ours in the words of qdrant-client."""

from __future__ import annotations

from typing import Any

from qdrant_client import models as m

from ingest.view import EVERYTHING, View
from retrieval import points as p
from retrieval.ports import Filters, IndexPoint, SparseVector


def point_struct(point: IndexPoint) -> m.PointStruct:
    """A point as it is written."""
    vector: dict[str, Any] = {p.PASSAGE: point.passage.tolist()}
    if len(point.questions):
        vector[p.QUESTION] = point.questions.tolist()
    if point.terms.indices:
        vector[p.TERMS] = sparse(point.terms)
    return m.PointStruct(
        id=str(p.point_id(point.version_key, point.chunk_id)), vector=vector, payload=p.payload_of(point)
    )


def filter_of(filters: Filters, view: View = EVERYTHING) -> m.Filter | None:
    """A point passes when for every key it has one of the values, and `view` may see it."""
    shown, hidden = p.visible_facets(view)
    wanted = [p.facets_of(key, values) for key, values in filters.items()] + ([] if shown is None else [shown])
    if not wanted and not hidden:
        return None
    return m.Filter(
        must=[m.FieldCondition(key=p.FACETS, match=m.MatchAny(any=facets)) for facets in wanted],
        must_not=[m.FieldCondition(key=p.FACETS, match=m.MatchAny(any=hidden))] if hidden else None,
    )


def of_versions(keys: list[int]) -> m.FilterSelector:
    """All points of these versions."""
    condition = m.FieldCondition(key=p.VERSION_KEY, match=m.MatchAny(any=keys))
    return m.FilterSelector(filter=m.Filter(must=[condition]))


def sparse(vector: SparseVector) -> m.SparseVector:
    """A sparse vector as it is written and asked for."""
    return m.SparseVector(indices=list(vector.indices), values=list(vector.values))


def nearest(
    asked: Any, using: str, chosen: m.Filter | None, limit: int, params: m.SearchParams | None = None
) -> m.QueryRequest:
    """A request for the points that come nearest by one kind of vector."""
    return m.QueryRequest(query=asked, using=using, filter=chosen, limit=limit, with_payload=False, params=params)


def best_of_term(term: int, visible: m.Filter | None) -> m.QueryRequest:
    """A request for the best point of a single term, with its terms: the term's IDF can be read off it."""
    query = sparse(SparseVector((term,), (1.0,)))
    return m.QueryRequest(query=query, using=p.TERMS, filter=visible, limit=1, with_vector=[p.TERMS])
