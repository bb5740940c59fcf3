"""An index into another place: filled from the catalog, with the vectors that are known already, and compared.

Vectors are looked for in the embedding caches, then in the index they are carried from; what is in neither is
embedded. Everything else of a point is made as it always is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np

from ingest.catalog import Catalog
from ingest.items import Chunk
from ingest.ports import NewVersion
from ingest.sync_run import Progress
from retrieval.cache import EmbeddingCache
from retrieval.hits import SearchResult
from retrieval.indexer import passage_text
from retrieval.mend import Room, batches
from retrieval.ports import Embedder, VectorIndex, Vectors

_NEARLY = 0.01
"""Scores closer than this may change places: engines round, and count deleted points until they clean up."""


class KnownVectors:
    """The `Embedder` of an index that is filled from another one: embeds only what is known nowhere.

    `expect` says which versions come next, so that what the caches don't have is read from the index at once.
    """

    def __init__(self, embedder: Embedder, index: VectorIndex, cache: EmbeddingCache) -> None:
        self._embedder, self._index, self._cache = embedder, index, cache
        self._batch: Sequence[NewVersion] = ()
        self._stored: dict[tuple[str, str], Vectors] | None = None
        self.embedded = 0
        """How many texts were known nowhere."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._embedder.dim

    @property
    def fingerprint(self) -> str:
        """Names the model and everything that shapes its vectors."""
        return self._embedder.fingerprint

    @property
    def max_tokens(self) -> int:
        """Longer texts are cut here."""
        return self._embedder.max_tokens

    def expect(self, batch: Sequence[NewVersion]) -> None:
        """These are put next."""
        self._batch, self._stored = batch, None

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError and IndexUnavailableError."""
        return self._known("query", texts, self._embedder.embed_queries)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], unit length. Raises ModelError and IndexUnavailableError."""
        return self._known("passage", texts, self._embedder.embed_passages)

    def _known(self, role: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
        return self._cache.embed(
            self.fingerprint, role, texts, self.dim, lambda missing: self._read_or_embed(role, missing, embed)
        )

    def _read_or_embed(self, role: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
        if self._stored is None:
            self._stored = self._read(self._batch)
        stored = self._stored
        unknown = [text for text in texts if (role, text) not in stored]
        fresh = dict(zip(unknown, embed(unknown), strict=True)) if unknown else {}
        self.embedded += len(fresh)
        return np.stack([stored[role, text] if (role, text) in stored else fresh[text] for text in texts])

    def _read(self, batch: Sequence[NewVersion]) -> dict[tuple[str, str], Vectors]:
        """What the index has of these versions, by role and text."""
        chunks: dict[tuple[int, str], Chunk] = {
            (version.key, chunk.id): chunk for version in batch for chunk in version.document.chunks
        }
        found: dict[tuple[str, str], Vectors] = {}
        for key, (passage, questions) in self._index.stored_vectors(list(chunks)).items():
            found["passage", passage_text(chunks[key])] = passage
            if len(questions) == len(chunks[key].questions):
                found.update({("query", text): one for text, one in zip(chunks[key].questions, questions, strict=True)})
        return found


def carry_index(
    catalog: Catalog,
    target: Room,
    known: KnownVectors,
    copying: AbstractContextManager[Mapping[int, int]],
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Fill the index of `target`, whose indexer embeds through `known`, with all that the catalog serves.

    `copying` gives the versions that are there already, by their numbers of points, and makes the index whole when
    it ends. How many chunks were written, and how many were there. Raises IndexUnavailableError and ModelError.
    """
    live = {info.version_key: info.chunks for info in catalog.documents()}
    with copying as there:
        target.index.drop_versions([key for key, points in there.items() if live.get(key) != points])
        missing = [key for key, chunks in live.items() if there.get(key, 0) != chunks]
        total = sum(live.values())
        kept = done = total - sum(live[key] for key in missing)
        for batch in batches(catalog, missing):
            known.expect(batch)
            target.indexer.put(batch)
            done += sum(len(version.document.chunks) for version in batch)
            if progress:
                progress("index", done, total)
    return total - kept, kept


def uneven_versions(catalog: Catalog, source: VectorIndex, target: VectorIndex) -> list[str]:
    """Versions that are served and have other numbers of points in the two indexes, or any without being served."""
    here, there = source.version_counts(), target.version_counts()
    served = {info.version_key: info.path for info in catalog.documents()}
    said = [
        f"Version {key} ({path}) has {there.get(key, 0)} points there and {here.get(key, 0)} here."
        for key, path in served.items()
        if here.get(key, 0) != there.get(key, 0)
    ]
    return said + [f"Version {key} has points there and is not served." for key in sorted(there.keys() - served.keys())]


def other_hits(here: SearchResult, there: SearchResult) -> str:
    """How two answers to one question differ, "" where they don't.

    Hits that score about as much as the last one may be others, and the first may change places with its equals.
    """
    if here.degraded or there.degraded:
        return "the index could not be searched"
    mine, theirs = _scores(here), _scores(there)
    full = len(mine) == len(theirs) and bool(mine)
    floor = max(min(mine.values()), min(theirs.values())) + _NEARLY if full else 0.0
    missing = [key for key, score in mine.items() if score > floor and key not in theirs]
    added = [key for key, score in theirs.items() if score > floor and key not in mine]
    if missing or added:
        return f"{len(missing)} of {len(mine)} hits are missing there, {len(added)} are others"
    best = max(theirs.values(), default=0.0)
    if mine and theirs.get(next(iter(mine)), best) < best - _NEARLY:
        return "another hit comes first there"
    return ""


def _scores(result: SearchResult) -> dict[tuple[str, str, str], float]:
    return {(hit.chunk.collection, hit.chunk.document, hit.chunk.id): hit.score for hit in result.hits}
