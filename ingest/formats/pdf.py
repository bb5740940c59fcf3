"""PDF → blocks. PDFium finds the letters (in a process of its own); how they make lines, columns, headings, lists,
code and tables is worked out here, from positions, sizes and fonts alone.

    bytes ─pdf_worker, pdf_pages→ pieces ─pdf_tables, pdf_running→ what is left ─pdf_layout→ lines ─pdf_blocks→ blocks

What is left out: running headers and footers and page numbers. Pages without text, and pages that can't be read, are
flaws; where there is no other, the file is refused.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.front_matter import merged
from ingest.formats.pdf_blocks import Block, Blocks, Scribe
from ingest.formats.pdf_layout import Line, read_page
from ingest.formats.pdf_lines import Manner
from ingest.formats.pdf_pages import Page, Pages, read_pages
from ingest.formats.pdf_running import drop_running
from ingest.formats.pdf_tables import take_aligned, take_ruled
from ingest.formats.pdf_words import Words
from ingest.formats.writer import BlockWriter
from ingest.items import Meta

_SCANNED = "scanned, without text"
_OCR_HINT = "Run OCR over it first, for instance: ocrmypdf in.pdf out.pdf"
_PRINT_HINT = "Print it to a new PDF, or split the file."
_MIN_IMAGES = 0.05  # of a page's area: less is a logo or an ornament
_MIN_DRAWINGS = 40  # letters drawn as outlines; fewer are lines and boxes
_MAX_TITLE = 200
# what programs put into the title by themselves: a placeholder, an address, the name of a file
_NO_TITLE = re.compile(
    r"(?:untitled|document|presentation|slides?|page|no title|title|powerpoint presentation)[\W\d]*"
    r"|(?:untitled|new|microsoft) \w+[\W\d]*|microsoft (?:word|powerpoint|excel)\b.*"
    r"|(?:https?|file|about|data):.*|.*\.[a-z]{1,4}\d?|\S*[_~/\\]\S*",
    re.I,
)


def read_pdf(data: bytes, path: str, folder: Meta) -> SourceText:
    """A PDF with text. Raises DocumentError for one that is damaged, encrypted, scanned, too long, or not a PDF."""
    read = read_pages(data, path)
    tables = {page.number: take_ruled(page) for page in read.pages}
    drop_running(read.pages, read.count)
    for page in read.pages:
        tables[page.number] += take_aligned(page)
    _refuse_textless(read, path, {number for number, found in tables.items() if found})
    laid = [(page, read_page(page, tables[page.number])) for page in read.pages]
    manner = Manner([(page.width, items) for page, items in laid])
    blocks = Blocks(manner)
    for page, items in laid:
        for item in items:
            blocks.add(item, page.number)
    lines = [item for _, items in laid for item in items if isinstance(item, Line)]
    words = Words(lines, bold=manner.says_bold, mono=manner.says_mono)
    return _write(read, blocks.blocks, Scribe(manner, words, BlockWriter(path)), folder)


def _write(read: Pages, blocks: Sequence[Block], scribe: Scribe, folder: Meta) -> SourceText:
    writer = scribe.writer
    filled = {page for block in blocks for page in block.pages()}
    flaws = deque((page.number, _flaw(page)) for page in read.pages if page.flaw or page.number not in filled)
    for block in blocks:
        _turn(scribe, block.page, flaws)
        scribe.write(block)
    _turn(scribe, len(read.pages), flaws)
    if read.why:
        left_out = _numbers(range(len(read.pages) + 1, read.count + 1))
        writer.flaw(f"{left_out} left out: {read.why}", _PRINT_HINT)
    source = writer.finish(merged(folder, Meta(title=_title(read.title))))
    # a page without anything after the last line begins below it
    end = source.text.count("\n") + 1
    return replace(source, pages=tuple(min(line, end) for line in scribe.pages))


def _turn(scribe: Scribe, page: int, flaws: deque[tuple[int, str]]) -> None:
    """Turns the pages up to one, and notes what is wrong with each."""
    scribe.turn(page)
    while flaws and flaws[0][0] <= page:
        number, reason = flaws.popleft()
        if reason:
            hint = _OCR_HINT if reason == _SCANNED else _PRINT_HINT
            scribe.writer.flaw(f"page {number}: {reason}", hint)


def _flaw(page: Page) -> str:
    """Why there is no text of a page, or not all of it; empty for a page that is blank."""
    if page.flaw:
        return page.flaw
    return _SCANNED if page.images >= _MIN_IMAGES or page.drawn >= _MIN_DRAWINGS else ""


def _refuse_textless(read: Pages, path: str, with_tables: set[int]) -> None:
    if with_tables or any(page.pieces for page in read.pages):
        return
    reasons = {page.number: _flaw(page) for page in read.pages}
    scanned = [number for number, reason in reasons.items() if reason == _SCANNED]
    if scanned:
        raise DocumentError(path, f"{_numbers(scanned)}: {_SCANNED}", hint=_OCR_HINT)
    for number, reason in reasons.items():
        if reason:
            raise DocumentError(path, f"page {number}: {reason}", hint=_PRINT_HINT)
    raise DocumentError(path, "there is no text on any page", hint="Write something into it, or remove it.")


def _numbers(pages: Sequence[int]) -> str:
    """ "page 3", "pages 1–4, 7"."""
    runs = [[p for _, p in run] for _, run in groupby(enumerate(pages), key=lambda pair: pair[1] - pair[0])]
    shown = ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"page{'s' if len(pages) > 1 else ''} {shown}"


def _title(said: str) -> str | None:
    """The title of the file's properties, where it is one and not what a program put there."""
    title = " ".join(said.split())
    if not 3 <= len(title) <= _MAX_TITLE or _NO_TITLE.fullmatch(title) or not any(c.isalpha() for c in title):
        return None
    return title
