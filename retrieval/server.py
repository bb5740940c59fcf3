"""The index in a Qdrant server or cluster, through qdrant-client. Imported only where a server is configured."""

from __future__ import annotations

import threading
import uuid
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ingest.errors import IndexUnavailableError
from retrieval import points as p
from retrieval.ports import ArmResults, Filters, IndexPoint, SparseVector, Vectors

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_T = TypeVar("_T")

IN_MEMORY = ":memory:"
_TIMEOUT_S = 10
_WRITTEN_AT_ONCE = 128


class ServerIndex:
    """The `VectorIndex` port over a collection of a Qdrant server. Connects with the first call.

    A server that is down fails the call and not the process: the next call tries again.
    """

    def __init__(
        self,
        url: str,
        *,
        dim: int,
        fingerprint: str,
        api_key: str = "",
        collection: str = "cuecard",
        connect: Callable[[], QdrantClient] | None = None,
    ) -> None:
        """`url`: the server's, or ":memory:" for an index inside this process. Needs Qdrant 1.16 or newer.

        `connect` makes the client where the url and the key are not enough (own certificates, a folder).

        Nothing is raised here; the calls raise IndexUnavailableError, also where the collection was made for other
        vectors.
        """
        self._url, self._api_key, self._collection = url, api_key, collection
        self._wanted: dict[str, Any] = {"dim": dim, "fingerprint": fingerprint}
        self._connect = connect or self._connect_by_url
        self._connecting = threading.Lock()
        self._client: QdrantClient | None = None
        self._generation = ""

    def generation(self) -> str:
        """Names this very index: changes when it is created anew. Raises IndexUnavailableError."""
        self._connected()
        return self._generation

    def recreate(self) -> None:
        """Remove what there is, and begin with an empty collection. Raises IndexUnavailableError."""
        with self._connecting:
            client = self._client or self._do(self._connect)
            self._do(lambda: client.delete_collection(self._collection))
            self._generation = self._do(lambda: self._create_collection(client))
            self._client = client

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced. Raises IndexUnavailableError."""
        client = self._connected()
        for start in range(0, len(points), _WRITTEN_AT_ONCE):
            made = [_point(point) for point in points[start : start + _WRITTEN_AT_ONCE]]
            self._do(lambda made=made: client.upsert(self._collection, made, wait=True))  # type: ignore[misc]

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored. Raises IndexUnavailableError."""
        if not keys:
            return
        from qdrant_client import models as m

        client = self._connected()
        condition = m.FieldCondition(key=p.VERSION_KEY, match=m.MatchAny(any=[int(key) for key in keys]))
        chosen = m.FilterSelector(filter=m.Filter(must=[condition]))
        self._do(lambda: client.delete(self._collection, chosen, wait=True))

    def query(self, terms: SparseVector, vector: Vectors | None, *, limit: int, filters: Filters) -> ArmResults:
        """Ask all arms at once, for `limit` hits each. Raises IndexUnavailableError."""
        from qdrant_client import models as m

        client = self._connected()
        chosen = _filter(filters)
        arms = p.arms_asked(terms, vector)
        single_terms = terms.indices[: p.MOST_IDF_TERMS]
        requests = [
            m.QueryRequest(
                query=_sparse(asked) if arm == "bm25" else asked,
                using=p.VECTOR_OF_ARM[arm],
                filter=chosen,
                limit=limit,
                with_payload=p.IDENTITY,
            )
            for arm, asked in arms.items()
        ]
        requests += [
            m.QueryRequest(query=_sparse(SparseVector((term,), (1.0,))), using=p.TERMS, limit=1, with_vector=[p.TERMS])
            for term in single_terms
        ]
        if not requests:
            return p.read_results((), (), ())
        batches = self._do(lambda: client.query_batch_points(self._collection, requests))
        return p.read_results(list(arms), single_terms, [batch.points for batch in batches])

    def count(self) -> int:
        """How many points there are. Raises IndexUnavailableError."""
        client = self._connected()
        return int(self._do(lambda: client.count(self._collection, exact=True)).count)

    def flush(self) -> None:
        """Nothing to wait for: every write was waited for, and the server's log makes it durable."""

    def close(self) -> None:
        """Let go of the connection. Closing twice is fine."""
        with self._connecting:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> QdrantClient:
        with self._connecting:
            if self._client is None:
                client = self._do(self._connect)
                self._generation = self._do(lambda: self._ensure_collection(client))
                self._client = client
            return self._client

    def _connect_by_url(self) -> QdrantClient:
        from qdrant_client import QdrantClient

        if self._url == IN_MEMORY:
            return QdrantClient(location=IN_MEMORY)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a key over plain http is the operator's decision
            return QdrantClient(
                url=self._url, api_key=self._api_key or None, timeout=_TIMEOUT_S, check_compatibility=False
            )

    def _ensure_collection(self, client: QdrantClient) -> str:
        """The generation of the collection, which is created where there is none that fits."""
        if client.collection_exists(self._collection):
            held = client.get_collection(self._collection).config.metadata or {}
            if {key: held.get(key) for key in self._wanted} == self._wanted:
                return str(held.get("generation", ""))
            raise IndexUnavailableError(
                f"The collection {self._collection} at {self._url} was made for another embedding model or by "
                "another cuecard.",
                hint="Run `cuecard ingest` on your documents again: it builds the index anew.",
            )
        return self._create_collection(client)

    def _create_collection(self, client: QdrantClient) -> str:
        from qdrant_client import models as m

        generation = uuid.uuid4().hex
        dense = {"size": self._wanted["dim"], "distance": m.Distance.COSINE}
        client.create_collection(
            self._collection,
            vectors_config={
                p.PASSAGE: m.VectorParams(**dense),
                p.QUESTION: m.VectorParams(
                    **dense, multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM)
                ),
            },
            sparse_vectors_config={p.TERMS: m.SparseVectorParams(modifier=m.Modifier.IDF)},
            metadata={**self._wanted, "generation": generation},
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # qdrant-client's own engine has none, and says so
            client.create_payload_index(self._collection, p.VERSION_KEY, m.PayloadSchemaType.INTEGER)
            client.create_payload_index(self._collection, p.FACETS, m.PayloadSchemaType.KEYWORD)
        return generation

    def _do(self, work: Callable[[], _T]) -> _T:
        """The one place where the client's errors become ours."""
        try:
            return work()
        except IndexUnavailableError:
            raise
        except Exception as error:
            raise IndexUnavailableError(
                f"The Qdrant server at {self._url} failed: {error}.",
                hint="Check that it runs and that CUECARD_QDRANT_URL and CUECARD_QDRANT_API_KEY are right.",
            ) from error


def _point(point: IndexPoint) -> Any:
    from qdrant_client import models as m

    vector: dict[str, Any] = {p.PASSAGE: point.passage.tolist()}
    if len(point.questions):
        vector[p.QUESTION] = point.questions.tolist()
    if point.terms.indices:
        vector[p.TERMS] = _sparse(point.terms)
    return m.PointStruct(id=p.point_id(point.version_key, point.chunk_id), vector=vector, payload=p.payload_of(point))


def _filter(filters: Filters) -> Any:
    from qdrant_client import models as m

    if not filters:
        return None
    return m.Filter(
        must=[
            m.FieldCondition(key=p.FACETS, match=m.MatchAny(any=p.facets_of(key, values)))
            for key, values in filters.items()
        ]
    )


def _sparse(vector: SparseVector) -> Any:
    from qdrant_client import models as m

    return m.SparseVector(indices=list(vector.indices), values=list(vector.values))
