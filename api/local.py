"""A knowledge base opened in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from answering.answers import Mode
from api.bodies import document_body, entry_body, report_body
from api.compose import check_text, mend_index, open_home
from api.home import LOCK_FILE, OWNER_FILE, Holding
from api.keys import Keys
from api.library import MAX_CHANGES, Body, Filters, Progress, checked_k, checked_limit, checked_question
from api.settings import CONFIG_FILE, Settings
from ingest.errors import IndexUnavailableError, NotFoundError, UsageError
from ingest.folders import IGNORE_FILE
from ingest.view import EVERYTHING, View

if TYPE_CHECKING:
    from answering.ports import Listener
    from api.answers import Answers, Asking
    from api.recorder import Recorder
    from ingest.catalog_view import CatalogView


WARMED = 50
"""Questions that are answered before anybody asks; a second of work."""

OWN_FILES = (OWNER_FILE, LOCK_FILE, CONFIG_FILE, "*.sqlite3*", "index", "models", "uploads")
"""What stands in a home; none of it is a document."""


class LocalLibrary:
    """Holds the home until `close`. Nothing is opened, and no model loaded, before it is needed."""

    def __init__(self, settings: Settings, holding: Holding, tell: Callable[[str], None] | None = None) -> None:
        self.settings = settings
        self.holding = holding
        self.parts = open_home(settings, tell)
        self.observers: list[Callable[[Body, View], None]] = []
        """Told of every answer, and through which view it was asked for."""
        self.ingest_observers: list[Callable[[Body], None]] = []
        """Told of every ingest that ended: its report."""
        self.rating_observers: list[Callable[[str], None]] = []
        """Told of every rating: "up" or "down"."""
        self.recorder: Recorder | None = None
        """What writes down what is asked, if anything does."""
        # while this process alone holds the home, nobody else changes its keys
        self.keys = Keys(lambda: self.parts.catalog, alone=not settings.shared)

    @cached_property
    def answers(self) -> Answers:
        """What remembers answers."""
        from api.answers import KEPT, Answers

        size = self.settings.answer_cache
        return Answers(self.parts, KEPT if size is None else int(size))

    @property
    def warm(self) -> bool:
        """Whether everything that a question needs is loaded, so that no call waits for that."""
        return self.parts.warm

    @property
    def embedded(self) -> bool:
        """Whether catalog and index are in this process, so that looking at them takes microseconds."""
        return self.settings.database_url is None and self.settings.qdrant_url is None

    def record(self) -> None:
        """Write down what is asked from now on, as far as the settings allow."""
        from api.recorder import Recorder

        if self.recorder is None:
            self.recorder = Recorder(lambda: self.parts.catalog, keep_questions=self.settings.keep_questions != "no")
            self.observers.append(self.recorder.answered)

    def known(
        self,
        question: str,
        *,
        collection: str | None,
        filters: Filters,
        mode: str,
        k: int | None,
        view: View = EVERYTHING,
    ) -> Body | None:
        """The answer that `ask` would give, if it is remembered: in microseconds, so that nobody has to wait for it."""
        body = self.answers.known(_asking(question, collection, filters, mode, k, view))
        if body is not None:
            self._tell(body, view)
        return body

    def ask(
        self,
        question: str,
        *,
        collection: str | None,
        filters: Filters,
        mode: str,
        k: int | None,
        conversation_id: str | None = None,
        view: View = EVERYTHING,
        listener: Listener | None = None,
        who: str | None = None,
    ) -> Body:
        asking = _asking(question, collection, filters, mode, k, view)
        body = self.answers.ask(asking, conversation_id, listener, who)
        self._tell(body, view)
        return body

    def search(self, query: str, *, k: int, collection: str | None, filters: Filters, view: View = EVERYTHING) -> Body:
        text = checked_question(query, what="query")
        result = self.parts.retriever.search(text, k=checked_k(k), collection=collection, filters=filters, view=view)
        if result.degraded and not result.hits:
            # an empty list would read as "the library holds nothing like it"
            hint = "`cuecard doctor` says why; `cuecard ingest` on your documents builds the index anew."
            raise IndexUnavailableError("The index can't be searched right now.", hint=hint)
        return {"query": query, "hits": [hit.to_dict() for hit in result.hits], "timings_ms": dict(result.timings_ms)}

    def check(self, answer: str, sources: Sequence[Mapping[str, str]], question: str | None) -> Body:
        return check_text(self.parts.checker, answer, sources, question)

    def ingest(self, paths: Sequence[Path], *, collection: str, yes: bool, progress: Progress | None) -> Body:
        from ingest.sync import sync

        _keep_out(self.settings.home)
        mend_index(self.parts, progress)
        indexer = self.parts.indexer
        before = indexer.embedded
        done = sync(self.parts.catalog, indexer, paths, collection=collection, yes=yes, progress=progress)
        self._link(progress)
        return self._ingested({**report_body(done), "embedded": indexer.embedded - before})

    def documents(self, collection: str | None, *, view: View = EVERYTHING) -> Body:
        return {"documents": [document_body(info, view) for info in self.parts.catalog.documents(collection, view)]}

    def questions(self, text: str, *, limit: int, view: View = EVERYTHING) -> Body:
        return {"questions": self.parts.shelf.questions(text, limit, view)}

    def facets(self, *, view: View = EVERYTHING) -> Body:
        return {"facets": self.parts.shelf.facets(view)}

    def document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        info = self.parts.catalog.document(id_or_path, collection, view)
        document = self.parts.catalog.load(info.version_key)
        related: dict[str, list[Body]] = {item.id: [] for item in document.items}
        for twin in self._seen(view).twins(info.id):
            related.setdefault(twin.of, []).append(twin.to_dict())
        return {
            **document_body(info, view),
            "items": [{**asdict(item), "related": related[item.id]} for item in document.items],
            "item_counts": dict(info.items),
            "account": [asdict(line) for line in document.account],
        }

    def document_text(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        info = self.parts.catalog.document(id_or_path, collection, view)
        text = self.parts.catalog.text(info.version_key)
        return {"id": info.id, "path": info.path, "version": info.version, "text": text}

    def versions(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        found = self._seen(view).versions(self._id(id_or_path, collection, view))
        return {"versions": [version.to_dict() for version in found]}

    def diff(
        self,
        id_or_path: str,
        old: str | None,
        new: str | None,
        collection: str | None,
        *,
        view: View = EVERYTHING,
    ) -> Body:
        from ingest.diff import diff_versions

        return diff_versions(self.parts.catalog, self._id(id_or_path, collection, view), old, new, view).to_dict()

    def delete_document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        from api.upload_store import UploadStore
        from ingest.sync import delete

        info = self.parts.catalog.document(id_or_path, collection, view)
        uploads = UploadStore(self.settings.home)
        uploaded = uploads.keeps(info.source)
        if uploaded:
            # first, so that what was broken off here can be asked for again
            uploads.remove(info.source)
        gone = delete(self.parts.catalog, self.parts.indexer, info.id)
        self._link(None)
        return {**document_body(gone, view), "file_kept": not uploaded}

    def quarantine(self, *, dropped: bool = False, view: View = EVERYTHING) -> Body:
        return {"quarantine": [entry_body(entry, view) for entry in self._seen(view).quarantine(dropped=dropped)]}

    def quarantine_entry(self, id_or_prefix: str, *, view: View = EVERYTHING) -> Body:
        return entry_body(self._seen(view).quarantine_entry(id_or_prefix), view)

    def retry(self, entry_id: str, progress: Progress | None) -> Body:
        from ingest.quarantine import retry

        mend_index(self.parts, progress)
        done = retry(self.parts.catalog, self.parts.indexer, entry_id, progress)
        self._link(progress)
        return self._ingested(report_body(done))

    def drop(self, entry_id: str, *, view: View = EVERYTHING) -> Body:
        from ingest.quarantine import drop

        return entry_body(drop(self.parts.catalog, self._seen(view).quarantine_entry(entry_id).id), view)

    def changes(self, since: int, limit: int = MAX_CHANGES, *, view: View = EVERYTHING) -> Body:
        return {"changes": [change.to_dict() for change in self._seen(view).changes(since, checked_limit(limit))]}

    def repair(self, progress: Progress | None) -> Body:
        from api.compose import repair

        return repair(self.parts, progress)

    def stats(self, *, view: View = EVERYTHING) -> Body:
        home = {"home": str(self.settings.home)} if view == EVERYTHING else {}
        return {**home, **self.parts.catalog.stats(view)}

    def create_key(
        self, name: str, *, scopes: Sequence[str], audience: str | None, collections: Sequence[str], expires: str | None
    ) -> Body:
        key, secret = self.keys.create(name, scopes, audience, collections, expires)
        return {"id": key.id, "key": secret, **key.to_dict(self.keys.now())}

    def list_keys(self) -> Body:
        return {"keys": [key.to_dict(self.keys.now()) for key in self.keys.all()]}

    def revoke_key(self, id_or_prefix: str) -> Body:
        return self.keys.revoke(id_or_prefix).to_dict(self.keys.now())

    def warm_up(self, most: int = WARMED) -> int:
        """Answer what was asked most often, so that the next who asks need not wait; how many were.

        With a language model only the searches are made. Nobody is told of these answers. Raises CuecardError.
        """
        from ingest.feedback import FeedbackStore

        asked = FeedbackStore(self.parts.catalog).most_asked(most)
        for question, view in asked:
            if self.settings.llm is None:
                self.answers.ask(_asking(question, None, {}, "auto", None, view))
            else:
                self.parts.retriever.search(question, view=view)
        return len(asked)

    def doctor(self) -> Body:
        from api.doctor import examine

        return examine(self.settings, self.parts)

    def feedback(
        self, answer_id: str, rating: str, comment: str | None, *, view: View = EVERYTHING, who: str | None = None
    ) -> Body:
        from ingest.feedback import FeedbackStore, Rating

        if rating not in ("up", "down"):
            raise UsageError(f"The rating is {rating!r}.", hint="Rate an answer up or down.")
        if self.recorder is not None:
            self.recorder.flush()
        store = FeedbackStore(self.parts.catalog)
        said = store.rate(answer_id, cast(Rating, rating), comment, view=view, who=who or "")
        for observer in self.rating_observers:
            observer(rating)
        return {"answer_id": answer_id, "rating": said.rating, "comment": said.comment, "at": said.at}

    def gaps(self, days: int | None = None) -> Body:
        from api.gaps import gaps

        if self.recorder is not None:
            self.recorder.flush()
        return gaps(self.parts, days)

    def close(self) -> None:
        try:
            if self.recorder is not None:
                self.recorder.close()
            self.parts.close()
        finally:
            self.holding.release()

    def _tell(self, body: Body, view: View) -> None:
        for observer in self.observers:
            observer(body, view)

    def _ingested(self, report: Body) -> Body:
        for observer in self.ingest_observers:
            observer(report)
        return report

    def _link(self, progress: Progress | None) -> None:
        """Find anew where the questions of changed documents stand elsewhere."""
        from answering.links import link

        link(self.parts.catalog, self.parts.retrieval.index, self.parts.indexer.embed_questions, progress)

    def _seen(self, view: View) -> CatalogView:
        """The catalog as `view` has it."""
        from ingest.catalog_view import CatalogView

        return CatalogView(self.parts.catalog, view)

    def _id(self, id_or_path: str, collection: str | None, view: View) -> str:
        """The id of a document; a whole id also of one that is served no more."""
        try:
            return self.parts.catalog.document(id_or_path, collection, view).id
        except NotFoundError:
            if not self._seen(view).versions(id_or_path):
                raise
            return id_or_path


def _asking(question: str, collection: str | None, filters: Filters, mode: str, k: int | None, view: View) -> Asking:
    from api.answers import Asking

    k = None if k is None else checked_k(k)
    return Asking.of(checked_question(question), collection, filters, cast(Mode, mode), k, view)


def _keep_out(home: Path) -> None:
    """Have an ingest of a folder that the home lies in leave out the home's own files, one of which holds a token."""
    rules = home / IGNORE_FILE
    if not rules.exists():
        rules.write_text("".join(f"/{name}\n" for name in OWN_FILES), encoding="utf-8")
