"""What changed between two versions of a document, item by item.

Items are matched by their id, which survives changes elsewhere. Ids hold the document's own, so across a rename the
items' first words stand for them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ingest.catalog_info import ITEM_CHANGES, ItemChange, ItemChangeKind, VersionInfo
from ingest.catalog_view import CatalogView
from ingest.errors import NotFoundError, UsageError
from ingest.items import Document, Item, Meta, Span
from ingest.text import fold
from ingest.view import EVERYTHING, View

if TYPE_CHECKING:
    from ingest.catalog import Catalog

MIN_HASH_PREFIX = 4
"""The shortest beginning of a version's hash that is taken for it."""

CONTEXT_LINES = 3
MAX_DIFF_LINES = 5_000
"""Texts of more lines than this are not compared line by line: that takes time that grows with their square."""


@dataclass(frozen=True, slots=True)
class ItemDiff:
    """What became of one item, as `ItemChange` says it, with its texts.

    `diff`: its own text, line by line, as a unified diff without file names; the numbers in its `@@` lines are lines of
    the document. Empty for what only moved.
    """

    id: str
    title: str
    change: ItemChangeKind
    old_line: int | None
    new_line: int | None
    diff: str


@dataclass(frozen=True, slots=True)
class MetaChange:
    """A field of the meta data (or `path`, or `title`) that differs. None or an empty tuple: not stated."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class DocumentDiff:
    """Two versions of a document. `items`: in the order of the new version, what is gone where it stood.

    `text_differs`: whether the canonical texts differ at all; headings and rules belong to no item.
    """

    document_id: str
    path: str
    old: VersionInfo
    new: VersionInfo
    items: tuple[ItemDiff, ...]
    meta: tuple[MetaChange, ...]
    text_differs: bool

    @property
    def changes(self) -> dict[str, int]:
        """How many items were added, removed, changed and moved."""
        counts = Counter(item.change for item in self.items)
        return {kind: counts[kind] for kind in ITEM_CHANGES}

    def to_dict(self) -> dict[str, Any]:
        """As the public interface spells it."""
        return {
            "document_id": self.document_id,
            "path": self.path,
            "old": self.old.to_dict(),
            "new": self.new.to_dict(),
            "changes": self.changes,
            "items": [asdict(item) for item in self.items],
            "meta": [asdict(change) for change in self.meta],
            "text_differs": self.text_differs,
        }


def diff_versions(
    catalog: Catalog,
    document_id: str,
    old: str | None = None,
    new: str | None = None,
    view: View = EVERYTHING,
) -> DocumentDiff:
    """Compare two versions that a document has served, those of its former paths included.

    `old` and `new` name a version by its hash, a beginning of that (from MIN_HASH_PREFIX characters on), or the
    catalog's key. `new` is the newest where it isn't given, `old` the one served before `new`. NotFoundError where
    `view` may see no such document or version, UsageError where a name fits several or nothing is there to compare.
    """
    history = [version for version in CatalogView(catalog, view).versions(document_id) if version.live_at is not None]
    if not history:
        raise NotFoundError(f"No document has the id {document_id}.", hint="`cuecard docs list` names them all.")
    after = _choose(history, new) if new is not None else history[0]
    if old is not None:
        before = _choose(history, old)
    else:
        earlier = [version for version in history if version.key < after.key]
        if not earlier:
            message = f"{after.path} has served no version before {_short(after)}: there is nothing to compare it with."
            raise UsageError(message, hint=f"`cuecard docs history {document_id}` lists its versions.")
        before = earlier[0]
    first, second = catalog.load(before.key), catalog.load(after.key)
    return DocumentDiff(
        document_id=document_id,
        path=after.path,
        old=before,
        new=after,
        items=tuple(_item_diff(change, a, b, first, second) for change, a, b in _compare(first, second)),
        meta=tuple(_meta_changes(first, second)),
        text_differs=first.text != second.text,
    )


def item_changes(old: Document, new: Document) -> list[ItemChange]:
    """What became of the items of `old` in `new`, in the order of `new`. Chunks are not looked at.

    An item has moved when it stands in another order among those that stayed, or went from one heading to another; a
    heading with other words is still the same heading.
    """
    return [change for change, _, _ in _compare(old, new)]


def _choose(history: Sequence[VersionInfo], asked: str) -> VersionInfo:
    """The version that is meant; of several with the same bytes the newest."""
    for version in history:
        if str(version.key) == asked:
            return version
    wanted = asked.removeprefix("sha256:").lower()
    found = [v for v in history if len(wanted) >= MIN_HASH_PREFIX and _hash(v).startswith(wanted)]
    if not found:
        hint = f"`cuecard docs history {history[0].document_id}` lists its versions."
        raise NotFoundError(f"{history[0].path} has served no version {asked}.", hint=hint)
    if len({version.version for version in found}) > 1:
        names = ", ".join(dict.fromkeys(_short(version) for version in found[:5]))
        raise UsageError(f"{asked} fits several versions of {history[0].path}: {names}.", hint="Give more of the hash.")
    return found[0]


def _hash(version: VersionInfo) -> str:
    return version.version.removeprefix("sha256:")


def _short(version: VersionInfo) -> str:
    return f"{_hash(version)[:12]} ({version.live_at})"


_Compared = tuple[ItemChange, Item | None, Item | None]


def _compare(old: Document, new: Document) -> list[_Compared]:
    """Every item that did not stay as it was, with what it was and is."""
    before = dict(zip(_names(old, other=new), enumerate(old.items), strict=True))
    after = dict(zip(_names(new, other=old), new.items, strict=True))
    stayed = [before[name][0] for name in after if name in before]
    in_order = set(_longest_rise(stayed))
    known = ({item.heading for item in old.items}, {item.heading for item in new.items})
    # what is gone is told where it stood: before the next item that stayed
    gone = [(place, item) for name, (place, item) in before.items() if name not in after]
    gone.reverse()
    out: list[_Compared] = []
    for name, item in after.items():
        if name not in before:
            out.append((_change(item, "added", None, _line(item)), None, item))
            continue
        place, was = before[name]
        while gone and place in in_order and gone[-1][0] < place:
            out.append(_removed(gone.pop()[1]))
        kind: ItemChangeKind | None = None
        if _own_text(was, old.text) != _own_text(item, new.text):
            kind = "changed"
        elif place not in in_order or _under_another(was, item, *known):
            kind = "moved"
        if kind is not None:
            out.append((_change(item, kind, _line(was), _line(item)), was, item))
    out += [_removed(item) for _, item in reversed(gone)]
    return out


def _removed(item: Item) -> _Compared:
    return _change(item, "removed", _line(item), None), item, None


def _change(item: Item, kind: ItemChangeKind, old_line: int | None, new_line: int | None) -> ItemChange:
    return ItemChange(item.id, item.title, kind, old_line, new_line)


def _names(document: Document, *, other: Document) -> Iterator[str]:
    """What the items are called in both documents: their ids, or for two documents their first words and number."""
    if document.id == other.id:
        yield from (item.id for item in document.items)
        return
    seen: Counter[str] = Counter()
    for item in document.items:
        first = _own_text(item, document.text)[0].partition("\n")[0]
        words = fold(item.question or f"{item.title}\n{first}")
        seen[words] += 1
        yield f"{words}\0{seen[words]}"


def _own_spans(item: Item) -> list[Span]:
    """The stretches that are an item's, those inside others left out: a question may stand apart from its answer."""
    spans = [s for s in (item.span, item.question_span, item.answer, *item.talking_points) if s is not None]
    out: list[Span] = []
    for span in sorted(set(spans), key=lambda s: (s.start, -s.end)):
        if not out or span.end > out[-1].end:
            out.append(span)
    return out


