"""Takes out of an HTML tree what is no content by its structure."""

from __future__ import annotations

import re

from ingest.formats.html_tree import Element

_LANDMARKS = frozenset(["navigation", "banner", "contentinfo", "search"])
_GUTTER = re.compile(
    r"(?:^|\s)(?:gutter|linenos?|line-?numbers?|linenodiv|lineno-container|hljs-ln-numbers|blob-num)\b"
)
_CONTROL = re.compile(r"(?:^|\s)(?:toolbar|(?:[\w-]*-)?(?:copy|clipboard)(?:-[\w-]*)?|copybtn)(?:\s|$)", re.I)
_MAX_CONTROL = 3  # words: "Copy to clipboard"
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_WORD = re.compile(r"[\w-]+")


def prune(root: Element) -> None:
    """Takes out navigation, page headers and footers beside a main part, controls, and what is hidden, in place.

    What is hidden until someone clicks stays.
    """
    _Pruner(root).prune(root, inside=not root.holds_main)


class _Pruner:
    """Knows what a click unfolds: `unfolded` are the ids that controls name."""

    def __init__(self, root: Element) -> None:
        self.unfolded: set[str] = set()
        for element in root.walk():
            attrs = element.attrs
            if not attrs:
                continue
            for name in ("aria-controls", "data-target", "data-bs-target", "onclick"):
                self.unfolded.update(_WORD.findall(attrs.get(name, "")[:1_000]))
            if attrs.get("href", "").startswith("#"):
                self.unfolded.add(attrs["href"][1:])

    def prune(self, element: Element, *, inside: bool) -> None:
        """Takes out what is under an element. `inside`: it is in the page's main part, or there is none."""
        kept: list[str | Element] = []
        before: Element | None = None
        for kid in element.kids:
            if isinstance(kid, Element):
                opened = before is not None and before.opens
                before = kid
                if self._is_frame(kid, inside) or (_is_hidden(kid) and not opened and not self._unfolds(kid)):
                    continue
                self.prune(kid, inside=inside or (kid.holds_main and kid.tag in ("main", "article")) or _is_main(kid))
            kept.append(kid)
        element.kids = kept

    def _is_frame(self, element: Element, inside: bool) -> bool:
        if _is_gutter(element) or _is_control(element):
            return True
        if element.tag in ("nav", "search") or element.attrs.get("role", "").lower() in _LANDMARKS:
            return not element.holds_main
        if element.tag == "dialog":
            return "open" not in element.attrs
        return element.tag in ("header", "footer") and not inside and not element.holds_main

    def _unfolds(self, element: Element) -> bool:
        attrs = element.attrs
        if attrs.get("role") in ("region", "tabpanel") or attrs.get("itemprop") in ("acceptedAnswer", "text"):
            return True
        return attrs.get("hidden") == "until-found" or attrs.get("id", "") in self.unfolded


def _is_gutter(element: Element) -> bool:
    """Whether an element numbers the lines of a listing."""
    names = element.attrs.get("class", "") if element.attrs else ""
    return bool(names and _GUTTER.search(names) and re.fullmatch(r"[\d\s]*", element.words()))


def _is_control(element: Element) -> bool:
    """Whether an element is the button beside a listing that copies it."""
    names = element.attrs.get("class", "") if element.attrs else ""
    return bool(names and _CONTROL.search(names)) and len(element.words().split()) <= _MAX_CONTROL


def _is_main(element: Element) -> bool:
    return element.attrs.get("role") == "main"


def _is_hidden(element: Element) -> bool:
    attrs = element.attrs
    if not attrs or element.holds_main or element.tag in ("html", "body"):  # until a script shows the page
        return False
    return "hidden" in attrs or attrs.get("aria-hidden") == "true" or bool(_UNSEEN.search(attrs.get("style", "")))
