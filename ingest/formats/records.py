"""Rows of a table and objects of a list → blocks: questions with their answers, terms with what they mean, or rows.

A question becomes a heading, what is stated about it a list under it, its answer a passage. Nothing is left out: what
no rule speaks of stands as `name: value`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from string import ascii_uppercase

from ingest.blocks import Node
from ingest.formats.columns import Roles, read_roles
from ingest.formats.writer import BlockWriter
from ingest.items import Meta

Value = tuple[str, ...]
"""What stands in one cell: a text, or the entries of a list; nothing where it is empty."""

_MAX_HEADING = 240  # a longer question is a passage under a heading of its own
_BLOCK_CHARS = range(1000, 20_000)  # the blocks in a passage matter where it is cut into a few chunks
_TABLE_CHARS = 900  # a table that stays in one chunk is kept as a table
_ASKS = re.compile(r"\?[\"”’')*_\]]*$")
_MARKED = re.compile(r"[\[(]?(?P<letter>[A-Ha-h])(?:[.):\]]\s*)+(?P<words>.*)", re.S)
_LETTERS = re.compile(r"[\[(]?[A-Ha-h][\])]?[.):]?(?:[\s,;/&]+[\[(]?[A-Ha-h][\])]?[.):]?)*")
_OPTION_GAP = re.compile(r"\s*[\n|;]\s*")
_FACETS = {"difficulty": "Difficulty", "level": "Level", "topic": "Topic", "company": "Company", "tags": "Tags"}
_BESIDE = {"talking_points": "Talking points:", "follow_ups": "Follow-ups:", "red_flags": "Red flags:"}


@dataclass(frozen=True, slots=True)
class Record:
    """A row or an object, by column; empty columns are left out.

    `where`: its place in the file, for messages: "line 12". `broken`: what is wrong with it, though it can be read.
    """

    where: str
    values: Mapping[int, Value]
    broken: str = ""

    def text(self, column: int, glue: str = "\n") -> str:
        """What stands in a column, as one text."""
        return glue.join(self.values.get(column, ())).strip()


class RecordWriter(BlockWriter):
    """A writer that also takes whole passages."""

    def passage(self, text: str) -> None:
        """A text that is one thing whatever stands in it: nothing in it asks, answers or heads anything by itself."""
        text = text.strip("\n")
        if not text.strip():
            return
        before, first = len(self._blocks), self.line - 1
        if len(text) in _BLOCK_CHARS:
            self.markdown(text)
        else:
            self._open.clear()
            self._gap(tight=False)
            self._count += 1
            self._append(text.split("\n"))
        children, last = self._blocks[before:], len(self._lines)
        self._blocks[before:] = [Node("quote", first, last, "", self._starts[first], last, children=children)]


def roles_of(names: Sequence[str], records: Sequence[Record], meta: Meta, *, asked: bool = False) -> Roles:
    """What the columns of records hold. `asked`: what stands around them says that they are questions."""
    rows = [{index: " ".join(value) for index, value in record.values.items()} for record in records]
    return read_roles(names, rows, meta.columns, asked=asked)


def in_words(path: str) -> str:
    """The name of a file as a title."""
    stem = PurePosixPath(path).stem
    return " ".join(stem.replace("-", " ").replace("_", " ").split()) or stem


def write_records(out: RecordWriter, records: Sequence[Record], roles: Roles, level: int) -> None:
    """Writes records, by what they are: questions, terms, or rows of anything. `level`: that of the headings."""
    if roles.missing:
        names, missing = ", ".join(name for name in roles.names if name), ", ".join(roles.missing)
        reason = f"`columns` names {missing}, but no column is called so; there are: {names[:300]}"
        out.flaw(reason, "Correct the name, or give the number of the column, from 1.")
    if not roles.asking and not roles.defining:
        _write_rows(out, records, roles)
        return
    others = roles.others
    topics = _topics(records, roles)
    topic = ""
    for record, its in zip(records, topics or [""] * len(records), strict=True):
        if its != topic:
            out.heading(its, level)
            topic = its
        if roles.asking:
            _Question(out, record, roles, others).write(level + bool(topics))
        else:
            _write_term(out, record, roles, others, with_topic=not topics)
        _tell(out, record)


def _tell(out: RecordWriter, record: Record) -> None:
    """Tells what is wrong with a record that has been written."""
    if record.broken:
        out.flaw(f"{record.where}: {record.broken}", "Correct it; the text is in the library as it stands.")


def write_broken(out: RecordWriter, where: str, text: str, reason: str, hint: str, level: int) -> None:
    """Writes what can't be taken for a record: it is told, and its text stays to be found."""
    out.heading(where[:1].upper() + where[1:], level)
    out.flaw(f"{where}: {reason}", f"{hint} Its text is in the library as a note.")
    out.passage(text)


