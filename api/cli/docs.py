"""`cuecard docs`, `quarantine` and `changes`: the library to look at."""

from __future__ import annotations

from collections.abc import Sequence

import click

from api.cli.context import Context
from api.cli.ingest import problem_line
from api.library import Body
from ingest.errors import UsageError


@click.group()
def docs() -> None:
    """The documents of the library."""


@docs.command("list")
@click.option("--collection", metavar="C", help="Only of this collection.")
@click.pass_obj
def list_documents(context: Context, collection: str | None) -> None:
    """All documents that are served."""
    with context.connect() as library:
        body = library.documents(collection)
    context.show(body, _document_table)


@docs.command()
@click.argument("document")
@click.option("--collection", metavar="C", help="Where a path counts.")
@click.option("--account", is_flag=True, help="What became of each line.")
@click.option("--text", is_flag=True, help="The canonical text that spans refer to.")
@click.pass_obj
def show(context: Context, document: str, collection: str | None, account: bool, text: bool) -> None:
    """One DOCUMENT, by id or path: what is known of it, and its items."""
    if account and text:
        raise UsageError("--account and --text are two different things to show.", hint="Give one of them.")
    with context.connect() as library:
        body = library.document_text(document, collection) if text else library.document(document, collection)
    if text and not context.as_json:
        click.echo(body["text"], nl=False)
    else:
        context.show(body, _account if account else _document)


@docs.command()
@click.argument("document")
@click.option("--collection", metavar="C", help="Where a path counts.")
@click.pass_obj
def history(context: Context, document: str, collection: str | None) -> None:
    """All versions of a DOCUMENT, by id or path."""
    with context.connect() as library:
        body = library.versions(document, collection)
    context.show(body, _versions)


@docs.command()
@click.argument("document")
@click.option("--collection", metavar="C", help="Where a path counts.")
@click.pass_obj
def delete(context: Context, document: str, collection: str | None) -> None:
    """Serve a DOCUMENT, by id or path, no more. Its file stays, and comes back with the next ingest."""
    with context.connect() as library:
        body = library.delete_document(document, collection)
    context.show(
        body, lambda gone: f"Removed {gone['collection']}/{gone['path']}. Its file {gone['source']} was left alone."
    )


@click.group()
def quarantine() -> None:
    """What was offered and could not be read."""


@quarantine.command("list")
@click.pass_obj
def list_quarantine(context: Context) -> None:
    """All of it: where, why, and what to do."""
    with context.connect() as library:
        body = library.quarantine()
    context.show(body, lambda b: "\n".join(map(problem_line, b["quarantine"])) or "Nothing is in quarantine.")


@click.command()
@click.option("--since", type=click.IntRange(min=0), default=0, metavar="SEQ", help="Only those after this number.")
@click.pass_obj
def changes(context: Context, since: int) -> None:
    """What changed in the library, oldest first."""
    with context.connect() as library:
        body = library.changes(since)
    context.show(body, _changes)


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows in columns, the first one as their names."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
    return "\n".join([click.style(lines[0], bold=True), *lines[1:]])


def _document_table(body: Body) -> str:
    if not body["documents"]:
        return "The library holds no documents. Add some with `cuecard ingest PATH`."
    rows = [
        (doc["id"], doc["collection"], doc["path"], _counts(doc["items"]), doc["lines"]) for doc in body["documents"]
    ]
    return table([("ID", "COLLECTION", "PATH", "ITEMS", "LINES"), *rows])


def _document(body: Body) -> str:
    facts = [
        ("id", body["id"]),
        ("path", f"{body['collection']}/{body['path']}"),
        ("file", body["source"]),
        ("version", f"{body['version'][:23]} (since {body['ingested_at']})"),
        ("items", f"{_counts(body['item_counts'])} in {body['chunks']} chunks, {body['lines']} lines"),
        *(
            (name, ", ".join(value) if isinstance(value, list | tuple) else value)
            for name, value in body["meta"].items()
        ),
    ]
    lines = [click.style(body["title"], bold=True), *(f"  {name:<15} {value}" for name, value in facts), ""]
    lines += [
        f"  {_lines(item['span']):>11}  {item['kind']:<5}  {item['title']}{_without_answer(item)}"
        for item in body["items"]
    ]
    return "\n".join(lines)


def _account(body: Body) -> str:
    titles = {item["id"]: f"{item['kind']}: {item['title']}" for item in body["items"]}
    lines = [click.style(f"{body['collection']}/{body['path']}", bold=True)]
    lines += [
        f"  {_lines(line):>11}  {line['role']:<9}  {titles.get(line['item_id'], '')}".rstrip()
        for line in body["account"]
    ]
    return "\n".join(lines)


def _versions(body: Body) -> str:
    rows = [
        (each["version"][:23], each["state"], each["live_at"] or "-", each["retired_at"] or "-", _counts(each["items"]))
        for each in body["versions"]
    ]
    return table([("VERSION", "STATE", "LIVE", "RETIRED", "ITEMS"), *rows])


def _changes(body: Body) -> str:
    if not body["changes"]:
        return "No changes."
    rows = [
        (each["sequence"], each["at"], each["kind"], f"{each['collection']}/{each['path']}".strip("/"), each["detail"])
        for each in body["changes"]
    ]
    return table([("SEQ", "AT", "WHAT", "DOCUMENT", "DETAIL"), *rows])


def _counts(items: Body) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in items.items() if count) or "none"


def _lines(span: Body) -> str:
    return f"{span['line_start']}-{span['line_end']}"


def _without_answer(item: Body) -> str:
    silent = item["kind"] == "qa" and item["answer"] is None and not item["talking_points"]
    return click.style("  (no answer)", dim=True) if silent else ""
