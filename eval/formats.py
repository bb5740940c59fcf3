"""TREC run and qrels files, and BEIR folders, read and written. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from eval.cases import UNTYPED, Case, Judgment, read_lines, string, write_lines
from eval.runs import Result, Returned, Run
from ingest.errors import NotFoundError, UsageError

Qrels = dict[str, dict[str, int]]
"""Question id -> document id -> relevance."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of a BEIR folder: what is searched there."""

    id: str
    title: str
    text: str


def read_trec_run(path: Path) -> dict[str, Returned]:
    """A TREC run (`qid Q0 docid rank score tag`), best score first, as the standard demands, whatever `rank` says."""
    rows: dict[str, list[Result]] = {}
    for number, fields in _columns(path, 6):
        try:
            score = float(fields[4])
        except ValueError as error:
            raise UsageError(f"{path}:{number}: the score {fields[4]!r} is no number.") from error
        rows.setdefault(unquote(fields[0]), []).append(_result(fields[2], score))
    return {query: Returned(tuple(sorted(found, key=lambda r: -(r.score or 0.0)))) for query, found in rows.items()}


def write_trec_run(path: Path, run: Run, tag: str = "cuecard") -> None:
    """Write a TREC run. The rank serves as score (highest first), because ties would let readers reorder it."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for query, returned in run.items():
            names = list(dict.fromkeys(r.doc_id for r in returned.results))
            for rank, name in enumerate(names, 1):
                out.write(f"{_word(query)} Q0 {name} {rank} {len(names) - rank + 1} {tag}\n")


def read_trec_qrels(path: Path) -> Qrels:
    """TREC qrels (`qid 0 docid relevance`); names may be written as in a URL."""
    qrels: Qrels = {}
    for number, fields in _columns(path, 4):
        qrels.setdefault(unquote(fields[0]), {})[unquote(fields[2])] = _relevance(path, number, fields[3])
    return qrels


def write_trec_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Write TREC qrels that `read_trec_qrels` gives back unchanged."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for query, judged in qrels.items():
            for name, relevance in judged.items():
                out.write(f"{_word(query)} 0 {_word(name)} {relevance}\n")


def read_beir(folder: Path, split: str = "test") -> tuple[list[Passage], list[Case]]:
    """A BEIR folder: its passages, and those of its queries that `qrels/<split>.tsv` judges, as cases.

    A BEIR document is judged as a whole, so each judgment has an empty quote and is a target of its own.
    """
    passages = list(read_lines(folder / "corpus.jsonl", _passage))
    queries = dict(read_lines(folder / "queries.jsonl", lambda r: (string(r, "_id"), string(r, "text"))))
    path = folder / "qrels" / f"{split}.tsv"
    qrels: Qrels = {}
    for number, fields in _columns(path, 3, separator="\t"):
        if number == 1 and fields[2] == "score":
            continue
        qrels.setdefault(fields[0], {})[fields[1]] = _relevance(path, number, fields[2])
    missing = sorted(set(qrels) - set(queries))
    if missing:
        raise UsageError(f"{path}: judges {missing[0]!r}, which queries.jsonl does not ask.")
    return passages, [cases_of(query, queries[query], judged) for query, judged in qrels.items()]


def write_beir(
    folder: Path, passages: Iterable[Passage], cases: Iterable[Case], qrels: Qrels, split: str = "test"
) -> None:
    """Write a BEIR folder; other tools then search `passages` for the queries of `cases` and score by `qrels`."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    write_lines(folder / "corpus.jsonl", ({"_id": p.id, "title": p.title, "text": p.text} for p in passages))
    write_lines(folder / "queries.jsonl", ({"_id": case.id, "text": case.query} for case in cases))
    with (folder / "qrels" / f"{split}.tsv").open("w", encoding="utf-8", newline="\n") as out:
        out.write("query-id\tcorpus-id\tscore\n")
        for query, judged in qrels.items():
            for name, relevance in judged.items():
                out.write(f"{query}\t{name}\t{relevance}\n")


def cases_of(query_id: str, query: str, judged: Mapping[str, int]) -> Case:
    """A case from qrels over whole documents."""
    judgments = tuple(Judgment(name, "", max(0, relevance), name) for name, relevance in judged.items())
    return Case(query_id, query, any(j.grade > 0 for j in judgments), UNTYPED, judgments)


def _word(name: str) -> str:
    """A name without blanks, which separate columns: they are written as in a URL, and so is the sign of that, %."""
    return re.sub(r"[\s%]", lambda found: quote(found[0]), name)


def _columns(path: Path, count: int, separator: str | None = None) -> Iterable[tuple[int, list[str]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise NotFoundError(f"{path}: can't be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = line.split(separator)
        if len(fields) != count:
            raise UsageError(f"{path}:{number}: has {len(fields)} columns where {count} belong.")
        yield number, fields


def _relevance(path: Path, number: int, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"{path}:{number}: the relevance {text!r} is no whole number.") from error


def _result(doc_id: str, score: float) -> Result:
    """The passage that `Result.doc_id` named, or a whole document of that id."""
    match = re.fullmatch(r"(.+)#(\d+)-(\d+)", doc_id)
    if match is None:
        return Result(unquote(doc_id), score=score)
    return Result(unquote(match[1]), int(match[2]), int(match[3]), score=score)


def _passage(record: dict[str, Any]) -> Passage:
    return Passage(string(record, "_id"), str(record.get("title") or ""), str(record.get("text") or ""))
