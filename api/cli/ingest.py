"""`cuecard ingest`: mirror files and folders into the library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from api.cli.context import Context
from api.errors import FELL_SHORT
from api.library import Body, Progress

SHOWN_PROBLEMS = 50


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--collection", default="default", show_default=True, metavar="C", help="Where the documents go.")
@click.option("--yes", is_flag=True, help="Even if more than half of the collection is removed by it.")
@click.pass_context
def ingest(ctx: click.Context, paths: tuple[Path, ...], collection: str, yes: bool) -> None:
    """Make the collection hold what PATH... hold: add, update, and remove what vanished there."""
    context = ctx.ensure_object(Context)
    wanted = [path.absolute() for path in paths]
    with context.connect(create=True) as library, _progress(context) as progress:
        report = library.ingest(wanted, collection=collection, yes=yes, progress=progress)
    context.show(report, describe)
    ctx.exit(FELL_SHORT if report["quarantine"] else 0)


def describe(report: Body) -> str:
    """What was done, what is there now, and what could not be read."""
    documents, items = report["documents"], report["items"]
    done = ", ".join(f"{documents[name]} {name}" for name in ("added", "updated", "unchanged", "removed"))
    kinds = ", ".join(f"{count} {kind}" for kind, count in items.items())
    lines = [
        f"{click.style('Documents', bold=True)}  {done}",
        f"{click.style('Items', bold=True)}      {kinds} (in {report['chunks']} chunks)",
    ]
    if report.get("skipped"):
        skipped = ", ".join(f"{count} {suffix}" for suffix, count in report["skipped"].items())
        lines.append(f"{click.style('Skipped', bold=True)}    {skipped} (formats that are not read)")
    if report["quarantine"]:
        lines += ["", click.style(f"▲ {len(report['quarantine'])} could not be read:", fg="yellow", bold=True)]
        lines += [problem_line(entry) for entry in report["quarantine"][:SHOWN_PROBLEMS]]
        if len(report["quarantine"]) > SHOWN_PROBLEMS:
            lines.append("  … `cuecard quarantine list` shows them all")
    return "\n".join([*lines, "", click.style(f"{report['seconds']:.1f} s", dim=True)])


def problem_line(entry: Body) -> str:
    """Where, why, and what to do."""
    place = f"{entry['path']}:{entry['line']}" if entry["line"] else entry["path"]
    hint = click.style(f" {entry['hint']}", dim=True) if entry.get("hint") else ""
    return f"  {click.style(place, bold=True)}  {entry['reason'].rstrip('.')}.{hint}"


@contextmanager
def _progress(context: Context) -> Iterator[Progress | None]:
    """A bar on the terminal, where somebody watches."""
    if not context.chatty:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def progress(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task({"files": "documents", "index": "chunks"}.get(phase, phase), total=total)
            bars.update(tasks[phase], completed=done, total=total)

        yield progress
