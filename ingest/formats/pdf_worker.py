"""The part of the PDF reader that calls PDFium. It runs as a process of its own, one for each file.

A file of some hundred bytes can keep PDFium busy for hours or fill gigabytes, and nothing can interrupt it from within
the process. So this process bounds its own time and memory; the system kills it where PDFium passes them, and the pages
it gave until then are kept. It is started as a script and imports nothing of the project.

Standard input: the file. Standard output: lines of JSON. The first is `{"pages", "title"}`, or `{"error"}` with the
code that PDFium gives (0: none); then one for each page (see `_page`), in order; at the end `{"ended"}`, their number.

Positions are in points, from the top left corner of the page as it is turned when most of its text is upright.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_PAGES = 2_000
MAX_PAGE_CHARS = 100_000
MAX_CHARS = 4_000_000
MAX_PAGE_PIECES = 5_000  # a dense page of text has some hundred
# in all: so many, and more for a larger file, where they are not one page over and over
MAX_PIECES, PIECES_BYTE, MIN_PIECES = 150_000, 0.2, 10_000
MAX_MEMORY = 1 << 30  # bytes of address space
# CPU seconds: to begin with, for each byte of the file, for each character that was read (one takes about 5 µs)
SECONDS, SECONDS_BYTE, SECONDS_CHAR = 1.0, 0.5e-6, 20e-6

BOLD, MONO, TURNED = 1, 2, 4  # the bits of a piece's style

_BOLD = re.compile(rb"bold|black|heavy|demi|medi(?!um|an)|cmbx|cmssbx|cmb10", re.I)
_MONO = re.compile(rb"mono|courier|consol|typewriter|menlo|monaco|cousine|cmtt|cmsltt|sftt|ectt|hack\b|code", re.I)
_FIXED_PITCH, _FORCE_BOLD = 1, 1 << 18  # flags of a font descriptor
_BOLD_WEIGHT = 700
# gaps within a line, in units of the size: what parts two pieces, what parts two words, a step back that parts pieces
_GAP, _WORD_GAP, _BACK = 1.0, 0.3, 1.2  # the letters of a ligature share one place: each steps back
_SPACES, _LINE_ENDS = frozenset({9, 32, 160}), frozenset({10, 13})
_NO_LETTERS = frozenset({0, 0xFFFD, 0xFFFE, 0xFFFF})
_CELL_GAP = 0.5  # parts two pieces that are two objects of the file, as the cells of a table are
_MAX_OBJECTS = 20_000  # of a page's drawings
_MAX_SEGMENTS = 200  # of one drawing; one with more is a picture
_THIN = 3.0  # a rule's width, at most
_MIN_RULE = 4.0  # a rule's length, at least
_MARK = (1.5, 9.0)  # the width and height of a list mark that is drawn, at least and at most
_UPRIGHT = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}  # the way a line runs, by direction


@dataclass(slots=True)
class _Piece:
    """Words in one style, on one line, without a wide gap. Its place is as `_ends` and `_style` give it."""

    direction: int
    left: float
    right: float
    base: float
    size: float
    style: int
    text: list[str] = field(default_factory=list)


class _Chars:
    """The characters of one page, put together to pieces in the order of the file."""

    def __init__(self, raw: Any, handle: Any) -> None:
        self.raw = raw
        self.handle = handle
        self.pieces: list[_Piece] = []
        self.unreadable = 0
        self.fonts: dict[tuple[bytes, int, bool], int] = {}

    def read(self, count: int) -> int:
        """Reads up to `count` characters into `pieces`; how many there was room for."""
        raw, handle, box = self.raw, ctypes.cast(self.handle, ctypes.c_void_p).value, self.raw.FS_RECTF()
        unicode_of = _direct(raw.FPDFText_GetUnicode, ctypes.c_uint, ctypes.c_int)
        object_of = _direct(raw.FPDFText_GetTextObject, ctypes.c_void_p, ctypes.c_int)
        box_of = _direct(raw.FPDFText_GetLooseCharBox, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
        at = ctypes.addressof(box)
        piece: _Piece | None = None
        last: int | None = -1
        style, readable = (0, 0.0, 0.0, 0), True
        space = 0  # 1: there is one in the file; 2: PDFium sees a gap
        for index in range(count):
            code = unicode_of(handle, index)
            if code in _SPACES:
                space = 2 if raw.FPDFText_IsGenerated(self.handle, index) == 1 else 1
                continue
            if code in _LINE_ENDS:
                piece, space = None, 0
                continue
            this = object_of(handle, index)
            box_of(handle, index, at)
            self.unreadable += not readable or code in _NO_LETTERS
            within = this == last and not space and style[0] == 0
            if piece is not None and within and -_BACK * piece.size <= box.left - piece.right <= _WORD_GAP * piece.size:
                # so it is for nearly every character: another one of a word
                piece.text.append(chr(code) if code < 0x110000 else "\ufffd")
                piece.right = max(piece.right, box.right)
                continue
            parted = this != last and space == 2
            if this != last:
                last, style = this, self._style(index)
                readable = raw.FPDFText_HasUnicodeMapError(self.handle, index) != 1
            left, right = _ends(style[0], box)
            if piece is not None and not _goes_on(piece, style, left, _CELL_GAP if parted else _GAP):
                if space:
                    piece.text.append(" ")
                piece = None
            if piece is None:
                if len(self.pieces) == MAX_PAGE_PIECES:
                    return index
                piece = _Piece(style[0], left, right, *style[1:])
                self.pieces.append(piece)
            elif space or left - piece.right > _WORD_GAP * piece.size:
                _part(piece, left)
            piece.text.append(chr(code) if code < 0x110000 else "\ufffd")
            piece.left, piece.right, space = min(piece.left, left), max(piece.right, right), 0
        return count

    def _style(self, index: int) -> tuple[int, float, float, int]:
        """(direction in degrees, base line, size, style bits) of the text object that a character stands in."""
        raw, handle, matrix = self.raw, self.handle, self.raw.FS_MATRIX()
        x, y, flags, name = ctypes.c_double(), ctypes.c_double(), ctypes.c_int(), ctypes.create_string_buffer(128)
        raw.FPDFText_GetMatrix(handle, index, matrix)
        raw.FPDFText_GetCharOrigin(handle, index, x, y)
        size = raw.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.c, matrix.d)
        direction = _direction(matrix.a, matrix.b)
        base = {90: -x.value, 180: -y.value, 270: x.value}.get(direction, y.value)
        raw.FPDFText_GetFontInfo(handle, index, name, 128, flags)
        pointer = raw.FPDFText_GetTextObject(handle, index)
        outlined = bool(pointer) and raw.FPDFTextObj_GetTextRenderMode(pointer) == raw.FPDF_TEXTRENDERMODE_FILL_STROKE
        key = (name.value, flags.value, outlined)
        if key not in self.fonts:
            bold = _BOLD.search(key[0]) or key[1] & _FORCE_BOLD or outlined
            bold = bold or raw.FPDFText_GetFontWeight(handle, index) >= _BOLD_WEIGHT
            mono = _MONO.search(key[0]) or key[1] & _FIXED_PITCH
            self.fonts[key] = (BOLD if bold else 0) | (MONO if mono else 0)
        return direction, round(_finite(base), 1), round(min(max(size, 1.0), 1_000.0), 1), self.fonts[key]


def _direct(function: Any, answer: Any, *others: Any) -> Any:
    """A function of PDFium that takes a handle first, called with plain addresses: much faster than with pointers."""
    place = ctypes.cast(function, ctypes.c_void_p).value or 0
    return ctypes.CFUNCTYPE(answer, ctypes.c_void_p, *others)(place)


def _goes_on(piece: _Piece, style: tuple[int, float, float, int], left: float, gap: float) -> bool:
    same = (piece.direction, piece.base, piece.size, piece.style) == style
    return same and -_BACK <= (left - piece.right) / piece.size <= gap


def _direction(a: float, b: float) -> int:
    """The direction in which a line runs, in degrees; a quarter turn where it is nearly one."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return 0
    angle = math.degrees(math.atan2(b, a)) % 360
    quarter = round(angle / 90) * 90
    return quarter % 360 if abs(angle - quarter) < 8 else round(angle)


