"""What the catalog tells about the library: frozen, standard library only, each as the public interface spells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ingest.items import Meta

ChangeKind = Literal["added", "updated", "removed", "quarantined", "released", "reindexed"]


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

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return {**asdict(self), "effective_date": self.meta.effective_date, "meta": said(self.meta)}


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of a document. `state` is building, live or superseded; times are ISO 8601, UTC."""

    key: int
    document_id: str
    version: str
    state: str
    title: str
    items: Mapping[str, int]
    chunks: int
    lines: int
    created_at: str
    live_at: str | None
    retired_at: str | None

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Something that was offered and can't be served. `line` is 1-based; `since` is ISO 8601, UTC."""

    id: str
    collection: str
    path: str
    source: str
    line: int | None
    reason: str
    hint: str
    since: str

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Change:
    """One visible change. `sequence` numbers rise without gaps; `at` is ISO 8601, UTC."""

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
