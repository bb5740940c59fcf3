"""`cuecard changes`: the feed of what changed in the library."""

from __future__ import annotations

import json
import math
import time

import click

from api.cli.context import Context
from api.cli.docs import table
from api.library import MAX_CHANGES, Body
from ingest.errors import HomeBusyError

POLL_SECONDS = 1.0
COLORS = {"added": "green", "updated": "yellow", "removed": "red", "quarantined": "red"}


@click.command()
@click.option("--since", type=click.IntRange(min=0), default=0, metavar="SEQ", help="Only those after this number.")
@click.option("--follow", is_flag=True, help="Go on, and print what changes as it does; with --json one a line.")
@click.pass_obj
def changes(context: Context, since: int, follow: bool) -> None:
    """What changed in the library, oldest first."""
    if follow:
        _follow(context, since)
        return
    with context.connect() as library:
        body = library.changes(since)
    context.show(body, _table)


def _follow(context: Context, since: int) -> None:
    """Print changes until Ctrl-C. The home is held for moments only."""
    while True:
        try:
            with context.connect(wait=math.inf) as library:
                found = library.changes(since)["changes"]
        except HomeBusyError:
            # the server that held the home has just ended
            found = []
        for change in found:
            click.echo(json.dumps(change, ensure_ascii=False) if context.as_json else _line(change))
            since = change["sequence"]
        if len(found) < MAX_CHANGES:
            time.sleep(POLL_SECONDS)


def _line(change: Body) -> str:
    kind = click.style(f"{change['kind']:<11}", fg=COLORS.get(change["kind"]))
    return f"{change['sequence']:>6}  {change['at']}  {kind}  {_document(change)}  {_detail(change)}".rstrip()


def _table(body: Body) -> str:
    if not body["changes"]:
        return "No changes."
    rows = [(each["sequence"], each["at"], each["kind"], _document(each), _detail(each)) for each in body["changes"]]
    lines = [table([("SEQ", "AT", "WHAT", "DOCUMENT", "DETAIL"), *rows])]
    if len(rows) == MAX_CHANGES:
        lines.append(f"There may be more: cuecard changes --since {rows[-1][0]}")
    return "\n".join(lines)


def _document(change: Body) -> str:
    return f"{change['collection']}/{change['path']}".strip("/")


def _detail(change: Body) -> str:
    return f"from {change['detail']}" if change["kind"] == "renamed" else str(change["detail"])
