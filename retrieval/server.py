"""The index in a Qdrant server or cluster, through qdrant-client. Imported only where a server is configured."""

from __future__ import annotations

import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ingest.errors import IndexUnavailableError
from ingest.view import EVERYTHING, View
from retrieval import points as p
from retrieval import server_faults as faults
from retrieval.ports import ArmHit, ArmResults, Filters, IndexPoint, SparseVector, Upkeep, Vectors
from retrieval.server_options import ServerOptions

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.models import CollectionInfo

_T = TypeVar("_T")

IN_MEMORY = ":memory:"
_WRITTEN_AT_ONCE = 128
_ASKED_AT_ONCE = 64
_COPYING = "copying:"
"""Before the generation of the index that a collection is to become a copy of, until it is one."""


class ServerIndex:
    """The `VectorIndex` port over a collection of a Qdrant server. Connects with the first call.

    A server that is down fails the call and not the process: the next call tries again. A question is tried twice at
    most, a write for some seconds; all calls can be repeated. A collection that vanished is made anew, empty and of
    another generation, so that whoever fills the index sees that it has to.
    """

    def __init__(
        self,
        url: str,
        *,
        dim: int,
        fingerprint: str,
        api_key: str = "",
        collection: str = "cuecard",
        options: ServerOptions | None = None,
        connect: Callable[[], QdrantClient] | None = None,
    ) -> None:
        """`url`: the server's, or ":memory:" for an index inside this process. Needs Qdrant 1.16 or newer.

        `connect` makes the client where the url and the key are not enough (own certificates, a folder).

        Nothing is raised here; the calls raise IndexUnavailableError, also where the collection was made for other
        vectors.
        """
        self._url, self._api_key, self._collection = url, api_key, collection
        self._wanted: dict[str, Any] = {"dim": dim, "fingerprint": fingerprint}
        self._options = options or ServerOptions()
        self._connect = connect or self._connect_by_url
        self._connecting = threading.Lock()
        self._client: QdrantClient | None = None
        self._ready = False
        self._failed: tuple[float, IndexUnavailableError] | None = None
        self._generation = ""
        self._renewing: set[int] | None = None

    def generation(self) -> str:
        """Names this very index: changes when it is created anew. Raises IndexUnavailableError."""
        self._connected()
        return self._generation

    @contextmanager
    def renewed(self, *, tuned_for: int = 0) -> Iterator[None]:  # noqa: ARG002 - the server builds graphs by itself
        """What is written in the block is all that the collection holds afterwards. Raises IndexUnavailableError.

        A collection that can't be used is deleted first; another one is filled in place.
        """
        with self._connecting:
            self._open(lambda info: self._fits(info))
        self._renewing = set()
        try:
            yield
            self.drop_versions(sorted(self.version_counts().keys() - self._renewing))
        finally:
            self._renewing = None

    @contextmanager
    def copied(self, generation: str, *, anew: bool = False) -> Iterator[dict[int, int]]:
        """Make this a copy of the index of that generation: it takes the name when the block ends, and not before.

        Gives the points by version that an interrupted copy of the same index, or a whole one, left here, so that
        only the others have to be written. What else there was is deleted first, and with `anew` that too: a copy
        that was written to on its own may have given the same keys to other versions. Raises IndexUnavailableError.
        """
        names = () if anew else (generation, f"{_COPYING}{generation}")
        with self._connecting:
            self._open(lambda info: self._fits(info) and _generation_of(info) in names)
            self._name(f"{_COPYING}{generation}")
        yield self.version_counts()
        with self._connecting:
            self._name(generation)

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Add points; one of the same version and chunk is replaced. Raises IndexUnavailableError."""
        from retrieval.server_points import point_struct

        client = self._connected()
        if self._renewing is not None:
            self._renewing |= {point.version_key for point in points}
        for start in range(0, len(points), _WRITTEN_AT_ONCE):
            made = [point_struct(point) for point in points[start : start + _WRITTEN_AT_ONCE]]
            self._write(lambda made=made: client.upsert(self._collection, made, wait=True))  # type: ignore[misc]

    def drop_versions(self, keys: Sequence[int]) -> None:
        """Remove all points of these versions. Unknown ones are ignored. Raises IndexUnavailableError."""
        if not keys:
            return
        from retrieval.server_points import of_versions

        client, chosen = self._connected(), of_versions([int(key) for key in keys])
        self._write(lambda: client.delete(self._collection, chosen, wait=True))

    def query(
        self,
        terms: SparseVector,
        vector: Vectors | None,
        *,
        limit: int,
        filters: Filters,
        view: View = EVERYTHING,
    ) -> ArmResults:
        """Ask all arms at once, for `limit` hits each, of what `view` may see. Raises IndexUnavailableError."""
        from retrieval.server_points import best_of_term, filter_of, nearest, sparse

        client, chosen, params = self._connected(), filter_of(filters, view), self._options.search_params
        visible = filter_of({}, view)
        arms = p.arms_asked(terms, vector)
        single_terms = terms.indices[: p.MOST_IDF_TERMS]
        requests = [
            nearest(sparse(asked), p.TERMS, chosen, limit)
            if arm == "bm25"
            else nearest(asked, p.VECTOR_OF_ARM[arm], chosen, limit, params)
            for arm, asked in arms.items()
        ]
        requests += [best_of_term(term, visible) for term in single_terms]
        if not requests:
            return p.read_results((), (), ())
        batches = self._ask(lambda: client.query_batch_points(self._collection, requests))
        return p.read_results(list(arms), single_terms, [batch.points for batch in batches])

    def nearest_questions(self, vectors: Vectors, *, limit: int, filters: Filters) -> list[list[ArmHit]]:
        """For each of float32 [n, d], the `limit` points whose questions come nearest. Raises IndexUnavailableError."""
        from retrieval.server_points import filter_of, nearest

        client, chosen, params = self._connected(), filter_of(filters), self._options.search_params
        found: list[list[ArmHit]] = []
        for start in range(0, len(vectors), _ASKED_AT_ONCE):
            requests = [
                nearest([vector.tolist()], p.QUESTION, chosen, limit, params)
                for vector in vectors[start : start + _ASKED_AT_ONCE]
            ]
            batches = self._ask(lambda requests=requests: client.query_batch_points(self._collection, requests))  # type: ignore[misc]
            found += [p.read_hits(batch.points) for batch in batches]
        return found

    def stored_vectors(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], tuple[Vectors, Vectors]]:
        """float32 [d] and [n, d]: the passage's vector and the questions' of (version key, chunk id) pairs.

        Those that are not there are left out. Raises IndexUnavailableError.
        """
        client = self._connected()
        wanted, with_vectors = [str(p.point_id(*key)) for key in keys], [p.PASSAGE, p.QUESTION]
        found = self._ask(
            lambda: client.retrieve(self._collection, wanted, with_payload=False, with_vectors=with_vectors)
        )
        return {p.key_of(record.id): p.read_vectors(record) for record in found}

    def held_terms(self, keys: Sequence[tuple[int, str]], terms: Set[int]) -> dict[tuple[int, str], frozenset[int]]:
        """Which of these terms each of (version key, chunk id) pairs has. Raises IndexUnavailableError."""
        client = self._connected()
        wanted = [str(p.point_id(*key)) for key in keys]
        found = self._ask(lambda: client.retrieve(self._collection, wanted, with_payload=False, with_vectors=[p.TERMS]))
        return p.read_held(found, terms)

    def count(self) -> int:
        """How many points there are. Raises IndexUnavailableError."""
        client = self._connected()
        return int(self._ask(lambda: client.count(self._collection, exact=True)).count)

    def version_counts(self) -> dict[int, int]:
        """How many points each version has. Raises IndexUnavailableError."""
        client, limit = self._connected(), max(1, self.count())
        found = self._ask(lambda: client.facet(self._collection, p.VERSION_KEY, limit=limit, exact=True))
        return {int(hit.value): hit.count for hit in found.hits if hit.count}

    def upkeep(self) -> Upkeep:
        """Nothing: the server cleans up, and builds graphs, by itself."""
        return Upkeep(dead=0, wants_tuning=False)

    def probe(self) -> None:
        """Raises IndexUnavailableError where the server doesn't answer; damage is the server's business."""
        self.count()

    def flush(self) -> None:
        """Nothing to wait for: every write was waited for, and the server's log makes it durable."""

    def close(self) -> None:
        """Let go of the connection. Closing twice is fine."""
        with self._connecting:
            if self._client is not None:
                self._client.close()
            self._client, self._ready = None, False

    def _connected(self) -> QdrantClient:
        came = time.monotonic()
        with self._connecting:
            if not self._ready or self._client is None:
                # whoever waited for another thread's attempt, which failed, has waited long enough
                if self._failed and self._failed[0] > came:
                    raise IndexUnavailableError(self._failed[1].message, hint=self._failed[1].hint)
                self._open()
            assert self._client is not None  # noqa: S101 - `_open` made it
            return self._client

    def _connect_by_url(self) -> QdrantClient:
        from qdrant_client import QdrantClient

        if self._url == IN_MEMORY:
            return QdrantClient(location=IN_MEMORY)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a key over plain http is the operator's decision
            timeout = self._options.timeout_s
            return QdrantClient(
                url=self._url, api_key=self._api_key or None, timeout=timeout, check_compatibility=False
            )

    def _open(self, keeps: Callable[[CollectionInfo], bool] | None = None) -> None:
        """Connect, and see that there is a collection that fits: one that `keeps` is false of is made anew.

        Without `keeps`, one that doesn't fit is an error. Whoever calls this holds `_connecting`.
        """
        try:
            self._client = client = self._client or self._do(self._connect)
            info = self._ask(lambda: self._info(client))
            if info is not None and keeps is not None and not keeps(info):
                self._write(lambda: client.delete_collection(self._collection))
                info = None
            if info is None:
                self._create(client)
                info = self._ask(lambda: self._info(client))
            if info is None or not self._fits(info):
                raise IndexUnavailableError(
                    f"The collection {self._collection} at {self._shown} was made for another embedding model or by "
                    "another cuecard.",
                    hint="Run `cuecard ingest` on your documents again: it builds the index anew.",
                )
            self._settle(client, info)
        except IndexUnavailableError as error:
            self._failed = (time.monotonic(), error)
            raise
        self._generation, self._ready = _generation_of(info), True

    def _info(self, client: QdrantClient) -> CollectionInfo | None:
        """The collection; None where there is none."""
        return client.get_collection(self._collection) if client.collection_exists(self._collection) else None

    def _fits(self, info: CollectionInfo) -> bool:
        """Whether the collection is for our vectors."""
        held = info.config.metadata or {}
        return {key: held.get(key) for key in self._wanted} == self._wanted

    def _create(self, client: QdrantClient) -> None:
        wanted = self._options.creation(self._wanted["dim"])
        metadata = {**self._wanted, "generation": uuid.uuid4().hex}

        def create() -> None:
            if client.collection_exists(self._collection):
                return  # made by an attempt that seemed to fail
            try:
                client.create_collection(self._collection, **wanted, metadata=metadata)
            except Exception:
                if not client.collection_exists(self._collection):  # another process may have been first
                    raise

        self._write(create)

    def _settle(self, client: QdrantClient, info: CollectionInfo) -> None:
        """Add what an interrupted creation left out, and what the settings want otherwise now."""
        from qdrant_client import models as m

        indexed = {p.VERSION_KEY: m.PayloadSchemaType.INTEGER, p.FACETS: m.PayloadSchemaType.KEYWORD}
        missing = [(key, kind) for key, kind in indexed.items() if key not in info.payload_schema]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # qdrant-client's own engine has none, and says so
            for key, kind in missing:
                self._write(lambda key=key, kind=kind: client.create_payload_index(self._collection, key, kind))  # type: ignore[misc]
        changes = self._options.changes(info.config)
        if changes:
            self._write(lambda: client.update_collection(self._collection, **changes))

    def _name(self, generation: str) -> None:
        client = self._client
        assert client is not None  # noqa: S101 - `_open` made it
        self._write(lambda: client.update_collection(self._collection, metadata={"generation": generation}))
        self._generation = generation

    @property
    def _shown(self) -> str:
        """The address without a name and a password."""
        return (
            self._url.replace(f"{urlsplit(self._url).netloc.rpartition('@')[0]}@", "")
            if "@" in self._url
            else self._url
        )

    def _ask(self, work: Callable[[], _T]) -> _T:
        return self._do(lambda: faults.asked(work))

    def _write(self, work: Callable[[], _T]) -> _T:
        return self._do(lambda: faults.written(work, self._options.patience_s))

    def _do(self, work: Callable[[], _T]) -> _T:
        """The one place where the client's errors become ours."""
        try:
            return work()
        except IndexUnavailableError:
            raise
        except Exception as error:
            if faults.status_of(error) == faults.NOT_FOUND:
                self._ready = False  # the collection is gone: the next call makes it anew
            raise faults.told(error, self._shown, self._options) from error


def _generation_of(info: CollectionInfo) -> str:
    return str((info.config.metadata or {}).get("generation", ""))
