"""HTML → canonical text and blocks: what a reader of the page sees, as Markdown shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.front_matter import merged
from ingest.formats.grid import write_table
from ingest.formats.html_hints import HEADINGS, Anchors, find_anchors, find_trigger, language_of, list_depth, names_of
from ingest.formats.html_inline import PLAIN, InlineReader, Styles
from ingest.formats.html_meta import read_meta
from ingest.formats.html_prune import prune
from ingest.formats.html_table import is_rich, read_table
from ingest.formats.html_tree import INLINE, Element, read_text, read_tree
from ingest.formats.inline import Run, to_markdown
from ingest.formats.writer import BlockWriter
from ingest.items import Meta

_HEAD = frozenset(["title", "meta", "link", "base"])
_LEVELS = ("1", "2", "3", "4", "5", "6")
_MAX_HEADING = 300  # characters; longer, it holds more than a heading
_PARAGRAPHS = re.compile(r"\n\s*\n")
_LINE_NUMBERS = re.compile(r"\s*1\s+2(?:\s+\d+)*\s*")  # the gutter beside a listing


def read_html(data: bytes, path: str, folder: Meta) -> SourceText:
    """An HTML file. Raises DocumentError.

    Left out: what is never shown, navigation, search, page headers and footers (beside a main part). `<title>`,
    keywords, and `<meta name="…">` with a name that front matter knows (`cuecard:` may stand before it) are its meta
    data.
    """
    text = read_text(data, path)
    root, css = read_tree(text, path)
    prune(root)
    meta = read_meta(root, text, path)
    walk = _Walk(BlockWriter(path), Styles(css), find_anchors(root))
    walk.flow(root, 0)
    if walk.writer.empty:
        hint = "If a script fills the page in, open it in a browser and save what it shows."
        raise DocumentError(path, "no text in it", hint=hint)
    return walk.writer.finish(merged(folder, meta))


class _Walk:
    """Goes through the tree and says to the writer what it finds. `depth`: as the writer's."""

    def __init__(self, writer: BlockWriter, styles: Styles, anchors: Anchors) -> None:
        self.writer = writer
        self.inline = InlineReader(styles, anchors.links)
        self.anchors = anchors
        self.anchor = ""  # stands before the next paragraph too
        self.lead: list[Run] = []  # stands before the next paragraph: a term before its definition

    def flow(self, element: Element, depth: int, style: Run = PLAIN) -> None:
        """What an element holds: its blocks, and the words between them as paragraphs."""
        runs: list[Run] = []
        self._kids(element, depth, style, runs)
        self.say(runs, depth)

    def _kids(self, element: Element, depth: int, style: Run, runs: list[Run]) -> None:
        """As `flow`; `runs` are the words before, and then those behind the last block."""
        folded = False
        for at, kid in enumerate(element.kids):
            if isinstance(kid, str):
                self.inline.read(kid, style, runs)
                continue
            trigger = None if _has_words(runs) else find_trigger(element.kids, at)
            if trigger is None and kid.tag in INLINE:
                self._inline(kid, depth, style, runs)
                continue
            self.say(runs, depth)
            runs.clear()
            self._mark(kid)
            if trigger is not None:
                self.end_lead(depth)
                self.writer.summary(self.text(trigger), depth=depth)
            else:
                self.block(kid, depth, style)
                if folded:
                    self.writer.close(depth=depth)
            folded = trigger is not None

    def _inline(self, element: Element, depth: int, style: Run, runs: list[Run]) -> None:
        if element.holds_block:
            self._mark(element)
            self._kids(element, depth, self.inline.styles.of(element, style), runs)
            return
        if self.anchors.loose:
            for inner in element.walk():
                self._mark(inner)
        self.inline.read(element, style, runs)

    def _mark(self, element: Element) -> None:
        """Keeps an anchor that a link leads to, where there is no heading to name instead."""
        for name in names_of(element):
            if name in self.anchors.loose:
                self.anchor += f'<a id="{name}"></a>'

    def say(self, runs: list[Run], depth: int) -> None:
        """Words as paragraphs; as code where all of them are, on several lines."""
        if not _has_words(runs):
            return
        runs, self.lead = [*self.lead, *runs], []
        text = "".join(run.text for run in runs)
        if depth == 0:
            self._end_anchor(depth)
        if "\n" in text.strip() and all(run.code or not run.text.strip() for run in runs):
            self._end_anchor(depth)
            self.writer.code(text.replace("\xa0", " "), depth=depth)
            return
        anchor, self.anchor = self.anchor, ""
        for paragraph in _PARAGRAPHS.split(anchor + to_markdown(runs)):
            self.writer.paragraph(paragraph, depth=depth)

    def text(self, element: Element, style: Run = PLAIN) -> str:
        """All of an element as one stretch of inline Markdown."""
        runs: list[Run] = []
        for kid in element.kids:
            self.inline.read(kid, style, runs)
        return to_markdown(runs)

    def block(self, element: Element, depth: int, style: Run) -> None:
        """One block."""
        tag = element.tag
        if tag in _HEAD:
            return
        style = self.inline.styles.of(element, style)
        is_heading = tag in HEADINGS or element.attrs.get("role") == "heading"
        known = _BLOCKS.get("heading" if is_heading else tag)
        if known is None:
            self.flow(element, depth, style)
        else:
            self.end_lead(depth)
            known(self, element, depth, style)

    def _end_anchor(self, depth: int) -> None:
        anchor, self.anchor = self.anchor, ""
        self.writer.paragraph(anchor, depth=depth)

    def end_lead(self, depth: int) -> None:
        if self.lead:
            lead, self.lead = self.lead, []
            self.say(lead, depth)
        elif depth == 0:
            self._end_anchor(depth)

    def _heading(self, element: Element, depth: int, _style: Run) -> None:
        given = element.tag[1:] if element.tag in HEADINGS else element.attrs.get("aria-level", "")
        kids, end = element.kids, len(element.kids)
        if len(element.words()) > _MAX_HEADING:  # left open, or used for its looks
            end = next((i for i, kid in enumerate(kids) if isinstance(kid, Element) and kid.tag not in INLINE), end)
        runs: list[Run] = []
        for kid in kids[:end]:
            self.inline.read(kid, PLAIN, runs, heading=True)
        words = to_markdown(run._replace(bold=False, italic=False) for run in runs)
        self.writer.heading(words, int(given) if given in _LEVELS else 2, depth=depth)
        self.flow(Element("div", kids=kids[end:]), depth)

    def _code(self, element: Element, depth: int, _style: Run) -> None:
        text = element.raw()
        if not _LINE_NUMBERS.fullmatch(text):
            self.writer.code(text, language_of(element), depth=depth)

    def _list(self, element: Element, depth: int, style: Run) -> None:
        depth += list_depth(element)
        entries = [kid for kid in element.kids if isinstance(kid, Element) and kid.tag == "li"]
        step = -1 if "reversed" in element.attrs else 1
        number = _number(element.attrs.get("start"), len(entries) if step < 0 else 1)
        for kid in element.kids:
            if isinstance(kid, Element) and kid.tag == "li":
                number = _number(kid.attrs.get("value"), number)
                self.writer.bullet(depth=depth + 1, number=max(0, number) if element.tag == "ol" else None)
                self.flow(kid, depth + 1, self.inline.styles.of(kid, style))
                number += step
            else:  # a list within a list belongs to the entry before it
                self.flow(Element("div", kids=[kid]), depth + 1, style)

    def _entry(self, element: Element, depth: int, style: Run) -> None:
        self.writer.bullet(depth=depth + 1)
        self.flow(element, depth + 1, style)

    def _terms(self, element: Element, depth: int, style: Run) -> None:
        """Terms with their definitions: entries with a bold lead."""
        terms: list[Run] = []
        for kid in _parts(element):
            if isinstance(kid, Element) and kid.tag == "dt" and not any(e.tag in HEADINGS for e in kid.walk()):
                terms += [Run(", ", bold=True)] if terms else []
                for inner in kid.kids:
                    self.inline.read(inner, Run("", bold=True), terms)
            elif isinstance(kid, Element) and kid.tag == "dd" and terms:
                self._term(terms, depth)
                self.flow(kid, depth + 1, style)
                self.end_lead(depth + 1)
                terms = []
            else:
                inner_depth = depth + (isinstance(kid, Element) and kid.tag == "dd")
                self.flow(Element("div", kids=[kid]), inner_depth, style)
        if terms:
            self._term(terms, depth)
            self.end_lead(depth + 1)

    def _term(self, terms: list[Run], depth: int) -> None:
        words = "".join(run.text for run in terms).rstrip()
        self.writer.bullet(depth=depth + 1)
        self.lead = [*terms, Run("" if words.endswith((":", "?", "!", ".")) else ":", bold=True), Run(" ")]

    def _table(self, element: Element, depth: int, style: Run) -> None:
        table = read_table(element)
        self.flow(Element("div", kids=table.around), depth, style)
        if table.rows:
            write_table(self.writer, _Cells(self, style), table.rows, headed=table.headed, depth=depth)

    def _quote(self, element: Element, depth: int, style: Run) -> None:
        self.writer.quote(depth=depth + 1)
        self.flow(element, depth + 1, style)

    def _details(self, element: Element, depth: int, style: Run) -> None:
        summary = next((kid for kid in element.kids if isinstance(kid, Element) and kid.tag == "summary"), None)
        if summary is not None:
            self.writer.summary(self.text(summary), depth=depth)
        self.flow(Element("div", kids=[kid for kid in element.kids if kid is not summary]), depth, style)
        if summary is not None:
            self.writer.close(depth=depth)

    def _rule(self, _element: Element, depth: int, _style: Run) -> None:
        if depth == 0:
            self.writer.rule()


