"""The inside of an HTML paragraph: styled words, code, links within the page, images by their alternative text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ingest.formats.html_tree import INLINE, Element
from ingest.formats.inline import Run, image

PLAIN = Run("")

_BOLD = frozenset(["b", "strong", "th"])
_ITALIC = frozenset(["i", "em"])
_CODE = frozenset(["code", "tt", "samp", "kbd", "pre"])
_WHITE = re.compile(r"[ \t\n\r\f]+")
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,2000})\}")
_CLASS = re.compile(r"\.([\w-]+)\s*(?:,|$)")
_WEIGHT = re.compile(r"font-weight\s*:\s*(bold|[1-9]00|normal)", re.I)
_MONOSPACE = re.compile(r"font-family\s*:[^;}]*(?:mono|courier|consolas|menlo)", re.I)
_POWER = re.compile(r"-?\d+|[a-zA-Z]|\d*[a-zA-Z]\d*")
_ORDINAL = ("st", "nd", "rd", "th")


class Styles:
    """What style sheets and `style` attributes say of weight and font, as exports of word processors do."""

    def __init__(self, css: str) -> None:
        self._classes: dict[str, str] = {}
        for selectors, rules in _RULE.findall(css):
            if _WEIGHT.search(rules) or _MONOSPACE.search(rules):
                for name in _CLASS.findall(selectors):
                    self._classes[name] = f"{self._classes.get(name, '')};{rules}"

    def of(self, element: Element, style: Run) -> Run:
        """The style of an element's words; `style` is that of the words around it."""
        tag, attrs = element.tag, element.attrs
        bold, code = style.bold or tag in _BOLD, style.code or tag in _CODE
        if attrs:
            rules = [self._classes[name] for name in attrs.get("class", "").split() if name in self._classes]
            css = ";".join([*rules, attrs.get("style", "")])
            for weight in _WEIGHT.findall(css):
                bold = weight.lower() not in ("normal", "100", "200", "300", "400", "500")
            code = code or bool(_MONOSPACE.search(css))
        return Run(style.text, bold, style.italic or tag in _ITALIC, code, style.link)


class InlineReader:
    """Reads inline content. `anchors`: an id of the page → the anchor that a link to it gets."""

    def __init__(self, styles: Styles, anchors: Mapping[str, str]) -> None:
        self.styles = styles
        self._anchors = anchors

    def read(self, kid: str | Element, style: Run, runs: list[Run], *, heading: bool = False) -> None:
        """Adds to `runs` what a text or element holds. `heading`: links are words, and marks that link are left out."""
        if isinstance(kid, str):
            runs.append(style._replace(text=_WHITE.sub(" ", kid)))
            return
        tag = kid.tag
        if tag == "br":
            runs.append(style._replace(text="\n"))
        elif tag == "img":
            runs.append(style._replace(text=image(kid.attrs.get("alt", ""), kid.attrs.get("src", "")), code=False))
        elif tag == "math":
            runs.append(style._replace(text=_formula(kid)))
        elif tag == "sup":
            self._raised(kid, style, runs, heading=heading)
        elif tag == "q":
            runs.append(style._replace(text="“"))
            self._kids(kid, style, runs, heading=heading)
            runs.append(style._replace(text="”"))
        elif tag == "a":
            self._link(kid, style, runs, heading=heading)
        elif tag not in ("input", "rp", "title"):
            apart = tag not in INLINE or tag == "button"
            if apart:
                runs.append(style._replace(text="\n" if tag not in INLINE else " "))
            self._kids(kid, self.styles.of(kid, style), runs, heading=heading)
            if apart:
                runs.append(style._replace(text="\n" if tag not in INLINE else " "))

    def _kids(self, element: Element, style: Run, runs: list[Run], *, heading: bool) -> None:
        for kid in element.kids:
            self.read(kid, style, runs, heading=heading)

    def _raised(self, element: Element, style: Run, runs: list[Run], *, heading: bool) -> None:
        """Raised words: an exponent ("10^6"), the sign of a note ("[1]"), or the end of an ordinal ("1st")."""
        words = element.words()
        if words.isdecimal() and any(inner.tag == "a" for inner in element.walk()):
            runs.append(style._replace(text="" if heading else f"[{words}]"))
            return
        runs.append(style._replace(text="^" if _is_power(words, runs) else ""))
        self._kids(element, style, runs, heading=heading)

    def _link(self, element: Element, style: Run, runs: list[Run], *, heading: bool) -> None:
        target = element.attrs.get("href", "")
        if heading and target and not any(c.isalnum() for c in element.words()):
            return
        anchor = "" if heading or not target.startswith("#") else self._anchors.get(target[1:], "")
        self._kids(element, self.styles.of(element, style)._replace(link=anchor or style.link), runs, heading=heading)


def _is_power(words: str, runs: list[Run]) -> bool:
    base = runs[-1].text[-1:] if runs else ""
    return bool(_POWER.fullmatch(words)) and words not in _ORDINAL and (base.isalnum() or base == ")")


def _formula(element: Element) -> str:
    """A formula as TeX where it is given, else its signs in a row."""
    for inner in element.walk():
        if inner.tag == "annotation":
            return f"${inner.words()}$"
    return element.words()
