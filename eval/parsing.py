"""`cuecard eval parsing`: what the parser makes of folders of real documents, source by source.

Nothing is ingested and no home is opened: every file is read and parsed, and its items are held against its headings.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from eval.options import FILE
from eval.ports import Home
from eval.results import table
from ingest.blocks import Node, SourceText
from ingest.discover import discover, read_bytes
from ingest.errors import DocumentError, UsageError
from ingest.formats.registry import READERS
from ingest.items import KINDS, Document, Meta
from ingest.parse.document import parse_document
from ingest.parse.labels import says_nothing
from ingest.text import Text, plain

ALL = "all"
"""The name of the row that adds up all sources."""


@dataclass(slots=True)
class Tally:
    """What one source's files came to.

    `asking`: question-like headings, those that end in a question mark (a bold line and a `<summary>` are headings
    too); `asking_answered`: those that are the question of an item with an answer. `open`: question-like headings
    with text below them before the next one, that is, where the file holds an answer; `open_answered` as above.
    `lines`: non-blank lines; `leftover`: those that no shape claimed; `lost`: those the account does not know.
    """

    files: int = 0
    quarantined: int = 0
    items: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    asking: int = 0
    asking_answered: int = 0
    open: int = 0
    open_answered: int = 0
    lines: int = 0
    leftover: int = 0
    lost: int = 0

    def add(self, other: Tally) -> None:
        """Counts another tally in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def summary(self) -> dict[str, Any]:
        """The counts and shares of this tally, ready for JSON. A share of nothing is None."""
        return {
            "files": self.files,
            "quarantined": self.quarantined,
            "items": {kind: self.items[kind] for kind in KINDS},
            "qa_answered": self.answered,
            "question_headings": self.asking,
            "became_answered_qa": _share(self.asking_answered, self.asking),
            "question_headings_with_answer": self.open,
            "became_answered_qa_where_answered": _share(self.open_answered, self.open),
            "lines": self.lines,
            "leftover": _share(self.leftover, self.lines),
            "lost_lines": self.lost,
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def tally(source: SourceText, document: Document, headings: Sequence[Heading]) -> Tally:
    """Counts one parsed document. `headings`: its question-like ones, found before it was parsed."""
    out = Tally(files=1, items=Counter(item.kind for item in document.items))
    asked: dict[int, bool] = {}
    for item in document.items:
        if item.kind == "qa":
            out.answered += item.has_answer
            span = item.question_span or item.span
            for line in range(span.line_start, span.line_end + 1):
                asked[line] = asked.get(line, False) or item.has_answer
    for heading in headings:
        became = asked.get(heading.line, False)
        out.asking += 1
        out.asking_answered += became
        out.open += heading.answered
        out.open_answered += heading.answered and became
    known = {n: a.role for a in document.account for n in range(a.line_start, a.line_end + 1)}
    for number, text in enumerate(source.text.split("\n"), 1):
        if text.strip():
            out.lines += 1
            out.leftover += known.get(number) == "leftover"
            out.lost += number not in known
    return out


@dataclass(frozen=True, slots=True)
class Heading:
    """A question-like heading: its 1-based line, and whether the file says anything below it before the next one."""

    line: int
    answered: bool


def question_headings(source: SourceText) -> list[Heading]:
    """The headings, bold lines and summaries of a file's blocks ending in a question mark, as the reader gave them."""
    text = Text(source.text)
    blocks = [inner for node in source.blocks for inner in _flat(node)]
    marks = [(i, node) for i, node in enumerate(blocks) if _is_heading(node)]
    out = []
    for at, (index, node) in enumerate(marks):
        if not plain(node.text).rstrip(" *_").endswith("?"):
            continue
        end = len(blocks)
        for later, other in marks[at + 1 :]:
            # a deeper heading that asks nothing is part of the answer
            if _level(other) <= _level(node) or plain(other.text).rstrip(" *_").endswith("?"):
                end = later
                break
        below = [b for b in blocks[index + 1 : end] if b.kind not in ("heading", "close", "rule", "empty")]
        out.append(Heading(node.first + 1, any(not says_nothing(_words(text, b)) for b in below)))
    return out


def _flat(node: Node) -> Iterator[Node]:
    """A list entry that begins with a heading, as that heading and what follows it."""
    if node.kind in ("bullet", "quote") and any(_is_heading(child) for child in node.walk() if child is not node):
        for child in node.children:
            yield from _flat(child)
    else:
        yield node


def _is_heading(node: Node) -> bool:
    bold = node.kind == "paragraph" and node.text.startswith("**") and node.text.rstrip().endswith("**")
    return node.kind == "heading" or (bold and node.text.count("**") == 2 and len(node.text) <= 300)


def _level(node: Node) -> int:
    return node.level or 7


def _words(text: Text, node: Node) -> str:
    return "\n".join(text.lines[node.first : node.last])


def measure(paths: Sequence[Path]) -> dict[str, Tally]:
    """A tally for each source: the first folder below a path, or the path's own name for files that lie in it."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for root in paths:
        found = discover(root)
        for file in found.files:
            name = file.path.split("/")[0] if "/" in file.path else root.name
            tallies[name].add(_measure_file(file.source, file.path, file.folder))
        for problem in found.problems:
            name = problem.path.split("/")[0] if "/" in problem.path else root.name
            tallies[name].add(Tally(quarantined=1))
    return dict(tallies)


def _measure_file(place: str, path: str, folder: Meta | DocumentError) -> Tally:
    if isinstance(folder, DocumentError):
        return Tally(files=1, quarantined=1)
    try:
        source = READERS[os.path.splitext(path)[1].lower()](read_bytes(place, path), path, folder)
        headings = question_headings(source)
        document = parse_document(collection="parsing", path=path, version="", source=source)
    except DocumentError:
        return Tally(files=1, quarantined=1)
    out = tally(source, document, headings)
    out.quarantined = len(source.flaws)
    return out


@click.command()
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="PATH...")
@click.pass_obj
def parsing(home: Home, paths: tuple[Path, ...]) -> None:
    """Show what the parser makes of folders: items, answered questions, left-over and lost lines, by source."""
    missing = next((path for path in paths if not path.is_dir()), None)
    if missing is not None:
        raise UsageError(f"{missing} is not a folder.")
    tallies = measure(paths)
    if not tallies:
        raise UsageError(f"No file that can be read lies in {', '.join(map(str, paths))}.")
    total = Tally()
    for each in tallies.values():
        total.add(each)
    rows = {name: tallies[name].summary() for name in sorted(tallies, key=str.casefold)}
    home.show({"sources": rows, ALL: total.summary()}, as_text)


def as_text(body: Mapping[str, Any]) -> str:
    """The table of the sources, with their sum in the last row."""
    rows = [*body["sources"].items(), (ALL, body[ALL])]
    columns = ["source", "files", "quarantined", *KINDS, "qa answered"]
    columns += ["question headings", "answered", "with text", "answered", "lines", "left over", "lost"]
    return table(columns, [_row(name, row) for name, row in rows])


def _row(name: str, row: Mapping[str, Any]) -> list[str]:
    items, counts = row["items"], [row["files"], row["quarantined"]]
    return [
        name,
        *(f"{n:,}" for n in (*counts, *(items[kind] for kind in KINDS), row["qa_answered"], row["question_headings"])),
        _percent(row["became_answered_qa"]),
        f"{row['question_headings_with_answer']:,}",
        _percent(row["became_answered_qa_where_answered"]),
        f"{row['lines']:,}",
        _percent(row["leftover"]),
        f"{row['lost_lines']:,}",
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
