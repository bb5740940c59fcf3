"""One input through a reader and the parser, and what has to hold of whatever comes out."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ingest.blocks import Node
from ingest.errors import DocumentError
from ingest.formats.registry import ARCHIVE, READERS
from ingest.items import Document, Item, Meta, Span
from ingest.parse.anchors import leads_around
from ingest.parse.document import parse_document
from ingest.parse.facets import read_badges, read_line, section_facets
from ingest.parse.labels import answer_heading, bold_lead, numbering, plain_lead, read_label, read_label_heading
from ingest.parse.wording import answer_behind, asks, is_inverted, is_prompt, is_question, is_request, says_nothing
from ingest.text import Text, fold, plain

ALIASES = frozenset({".markdown", ".mdx", ".text", ".ndjson", ".htm", ".xhtml"})
"""Suffixes that another one stands for: the same reader takes them."""

FORMATS: Mapping[str, str] = {s.removeprefix("."): s for s in [*READERS, ARCHIVE] if s not in ALIASES}
"""The suffix that stands for each format, by its name."""


LINE = "line"
"""No format: the name under which a line alone is looked at."""

_READINGS: tuple[Callable[[str], object], ...] = (
    answer_behind,
    answer_heading,
    asks,
    is_inverted,
    is_prompt,
    is_question,
    is_request,
    read_label_heading,
    read_line,
    says_nothing,
    section_facets,
    lambda text: leads_around(Text(text), Node("paragraph", 0, 1, text)),
)


class BrokenPromiseError(AssertionError):
    """What the readers or the parser gave is not what they promise."""


def exercise(
    data: bytes, suffix: str, folder: Path | None = None, *, checked: bool = True
) -> list[Document | DocumentError]:
    """What becomes of the bytes of a file with this suffix: a document, or its refusal; of an archive, of each part.

    `folder`: an empty one, for an archive to lie in. `checked`: whether documents have to pass `check`.
    Raises BrokenPromiseError, or what the code under test trips over.
    """
    if suffix != ARCHIVE:
        return [_exercise_document(data, f"fuzz/input{suffix}", Meta(), checked=checked)]
    if folder is None:
        raise ValueError("an archive needs a folder to lie in")
    return list(_exercise_archive(data, folder, checked=checked))


def _exercise_document(data: bytes, path: str, meta: Meta, *, checked: bool) -> Document | DocumentError:
    try:
        source = READERS[os.path.splitext(path)[1].lower()](data, path, meta)
        lines = source.text.count("\n") + 1
        _need(1 <= source.body_line <= lines, "the body begins outside of the text")
        _need(list(source.pages) == sorted(source.pages), "pages are out of order")
        _need(all(1 <= page <= lines for page in source.pages), "a page begins outside of the text")
        _need(
            all(1 <= flaw.line <= lines and flaw.reason for flaw in source.flaws), "a flaw is nowhere, or says nothing"
        )
        document = parse_document(collection="fuzz", path=path, version="v", source=source)
    except DocumentError as error:
        _need(error.path == path, "a refusal names another file")
        _need(bool(error.reason), "a refusal gives no reason")
        _need("Traceback" not in str(error), "a refusal shows a traceback")
        return error
    if checked:
        check(document)
    return document


def _exercise_archive(data: bytes, folder: Path, *, checked: bool) -> Iterator[Document | DocumentError]:
    from ingest.discover import discover, read_bytes

    (folder / f"input{ARCHIVE}").write_bytes(data)
    found = discover(folder)
    for problem in found.problems:
        _need(bool(problem.reason), "a problem gives no reason")
        yield DocumentError(problem.path, problem.reason)
    for each in found.files:
        inside = os.path.normpath(os.path.join("/", each.path))
        _need(inside == f"/{each.path}", f"a path leads out of its archive: {each.path!r}")
        if isinstance(each.folder, DocumentError):
            yield each.folder
            continue
        try:
            member = read_bytes(each.source, each.path)
        except DocumentError as error:
            yield error
            continue
        yield _exercise_document(member, each.path, each.folder, checked=checked)


def exercise_line(data: bytes) -> None:
    """The parser's readings of a line or a short text, each on its own: thousands of inputs for one document's time."""
    text = data.decode("utf-8", "ignore")
    words = plain(text)
    _need(plain(words) is not None and "\n" not in words, "readable text is one line")
    for read in (*_READINGS, fold):
        read(text)
    number, rest = numbering(text)
    _need(rest in text and (number is None or number >= 0), "a number is not in front of the words")
    for found in (read_label(text), bold_lead(text), plain_lead(text)):
        _need(found is None or 0 < found.rest <= len(text), "a label or lead ends outside of its text")
    badged = read_badges(text)
    _need(0 <= badged.start <= max(badged.start, badged.end) <= len(text), "words without badges leave the text")


def check(document: Document) -> None:
    """Nothing is lost, spans reproduce text, ids tell things apart. Raises BrokenPromiseError."""
    text = document.text
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    _need("\r" not in text and "\0" not in text, "the text is not canonical")
    _check_account(document, lines)
    _need(len({item.id for item in document.items}) == len(document.items), "two items have one id")
    _need(len({chunk.id for chunk in document.chunks}) == len(document.chunks), "two chunks have one id")
    for item in document.items:
        for span in _spans(item):
            _check_span(span, text, starts)
        _need(item.question_span is None or bool(item.question), "a question has a place but no words")
    covered = {item.id: 0 for item in document.items}
    for chunk in document.chunks:
        _check_span(chunk.span, text, starts)
        _need(text[chunk.span.start : chunk.span.end] == chunk.text, "a chunk's span does not give its text")
        _need(chunk.item_id in covered, "a chunk belongs to no item")
        covered[chunk.item_id] += _visible(chunk.text)
    for item in document.items:
        _need(covered[item.id] == _visible(text[item.span.start : item.span.end]), "an item's chunks are not its text")


def _check_account(document: Document, lines: list[str]) -> None:
    items = {item.id for item in document.items}
    counted = []
    for entry in document.account:
        _need(1 <= entry.line_start <= entry.line_end <= len(lines), "the account leaves the text")
        _need((entry.item_id in items) == (entry.role != "structure"), "the account names no item, or structure one")
        counted += [n for n in range(entry.line_start, entry.line_end + 1) if lines[n - 1].strip()]
    _need(counted == [n for n, line in enumerate(lines, 1) if line.strip()], "a line is lost, or counted twice")


def _check_span(span: Span, text: str, starts: list[int]) -> None:
    _need(0 <= span.start < span.end <= len(text), "a span is empty or leaves the text")
    _need(not text[span.start].isspace() and not text[span.end - 1].isspace(), "a span begins or ends with white space")
    first, last = bisect_right(starts, span.start), bisect_right(starts, span.end - 1)
    _need((first, last) == (span.line_start, span.line_end), "a span's lines are not where it is")


def _spans(item: Item) -> list[Span]:
    return [span for span in (item.span, item.question_span, item.answer, *item.talking_points) if span is not None]


def _visible(text: str) -> int:
    return len("".join(text.split()))


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenPromiseError(otherwise)
