"""What a Word document's styles and numbering say of a paragraph: its heading level, its list, its weight and font."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ingest.formats.inline import Run

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
VAL = f"{W}val"

_HEADING = re.compile(r"heading (\d)", re.I)
_CODE = re.compile(r"\b(?:code|preformatted|verbatim|listing|macro text)\b", re.I)
_CONTENTS = re.compile(r"toc (?:\d|heading)|table of (?:figures|authorities)|index \d", re.I)
_MONOSPACE = re.compile(
    r"mono|courier|consolas|menlo|monaco|inconsolata|lucida console|source code|cascadia|fixedsys", re.I
)
_OFF = ("0", "false", "off", "none")
_MAX_CHAIN = 20  # styles based on one another; a circle ends here


def child(element: Any, *names: str) -> Any:
    """The first child of that name of the first child of …; None where there is none."""
    for name in names:
        element = element.find(W + name) if element is not None else None
    return element


def value(element: Any, *names: str) -> str | None:
    """The `val` of such a child."""
    found = child(element, *names)
    return None if found is None else found.get(VAL)


def first(element: Any, name: str) -> Any:
    """The first child, if that is its name: where properties stand."""
    return element[0] if len(element) and element[0].tag == W + name else None


def number(text: str | None, otherwise: int = 0) -> int:
    """A number as the file gives it; `otherwise` for what is none."""
    return int(text) if text and re.fullmatch(r"-?\d{1,9}", text) else otherwise


@dataclass(frozen=True, slots=True)
class Place:
    """A paragraph's place in a list: the list and the level in it, from 0."""

    list_id: str
    level: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a paragraph by its style and itself.

    `heading`: its level from 1 on, 0 for the document's title, None for body text. `is_contents`: a line of a table
    of contents or an index. `indent`: on the left, in twentieths of a point, None where nothing says; `own_indent`:
    the same without its style. The rest is what its runs are if they don't say otherwise.
    """

    heading: int | None = None
    is_code: bool = False
    is_contents: bool = False
    place: Place | None = None
    indent: int | None = None
    own_indent: int | None = None
    bold: bool = False
    hidden: bool = False
    font: str = ""


@dataclass(frozen=True, slots=True)
class RunLook:
    """What is known of a run. None: nothing is said."""

    bold: bool | None = None
    italic: bool | None = None
    hidden: bool | None = None
    font: str = ""
    is_code: bool = False


class Styles:
    """Looks things up in `styles.xml`. `root`: its element, or None."""

    def __init__(self, root: Any) -> None:
        found = [] if root is None else list(root.iterfind(f"{W}style"))
        self._styles: dict[str, Any] = {style.get(f"{W}styleId") or "": style for style in found}
        self._looks: dict[str, Look] = {}
        self._run_looks: dict[str, RunLook] = {}
        defaults = (style for style in found if style.get(f"{W}type") == "paragraph")
        default = next((style for style in defaults if style.get(f"{W}default") in ("1", "true")), None)
        self._default = "" if default is None else default.get(f"{W}styleId") or ""
        font = self._style(self._default).font or _font(child(root, "docDefaults", "rPrDefault", "rPr"))
        self._all_monospace = bool(_MONOSPACE.search(font))

    def of(self, paragraph: Any) -> Look:
        """How a paragraph looks."""
        properties = first(paragraph, "pPr")
        if properties is None:
            return self._style(self._default)
        look = self._style(value(properties, "pStyle") or self._default)
        return self._over(look, properties)

    def style(self, run: Any, look: Look) -> Run | None:
        """The style of a run of a paragraph, as a run without text; None for hidden words."""
        properties = first(run, "rPr")
        own = _run_look(properties)
        named = self._named(value(properties, "rStyle") or "")
        if _first_said(own.hidden, named.hidden, look.hidden):
            return None
        return Run(
            "",
            bold=_first_said(own.bold, named.bold, look.bold),
            italic=_first_said(own.italic, named.italic),
            code=named.is_code or self._is_monospace(own.font or named.font or look.font),
        )

    def _is_monospace(self, font: str) -> bool:
        return bool(font) and not self._all_monospace and bool(_MONOSPACE.search(font))

    def _style(self, style_id: str) -> Look:
        """What a paragraph style says, with those it is based on."""
        if style_id not in self._looks:
            look = Look()
            for style in reversed(self._chain(style_id)):
                name = value(style, "name") or ""
                heading = _HEADING.fullmatch(name)
                if heading or name.lower() == "title":
                    look = replace(look, heading=int(heading[1]) if heading else 0)
                said = _run_look(child(style, "rPr"))
                look = replace(
                    self._over(look, child(style, "pPr")),
                    own_indent=None,
                    is_code=look.is_code or bool(_CODE.search(name)),
                    is_contents=look.is_contents or bool(_CONTENTS.fullmatch(name)),
                    bold=_first_said(said.bold, look.bold),
                    hidden=_first_said(said.hidden, look.hidden),
                    font=said.font or look.font,
                )
            self._looks[style_id] = look
        return self._looks[style_id]

    def _over(self, look: Look, properties: Any) -> Look:
        """A look with what a paragraph's properties say over it."""
        if properties is None:
            return look
        level = value(properties, "outlineLvl")
        if level is not None:
            look = replace(look, heading=number(level) + 1 if 0 <= number(level, 9) < 9 else None)
        listed = child(properties, "numPr")
        if listed is not None:
            list_id = value(listed, "numId") or (look.place.list_id if look.place else "0")
            depth = max(0, min(8, number(value(listed, "ilvl"))))
            look = replace(look, place=None if list_id == "0" else Place(list_id, depth))
        left = left_of(properties)
        return look if left is None else replace(look, indent=left, own_indent=left)

    def _named(self, style_id: str) -> RunLook:
        """What a character style says, with those it is based on."""
        if style_id not in self._run_looks:
            chain = self._chain(style_id)
            looks = [_run_look(child(style, "rPr")) for style in chain]
            self._run_looks[style_id] = RunLook(
                bold=next((look.bold for look in looks if look.bold is not None), None),
                italic=next((look.italic for look in looks if look.italic is not None), None),
                hidden=next((look.hidden for look in looks if look.hidden is not None), None),
                font=next((look.font for look in looks if look.font), ""),
                is_code=any(_CODE.search(value(style, "name") or "") for style in chain),
            )
        return self._run_looks[style_id]

    def _chain(self, style_id: str) -> list[Any]:
        """A style and those it is based on."""
        chain: list[Any] = []
        while style_id in self._styles and len(chain) < _MAX_CHAIN:
            chain.append(self._styles[style_id])
            style_id = value(chain[-1], "basedOn") or ""
        return chain


def left_of(properties: Any) -> int | None:
    """The left indentation in a paragraph's properties."""
    indent = child(properties, "ind")
    left = None if indent is None else indent.get(f"{W}left") or indent.get(f"{W}start")
    return None if left is None else number(left)


def _first_said(*said: bool | None) -> bool:
    return next((one for one in said if one is not None), False)


def _run_look(properties: Any) -> RunLook:
    if properties is None or len(properties) == 0:
        return _UNSAID
    bold, italic, hidden = (switch(properties, name) for name in ("b", "i", "vanish"))
    return RunLook(bold, italic, hidden, _font(properties))


def switch(properties: Any, name: str) -> bool | None:
    """A property that is on or off; None where nothing says."""
    found = child(properties, name)
    return None if found is None else found.get(VAL, "1").lower() not in _OFF


def _font(properties: Any) -> str:
    fonts = child(properties, "rFonts")
    return "" if fonts is None else fonts.get(f"{W}ascii") or fonts.get(f"{W}hAnsi") or ""


_UNSAID = RunLook()
