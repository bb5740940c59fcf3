"""A PDF's bytes → its pages: pieces of text where they stand, drawn lines, list marks. PDFium has its own process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.errors import DocumentError
from ingest.formats import pdf_worker
from ingest.formats.decode import check_size

_WORKER = Path(pdf_worker.__file__)
_WALL_SECONDS = 120.0
"""The process bounds its CPU time, which is what counts on a busy machine; this ends one that doesn't even run."""

_PASSWORD, _SECURITY = 4, 5  # PDFium's error codes
_DAMAGED_HINT = "Open it in a PDF viewer; if that shows it, print it to a new PDF, else get the file again."
_SPLIT_HINT = "Split the file, or print those pages to a PDF of their own."

_LIGATURES = re.compile("[\ufb00-\ufb06]")
_DROPPED = re.compile("[\x00\x01\x03-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\ud800-\udfff\ufeff\ufffe\uffff]")
# what the symbol fonts of word processors put at the start of a list entry, and their arrows
_SYMBOLS = str.maketrans(
    dict(zip("\uf0b7\uf0a7\uf0d8\uf076\uf0fc\uf0fb\uf0a8\uf06f\uf0e0\uf0ae", "•▪➢❖✓✗□□→→", strict=True))
)
HYPHEN = "\x02"
"""What PDFium gives for a hyphen at the end of a line whose word goes on below."""


@dataclass(slots=True)
class Piece:
    """Words in one style on one base line. `y` is the base line; points from the top left. `order`: in the file.

    `text` may begin or end with a space, where one parts it from its neighbour. `turned`: it doesn't stand upright.
    """

    x0: float
    x1: float
    y: float
    size: float
    text: str
    bold: bool = False
    mono: bool = False
    turned: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in points from the top left."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(slots=True)
class Page:
    """One page. `rules`: straight drawn lines. `marks`: small square drawings, such as the bullets of browsers.

    `images`: the share of its area that pictures cover. `drawn`: how many drawings it has. `flaw`: why its text can't
    be taken, or a part of it; empty where it can.
    """

    number: int
    width: float
    height: float
    pieces: list[Piece] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)
    marks: list[Box] = field(default_factory=list)
    images: float = 0.0
    drawn: int = 0
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages that could be read. `count`: how many the file has. `why`: why the others were left out."""

    title: str
    count: int
    pages: list[Page]
    why: str = ""


def read_pages(data: bytes, path: str) -> Pages:
    """All pages of a PDF. Raises DocumentError, with the reason, where there is none that could be read."""
    check_size(len(data), path)
    if not data.strip():
        raise DocumentError(path, "the file is empty", hint="Write something into it, or remove it.")
    code, lines = _run(data, path)
    answers = list(_answers(lines))
    head = answers[0] if answers else {}
    if "pages" not in head:
        raise _refusal(data, path, head, code)
    count = int(head["pages"])
    if count > pdf_worker.MAX_PAGES:
        reason = f"the file has {count:,} pages; the limit is {pdf_worker.MAX_PAGES:,}"
        raise DocumentError(path, reason, hint="Split it into several files.")
    ended = "ended" in answers[-1]
    pages = [_page(answer, number) for number, answer in enumerate(answers[1 : -1 if ended else None], 1)]
    why = "" if len(pages) == count else _why(code, ended=ended)
    if not pages:
        raise DocumentError(path, f"page 1: {why}", hint=_SPLIT_HINT)
    return Pages(_clean(str(head["title"])), count, pages, why)


def _run(data: bytes, path: str) -> tuple[int, bytes]:
    """The exit status of the process (negative: the signal that ended it), and what it wrote until then."""
    command = [sys.executable, "-P", str(_WORKER)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_WALL_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        return -1, error.stdout or b""
    except OSError as error:
        raise DocumentError(path, f"the process that reads PDF files can't be started: {error}") from error
    return done.returncode, done.stdout


def _answers(lines: bytes) -> Iterator[dict[str, Any]]:
    """The whole lines. The last one may have been cut; and what a process writes that PDFium broke is not trusted."""
    for line in lines.split(b"\n")[:-1]:
        try:
            yield json.loads(line)
        except ValueError:
            return


def _refusal(data: bytes, path: str, head: dict[str, Any], code: int) -> DocumentError:
    error = head.get("error")
    if error == _PASSWORD:
        hint = "Save it without a password, for instance: qpdf --decrypt --password=… in.pdf out.pdf"
        return DocumentError(path, "the file is encrypted, and opens only with a password", hint=hint)
    if error == _SECURITY:
        hint = "Open it where you may, and print it to a new PDF."
        return DocumentError(path, "the file is encrypted in a way that can't be read here", hint=hint)
    if error is None:
        return DocumentError(path, f"opening the file fails: {_why(code, ended=False)}", hint=_DAMAGED_HINT)
    if b"%PDF-" not in data[:1024]:
        return DocumentError(path, "not a PDF: it doesn't begin with %PDF-", hint="Give it the suffix of what it is.")
    return DocumentError(path, "the PDF is damaged, cut short, or has no pages", hint=_DAMAGED_HINT)


def _why(code: int, *, ended: bool) -> str:
    """Why the process gave fewer pages than there are."""
    import signal

    if ended or code in (-1, -getattr(signal, "SIGPROF", 0)):
        return "it takes too long to read, or holds too much text"
    return "it is damaged, or takes too much memory"


def _page(answer: dict[str, Any], number: int) -> Page:
    if "size" not in answer:
        return Page(number, 0, 0, flaw="it is damaged")
    pieces = [
        Piece(
            left,
            right,
            base,
            size,
            _clean(text),
            bold=bool(style & pdf_worker.BOLD),
            mono=bool(style & pdf_worker.MONO),
            turned=bool(style & pdf_worker.TURNED),
            order=order,
        )
        for order, (left, right, base, size, style, text) in enumerate(answer["pieces"])
    ]
    flaw = ""
    if answer["unreadable"] > 0.5:
        flaw = "its fonts don't say which letters they show"
        pieces = []
    elif answer["read"] < answer["chars"]:
        flaw = f"of its {answer['chars']:,} characters only {answer['read']:,} were read: more is no page of text"
    return Page(
        number,
        width=answer["size"][0],
        height=answer["size"][1],
        pieces=[piece for piece in pieces if piece.text.strip()],
        rules=[Box(*box) for box in answer["rules"]],
        marks=[Box(*box) for box in answer["marks"]],
        images=answer["images"],
        drawn=answer["drawn"],
        flaw=flaw,
    )


def _clean(text: str) -> str:
    """Ligatures as letters, symbols as the characters they show, and without soft hyphens and control characters."""
    if text.isascii() and text.isprintable():
        return text
    text = _LIGATURES.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text.translate(_SYMBOLS))
    return _DROPPED.sub("", text)
