"""What the outside world asks of a knowledge base, whether it is opened here or behind a running server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ingest.errors import UsageError
from ingest.view import EVERYTHING, View

if TYPE_CHECKING:
    from answering.ports import Listener

Body = dict[str, Any]
"""A dictionary as the public interface spells it, ready for JSON."""

Filters = Mapping[str, Sequence[str]]
"""Wanted values by name; a value that is one of several is enough."""

MAX_QUESTION = 2_000
"""Characters of a question or query, as the answerer has it (importing that would load what a listing never needs)."""

MAX_K = 100

MAX_SUGGESTED = 50
"""Questions of the library that are given at once."""

MAX_CHANGES = 1_000
"""Entries of the change feed that are given at once."""


class Progress(Protocol):
    """Told how far a phase is: `files` (documents settled, of all) or `index` (chunks put, of all)."""

    def __call__(self, phase: str, done: int, total: int) -> None: ...


class Library(Protocol):
    """One knowledge base. Every method raises errors of `ingest.errors` only.

    `view` is what the caller may see: what is hidden is as if it were not there.
    """

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
        """An answer, as the contract spells it.

        `conversation_id`: earlier questions of the same conversation say what this one leaves out. `view`: what the
        asker may see. `listener` hears sources and checked text as they come. `who` is the id of their key: nobody
        else goes on with their conversation.
        """

    def search(self, query: str, *, k: int, collection: str | None, filters: Filters, view: View = EVERYTHING) -> Body:
        """`{"query", "hits", "timings_ms"}`."""

    def check(self, answer: str, sources: Sequence[Mapping[str, str]], question: str | None) -> Body:
        """`{"score", "low_confidence", "reasons", "claims"}`; a source is `{"id", "text"}`."""

    def ingest(self, paths: Sequence[Path], *, collection: str, yes: bool, progress: Progress | None) -> Body:
        """Mirror files and folders (absolute paths) into a collection; `yes` allows removing more than half of it."""

    def documents(self, collection: str | None, *, view: View = EVERYTHING) -> Body:
        """`{"documents": [...]}`."""

    def questions(self, text: str, *, limit: int, view: View = EVERYTHING) -> Body:
        """`{"questions": [...]}`: those the library holds with all words of `text`, of each its beginning at least."""

    def facets(self, *, view: View = EVERYTHING) -> Body:
        """`{"facets": {name: {value: items}}}`: what questions can be narrowed by."""

    def document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        """One document with its items and the parser's account. NotFoundError where there is none."""

    def document_text(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        """`{"id", "path", "version", "text"}`: the canonical text all spans refer to."""

    def versions(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        """`{"versions": [...]}`, newest first."""

    def diff(
        self,
        id_or_path: str,
        old: str | None,
        new: str | None,
        collection: str | None,
        *,
        view: View = EVERYTHING,
    ) -> Body:
        """What changed between two versions, by item. `new` is the newest where it isn't given, `old` the one before.

        A version is named by its hash, a beginning of that, or the catalog's key.
        """

    def delete_document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        """Take a document out of the library; its file is left alone, but not one that was uploaded.

        The document as it was.
        """

    def quarantine(self, *, dropped: bool = False, view: View = EVERYTHING) -> Body:
        """`{"quarantine": [...]}`: what could not be read, and why; with `dropped` also what was put aside."""

    def quarantine_entry(self, id_or_prefix: str, *, view: View = EVERYTHING) -> Body:
        """One entry, also one that was put aside. NotFoundError where there is none."""

    def retry(self, entry_id: str, progress: Progress | None) -> Body:
        """Ingest the file of a quarantine entry alone; the report, as `ingest` gives it."""

    def drop(self, entry_id: str, *, view: View = EVERYTHING) -> Body:
        """Put a quarantine entry aside until its file changes. The entry as it is then."""

    def changes(self, since: int, limit: int = MAX_CHANGES, *, view: View = EVERYTHING) -> Body:
        """`{"changes": [...]}` after sequence number `since`, oldest first, at most `limit`."""

    def repair(self, progress: Progress | None) -> Body:
        """Make catalog and index agree again. What was done."""

    def feedback(
        self, answer_id: str, rating: str, comment: str | None, *, view: View = EVERYTHING, who: str | None = None
    ) -> Body:
        """Keep what somebody thinks of an answer: `{"answer_id", "rating", "comment", "at"}`.

        `rating` is "up" or "down"; `who` is the id of their key: what they said of the answer before is replaced.
        NotFoundError where there is no such answer (any more), or not for this view.
        """

    def gaps(self, days: int | None = None) -> Body:
        """What was asked and not answered, grouped, in the last `days`:

        `{"gaps": [{"question", "count", "questions", "related", "last_asked"}], "asked", "unanswered"}`.
        """

    def stats(self, *, view: View = EVERYTHING) -> Body:
        """Counts and sizes, of what `view` may see."""

    def create_key(
        self, name: str, *, scopes: Sequence[str], audience: str | None, collections: Sequence[str], expires: str | None
    ) -> Body:
        """A new API key as `api.keys` describes it; `key` in it is the secret, told this once."""

    def list_keys(self) -> Body:
        """`{"keys": [...]}`: all that ever were, without their secrets."""

    def revoke_key(self, id_or_prefix: str) -> Body:
        """Let a key open nothing from now on. The key as it is then."""

    def doctor(self) -> Body:
        """`{"ok", "ready", "checks": [{"name", "state", "detail", "hint"}], "settings": [...]}`."""

    def close(self) -> None:
        """Let go of the home."""


def checked_question(text: str, *, what: str = "question") -> str:
    """`text` without blanks around it. UsageError where nothing is left or it is longer than MAX_QUESTION."""
    stripped = text.strip()
    if not stripped:
        raise UsageError(f"The {what} is empty.", hint=f"Give the {what} in words.")
    if len(stripped) > MAX_QUESTION:
        raise UsageError(
            f"The {what} has {len(stripped):,} characters; at most {MAX_QUESTION:,} are taken.",
            hint="Ask something shorter.",
        )
    return stripped


def checked_k(k: int) -> int:
    """`k`, how many hits are wanted. UsageError outside 1..MAX_K."""
    if not 1 <= k <= MAX_K:
        raise UsageError(f"k is {k}; it must be between 1 and {MAX_K}.")
    return k


def checked_limit(limit: int) -> int:
    """`limit`, how many changes are wanted. UsageError outside 1..MAX_CHANGES."""
    if not 1 <= limit <= MAX_CHANGES:
        raise UsageError(f"The limit is {limit}; it must be between 1 and {MAX_CHANGES:,}.")
    return limit
