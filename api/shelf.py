"""What the library holds to choose from: questions to suggest, and the values it can be narrowed by."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from api.library import Body
from ingest.view import View

if TYPE_CHECKING:
    from ingest.catalog import Catalog
    from ingest.catalog_questions import ListedItem

FACETS = ("topic", "level", "kind", "collection")
MAX_VALUES = 200
"""Values of a facet that are listed, the most frequent ones."""

_WORD = re.compile(r"\w+")


class Shelf:
    """Follows the catalog: what it read is good until the library changes. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reading = threading.Lock()
        self._read: tuple[int, list[ListedItem]] | None = None

    def questions(self, text: str, limit: int, view: View) -> list[Body]:
        """At most `limit` questions that have all words of `text`, each in full or its beginning, best first.

        Without words a few of every document, so that a reader sees what there is.
        """
        asking = [item for item in self._items(view) if item.question and item.kind == "qa"]
        words = _WORD.findall(text.lower())
        found = _matching(asking, words) if words else _spread(asking)
        out: dict[str, Body] = {}
        for item in found:
            question = " ".join((item.question or "").split())
            named = {"question": question, "document": item.document, "collection": item.collection, "id": item.id}
            out.setdefault(question, named)
            if len(out) == limit:
                break
        return list(out.values())

    def facets(self, view: View) -> Body:
        """For each of FACETS the values there are and how many items have them, by name."""
        items = self._items(view)
        counts = {name: Counter(getattr(item, name) for item in items) for name in FACETS}
        return {
            name: {
                value: n for value, n in sorted(each.most_common(MAX_VALUES), key=lambda pair: str(pair[0])) if value
            }
            for name, each in counts.items()
        }

    def _items(self, view: View) -> list[ListedItem]:
        from ingest.catalog_questions import listed_items

        with self._reading:
            now = self._catalog.sequence()
            if self._read is None or self._read[0] != now:
                self._read = (now, listed_items(self._catalog))
            items = self._read[1]
        return [item for item in items if view.shows(item.collection, item.audience)]


def _matching(items: Iterable[ListedItem], words: Sequence[str]) -> Iterator[ListedItem]:
    ranked = []
    for place, item in enumerate(items):
        theirs = _WORD.findall((item.question or "").lower())
        firsts = [next((i for i, word in enumerate(theirs) if word.startswith(typed)), -1) for typed in words]
        if min(firsts) >= 0:
            ranked.append((sum(firsts), len(theirs), place, item))
    ranked.sort(key=lambda each: each[:3])
    return (item for *_, item in ranked)


def _spread(items: Iterable[ListedItem]) -> Iterator[ListedItem]:
    """The first of every document, then the second of each, and so on; documents that ask most come first."""
    shelves: dict[tuple[str, str], list[ListedItem]] = {}
    for item in items:
        shelves.setdefault((item.collection, item.document), []).append(item)
    for row in zip_longest(*sorted(shelves.values(), key=len, reverse=True)):
        yield from (item for item in row if item is not None)
