"""The same question in several documents: found when documents change, recorded with what the answers disagree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

from answering.conflicts import disagreement
from answering.model_answer import answer_spans
from answering.ports import QuestionIndex, Vectors
from ingest.catalog import Catalog
from ingest.catalog_info import DocumentInfo
from ingest.catalog_links import Link, questions, relink, unlinked
from ingest.text import fold

SAME = 0.90
"""Cosine from which two questions of different documents are one, with all-MiniLM-L6-v2. Read over random pairs of the
questions in `../shared/training/corpus` and `../shared/bench/dev/corpus` (5,385): of 44 between 0.90 and 1 all but 6
asked the same (3 of those 6 were `What's the output?` and its like, which `_identifying` leaves out); between 0.85 and
0.90 about every second."""

_NEAREST = 20
_AT_ONCE = 512

Progress = Callable[[str, int, int], None]


def link(
    catalog: Catalog,
    index: QuestionIndex,
    embed: Callable[[list[str]], Vectors],
    progress: Progress | None = None,
) -> int:
    """Link the questions of all documents that changed since the last call; how many links those documents have now.

    `embed`: questions to float32 [n, d], as the index has them. Safe to interrupt and to repeat. Raises ModelError and
    IndexUnavailableError.
    """
    number, changed = unlinked(catalog)
    live = {info.version_key: info for info in catalog.documents()} if changed else {}
    identifying = cache(lambda key: _identifying(questions(catalog, key)))
    asked = [
        (info, item_id, question)
        for info in live.values()
        if info.id in changed
        for item_id, question in identifying(info.version_key).items()
    ]
    found: list[Link] = []
    for start in range(0, len(asked), _AT_ONCE):
        if progress:
            progress("link", start, len(asked))
        for collection in sorted({info.collection for info, _, _ in asked[start : start + _AT_ONCE]}):
            batch = [each for each in asked[start : start + _AT_ONCE] if each[0].collection == collection]
            vectors = embed([question for _, _, question in batch])
            near = index.nearest_questions(vectors, limit=_NEAREST, filters={"collection": (collection,)})
            for (info, item_id, _), hits in zip(batch, near, strict=True):
                for hit in hits:
                    other, other_item = live.get(hit.version_key), hit.chunk_id.rpartition("-")[0]
                    if hit.score < SAME or other is None or other.id == info.id:
                        continue
                    if other_item in identifying(other.version_key):
                        conflict = _conflict(catalog, info, item_id, other, other_item)
                        score = round(min(1.0, hit.score), 4)
                        found.append(Link(collection, info.id, item_id, other.id, other_item, score, conflict))
    relink(catalog, number, changed, found)
    return len(found)


def _identifying(asked: Mapping[str, str]) -> dict[str, str]:
    """The questions that a document asks once: "What is the output?" over twenty pieces of code says nothing alone."""
    counts = Counter(fold(question) for question in asked.values())
    return {item_id: question for item_id, question in asked.items() if counts[fold(question)] == 1}


def _conflict(catalog: Catalog, one: DocumentInfo, item_id: str, other: DocumentInfo, other_item: str) -> str:
    said = []
    for info, each in ((one, item_id), (other, other_item)):
        text = catalog.text(info.version_key)
        spans = answer_spans(catalog.item(info.version_key, each), text)
        said.append("\n\n".join(text[span.start : span.end] for span in spans))
    return disagreement(*said) if all(said) else ""
