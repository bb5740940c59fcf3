"""The inside of a Word paragraph: its styled words, and what hangs on them: notes, text boxes, page breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.formats.docx_styles import Look, Styles, W, first, switch
from ingest.formats.inline import Run, image

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_CHOICE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VML = "{urn:schemas-microsoft-com:vml}"

_DELETED = frozenset({f"{W}del", f"{W}moveFrom"})  # tracked changes: what was inserted stays
# what holds runs or blocks and changes nothing about them
FRAMES = frozenset(
    W + name
    for name in ("ins", "moveTo", "smartTag", "customXml", "sdt", "sdtContent", "fldSimple", "dir", "bdo", "rubyBase")
)
_SIGNS = {f"{W}tab": "\t", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", f"{W}ptab": "\t"}
_NOTES = {f"{W}footnoteReference": "footnotes", f"{W}endnoteReference": "endnotes"}


@dataclass(slots=True)
class Inside:
    """What a paragraph holds. `notes`: (part, id) of the notes it refers to. `boxes`: the content of its text boxes.

    `early`, `late`: how many pages begin in it before and after its first word.
    """

    look: Look
    runs: list[Run] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    early: int = 0
    late: int = 0

    @property
    def text(self) -> str:
        """Its words without their styles."""
        return "".join(run.text for run in self.runs)

    def page(self) -> None:
        """A page begins here."""
        if self.text.strip():
            self.late += 1
        else:
            self.early += 1


def visible(element: Any) -> Iterator[Any]:
    """An element's children: without comments and what was deleted, one of alternatives, what only frames opened."""
    for one in element:
        if not isinstance(one.tag, str) or one.tag in _DELETED:
            continue
        if one.tag == f"{_CHOICE}AlternateContent":
            options = [e for e in one if e.tag in (f"{_CHOICE}Choice", f"{_CHOICE}Fallback")]
            for option in options[:1]:
                yield from visible(option)
        elif one.tag in FRAMES:
            yield from visible(one)
        else:
            yield one


class RunReader:
    """Reads paragraphs. Notes are numbered in the order in which they are referred to.

    `anchors`: bookmark → the anchor of the heading it stands at. `laid_out`: whether Word saved where pages begin; else
    the breaks count that the author made.
    """

    def __init__(self, styles: Styles, anchors: Mapping[str, str], *, laid_out: bool) -> None:
        self._styles = styles
        self._anchors = anchors
        self._laid_out = laid_out
        self._numbers: dict[tuple[str, str], int] = {}

    def read(self, paragraph: Any) -> Inside:
        """All that a paragraph holds."""
        inside = Inside(self._styles.of(paragraph))
        if not self._laid_out and switch(first(paragraph, "pPr"), "pageBreakBefore"):
            inside.page()
        self._read(paragraph, inside, "")
        return inside

    def mark(self, note: tuple[str, str]) -> str:
        """The sign that refers to a note."""
        return f"[^{self._numbers.setdefault(note, len(self._numbers) + 1)}]"

    def _read(self, element: Any, inside: Inside, link: str) -> None:
        for one in visible(element):
            tag = one.tag
            if tag == f"{W}r":
                self._run(one, inside, link)
            elif tag == f"{W}hyperlink":
                self._read(one, inside, self._anchors.get(one.get(f"{W}anchor") or "", ""))
            elif tag in (f"{_MATH}oMath", f"{_MATH}oMathPara"):
                inside.runs.append(Run("".join(text.text or "" for text in one.iter(f"{_MATH}t"))))

    def _run(self, run: Any, inside: Inside, link: str) -> None:
        style = self._styles.style(run, inside.look)
        if style is None:
            return
        style = style._replace(link=link)
        for one in visible(run):
            text = self._text(one, inside)
            if text:
                inside.runs.append(style._replace(text=text))

    def _text(self, one: Any, inside: Inside) -> str:
        """The words that one part of a run is; what hangs on it is noted."""
        tag = one.tag
        if tag == f"{W}t":
            return (one.text or "").replace("\n", " ")
        if tag in _SIGNS:
            return _SIGNS[tag]
        if tag == f"{W}br":
            if one.get(f"{W}type") != "page":
                return "\n"
            if not self._laid_out:
                inside.page()
        elif tag == f"{W}lastRenderedPageBreak":
            inside.page()
        elif tag in _NOTES:
            note = (_NOTES[tag], one.get(f"{W}id") or "")
            inside.notes.append(note)
            return self.mark(note)
        elif tag == f"{W}ruby":
            return "".join(text.text or "" for base in one.iterfind(f"{W}rubyBase") for text in base.iter(f"{W}t"))
        elif tag in (f"{W}drawing", f"{W}pict", f"{W}object"):
            return " ".join(self._drawn(one, inside))
        return ""

    def _drawn(self, drawing: Any, inside: Inside) -> Iterator[str]:
        """The alternative texts of pictures; the text boxes among them are noted."""
        stack = [drawing]
        while stack:
            one = stack.pop()
            if one.tag == f"{W}txbxContent":
                inside.boxes.append(one)
                continue
            if one.tag == f"{_DRAWING}docPr":
                yield image(one.get("descr") or "")
            elif one.tag in (f"{_VML}shape", f"{_VML}rect") and one.get("alt"):
                yield image(one.get("alt"))
            stack += reversed(list(visible(one)))
