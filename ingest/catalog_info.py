"""What the catalog tells about the library: frozen, standard library only, each as the public interface spells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from ingest.items import Meta

ChangeKind = Literal["added", "updated", "removed", "renamed", "quarantined", "dropped", "released", "reindexed"]


ItemChangeKind = Literal["added", "removed", "changed", "moved"]
ITEM_CHANGES: tuple[ItemChangeKind, ...] = ("added", "removed", "changed", "moved")


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A document that is served. `items` counts them by kind; `source` is the file, `root` what `path` counts from.

    `version` is `sha256:` and the hash of the file's bytes, `version_key` the catalog's number for it; `ingested_at`
    is when that version went live (ISO 8601, UTC).
    """

    id: str
    collection: str
    path: str
    title: str
    version: str
    version_key: int
    items: Mapping[str, int]
    chunks: int
    lines: int
    meta: Meta
    ingested_at: str
    root: str
    source: str

    def stale(self, today: date) -> str | None:
        """Why the document should not be relied on today, in words; None where nothing speaks against it."""
        return self.meta.stale(today)

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return {**asdict(self), "effective_date": self.meta.effective_date, "meta": said(self.meta)}


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of a document. `state` is building, live or superseded; times are ISO 8601, UTC.

    `document_id` and `path` are those it was served under: a file that got another path keeps its history.
    `changes` counts the items that were added, removed, changed and moved against the version served before (for the
    first: against nothing); None where that was never compared.
    """

    key: int
    document_id: str
    path: str
    version: str
    state: str
    title: str
    items: Mapping[str, int]
    chunks: int
    lines: int
    effective_date: str | None
    expires: str | None
    changes: Mapping[str, int] | None
    created_at: str
    live_at: str | None
    retired_at: str | None

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ItemChange:
    """What became of one item between two versions. `changed`: its own text differs; `moved`: it stands elsewhere.

    `old_line`, `new_line`: where its text begins, 1-based; None where it isn't.
    """

    id: str
    title: str
    change: ItemChangeKind
    old_line: int | None
    new_line: int | None


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Something that was offered and can't be served. `line` is 1-based; `since` is ISO 8601, UTC.

    `scope`: `document` (nothing of it could be taken) or `item` (a part of a document that is served). `content`: the
    hash of the refused bytes. `dropped`: put aside by a person, until those bytes change.
    """

    id: str
    collection: str
    path: str
    source: str
    line: int | None
    reason: str
    hint: str
    since: str
    scope: str
    content: str | None
    dropped: bool

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Change:
    """One visible change. `sequence` numbers rise without gaps; `at` is ISO 8601, UTC.

    `detail`: the old path of what was renamed, the reason of what went into quarantine or left it; else empty.
    """

    sequence: int
    at: str
    kind: ChangeKind
    collection: str
    path: str
    document_id: str | None
    version: str | None
    detail: str

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return asdict(self)


def said(meta: Meta) -> dict[str, Any]:
    """The fields that a document sets."""
    return {name: value for name, value in asdict(meta).items() if value}
