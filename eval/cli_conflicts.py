"""`cuecard eval conflicts`: how often sources are said to disagree, with both quotes, for a person to judge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import click

from answering.answers import Answer
from eval.cases import write_lines
from eval.options import FILE
from eval.perturb import prose_sentences
from eval.ports import Catalog, Home
from ingest.errors import UsageError
from ingest.items import Document

_LEAST, _MOST = 40, 160  # characters of a statement that a person might ask about again


@click.command()
@click.option("--sample", type=click.IntRange(1), default=100, show_default=True, help="So many questions.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which ones.")
@click.option("--collection", help="Ask one collection only.")
@click.option("--output", type=FILE, metavar="OUT.jsonl", help="Every conflict that was told, a line each.")
@click.pass_obj
def conflicts(home: Home, sample: int, seed: int, collection: str | None, output: Path | None) -> None:
    """Ask what invites contradiction, and tell how many answers show sources that disagree.

    Half of the questions are the library's own, half ask whether a statement of it always holds. Which of the
    conflicts are true ones only a reader can say: --output has both sides.
    """
    with home.open_parts() as parts:
        asked = questions(parts.catalog, sample, seed, collection)
        if not asked:
            raise UsageError("The library has nothing to ask about.", hint="Ingest something first.")
        answers = [parts.answerer.ask(question, collection=collection) for question in asked]
    told = [record for question, answer in zip(asked, answers, strict=True) for record in _records(question, answer)]
    if output is not None:
        write_lines(output, told)
    shown = sum(bool(answer.conflicts) for answer in answers)
    body = {
        "questions": len(asked),
        "answered": sum(answer.kind != "abstained" for answer in answers),
        "with_conflicts": shown,
        "rate": shown / len(asked),
        "conflicts": told,
    }
    home.show(body, _as_text)


def questions(catalog: Catalog, count: int, seed: int, collection: str | None = None) -> list[str]:
    """At most `count` questions, without repetition: half of them held ones, half of the kind "Is it always true …?".

    Where there are too few of one kind, more are of the other. The same library, count and seed give the same.
    """
    infos = sorted(catalog.documents(collection), key=lambda info: (info.collection, info.path))
    documents = [catalog.load(info.version_key) for info in infos]
    held = sorted({item.question for document in documents for item in document.items if item.question})
    stated = sorted({statement for document in documents for statement in _statements(document)})
    random = Random(seed)  # noqa: S311 - a sample, no secret
    random.shuffle(held)
    random.shuffle(stated)
    half = max(count // 2, count - len(stated))
    boundary = (f"Is it always true that {_lowered(statement)}?" for statement in stated)
    return list(chain(held[:half], boundary))[:count]


def _statements(document: Document) -> Iterator[str]:
    for start, end in prose_sentences(document.text):
        said = document.text[start:end]
        if _LEAST <= end - start <= _MOST and "\n" not in said and said[0].isupper() and said.endswith("."):
            yield said


def _lowered(statement: str) -> str:
    """Without its full stop, and with a small first letter where the word is an ordinary one."""
    said = statement.rstrip(".")
    return said if said[1:2].isupper() or said.startswith("I ") else said[0].lower() + said[1:]


def _records(question: str, answer: Answer) -> Iterator[dict[str, Any]]:
    for found in answer.conflicts:
        sides = [source for source in answer.sources if source.marker in found.sources]
        yield {
            "question": question,
            "detail": found.detail,
            "sources": [{"document": s.document, "line": s.line_start, "quote": s.quote} for s in sides],
        }


def _as_text(body: dict[str, Any]) -> str:
    said = "{questions} questions, {answered} answered, {with_conflicts} with sources that disagree".format(**body)
    lines = [f"{said} ({body['rate']:.1%})."]
    for each in body["conflicts"]:
        lines += ["", f"{each['question']}", f"  {each['detail']}"]
        lines += [f"  {side['document']}:{side['line']}  {_short(side['quote'])}" for side in each["sources"]]
    return "\n".join(lines)


def _short(quote: str, most: int = 200) -> str:
    line = " ".join(quote.split())
    return line if len(line) <= most else f"{line[:most]} …"