def _topics(records: Sequence[Record], roles: Roles) -> list[str]:
    """The topic of each record, where the records are sorted by topic and topics have several; else nothing."""
    topics = [" ".join(record.text(roles.first("topic"), ", ").split()) for record in records]
    runs = sum(topic != before for topic, before in zip(topics, ["", *topics], strict=False))
    return topics if all(topics) and runs == len(set(topics)) and len(records) >= 2 * runs else []


# -- questions


@dataclass(slots=True)
class _Question:
    """A record that asks, on its way out."""

    out: RecordWriter
    record: Record
    roles: Roles
    others: frozenset[int]

    def write(self, level: int) -> None:
        """The question, what is stated about it, what answers it, and what goes with that."""
        question = next((text.strip() for text in self.record.values.get(self.roles.first("question"), ())), "")
        if not _has_words(question):
            text = "\n".join(_line(self.roles, self.record, column) for column in self.record.values)
            if _has_words(text):
                reason, hint = "there is no question", "Give it one, or take it out."
                write_broken(self.out, self.record.where, text, reason, hint, level)
            return
        self.heading(question, level)
        details = self.details(question)
        options = self.options()
        chosen = self.chosen(options)
        if chosen:
            self.passage("Options:", options)
        if details or chosen:
            # nothing above it is part of the answer
            self.out.paragraph("Answer:")
        self.answers(chosen)
        if not chosen:
            self.passage("Options:", options)
        for part, label in _BESIDE.items():
            texts = [text for column in self.roles.parts.get(part, ()) for text in self.record.values.get(column, ())]
            if texts:
                self.out.paragraph(label)
                self.out.passage(_listed(texts))

    def heading(self, question: str, level: int) -> None:
        """The question. Where it doesn't ask by itself, the heading says that it is one."""
        number = self.number(question)
        if not _is_short(question):
            self.out.heading("Question", level)
            self.out.passage(question)
        elif _ASKS.search(question):
            self.out.heading(f"{number}. {question}" if number else question, level)
        else:
            self.out.heading(f"Question {number}: {question}" if number else f"Question: {question}", level)

    def number(self, question: str) -> str:
        """The id, where the question's heading can be numbered by it."""
        identity = self.record.text(self.roles.first("id"))
        short = _is_short(question) and len(identity) <= 4 and identity.isascii()
        return identity if short and identity.isdigit() else ""

    def details(self, question: str) -> bool:
        """Writes what is stated about the question, and whatever else stands in its row. Whether there was anything."""
        stated = [
            f"{label}: {text}"
            for part, label in _FACETS.items()
            for column in self.roles.parts.get(part, ())
            if (text := " ".join(self.record.text(column, ", ").split()))
        ]
        for line in stated:
            self.out.bullet(line)
        asked, identity = self.roles.first("question"), self.roles.first("id")
        forms = [(self.roles.names[asked], text.strip()) for text in self.record.values[asked][1:]]
        others = [
            *([] if self.number(question) else [identity]),
            *(i for i in sorted(self.record.values) if i in self.others),
        ]
        named = [(self.roles.names[i], self.record.text(i)) for i in others if i >= 0]
        rest = _listed([f"{name}: {text}" if name else text for name, text in (*forms, *named) if text], always=True)
        self.out.passage(rest)
        return bool(stated or rest)

    def options(self) -> list[str]:
        """The answers to choose from, each with its letter where there are several."""
        columns = self.roles.parts.get("options", ())
        texts = [text.strip() for column in columns for text in self.record.values.get(column, ()) if text.strip()]
        if len(texts) == 1:
            texts = [part for part in _OPTION_GAP.split(texts[0]) if part]
        if len(texts) < 2 or len(texts) > len(ascii_uppercase) or all(_MARKED.match(text) for text in texts):
            return texts
        return [f"{letter}. {text}" for letter, text in zip(ascii_uppercase, texts, strict=False)]

    def chosen(self, options: Sequence[str]) -> dict[int, str]:
        """The options that a column names as the answer, by column."""
        named = ((c, _chosen(self.record.text(c, ", "), options)) for c in self.roles.parts.get("answer", ()))
        return {column: "\n".join(its) for column, its in named if its}

    def answers(self, chosen: Mapping[int, str]) -> None:
        """What answers, the best first; what else does stands with the name of its column."""
        first = True
        for column in self.roles.parts.get("answer", ()):
            text = _listed([text for text in self.record.values.get(column, ()) if text.strip()])
            text = chosen.get(column, text)
            if text and not first:
                text = f"{self.roles.names[column]}:" + ("\n\n" if "\n" in text else " ") + text
            if text:
                self.out.passage(text)
                first = False

    def passage(self, label: str, texts: Sequence[str]) -> None:
        """A list under its label, as one passage: an option that begins with "A:" is no answer."""
        if texts:
            self.out.passage(f"{label}\n{_listed(texts)}" if len(texts) > 1 else f"{label} {texts[0]}")


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _is_short(question: str) -> bool:
    return "\n" not in question and len(question) <= _MAX_HEADING


