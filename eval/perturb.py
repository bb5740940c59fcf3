"""Pairs of an answer and its source in which one thing was changed: `cuecard eval perturb` makes them of documents.

The source is the answer of a question as the document has it; the answer is the same with one fact changed (not
supported) or with other words for the same (supported). They are lines of a grounding set, whose `type` is the kind
of change, so that `cuecard eval grounding` tells how many of each kind are noticed.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from answering.segment import Block, blocks, sentences
from eval.perturb_edits import HARMFUL, HARMLESS, Edit, Editor, Material
from ingest.discover import discover, read_bytes
from ingest.errors import DocumentError
from ingest.formats.registry import READERS
from ingest.items import Document
from ingest.parse.document import parse_document

SWAP, PROSE = "swap", "prose"
KINDS = (*HARMFUL, SWAP, *HARMLESS, PROSE)
SHORTEST, LONGEST = 60, 1_200
"""Characters of an answer that is taken."""

_SHORTEST_SENTENCE = 25
_TRIES = 4
_NAME = re.compile(r"(?<=[a-z,] )([A-Z][A-Za-z0-9+#.]*[A-Za-z0-9+#](?: [A-Z][A-Za-z0-9+#]*[A-Za-z0-9+#])?)(?![\w`])")
_CODE = re.compile(r"`([A-Za-z_][\w.]{1,28}(?:\(\))?)`")
_ASKS = re.compile(r"[^.!?\n]*(?:\?|:\s*$)", re.MULTILINE)  # questions, and lines that lead to a list, claim nothing
_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of a library: what is changed. `group` names its document."""

    group: str
    question: str
    text: str


def answers_of(paths: Iterable[Path]) -> list[Given]:
    """The answers that documents hold, of SHORTEST to LONGEST characters. Files that can't be read are left out."""
    found = []
    for document in _documents(paths):
        for item in document.items:
            if item.question and item.answer:
                text = document.text[item.answer.start : item.answer.end].strip()
                if SHORTEST <= len(text) <= LONGEST:
                    found.append(Given(document.path, " ".join(item.question.split()), text))
    return found


def material_of(answers: Sequence[Given], part: int | None = None) -> Material:
    """What edits put in: names that stand at least twice, identifiers, and whole sentences. `part`: as of Material."""
    counts: dict[str, int] = defaultdict(int)
    for given in answers:
        for name in set(_NAME.findall(given.text)):
            counts[name] += 1
    code = {name for given in answers for name in _CODE.findall(given.text)}
    strange = [given.text[a:b] for given in answers for a, b in prose_sentences(given.text) if 40 <= b - a <= 220]
    names = sorted(name for name, count in counts.items() if count > 1)
    return Material(names, sorted(code), [s for s in strange if s[-1] in ".!"], part)


def pairs(answers: Sequence[Given], count: int, seed: int, part: int | None = None) -> Iterator[dict[str, Any]]:
    """Lines of a grounding set: `count` with one fact changed and as many with none, kinds as even as can be.

    The same answers, count and seed give the same pairs. A kind for which nothing can be found is left out.
    """
    random = Random(seed)  # noqa: S311 - choices, not secrets
    material = material_of(answers, part)
    siblings: dict[str, list[Given]] = defaultdict(list)
    for given in answers:
        siblings[given.group].append(given)
    for kinds, label in (((*HARMFUL, SWAP), 0), ((*HARMLESS, PROSE), 1)):
        for number in range(count):
            kind = kinds[number % len(kinds)]
            for given in random.sample(answers, min(len(answers), 400)):
                made = _change(kind, given, siblings[given.group], random, material)
                if made is not None:
                    yield _line(f"{kind}-{number}", kind, label, given, made)
                    break


def _line(name: str, kind: str, label: int, given: Given, made: Edit) -> dict[str, Any]:
    about = {"id": name, "set": "perturbed", "type": kind, "group": given.group, "question": given.question}
    spans = [] if label else [{"start": made.start, "end": made.end}]
    return {**about, "answer": made.text, "sources": [given.text], "label": label, "spans": spans}


def _change(kind: str, given: Given, siblings: Sequence[Given], random: Random, material: Material) -> Edit | None:
    if kind == SWAP:
        others = [s.text for s in siblings if s.text != given.text]
        return None if not others else _whole(random.choice(others))
    if kind == PROSE:
        return _as_prose(given.text)
    made = edit_sentence(given.text, {**HARMFUL, **HARMLESS}[kind], random, material)
    return None if made is not None and _ASKS.match(made.text, made.start) else made


def edit_sentence(text: str, editor: Editor, random: Random, material: Material) -> Edit | None:
    """`text` with one of its sentences edited; None where the edit has nothing to change in a few tries."""
    spans = [span for span in prose_sentences(text) if span[1] - span[0] >= _SHORTEST_SENTENCE]
    for start, end in random.sample(spans, min(len(spans), _TRIES)):
        edit = editor(text[start:end], random, replace(material, strange=_elsewhere(material, text, random)))
        if edit is not None and edit.text != text[start:end]:
            return Edit(text[:start] + edit.text + text[end:], start + edit.start, start + edit.end)
    return None


def _elsewhere(material: Material, text: str, random: Random) -> Sequence[str]:
    """A few sentences that `text` does not hold."""
    some = random.sample(material.strange, min(8, len(material.strange)))
    return [s for s in some if s not in text]


def _whole(text: str) -> Edit:
    return Edit(text, 0, len(text))


def prose_sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of paragraphs and list entries; code, tables and headings are left alone."""
    taken: list[Block] = [b for b in blocks(text) if b.kind in ("paragraph", "item")]
    return [span for block in taken for span in sentences(text, block.body, block.end)]


def _as_prose(text: str) -> Edit | None:
    """A list of two to eight short entries as one sentence, joined by semicolons."""
    entries = [b for b in blocks(text) if b.kind == "item"]
    if not 2 <= len(entries) <= 8 or any(b.end - b.start > 160 or "\n" in text[b.start : b.end] for b in entries):
        return None
    first, last = entries[0].start, entries[-1].end
    between = text[first:last].split("\n")
    if any(line.strip() and not _BULLET.match(line) for line in between):
        return None
    said = [text[b.body : b.end].strip().rstrip(".;,") for b in entries]
    joined = "; ".join(said[:-1]) + f"; and {said[-1]}."
    return Edit(text[:first] + joined + text[last:], first, first + len(joined))


def _documents(paths: Iterable[Path]) -> Iterator[Document]:
    for root in paths:
        for file in discover(root).files:
            if isinstance(file.folder, DocumentError):
                continue
            reader = READERS[os.path.splitext(file.path)[1].lower()]
            try:
                source = reader(read_bytes(file.source, file.path), file.path, file.folder)
                yield parse_document(collection="perturb", path=file.path, version="", source=source)
            except DocumentError:
                continue
