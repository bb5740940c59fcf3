"""A library in memory: documents from a few words, and the catalog as retrieval sees it."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.items import Chunk, Document, Kind, Meta, Span, StoredChunk
from ingest.ports import NewVersion
from ingest.view import EVERYTHING, View
from tests.chunk_names import chunk_id, chunk_name


def chunk(
    name: str, text: str, *, question: str | None = None, context: str = "", heading: tuple[str, ...] = ()
) -> Chunk:
    """A chunk named `name`: a qa where it has a question, else a note."""
    kind: Kind = "qa" if question else "note"
    questions = (question,) if question else ()
    context = context or (question or "")
    span = Span(0, len(text), 1, 1 + text.count("\n"))
    return Chunk(chunk_id(name), f"item-{name}", 0, kind, span, text, context, heading, question, questions)


def document(path: str, *chunks: Chunk, collection: str = "default", meta: Meta | None = None) -> Document:
    """A document that holds these chunks."""
    text = "\n".join(each.text for each in chunks)
    return Document(f"doc-{path}", collection, path, "sha256:0", path, text, meta or Meta(), (), chunks)


class MemoryCatalog:
    """Serves what it was given, until it is retired.

    `unanswered`: names of chunks whose question has no answer. `read`: the keys it was asked for.
    """

    def __init__(self, *versions: NewVersion) -> None:
        self.live: dict[int, Document] = {}
        self.changes = 0
        self.read: list[tuple[int, str]] = []
        self.unanswered: set[str] = set()
        self.serve(*versions)

    def serve(self, *versions: NewVersion) -> None:
        self.live.update({version.key: version.document for version in versions})
        self.changes += 1

    def retire(self, *keys: int) -> None:
        for key in keys:
            del self.live[key]
        self.changes += 1

    def live_versions(self, view: View = EVERYTHING) -> set[int]:
        return {key for key, document in self.live.items() if view.shows(document.collection, document.meta.audience)}

    def sequence(self) -> int:
        return self.changes

    def live_chunks(self, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], StoredChunk]:
        self.read += keys
        wanted = set(keys)
        return {
            (key, each.id): stored(key, document, each, answered=chunk_name(each.id) not in self.unanswered)
            for key, document in self.live.items()
            for each in document.chunks
            if (key, each.id) in wanted
        }


def stored(key: int, document: Document, each: Chunk, *, answered: bool = True) -> StoredChunk:
    """A chunk as a catalog gives it back."""
    return StoredChunk(
        id=each.id,
        item_id=each.item_id,
        version_key=key,
        ordinal=each.ordinal,
        kind=each.kind,
        text=each.text,
        context=each.context,
        span=each.span,
        heading=each.heading,
        question=each.question,
        questions=each.questions,
        answer=each.span if each.question and answered else None,
        talking_points=(),
        document_id=document.id,
        document=document.path,
        collection=document.collection,
        version=document.version,
        title=document.title,
        meta=document.meta,
    )