class _Cells:
    """The cells of a table; `style` is that of the words around it."""

    def __init__(self, walk: _Walk, style: Run) -> None:
        self._walk = walk
        self._style = style

    def words(self, cell: Element) -> str:
        return cell.words()

    def text(self, cell: Element) -> str:
        return self._walk.text(cell)

    def is_rich(self, cell: Element) -> bool:
        return is_rich(cell)

    def flow(self, cell: Element, name: str, depth: int) -> None:
        self._walk.lead = [Run(f"{name}:", bold=True), Run(" ")] if name else []
        self._walk.flow(cell, depth, self._style)
        self._walk.end_lead(depth)


_BLOCKS: dict[str, Callable[[_Walk, Element, int, Run], None]] = {
    "heading": _Walk._heading,
    **dict.fromkeys(("pre", "xmp", "listing", "plaintext", "textarea"), _Walk._code),
    **dict.fromkeys(("ul", "ol", "menu", "dir"), _Walk._list),
    "li": _Walk._entry,
    "dl": _Walk._terms,
    "table": _Walk._table,
    "blockquote": _Walk._quote,
    "details": _Walk._details,
    "hr": _Walk._rule,
}


def _has_words(runs: Sequence[Run]) -> bool:
    return any(run.text.strip() for run in runs)


def _number(given: str | None, otherwise: int) -> int:
    return int(given) if given and len(given) < 7 and given.isdecimal() else otherwise


def _parts(element: Element) -> Iterator[str | Element]:
    """The terms and definitions of a list of them, also where pairs of them are framed."""
    for kid in element.kids:
        if isinstance(kid, Element) and kid.tag in ("div", "section", "span"):
            yield from _parts(kid)
        else:
            yield kid