def _ends(direction: int, box: Any) -> tuple[float, float]:
    """Where a character begins and ends, along the direction of its line."""
    if direction == 90:
        return _finite(box.bottom), _finite(box.top)
    if direction == 180:
        return _finite(-box.right), _finite(-box.left)
    if direction == 270:
        return _finite(-box.top), _finite(-box.bottom)
    return _finite(box.left), _finite(box.right)


def _finite(value: float) -> float:
    return value if -1e5 < value < 1e5 else 0.0


def _part(piece: _Piece, left: float) -> None:
    """Puts a space between two words of a piece; in a font of fixed width, as many as there is room for."""
    width = max((piece.right - piece.left) / len(piece.text), 0.1 * piece.size)
    piece.text.append(" " * max(1, round((left - piece.right) / width)) if piece.style & MONO else " ")


@dataclass(frozen=True, slots=True)
class _Turn:
    """From a page's own coordinates to those of the reader."""

    along: tuple[int, int]
    left: float
    top: float

    def box(self, left: float, bottom: float, right: float, top: float) -> list[float]:
        """[left, top, right, bottom] in the reader's coordinates."""
        (a, b), xs, ys = self.along, [], []
        for x, y in ((left, bottom), (right, top)):
            xs.append(a * _finite(x) + b * _finite(y) - self.left)
            ys.append(self.top - (a * _finite(y) - b * _finite(x)))
        return [round(min(xs), 1), round(min(ys), 1), round(max(xs), 1), round(max(ys), 1)]


