"""What ingest needs from the rooms after it, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.items import Document


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version that the catalog holds but does not serve yet. `key` is the catalog's number for it."""

    key: int
    document: Document


class Indexer(Protocol):
    """The index as ingest sees it: derived from the catalog, safe to repeat."""

    def expect(self, documents: Sequence[Document]) -> None:
        """These will be put soon, together: what takes long and needs nothing but them may begin."""

    def put(self, versions: Sequence[NewVersion]) -> None:
        """Make all chunks of these versions findable. Returns when they are durable. Idempotent."""

    def drop(self, keys: Sequence[int]) -> None:
        """Forget these versions. Unknown keys are ignored."""

    def fingerprint(self) -> str:
        """Names everything that shapes the index (model, term rules): when it changes, documents are indexed anew."""
