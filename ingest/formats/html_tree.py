"""Bytes of an HTML file → a tree of its elements: decoded, repaired, bounded in depth.

lxml (libxml2) reads the markup and closes what is left open; the tree is built from its events, since its own ends at a
depth of 256 and loses what follows. Nothing is fetched; entities other than HTML's own characters don't exist here.
"""

from __future__ import annotations

import codecs
import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ingest.errors import DocumentError
from ingest.formats.decode import check_size, decode

_CLASS_CHARS = 200  # of a class: a language has a short name
MAX_DEPTH = 100
"""Elements nested deeper give their text to the one at this depth, a line each. Pages reach about 60."""

MAX_ELEMENTS = 150_000
"""A page of more is refused: it would be more than a thousand printed pages."""

# An end tag that fits nothing is compared with every open element: at most so many comparisons, about a second's.
_MAX_COMPARISONS = 300_000_000
_PIECE = 1 << 16
_STATEFUL = ("iso2022", "iso-2022", "hz", "utf-7", "utf7")  # encodings whose bytes are ASCII, and thus UTF-8 as well
_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^<>]{0,400}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_INLINED = re.compile(rb"(data:[\w/+.-]{1,60};base64,)[A-Za-z0-9+/=]{200,}")

_INVISIBLE = frozenset({
    "script", "style", "template", "noscript", "svg", "iframe", "canvas", "audio", "video", "object", "embed",
    "applet", "frameset",
})  # fmt: skip
INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "button", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "img", "input", "ins", "kbd", "label", "mark", "math", "meter", "nobr", "output", "picture",
    "progress", "q", "rp", "rt", "ruby", "s", "samp", "slot", "small", "source", "span", "strike", "strong", "sub",
    "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
# without attributes, these change nothing that is read here: the first where they are open already, the others ever
_STYLING = frozenset({
    "b", "big", "code", "em", "font", "i", "strong", "tt",
})  # fmt: skip
_IDLE = frozenset({
    "abbr", "bdi", "bdo", "big", "cite", "data", "font", "ins", "mark", "nobr", "small", "span", "time", "u",
})  # fmt: skip
_KEPT = frozenset({
    "id", "name", "class", "style", "href", "src", "alt", "hidden", "role", "start", "value", "reversed", "rowspan",
    "open", "content", "rel", "onclick", "itemprop", "itemtype", "aria-hidden", "aria-expanded", "aria-controls",
    "aria-level", "data-target", "data-bs-target", "data-toggle", "data-bs-toggle", "data-lang", "data-language",
    "data-syntaxhighlighter-params",
})  # fmt: skip
_TOGGLES = frozenset({"aria-expanded", "aria-controls", "data-toggle", "data-bs-toggle", "onclick"})
_TOGGLE_BUTTON = re.compile(r"accordion|collaps|expand|toggle|faq", re.I)
_TOGGLE_CLASS = re.compile(
    r"(?:accordion|collaps[a-z]{0,6}|expand[a-z]{0,3}|toggle|faq)[-_]{0,2}"
    r"(?:item[-_])?(?:head(?:er|ing)?|title|control|trigger|button|question|summary)\b",
    re.I,
)


@dataclass(slots=True, eq=False)
class Element:
    """One element: its tag in lower case, the attributes that matter here, and its texts and elements in order.

    `holds_block`, `holds_main`, `opens`: whether it or something in it is no inline element, is the page's main part,
    or unfolds something when clicked.
    """

    tag: str
    attrs: Mapping[str, str] = field(default_factory=dict)
    kids: list[str | Element] = field(default_factory=list)
    holds_block: bool = False
    holds_main: bool = False
    opens: bool = False

    def walk(self) -> Iterator[Element]:
        """The element and all in it, in order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack += [kid for kid in reversed(element.kids) if isinstance(kid, Element)]

    def raw(self) -> str:
        """Its text as it is written, a line for each block in it: a listing's."""
        parts: list[str] = []
        stack: list[str | Element] = [self]
        while stack:
            one = stack.pop()
            if isinstance(one, str):
                parts.append(one)
            elif one.tag == "br":
                parts.append("\n")
            elif one.tag != "button":
                apart = one.tag not in INLINE and bool(parts) and not parts[-1].endswith("\n")
                parts += ["\n"] if apart else []
                stack += (
                    ["\n", *reversed(one.kids)] if one.tag not in INLINE and one is not self else reversed(one.kids)
                )
        return "".join(parts)

    def words(self) -> str:
        """All its text, white space folded."""
        texts: list[str] = []
        stack: list[str | Element] = [self]
        while stack:
            one = stack.pop()
            if isinstance(one, str):
                texts.append(one)
                continue
            stack += reversed(one.kids)
            if one.tag not in INLINE or one.tag == "br":
                texts.append(" ")
        return " ".join("".join(texts).split())


def read_text(data: bytes, path: str) -> str:
    """The decoded text of an HTML file: by its byte order mark, as UTF-8, or as its `charset` or XML declaration says.

    Inlined images are left out. Raises DocumentError as `decode` does.
    """
    check_size(len(data), path)
    declared = _CHARSET.search(data[:4096])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = _as_utf8(_INLINED.sub(rb"\1", data), name, path)
    return decode(data, path)


