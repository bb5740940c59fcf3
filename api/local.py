"""A knowledge base opened in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from answering.answers import Mode
from api.compose import check_text, mend_index, open_home
from api.home import Holding
from api.library import Body, Filters, Progress, checked_k, checked_question
from api.settings import Settings
from ingest.catalog_info import DocumentInfo
from ingest.errors import IndexUnavailableError, NotFoundError


class LocalLibrary:
    """Holds the home until `close`. Nothing is opened, and no model loaded, before it is needed."""

    def __init__(self, settings: Settings, holding: Holding, tell: Callable[[str], None] | None = None) -> None:
        self.settings = settings
        self.holding = holding
        self.parts = open_home(settings, tell)

    def ask(self, question: str, *, collection: str | None, filters: Filters, mode: str, k: int | None) -> Body:
        answer = self.parts.answerer.ask(
            checked_question(question),
            collection=collection,
            filters=filters,
            mode=cast(Mode, mode),
            k=None if k is None else checked_k(k),
        )
        return answer.to_dict()

    def search(self, query: str, *, k: int, collection: str | None, filters: Filters) -> Body:
        text = checked_question(query, what="query")
        result = self.parts.retriever.search(text, k=checked_k(k), collection=collection, filters=filters)
        if result.degraded and not result.hits:
            # an empty list would read as "the library holds nothing like it"
            hint = "`cuecard doctor` says why; `cuecard ingest` on your documents builds the index anew."
            raise IndexUnavailableError("The index can't be searched right now.", hint=hint)
        return {"query": query, "hits": [hit.to_dict() for hit in result.hits], "timings_ms": dict(result.timings_ms)}

    def check(self, answer: str, sources: Sequence[Mapping[str, str]], question: str | None) -> Body:
        return check_text(self.parts.checker, answer, sources, question)

    def ingest(self, paths: Sequence[Path], *, collection: str, yes: bool, progress: Progress | None) -> Body:
        from ingest.sync import sync

        mend_index(self.parts, progress)
        report = sync(self.parts.catalog, self.parts.indexer, paths, collection=collection, yes=yes, progress=progress)
        body = report.to_dict()
        for entry, problem in zip(body["quarantine"], report.quarantine, strict=True):
            entry["hint"] = problem.hint
        return body

    def documents(self, collection: str | None) -> Body:
        return {"documents": [info.to_dict() for info in self.parts.catalog.documents(collection)]}

    def document(self, id_or_path: str, collection: str | None) -> Body:
        info = self.parts.catalog.document(id_or_path, collection)
        document = self.parts.catalog.load(info.version_key)
        return {
            **info.to_dict(),
            "items": [asdict(item) for item in document.items],
            "item_counts": dict(info.items),
            "account": [asdict(line) for line in document.account],
        }

    def document_text(self, id_or_path: str, collection: str | None) -> Body:
        info = self.parts.catalog.document(id_or_path, collection)
        text = self.parts.catalog.text(info.version_key)
        return {"id": info.id, "path": info.path, "version": info.version, "text": text}

    def versions(self, id_or_path: str, collection: str | None) -> Body:
        found = self.parts.catalog.versions(self._id(id_or_path, collection))
        return {"versions": [version.to_dict() for version in found]}

    def delete_document(self, id_or_path: str, collection: str | None) -> Body:
        from ingest.sync import delete

        info: DocumentInfo = delete(self.parts.catalog, self.parts.indexer, id_or_path, collection)
        return info.to_dict()

    def quarantine(self) -> Body:
        return {"quarantine": [entry.to_dict() for entry in self.parts.catalog.quarantine()]}

    def changes(self, since: int) -> Body:
        return {"changes": [change.to_dict() for change in self.parts.catalog.changes(since)]}

    def stats(self) -> Body:
        return {"home": str(self.settings.home), **self.parts.catalog.stats()}

    def doctor(self) -> Body:
        from api.doctor import examine

        return examine(self.settings, self.parts)

    def close(self) -> None:
        try:
            self.parts.close()
        finally:
            self.holding.release()

    def _id(self, id_or_path: str, collection: str | None) -> str:
        """The id of a document; a whole id also of one that is served no more."""
        try:
            return self.parts.catalog.document(id_or_path, collection).id
        except NotFoundError:
            if not self.parts.catalog.versions(id_or_path):
                raise
            return id_or_path
