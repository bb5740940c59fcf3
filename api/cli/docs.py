"""`cuecard docs`: the documents of the library, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from api.cli.context import Context
from api.cli.diffs import describe_counts, render_diff, short
from api.library import Body
from ingest.errors import UsageError

ROLES = {"item": "in items", "structure": "structure", "leftover": "left over (indexed as notes)"}


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
        lines = library.document_text(body["id"], None)["text"].split("\n") if account else []
    if text and not context.as_json:
        click.echo(body["text"], nl=False)
    else:
        context.show(body, (lambda each: _account(each, lines)) if account else _document)


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
@click.argument("old", metavar="[FROM]", required=False)
@click.argument("new", metavar="[TO]", required=False)
@click.option("--collection", metavar="C", help="Where a path counts.")
@click.pass_obj
def diff(context: Context, document: str, old: str | None, new: str | None, collection: str | None) -> None:
    """What changed in a DOCUMENT, item by item.

    FROM and TO name versions by the beginning of their hash, as `docs history` shows it. TO is the newest where it
    isn't given, FROM the one before it.
    """
    with context.connect() as library:
        body = library.diff(document, old, new, collection)
    context.show(body, render_diff)


@docs.command()
@click.argument("document")
@click.option("--collection", metavar="C", help="Where a path counts.")
@click.pass_obj
def delete(context: Context, document: str, collection: str | None) -> None:
    """Serve a DOCUMENT, by id or path, no more.

    Its file stays, and comes back with the next ingest; one that was uploaded is deleted.
    """
    with context.connect() as library:
        body = library.delete_document(document, collection)
    fate = "was left alone" if body["file_kept"] else "was an upload, and is deleted"
    context.show(body, lambda gone: f"Removed {gone['collection']}/{gone['path']}. Its file {gone['source']} {fate}.")


@docs.command()
@click.option("--keep", type=click.IntRange(min=1), required=True, metavar="N", help="Versions of each document.")
@click.pass_obj
def prune(context: Context, keep: int) -> None:
    """Delete old versions: of each document all but the newest N, and what is served, which always stays.

    The home is as large as before; the room is used again.
    """
    from ingest.sync import prune

    with context.open_parts() as parts:
        gone = prune(parts.catalog, keep)
    context.show({"pruned": gone, "keep": keep}, lambda body: f"Old versions deleted: {body['pruned']}.")


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
        (doc["id"], doc["collection"], doc["path"], _counts(doc["items"]), doc["lines"], _stale(doc))
        for doc in body["documents"]
    ]
    return table([("ID", "COLLECTION", "PATH", "ITEMS", "LINES", ""), *rows])


def _stale(document: Body) -> str:
    return click.style(f"▲ {document['stale']}", fg="yellow") if document["stale"] else ""


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
    lines = [click.style(body["title"], bold=True), *(f"  {name:<15} {value}" for name, value in facts)]
    lines += [f"  {_stale(body)}", ""] if body["stale"] else [""]
    for item in body["items"]:
        lines.append(f"  {_lines(item['span']):>11}  {item['kind']:<5}  {item['title']}{_without_answer(item)}")
        lines += [_twin(twin) for twin in item["related"]]
    return "\n".join(lines)


def _account(body: Body, text: Sequence[str]) -> str:
    """Every stretch of lines with what became of it, and the share of each fate among the lines that aren't blank."""
    titles = {item["id"]: f"{item['kind']}: {item['title']}" for item in body["items"]}
    written = {number for number, line in enumerate(text, 1) if line.strip()}
    fates: Counter[str] = Counter()
    rows = []
    for part in body["account"]:
        numbers = range(part["line_start"], part["line_end"] + 1)
        fates[part["role"]] += len(written.intersection(numbers))
        first = next((text[number - 1].strip() for number in numbers if number in written), "")
        said = titles.get(part["item_id"]) or click.style(short(first, 80), dim=True)
        rows.append(f"  {_lines(part):>11}  {part['role']:<9}  {said}".rstrip())
    whole = max(1, len(written))
    lines = [click.style(f"{body['collection']}/{body['path']}", bold=True)]
    lines.append(f"  {len(written)} lines that aren't blank:")
    lines += [f"  {count / whole:>6.1%}  {count:>5}  {ROLES.get(role, role)}" for role, count in fates.most_common()]
    lost = len(written) - fates.total()
    lines.append(f"  {lost / whole:>6.1%}  {lost:>5}  lost")
    return "\n".join([*lines, "", *rows])


def _versions(body: Body) -> str:
    rows = [
        (
            each["version"].removeprefix("sha256:")[:12],
            each["state"],
            each["live_at"] or "-",
            each["retired_at"] or "-",
            _counts(each["items"]),
            describe_counts(each["changes"]) if each["changes"] else "-",
            each["path"],
        )
        for each in body["versions"]
    ]
    return table([("VERSION", "STATE", "LIVE", "RETIRED", "ITEMS", "CHANGES", "PATH"), *rows])


def _counts(items: Body) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in items.items() if count) or "none"


def _lines(span: Body) -> str:
    return f"{span['line_start']}-{span['line_end']}"


def _twin(twin: Body) -> str:
    """Where the same question stands too, and what the answers disagree on."""
    conflict = click.style(f"  ▲ {twin['conflict']}", fg="yellow") if twin["conflict"] else ""
    return click.style(f"{'':22}also asked in {twin['document']}: “{twin['question']}”", dim=True) + conflict


def _without_answer(item: Body) -> str:
    silent = item["kind"] == "qa" and item["answer"] is None and not item["talking_points"]
    return click.style("  (no answer)", dim=True) if silent else ""
