"""The questions an evaluation asks, what answers them, and the contract's query files.

One line of a query file: `{"id", "query", "type"?, "answerable"?, "relevant": [{"file", "quote", "grade", "group"?,
"spans"?}], "reference"?}`. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ingest.errors import NotFoundError, UsageError

T = TypeVar("T")

UNTYPED = "untyped"


@dataclass(frozen=True, slots=True)
class Judgment:
    """One passage that somebody judged for one question.

    `file`: the document's path. `quote`: verbatim text of it; empty means the whole document. `grade`: 2 answers the
    question, 1 helps, 0 was looked at and does neither. Judgments of one question that share a `group` say the same
    thing and are one target. `spans` are the quote's places in the file as the judge read it, as (start, end).
    """

    file: str
    quote: str
    grade: int
    group: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One question asked in an evaluation. `type` names the manner of asking; `reference` is an answer in words."""

    id: str
    query: str
    answerable: bool
    type: str = UNTYPED
    relevant: tuple[Judgment, ...] = ()
    reference: str | None = None

    @property
    def judged(self) -> bool:
        """Whether there is anything a ranking could find: only such cases have ranking measures."""
        return any(j.grade > 0 for j in self.relevant)

    @property
    def groups(self) -> dict[str, int]:
        """The targets: group -> its best grade, grades above 0 only."""
        best: dict[str, int] = {}
        for judgment in self.relevant:
            if judgment.grade > 0:
                best[judgment.group] = max(best.get(judgment.group, 0), judgment.grade)
        return best


def read_cases(path: Path) -> list[Case]:
    """The cases of a query file, in its order.

    Raises:
        NotFoundError: there is no such file.
        UsageError: a line is not a query (`FILE:LINE: reason`), an id stands twice, or the file has no line.
    """
    cases = list(read_lines(path, _case))
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise UsageError(f"{path}: the id {case.id!r} stands twice.", hint="Give every query its own id.")
        seen.add(case.id)
    if not cases:
        raise UsageError(f"{path}: no queries in it.")
    return cases


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Write a query file that `read_cases` gives back unchanged."""
    write_lines(path, (_record(case) for case in cases))


def read_lines(path: Path, parse: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    """Each non-blank line of a JSON lines file through `parse`, whose ValueError becomes `FILE:LINE: reason`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise NotFoundError(f"{path}: can't be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("is not a JSON object")
            if "\\ud" in line.lower():
                json.dumps(record, ensure_ascii=False).encode()  # half a character: no result could be written
            yield parse(record)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {error}.", hint="Fix that line and try again.") from error


def write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    """Write JSON lines, one record a line."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def string(record: dict[str, Any], name: str) -> str:
    """A field that must be there and say something. Raises ValueError."""
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f'"{name}" must be a non-empty string')
    return value


def identity(record: dict[str, Any]) -> str:
    """The id of a record; a number is as good as text. Raises ValueError."""
    value = record.get("id")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else string(record, "id")


def _case(record: dict[str, Any]) -> Case:
    relevant = record.get("relevant")
    relevant = [] if relevant is None else relevant
    if not isinstance(relevant, list) or not all(isinstance(r, dict) for r in relevant):
        raise ValueError('"relevant" must be a list of objects')
    judgments = tuple(_judgment(r, number) for number, r in enumerate(relevant, 1))
    answerable = record.get("answerable", any(j.grade > 0 for j in judgments))
    if not isinstance(answerable, bool):
        raise ValueError('"answerable" must be true or false')
    if not answerable and any(j.grade > 0 for j in judgments):
        raise ValueError('"answerable" is false, but "relevant" names something that answers')
    kind, reference = record.get("type") or UNTYPED, record.get("reference")
    if not isinstance(kind, str) or not isinstance(reference, str | None):
        raise ValueError('"type" and "reference" must be strings')
    return Case(identity(record), string(record, "query"), answerable, kind, judgments, reference)


def _judgment(record: dict[str, Any], number: int) -> Judgment:
    quote, grade, group = record.get("quote"), record.get("grade"), record.get("group", f"#{number}")
    if not isinstance(quote, str):
        raise ValueError('each of "relevant" needs a "quote" (empty: the whole document)')
    if isinstance(grade, bool) or not isinstance(grade, int) or grade < 0:
        raise ValueError('each of "relevant" needs a "grade" of 0, 1 or 2')
    if not isinstance(group, str):
        raise ValueError('"group" must be a string')
    try:
        spans = tuple((int(start), int(end)) for start, end in record.get("spans") or ())
    except TypeError as error:
        raise ValueError('"spans" must be a list of [start, end]') from error
    return Judgment(string(record, "file").removeprefix("./"), quote, grade, group, spans)


def _record(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "query": case.query,
        "type": case.type,
        "answerable": case.answerable,
        "relevant": [
            {
                "file": j.file,
                "quote": j.quote,
                "grade": j.grade,
                "group": j.group,
                **({"spans": [list(span) for span in j.spans]} if j.spans else {}),
            }
            for j in case.relevant
        ],
        "reference": case.reference,
    }
