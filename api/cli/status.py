"""`cuecard stats` and `cuecard doctor`: how much there is, and how well it is."""

from __future__ import annotations

import click

from api.cli.context import Context
from api.cli.docs import table
from api.errors import FAILED
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
@click.pass_context
def doctor(ctx: click.Context, with_settings: bool) -> None:
    """What is on, what is off and why, and what to do."""
    context = ctx.ensure_object(Context)
    settings = context.settings()
    if settings.home.is_dir():
        with context.connect() as library:
            body = library.doctor()
    else:
        from api.doctor import examine

        body = examine(settings, None)
    context.show(body, lambda report: _doctor(report, with_settings))
    ctx.exit(0 if body["ok"] else FAILED)


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
    lines = []
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
