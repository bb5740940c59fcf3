"""A library into another home: catalog and index copied to servers, or back into a folder, and compared.

The index goes first and the catalog last, in one transaction, so that until the end there is nothing to be seen
there; what an interrupted copy left is used again or swept away by the next one. What is copied from is only read.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from api.compose import Parts
from api.doctor import findings
from api.library import Body, Progress
from ingest.copy import copy_catalog, differences, is_empty, same_library, sum_up
from ingest.errors import IndexUnavailableError, RefusedError, UsageError
from retrieval.build import EMBEDDINGS_FILE, NO_RERANKER
from retrieval.carry import KnownVectors, carry_index, other_hits, uneven_versions
from retrieval.mend import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.settings import Settings
    from ingest.catalog import Catalog
    from retrieval.ports import VectorIndex

SAMPLE = 32
"""Questions that are asked here and there."""

HITS = 10
SHOWN_DIFFERENCES = 20
_WORDS = 12  # of a chunk that asks nothing, these are asked for


def migrate(
    source: Parts,
    settings: Settings,
    *,
    replace: bool = False,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> Body:
    """Copy the library to where `settings` say, and compare. Whoever calls this holds both homes.

    What was copied, what was compared, and `differences` and `other_answers`, sentences each, none where all is the
    same. Run again after an interrupt it goes on; run again after its end it compares. `replace`: another library
    that stands there goes. Raises RefusedError where one does without it, or where the index of this one is not
    whole; UsageError where there is nothing to copy; IndexUnavailableError; ModelError.
    """
    started = time.monotonic()
    room = source.retrieval
    known = KnownVectors(room.embedder, room.index, room.cache)
    _carry_cache(source.settings.home / EMBEDDINGS_FILE, settings.home / EMBEDDINGS_FILE)
    # rerankers look at texts, not at the index: with none, the indexes themselves are compared
    bare = dataclasses.replace(settings, rerank_model=NO_RERANKER)
    with Parts(bare, tell or (lambda _: None), embedder=known) as target:
        _refuse_same_place(source, target)
        _refuse_damaged(source)
        done = _has_all(source, target)
        other = not (done or is_empty(target.catalog) or same_library(source.catalog, target.catalog))
        if other and not replace:
            raise _other_library(source, target)
        written = kept = 0
        if not done:
            copying = _copying(source, target, anew=other)
            written, kept = carry_index(source.catalog, target.retrieval, known, copying, progress)
        fingerprints = {room.indexer.fingerprint(): target.indexer.fingerprint()}
        if not (done or _one_catalog(source, target)):
            copy_catalog(source.catalog, target.catalog, fingerprints, progress)
        body = _compare(source, target, fingerprints, progress)
    return {
        "from": _place(source),
        "to": _place(target),
        "written": written,
        "kept": kept,
        "embedded": known.embedded,
        "uploads": _uploads(source, target),
        **body,
        "seconds": round(time.monotonic() - started, 3),
    }


def _one_catalog(source: Parts, target: Parts) -> bool:
    return source.catalog_url == target.catalog_url


def _refuse_same_place(source: Parts, target: Parts) -> None:
    here, there = source.settings, target.settings
    embedded = not there.qdrant_url
    if embedded and here.qdrant_url and _one_catalog(source, target):
        hint = "Unset CUECARD_QDRANT_URL and run `cuecard doctor --repair`: it builds the index in the home."
        raise UsageError(f"The catalog is in {there.home} already, and only the index is not.", hint=hint)
    if embedded and not here.qdrant_url and here.home == there.home:
        raise UsageError(f"The index is in {there.home} already.", hint="Name another folder.")
    if here.qdrant_url == there.qdrant_url and _one_catalog(source, target):
        raise UsageError("The library is there already.", hint="Name another place.")


def _carry_cache(here: Path, there: Path) -> None:
    """The embedding cache, with all that a reranker keeps in it, where there is none there yet. It only saves work."""
    if there.exists() or not here.exists():
        return
    import sqlite3
    from contextlib import closing, suppress

    scratch = there.with_name(f"{there.name}.new")
    with suppress(sqlite3.Error, OSError):
        there.parent.mkdir(parents=True, exist_ok=True)
        scratch.unlink(missing_ok=True)
        with closing(sqlite3.connect(here)) as read, closing(sqlite3.connect(scratch)) as write:
            read.backup(write)
        scratch.replace(there)


def _refuse_damaged(source: Parts) -> None:
    found = diagnose(source.catalog, source.retrieval)
    if found.failure:
        hint = "`cuecard doctor --repair` builds the index anew from the catalog; then migrate."
        raise IndexUnavailableError(f"The index of this library can't be used: {found.failure}", hint=hint)
    if found.stale or found.uneven or (found.chunks and not found.points):
        said = " ".join(findings(found))
        hint = "`cuecard doctor --repair` sets it right; then migrate."
        raise RefusedError(f"The index of this library is not whole: {said}", hint=hint)


def _has_all(source: Parts, target: Parts) -> bool:
    """Whether the library is there already, whole, as a copy that came to its end leaves it."""
    if is_empty(target.catalog):
        return False
    try:
        room, there = source.retrieval, target.retrieval
        if target.settings.qdrant_url and room.index.generation() != there.index.generation():
            return False
        if uneven_versions(source.catalog, room.index, there.index):
            return False
        fingerprints = {room.indexer.fingerprint(): there.indexer.fingerprint()}
    except IndexUnavailableError:
        return False  # made for other vectors, or damaged; where it is away, writing to it says so
    return not differences(sum_up(source.catalog, fingerprints), sum_up(target.catalog))


def _other_library(source: Parts, target: Parts) -> RefusedError:
    held = target.catalog.stats()
    return RefusedError(
        f"There is another library: {held['documents']:,} documents, change {held['sequence']:,} (here: "
        f"{len(source.catalog.documents()):,} documents, change {source.catalog.sequence():,}).",
        hint="Name an empty place, or add --replace: then what is there goes.",
    )


def _copying(source: Parts, target: Parts, *, anew: bool) -> AbstractContextManager[Mapping[int, int]]:
    """Makes the index there anew, or goes on with what an interrupted copy left in a server."""
    if target.settings.qdrant_url:
        from retrieval.server import ServerIndex

        index = target.retrieval.index
        assert isinstance(index, ServerIndex)  # noqa: S101 - what a url makes
        return index.copied(source.retrieval.index.generation(), anew=anew)
    return _renewed(target.retrieval.index, source.retrieval.index.count())


@contextmanager
def _renewed(index: VectorIndex, points: int) -> Iterator[Mapping[int, int]]:
    with index.renewed(tuned_for=points):
        yield {}


def _uploads(source: Parts, target: Parts) -> int:
    """How many documents were uploaded, where their files stay behind in the folder of this home."""
    from api.upload_store import UploadStore

    if source.settings.home == target.settings.home:
        return 0
    store = UploadStore(source.settings.home)
    return sum(store.keeps(info.source) for info in source.catalog.documents())


def _compare(source: Parts, target: Parts, fingerprints: Mapping[str, str], progress: Progress | None) -> Body:
    """Catalogs by their rows, indexes by their versions, and both by what is found for a sample of questions."""
    from retrieval.retriever import Retriever

    mine, theirs = sum_up(source.catalog, fingerprints, progress), sum_up(target.catalog, None, progress)
    said = differences(mine, theirs)
    said += uneven_versions(source.catalog, source.retrieval.index, target.retrieval.index)
    asked = _questions(source.catalog)
    embedder = source.retrieval.embedder
    retrievers = [Retriever(each.catalog, each.retrieval.index, embedder) for each in (source, target)]
    other = []
    for number, question in enumerate(asked, 1):
        here, there = (each.search(question, k=HITS) for each in retrievers)
        differs = other_hits(here, there)
        other += [f"{question!r}: {differs}."] if differs else []
        if progress:
            progress("questions asked here and there", number, len(asked))
    stats = source.catalog.stats()
    return {
        "compared": {
            "versions": stats["versions"],
            "documents": stats["documents"],
            "chunks": stats["chunks"],
            "changes": stats["sequence"],
            "rows": mine.rows,
            "questions": len(asked),
            "checksum": {"here": mine.checksum, "there": theirs.checksum},
        },
        "differences": _some(said),
        "other_answers": _some(other),
    }


def _questions(catalog: Catalog) -> list[str]:
    """Questions of the library, or first words of its notes; always the same ones of the same library."""
    dice = random.Random(0)  # noqa: S311 - a sample, not a secret
    served = [info for info in catalog.documents() if info.chunks]
    asked = []
    for info in dice.choices(served, k=SAMPLE) if served else ():
        chunk = dice.choice(catalog.load(info.version_key).chunks)
        asked.append(chunk.question or " ".join(chunk.text.split()[:_WORDS]))
    return [text for text in dict.fromkeys(asked) if text.strip()]


def _some(said: list[str]) -> list[str]:
    """What is worth telling: of thousands of the same kind some, and how many more."""
    more = len(said) - SHOWN_DIFFERENCES
    return said if more <= 0 else [*said[:SHOWN_DIFFERENCES], f"And {more:,} more."]


def _place(parts: Parts) -> Body:
    from sqlalchemy import make_url

    return {
        "home": str(parts.settings.home),
        "catalog": make_url(parts.catalog_url).render_as_string(hide_password=True),
        "index": parts.settings.qdrant_url or "embedded",
    }
