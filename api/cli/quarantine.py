"""`cuecard quarantine`: what was offered and could not be read, and what is done about it."""

from __future__ import annotations

from collections.abc import Iterable

import click

from api.cli.context import Context
from api.cli.ingest import place_of
from api.cli.progress import showing_progress
from api.errors import FELL_SHORT
from api.library import Body, Library, Progress
from ingest.errors import NotFoundError, UsageError


@click.group()
def quarantine() -> None:
    """What was offered and could not be read."""


@quarantine.command("list")
@click.option("--dropped", is_flag=True, help="Also what was put aside.")
@click.pass_obj
def list_quarantine(context: Context, dropped: bool) -> None:
    """All of it: where, why, and what to do."""
    with context.connect() as library:
        body = library.quarantine(dropped=dropped)
    context.show(body, lambda b: "\n".join(map(_entry, b["quarantine"])) or "Nothing is in quarantine.")


@quarantine.command()
@click.argument("entry", metavar="ID")
@click.pass_obj
def show(context: Context, entry: str) -> None:
    """One entry, by its id or the beginning of it."""
    with context.connect() as library:
        body = library.quarantine_entry(entry)
    context.show(body, _whole)


@quarantine.command()
@click.argument("entries", metavar="[ID...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is in quarantine.")
@click.pass_context
def retry(ctx: click.Context, entries: tuple[str, ...], everything: bool) -> None:
    """Read the files of entries again, also of those that were dropped.

    Every ingest does so for what has changed; this is for a cause that lay elsewhere.
    """
    if bool(entries) == everything:
        raise UsageError("Give either the ids of entries, or --all.", hint="`cuecard quarantine list` shows them.")
    context = ctx.ensure_object(Context)
    with context.connect() as library, showing_progress(context) as progress:
        found = library.quarantine()["quarantine"] if everything else map(library.quarantine_entry, entries)
        # the entries of one file are tried together
        files = {(entry["collection"], entry["source"]): entry for entry in found}
        results = [_retry(library, entry, progress) for entry in files.values()]
    context.show(
        {"retried": results}, lambda body: "\n".join(map(_result, body["retried"])) or "Nothing is in quarantine."
    )
    ctx.exit(0 if all(result["taken"] for result in results) else FELL_SHORT)


@quarantine.command()
@click.argument("entries", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def drop(context: Context, entries: tuple[str, ...]) -> None:
    """Put entries aside.

    They are told of no more until their files change.
    """
    with context.connect() as library:
        found = [library.quarantine_entry(entry)["id"] for entry in entries]
        body = {"dropped": [library.drop(entry) for entry in dict.fromkeys(found)]}
    context.show(body, lambda b: "\n".join(f"Dropped {place_of(entry)}." for entry in b["dropped"]))


def _retry(library: Library, entry: Body, progress: Progress | None) -> Body:
    """What became of an entry: `taken`, or what is still the matter with its file."""
    known = {"id": entry["id"], "collection": entry["collection"], "path": entry["path"]}
    try:
        report = library.retry(entry["id"], progress)
    except NotFoundError as error:
        return {**known, "taken": False, "quarantine": [], "problem": str(error)}
    left = [each for each in report["quarantine"] if _is_of(each["path"], entry["path"])]
    return {**known, "taken": not left, "quarantine": left, "problem": None}


def _is_of(path: str, tried: str) -> bool:
    """Whether a path is the one that was tried, or lies in it."""
    return path == tried or path.startswith(f"{tried}/")


def _result(result: Body) -> str:
    if result["taken"]:
        return f"{click.style('✓', fg='green')} {result['path']}"
    reasons: Iterable[str] = (f"{place_of(left)}  {_why(left)}" for left in result["quarantine"])
    said = [result["problem"]] if result["problem"] else [*reasons]
    return "\n".join(f"{click.style('✗', fg='red')} {line}" for line in said)


def _entry(entry: Body) -> str:
    aside = click.style("  (dropped)", dim=True) if entry["dropped"] else ""
    return f"{entry['id'][:8]}  {click.style(place_of(entry), bold=True)}  {_why(entry)}{aside}"


def _why(problem: Body) -> str:
    hint = click.style(f" {problem['hint']}", dim=True) if problem.get("hint") else ""
    return f"{problem['reason'].rstrip('.')}.{hint}"


def _whole(entry: Body) -> str:
    scopes = {"document": "the document", "item": "this part of the document; the rest is served"}
    facts = [
        ("id", entry["id"]),
        ("what", scopes.get(entry["scope"], entry["scope"])),
        ("reason", entry["reason"]),
        ("what to do", entry["hint"] or "-"),
        ("file", entry["source"]),
        ("since", entry["since"]),
        ("dropped", "yes, until the file changes" if entry["dropped"] else "no"),
    ]
    head = click.style(f"{entry['collection']}/{place_of(entry)}", bold=True)
    return "\n".join([head, *(f"  {name:<11} {value}" for name, value in facts)])