def _chosen(answer: str, options: Sequence[str]) -> list[str]:
    """The options that an answer names, by their words or their letters; none where that can't be told."""
    if not answer or len(options) < 2:
        return []
    marked = [_MARKED.match(option) for option in options]
    said = answer.casefold()
    for option, mark in zip(options, marked, strict=True):
        if said == option.casefold() or (mark and said == mark["words"].casefold()):
            return [option]
    letters = {c for c in said if c.isalpha()} if _LETTERS.fullmatch(answer) else set()
    return [o for o, mark in zip(options, marked, strict=True) if mark and mark["letter"].casefold() in letters]


def _listed(texts: Sequence[str], *, always: bool = False) -> str:
    """Texts as one: a list where there are several."""
    if len(texts) < 2 and not always:
        return "".join(texts)
    return "\n".join("- " + text.strip().replace("\n", "\n  ") for text in texts)


# -- terms and other rows


def _write_term(out: RecordWriter, record: Record, roles: Roles, others: frozenset[int], *, with_topic: bool) -> None:
    lead = " ".join(record.text(roles.first("term"), ", ").replace("*", "\\*").split())
    said = record.text(roles.first("definition"))
    out.bullet(f"**{lead}**: {said}" if lead and said else lead or said)
    rest = {*others, roles.first("topic")} if with_topic else others
    for column in sorted(rest & record.values.keys()):
        out.bullet(_line(roles, record, column), depth=2 if lead or said else 1)


def _write_rows(out: RecordWriter, records: Sequence[Record], roles: Roles) -> None:
    """A short table as such; of a longer one each row with the names of its columns, so that it can be read alone."""
    names = roles.names
    size = sum(len(text) + 3 for record in records for value in record.values.values() for text in value)
    if any(names) and size + sum(len(name) + 3 for name in names) + 3 * len(names) * len(records) <= _TABLE_CHARS:
        out.table([names, *([record.text(i, "; ") for i in range(len(names))] for record in records)])
    else:
        for record in records:
            out.bullet("; ".join(_line(roles, record, column) for column in sorted(record.values)))
    for record in records:
        _tell(out, record)


def _line(roles: Roles, record: Record, column: int) -> str:
    text, name = record.text(column, ", "), roles.names[column]
    return f"{name}: {text}" if name else text