def _drawings(raw: Any, page: Any, turn: _Turn, whole: float) -> dict[str, Any]:
    """What else there is on a page of an area of `whole`: see `_page`."""
    rules: list[list[float]] = []
    marks: list[list[float]] = []
    area, drawn = 0.0, 0
    corners = [ctypes.c_float() for _ in range(4)]
    for index in range(min(raw.FPDFPage_CountObjects(page), _MAX_OBJECTS)):
        item = raw.FPDFPage_GetObject(page, index)
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_TEXT or not raw.FPDFPageObj_GetBounds(item, *corners):
            continue
        drawn += 1
        box = turn.box(*(corner.value for corner in corners))
        width, height = box[2] - box[0], box[3] - box[1]
        if kind != raw.FPDF_PAGEOBJ_PATH:
            area += width * height
        elif min(width, height) <= _THIN and max(width, height) >= _MIN_RULE:
            rules.append(box)
        elif _MARK[0] <= min(width, height) and max(width, height) <= min(_MARK[1], 1.5 * min(width, height)):
            marks.append(box)
        elif max(width, height) >= _MIN_RULE:
            rules += _edges(raw, item, turn)
    return {"rules": rules, "marks": marks, "images": round(min(area / max(whole, 1), 1), 3), "drawn": drawn}


def _edges(raw: Any, path: Any, turn: _Turn) -> Iterator[list[float]]:
    """The level and upright lines of a drawing."""
    count = raw.FPDFPath_CountSegments(path)
    if not 2 <= count <= _MAX_SEGMENTS:
        return
    matrix, x, y = raw.FS_MATRIX(), ctypes.c_float(), ctypes.c_float()
    raw.FPDFPageObj_GetMatrix(path, matrix)
    begin = last = (0.0, 0.0)
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = (matrix.a * x.value + matrix.c * y.value + matrix.e, matrix.b * x.value + matrix.d * y.value + matrix.f)
        kind = raw.FPDFPathSegment_GetType(segment)
        lines = [(last, point)] if kind == raw.FPDF_SEGMENT_LINETO else []
        begin, last = (point if kind == raw.FPDF_SEGMENT_MOVETO else begin), point
        if raw.FPDFPathSegment_GetClose(segment):
            lines.append((point, begin))
            last = begin
        for (x0, y0), (x1, y1) in lines:
            if min(abs(x1 - x0), abs(y1 - y0)) < 1 and max(abs(x1 - x0), abs(y1 - y0)) >= _MIN_RULE:
                yield turn.box(x0, y0, x1, y1)