def _as_utf8(data: bytes, name: str, path: str) -> bytes:
    try:
        if not name.startswith(_STATEFUL):
            data.decode("utf-8")
            return data
    except UnicodeDecodeError:
        if name.replace("_", "-").startswith("utf"):
            return data  # refused by `decode`, with the place
    latin = {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"}  # as browsers read them
    try:
        return data.decode("windows-1252" if name in latin else name).encode("utf-8")
    except (LookupError, UnicodeError) as error:
        hint = "Save it as UTF-8."
        raise DocumentError(path, f"says it is {name}, but can't be read so: {error}", hint=hint) from error


def read_tree(text: str, path: str) -> tuple[Element, str]:
    """The root element, without what is never shown (scripts), and the style sheets. Raises DocumentError."""
    from lxml import etree  # type: ignore[import-untyped]

    builder = _Builder(path, text.count("</"))
    parser = etree.HTMLParser(target=builder, encoding="utf-8")
    data = _without_cdata(text).encode("utf-8", "replace")
    try:
        for start in range(0, len(data), _PIECE):  # in pieces: lxml reads the one to its end where the builder refuses
            parser.feed(data[start : start + _PIECE])
        parser.close()
    except etree.LxmlError as error:
        raise DocumentError(
            path, f"can't be read as HTML: {error}", hint="Open it in a browser, save it again."
        ) from error
    return builder.root, "".join(builder.css)


def _without_cdata(text: str) -> str:
    """XHTML's CDATA sections as plain text; HTML would drop them."""
    first, *others = text.split("<![CDATA[")
    parts = [part.partition("]]>") for part in others]
    return first + "".join((html.escape(inner) if end else inner) + rest for inner, end, rest in parts)


class _Builder:
    """Takes lxml's events."""

    def __init__(self, path: str, ends: int) -> None:
        self.path = path
        self.max_depth = max(2_000, _MAX_COMPARISONS // max(1, ends))
        self.root = Element("html")
        self.css: list[str] = []
        self.stack = [self.root]
        self.pushed: list[bool] = []
        self.unseen = 0  # how many of the open elements are in an invisible one, itself included
        self.css_open = False
        self.texts: list[str] = []
        self.count = 0
        self.open: Counter[str] = Counter()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self.count += 1
        if len(self.pushed) > self.max_depth:
            reason = f"its elements are nested more than {self.max_depth:,} deep"
            raise DocumentError(self.path, reason, hint="Open it in a browser, save it again.")
        if self.count > MAX_ELEMENTS:
            reason = f"more than {MAX_ELEMENTS:,} elements"
            raise DocumentError(self.path, reason, hint="Split it into several files.")
        seen = not self.unseen and tag not in _INVISIBLE
        if not seen:
            self.unseen += 1
            self.css_open = tag == "style"
        attrs = {name: value for name, value in attributes.items() if name in _KEPT} if seen and attributes else {}
        idle = not attrs and (tag in _IDLE or (tag in _STYLING and self.open[tag] > 0))
        push = seen and not idle and len(self.stack) < MAX_DEPTH
        self.pushed.append(push)
        if push:
            self._push(Element(tag, attrs))
        elif seen and (tag not in INLINE or tag == "br"):
            self.texts.append("\n")

    def _say(self) -> None:
        if self.texts:
            self.stack[-1].kids.append("".join(self.texts))
            self.texts.clear()

    def _push(self, element: Element) -> None:
        self._say()
        if element.tag == "pre":  # its language is often named around it
            named = (above.attrs.get("class", "") for above in self.stack[-2:] if above.tag != "pre")
            outer = " ".join(names[:_CLASS_CHARS] for names in named)
            element.attrs = {**element.attrs, "class": f"{element.attrs.get('class', '')} {outer}".strip()}
        element.holds_block = element.tag not in INLINE
        element.holds_main = element.tag in ("main", "article") or element.attrs.get("role") == "main"
        element.opens = opens(element.tag, element.attrs) or element.attrs.get("itemprop") == "name"
        self.stack[-1].kids.append(element)
        self.stack.append(element)
        self.open[element.tag] += 1

    def end(self, tag: str) -> None:
        """An element ends."""
        if self.pushed.pop():
            self._say()
            done = self.stack.pop()
            self.open[done.tag] -= 1
            above = self.stack[-1]
            done.holds_block &= done.tag != "math"
            above.holds_block |= done.holds_block
            above.holds_main |= done.holds_main
            above.opens |= done.opens
        elif self.unseen:
            self.unseen -= 1
        elif tag not in INLINE:
            self.texts.append("\n")

    def data(self, text: str) -> None:
        """Text between tags."""
        if not self.unseen:
            self.texts.append(text)
        elif self.css_open:
            self.css.append(text)

    def close(self) -> None:
        """The document ends."""
        self._say()


def opens(tag: str, attrs: Mapping[str, str]) -> bool:
    """Whether a click on an element unfolds something, by its attributes, or by a class that names such a control."""
    if not attrs:
        return False
    if attrs.keys() & _TOGGLES:
        return True
    return bool((_TOGGLE_BUTTON if tag == "button" else _TOGGLE_CLASS).search(attrs.get("class", "")))
