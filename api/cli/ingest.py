"""`cuecard ingest`: mirror files and folders into the library."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.context import Context
from api.cli.progress import showing_progress
from api.errors import FELL_SHORT
from api.library import Body

SHOWN_PROBLEMS = 50
ALWAYS_TOLD = ("added", "updated", "unchanged", "removed")
"""Counts that are told also where they are 0."""


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--collection", default="default", show_default=True, metavar="C", help="Where the documents go.")
@click.option("--yes", is_flag=True, help="Even if more than half of the collection is removed by it.")
@click.option("--watch", is_flag=True, help="Go on, and do it again after every change; with --json one report a line.")
@click.pass_context
def ingest(ctx: click.Context, paths: tuple[Path, ...], collection: str, yes: bool, watch: bool) -> None:
    """Make the collection hold what PATH... hold: add, update, and remove what vanished there.

    With --watch, other commands and `cuecard serve` work meanwhile. --yes then counts for the first time only. Where
    the system tells nothing of changes (some network folders), set WATCHFILES_FORCE_POLLING=true.
    """
    context = ctx.ensure_object(Context)
    wanted = [path.absolute() for path in paths]
    if watch:
        from api.cli.watching import Watching

        ctx.exit(Watching(context, wanted, collection, yes).run())
    with context.connect(create=True) as library, showing_progress(context) as progress:
        report = library.ingest(wanted, collection=collection, yes=yes, progress=progress)
    context.show(report, describe)
    ctx.exit(FELL_SHORT if report["quarantine"] else 0)


def describe(report: Body) -> str:
    """What was done, what is there now, and what could not be read."""
    documents, items = report["documents"], report["items"]
    told = [name for name in documents if name in ALWAYS_TOLD or (documents[name] and name != "quarantined")]
    done = ", ".join(f"{documents[name]:,} {name}" for name in told)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in items.items())
    lines = [
        f"{click.style('Documents', bold=True)}  {done}",
        f"{click.style('Items', bold=True)}      {kinds} (in {report['chunks']:,} chunks{_embedded(report)})",
    ]
    if report.get("skipped"):
        skipped = ", ".join(f"{count:,} {suffix}" for suffix, count in report["skipped"].items())
        lines.append(f"{click.style('Skipped', bold=True)}    {skipped} (formats that are not read)")
    if report["quarantine"]:
        lines += ["", click.style(f"▲ {len(report['quarantine']):,} could not be read:", fg="yellow", bold=True)]
        lines += [problem_line(entry) for entry in report["quarantine"][:SHOWN_PROBLEMS]]
        if len(report["quarantine"]) > SHOWN_PROBLEMS:
            lines.append("  … `cuecard quarantine list` shows them all")
    return "\n".join([*lines, "", click.style(f"{report['seconds']:.1f} s", dim=True)])


def _embedded(report: Body) -> str:
    """How much of it cost the model time: the vectors of texts that are known already are kept."""
    return f", {report['embedded']:,} of them embedded" if "embedded" in report else ""


def problem_line(entry: Body) -> str:
    """Where, why, and what to do."""
    hint = click.style(f" {entry['hint']}", dim=True) if entry.get("hint") else ""
    return f"  {click.style(place_of(entry), bold=True)}  {entry['reason'].rstrip('.')}.{hint}"


def place_of(entry: Body) -> str:
    """`path:line`, as editors and grep spell it."""
    return f"{entry['path']}:{entry['line']}" if entry["line"] else str(entry["path"])