def _own_text(item: Item, text: str) -> list[str]:
    return [text[span.start : span.end] for span in _own_spans(item)]


def _line(item: Item) -> int:
    return _own_spans(item)[0].line_start


def _under_another(was: Item, item: Item, old: set[tuple[str, ...]], new: set[tuple[str, ...]]) -> bool:
    """Whether an item went from one heading to another: both versions know one of the two."""
    return was.heading != item.heading and (was.heading in new or item.heading in old)


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """A longest rising run among numbers that are all different, left to right."""
    lowest: list[int] = []  # the lowest number that ends a run of each length
    ends: list[int] = []  # and its index
    before: list[int] = []
    for index, number in enumerate(numbers):
        length = bisect_left(lowest, number)
        lowest[length : length + 1] = [number]
        ends[length : length + 1] = [index]
        before.append(ends[length - 1] if length else -1)
    out: list[int] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        out.append(numbers[index])
        index = before[index]
    return out[::-1]


def _item_diff(change: ItemChange, was: Item | None, item: Item | None, old: Document, new: Document) -> ItemDiff:
    lines = "" if change.change == "moved" else "\n".join(_unified(_lines(was, old), _lines(item, new)))
    return ItemDiff(change.id, change.title, change.change, change.old_line, change.new_line, lines)


def _lines(item: Item | None, document: Document) -> list[tuple[int, str]]:
    """The lines of an item's own text with their numbers."""
    spans = _own_spans(item) if item is not None else []
    texts = [document.text[span.start : span.end] for span in spans]
    return [
        numbered for s, text in zip(spans, texts, strict=True) for numbered in enumerate(text.split("\n"), s.line_start)
    ]


def _unified(old: Sequence[tuple[int, str]], new: Sequence[tuple[int, str]]) -> Iterator[str]:
    """A unified diff of numbered lines, without a header."""
    before, after = [line for _, line in old], [line for _, line in new]
    if not before or not after or len(before) + len(after) > MAX_DIFF_LINES:
        groups = [[("replace", 0, len(before), 0, len(after))]]
    else:
        import difflib

        matcher = difflib.SequenceMatcher(None, before, after)
        groups = list(matcher.get_grouped_opcodes(CONTEXT_LINES))
    for group in groups:
        first, last = group[0], group[-1]
        yield f"@@ -{_range(old[first[1] : last[2]])} +{_range(new[first[3] : last[4]])} @@"
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[i:j])
                continue
            yield from (f"-{line}" for line in before[i:j])
            yield from (f"+{line}" for line in after[k:m])


def _range(lines: Sequence[tuple[int, str]]) -> str:
    return f"{lines[0][0]},{len(lines)}" if lines else "0,0"


def _meta_changes(old: Document, new: Document) -> Iterator[MetaChange]:
    for name in ("path", "title"):
        if getattr(old, name) != getattr(new, name):
            yield MetaChange(name, getattr(old, name), getattr(new, name))
    for name in Meta.__slots__:
        if name != "title" and getattr(old.meta, name) != getattr(new.meta, name):
            yield MetaChange(name, getattr(old.meta, name), getattr(new.meta, name))
