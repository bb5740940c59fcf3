"""`cuecard stats` and `cuecard doctor`: how much there is, and how well it is."""

from __future__ import annotations

import click

from api.cli.context import Context
from api.cli.docs import table
from api.cli.progress import showing_progress
from api.errors import DONE, FAILED, FELL_SHORT
from api.library import Body

STATES = {
    "on": ("✓", "green"),
    "off": ("·", "bright_black"),
    "degraded": ("▲", "yellow"),
    "failed": ("✗", "red"),
}


@click.command()
@click.pass_obj
def stats(context: Context) -> None:
    """How much the library holds."""
    with context.connect() as library:
        body = library.stats()
    context.show(body, _stats)


@click.command()
@click.option("--settings", "with_settings", is_flag=True, help="Also explain every setting.")
@click.option("--repair", is_flag=True, help="First make anew what can be made anew: the index, the model.")
@click.pass_context
def doctor(ctx: click.Context, with_settings: bool, repair: bool) -> None:
    """What is on, what is off and why, and what to do.

    Leaves with 1 where something failed, and with 3 where something works but is not as it should be.
    """
    context = ctx.ensure_object(Context)
    settings = context.settings()
    repaired = {}
    if settings.home.is_dir() or repair:
        with context.connect() as library, showing_progress(context, "looking at the library") as progress:
            if repair:
                repaired = {"repair": library.repair(progress)}
            body = {**library.doctor(), **repaired}
    else:
        from api.doctor import examine

        body = examine(settings, None)
    context.show(body, lambda report: _doctor(report, with_settings))
    ctx.exit(FAILED if not body["ok"] else DONE if body["clean"] else FELL_SHORT)


def _stats(body: Body) -> str:
    rows = [
        (name, each["documents"], *each["items"].values(), each["chunks"]) for name, each in body["collections"].items()
    ]
    total = ("all", body["documents"], *body["items"].values(), body["chunks"])
    header = ("COLLECTION", "DOCUMENTS", *(kind.upper() for kind in body["items"]), "CHUNKS")
    lines = [f"{click.style('Home', bold=True)}  {body['home']}", "", table([header, *rows, total]), ""]
    lines.append(f"{body['versions']} versions kept, {body['quarantined']} in quarantine, change {body['sequence']}")
    return "\n".join(lines)


def _doctor(report: Body, with_settings: bool) -> str:
    lines = _repaired(report["repair"]) if "repair" in report else []
    for check in report["checks"]:
        mark, color = STATES[check["state"]]
        lines.append(f"{click.style(mark, fg=color)} {check['name']:<15} {check['detail']}")
        if check["hint"]:
            lines.append(click.style(f"{'':18}{check['hint']}", dim=True))
    lines.append("")
    for setting in report["settings"]:
        if with_settings or setting["set"]:
            lines.append(f"  {setting['name']:<22} {setting['value']}")
            if with_settings:
                lines.append(click.style(f"  {'':22} {setting['meaning']}", dim=True))
    if not with_settings:
        lines.append(click.style("`cuecard doctor --settings` explains every setting.", dim=True))
    return "\n".join(lines)


def _repaired(repair: Body) -> list[str]:
    """What was found and what was done, and how long it took."""
    found = [f"  {line}" for line in repair["found"]] or ["  nothing; the index was made anew all the same."]
    done = [f"  {line}" for line in repair["done"]]
    took = click.style(f"{repair['seconds']:.1f} s", dim=True)
    return [click.style("Found", bold=True), *found, click.style("Done", bold=True), *done, took, ""]
