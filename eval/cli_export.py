"""`cuecard eval export`: the library's chunks and the judged questions, for other evaluation tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from eval.cases import Case
from eval.formats import Passage, Qrels, write_beir, write_trec_qrels
from eval.library import Library
from eval.options import FILE, load_cases
from eval.ports import Home
from eval.relevance import met, targets
from eval.runs import Result
from ingest.errors import UsageError


@click.command()
@click.option("--queries", required=True, type=FILE, metavar="Q.jsonl", help="Judged questions.")
@click.option("--collection", help="Export one collection only.")
@click.option("--output", required=True, type=FILE, metavar="DIR", help="The BEIR folder to write.")
@click.pass_obj
def export(home: Home, queries: Path, collection: str | None, output: Path) -> None:
    """Write a BEIR folder and TREC qrels: the library's chunks, the questions, and which chunks answer them."""
    cases = load_cases(queries)
    with home.open_parts() as parts:
        library = Library(parts.catalog, collection)
        qrels = chunk_qrels(cases, library)
        passages = [Passage(chunk.id, chunk.context, chunk.text) for _, chunk in library.chunks()]
    try:
        write_beir(output, passages, cases, qrels)
        write_trec_qrels(output / "qrels.trec", qrels)
    except OSError as error:
        raise UsageError(f"{output} can't be written ({error.strerror or error}).") from error
    judged = sum(len(chunks) for chunks in qrels.values())
    summary = {"passages": len(passages), "questions": len(cases), "judgments": judged, "output": str(output)}
    home.show(summary, _as_text)


def chunk_qrels(cases: Sequence[Case], library: Library) -> Qrels:
    """Question id -> chunk id -> grade, for every chunk that meets a judgment."""
    texts = library.texts({judgment.file for case in cases for judgment in case.relevant})
    qrels: Qrels = {}
    for case in cases:
        wanted = targets(case, texts)
        grades: dict[str, int] = {}
        for path in sorted({judgment.file for judgment in case.relevant}):
            document = library.document(path)
            for chunk in document.chunks if document else ():
                groups = met(Result(path, chunk.span.start, chunk.span.end, chunk.text), wanted)
                if groups:
                    grades[chunk.id] = max(groups.values())
        if grades:
            qrels[case.id] = grades
    return qrels


def _as_text(summary: dict[str, Any]) -> str:
    return "{passages} passages, {questions} questions, {judgments} judgments in {output}".format(**summary)
