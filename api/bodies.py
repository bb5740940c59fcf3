"""What the catalog knows, as the public interface spells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.library import Body
from ingest.view import EVERYTHING, View

if TYPE_CHECKING:
    from ingest.catalog_info import DocumentInfo, QuarantineEntry
    from ingest.sync import SyncReport


def document_body(info: DocumentInfo, view: View) -> Body:
    """A document as the public interface spells it; `stale` says why it should not be relied on today.

    Where files lie on the server is told only to who sees everything.
    """
    places = {} if view == EVERYTHING else {"root": "", "source": ""}
    return {**info.to_dict(), **places, "stale": info.stale(datetime.now(UTC).date())}


def entry_body(entry: QuarantineEntry, view: View) -> Body:
    """A quarantine entry as the public interface spells it."""
    return {**entry.to_dict(), **({} if view == EVERYTHING else {"source": ""})}


def report_body(report: SyncReport) -> Body:
    """A report as the public interface spells it, with what to do about each thing in quarantine."""
    body = report.to_dict()
    for entry, problem in zip(body["quarantine"], report.quarantine, strict=True):
        entry["hint"] = problem.hint
    return body
