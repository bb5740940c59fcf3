"""The library to look at: its documents with their text, items and versions, and what it could not read."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from api.http.access import TheView
from api.http.deps import TheLibrary
from api.web.pages import PageRoute, Reader, is_fragment, page
from api.web.sources import MOST_LINES, excerpt
from api.web.words import ITEM_KINDS

router = APIRouter(prefix="/library", route_class=PageRoute, include_in_schema=False, dependencies=[Reader])

_STRETCH = re.compile(r"@@ -(?P<old>\d+)(?:,\d+)? \+(?P<new>\d+)(?:,\d+)? @@")
_SIGNS = {"-": "gone", "+": "new", "@": "place"}

Place = Annotated[int | None, Query(ge=0)]
Collection = Annotated[str | None, Query(max_length=200)]


@router.get("")
def library(
    request: Request, library: TheLibrary, view: TheView, find: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """All documents, what waits in quarantine, and where to put more."""
    documents = library.documents(None, view=view)["documents"]
    counts: Counter[str] = Counter()
    for each in documents:
        counts.update(each["items"])
    words = find.lower().split()
    return page(
        request,
        "library.html",
        active="library",
        documents=[each for each in documents if all(w in f"{each['title']} {each['path']}".lower() for w in words)],
        counts={ITEM_KINDS[kind].lower(): counts[kind] for kind in ITEM_KINDS},
        collections=sorted({each["collection"] for each in documents}),
        quarantine=library.quarantine(view=view)["quarantine"],
        find=find,
    )


@router.get("/document")
def document(
    request: Request,
    library: TheLibrary,
    view: TheView,
    path: Annotated[str, Query(min_length=1, max_length=2_000)],
    collection: Collection = None,
    version: Annotated[str | None, Query(max_length=100)] = None,
    start: Place = None,
    end: Place = None,
    line: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    """A document by path or id. `start`, `end`: what to mark in its text; `version`: the one these count in."""
    found = library.document(path, collection, view=view)
    changed = version is not None and version != found["version"]
    text = library.document_text(found["id"], None, view=view)["text"]
    shown = excerpt(text, None, None, line) if changed else excerpt(text, start, end, line)
    values: dict[str, Any] = {"document": found, "shown": shown, "changed": changed, "most": MOST_LINES}
    values["beside"] = is_fragment(request)
    if values["beside"]:
        return page(request, "_source.html", **values)
    versions = library.versions(found["id"], None, view=view)["versions"]
    return page(request, "document.html", active="library", versions=versions, **values)


@router.get("/diff")
def diff(
    request: Request,
    library: TheLibrary,
    view: TheView,
    id: Annotated[str, Query(min_length=1, max_length=500)],  # noqa: A002 - as the API names it
    from_: Annotated[str | None, Query(alias="from", max_length=100)] = None,
    to: Annotated[str | None, Query(max_length=100)] = None,
) -> HTMLResponse:
    """What changed between two versions, item by item."""
    found = library.diff(id, from_ or None, to or None, None, view=view)
    entries = [{**item, "lines": _diff_lines(item["diff"])} for item in found["items"]]
    return page(
        request, "diff.html", active="library", diff=found, entries=entries, document={"id": found["document_id"]}
    )


def _diff_lines(diff: str) -> list[tuple[str, str]]:
    """The lines of a unified diff, each with what it stands for: gone, new, place or same."""
    return [(_SIGNS.get(line[:1], "same"), _place(line) or line[1:]) for line in diff.split("\n") if line]


def _place(line: str) -> str:
    """Where a stretch of a diff begins, in words: of the new text, or the old one where nothing is new; else empty."""
    found = _STRETCH.match(line)
    if found is None:
        return ""
    return f"line {found['new']}" if found["new"] != "0" else f"was line {found['old']}"