def _page(raw: Any, page: Any, text: Any) -> dict[str, Any]:
    """One page.

    `size`: width and height. `pieces`: [left, right, base line, size, style bits, text] in the order of the file.
    `rules`, `marks`: drawn lines, and drawn list marks: [left, top, right, bottom]. `images`: the share of the page
    that images cover. `drawn`: how many drawings it has. `unreadable`: the share of characters whose font doesn't say
    which letters they are. `chars`: how many characters PDFium counts, of which so many were `read`.
    """
    chars, count = _Chars(raw, text), max(0, raw.FPDFText_CountChars(text))
    read = chars.read(min(count, MAX_PAGE_CHARS))
    box = raw.FS_RECTF()
    raw.FPDF_GetPageBoundingBox(page, box)
    votes = Counter({0: 1})
    for piece in chars.pieces:
        votes[piece.direction] += len(piece.text)
    main = max(_UPRIGHT, key=lambda direction: votes[direction])
    a, b = _UPRIGHT[main]
    edges = _Turn((a, b), 0, 0).box(box.left, box.bottom, box.right, box.top)
    turn = _Turn((a, b), edges[0], -edges[1])
    pieces = []
    for piece in chars.pieces:
        style = piece.style | (0 if piece.direction == main else TURNED)
        left, right, base = piece.left - turn.left, _finite(piece.right) - turn.left, turn.top - piece.base
        pieces.append([round(left, 1), round(right, 1), round(base, 1), piece.size, style, "".join(piece.text)])
    width, height = edges[2] - edges[0], edges[3] - edges[1]
    unreadable = round(chars.unreadable / max(read, 1), 3)
    answer = {"size": [width, height], "pieces": pieces, "unreadable": unreadable, "chars": count, "read": read}
    return answer | _drawings(raw, page, turn, width * height)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has none; there only the time is bounded, by the process that waits
        return
    with contextlib.suppress(ValueError, OSError):  # a system may refuse a limit
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def _limit_time(seconds: float) -> None:
    """Lets the system end the process after so many more CPU seconds, wherever it is then."""
    import signal

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.001))


def _say(**words: Any) -> None:
    sys.stdout.write(json.dumps(words, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Reads one file."""
    _limit_memory()
    import pypdfium2 as pdfium  # type: ignore[import-untyped]
    import pypdfium2.raw as raw  # type: ignore[import-untyped]

    data = sys.stdin.buffer.read()
    allowed = time.process_time() + SECONDS + SECONDS_BYTE * len(data)
    _limit_time(allowed - time.process_time())
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        _say(error=error.err_code or 0)
        return
    with document:
        _say(pages=len(document), title=document.get_metadata_value("Title"))
        read = chars = pieces = 0
        room = min(MAX_PIECES, MIN_PIECES + PIECES_BYTE * len(data))
        for index in range(len(document) if len(document) <= MAX_PAGES else 0):
            left = allowed + SECONDS_CHAR * chars - time.process_time()
            if left <= 0 or chars > MAX_CHARS or pieces > room:
                break
            _limit_time(left)
            page = raw.FPDF_LoadPage(document, index)
            text = raw.FPDFText_LoadPage(page) if page else None
            if not text:
                _say(damaged=True)
            else:
                answer = _page(raw, page, text)
                _say(**answer)
                chars, pieces = chars + answer["read"], pieces + len(answer["pieces"])
                raw.FPDFText_ClosePage(text)
            if page:
                raw.FPDF_ClosePage(page)
            read += 1
        _say(ended=read)


if __name__ == "__main__":
    main()
