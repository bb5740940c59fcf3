"""`cuecard migrate`: the library to servers, or from them back into a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.context import Context, tell
from api.cli.progress import showing_progress
from api.errors import DONE, FAILED, FELL_SHORT
from api.library import Body
from ingest.errors import UsageError

if TYPE_CHECKING:
    from api.settings import Settings

SERVERS = ("CUECARD_QDRANT_URL", "CUECARD_DATABASE_URL")


@click.command()
@click.option("--to-qdrant", metavar="URL", help="Copy the index to this Qdrant server.")
@click.option("--database", metavar="URL", help="With --to-qdrant: copy the catalog to this database.")
@click.option("--to-embedded", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Copy both here.")
@click.option("--replace", is_flag=True, help="Even if another library is there: it goes.")
@click.pass_context
def migrate(
    ctx: click.Context, to_qdrant: str | None, database: str | None, to_embedded: Path | None, replace: bool
) -> None:
    """Copy the library to servers, or back into a folder, and compare.

    With --to-qdrant URL alone the catalog stays where it is. What is copied from is left as it is, and goes on being
    used until you set what the command names at its end. Stopped in the middle, it goes on when it is run again.
    CUECARD_QDRANT_API_KEY is the key of both servers where there are two.

    Leaves with 1 where something differs, and with 3 where only some questions find other chunks.
    """
    from api.home import own
    from api.migration import migrate as copy

    context = ctx.ensure_object(Context)
    target = _target(context.settings(), to_qdrant, database, to_embedded)
    with context.open_parts() as source:
        apart = target.home != source.settings.home or source.settings.shared
        holding = own(target, context.command, create=True, tell=tell) if apart and not target.shared else None
        try:
            with showing_progress(context, "looking at the library") as progress:
                body = copy(source, target, replace=replace, progress=progress, tell=tell)
        finally:
            if holding is not None:
                holding.release()
    body["set"] = _to_be_set(source.settings, target, body)
    context.show(body, _describe)
    ctx.exit(FAILED if body["differences"] else FELL_SHORT if body["other_answers"] else DONE)


def _target(settings: Settings, to_qdrant: str | None, database: str | None, to_embedded: Path | None) -> Settings:
    """Where to, as settings that could be those of a process there. Raises UsageError and SettingsError."""
    from api.settings import load_settings

    if (to_qdrant is None) == (to_embedded is None):
        raise UsageError("Name one place to copy to.", hint="Either --to-qdrant URL or --to-embedded DIR.")
    if to_qdrant is not None:
        given = {"CUECARD_QDRANT_URL": to_qdrant} | ({"CUECARD_DATABASE_URL": database} if database else {})
        return load_settings(settings.home, {**os.environ, **given})
    if database is not None:
        raise UsageError("--database goes with --to-qdrant.", hint="In a folder the catalog is a file.")
    environ = {name: value for name, value in os.environ.items() if name not in SERVERS}
    target = load_settings(to_embedded, environ)
    if target.home == settings.home:
        # what its config.toml says of servers is what it is to be copied from
        from dataclasses import replace

        return replace(target, qdrant_url=None, database_url=None)
    if target.qdrant_url or target.database_url:
        hint = "Name another folder, or take them out of it."
        raise UsageError(f"The config.toml in {target.home} names servers.", hint=hint)
    return target


def _to_be_set(source: Settings, target: Settings, body: Body) -> dict[str, str | None]:
    """The settings under which the copy is used, None for those to be unset; no passwords."""
    if target.qdrant_url:
        database = {"CUECARD_DATABASE_URL": body["to"]["catalog"]} if target.database_url else {}
        return {"CUECARD_QDRANT_URL": target.qdrant_url, **database}
    given: dict[str, str | None] = {"CUECARD_HOME": str(target.home), **dict.fromkeys(SERVERS)}
    return given | ({"CUECARD_EMBED_MODEL": source.embed_model} if source.embed_model else {})


def _describe(body: Body) -> str:
    compared = body["compared"]
    copied = f"{body['written']:,} chunks into the index, {body['kept']:,} were there"
    same = f"{compared['rows']:,} rows of the catalog, {compared['chunks']:,} chunks, {compared['questions']} questions"
    lines = [
        f"{click.style('From', bold=True)}      {body['from']['catalog']}, index {body['from']['index']}",
        f"{click.style('To', bold=True)}        {body['to']['catalog']}, index {body['to']['index']}",
        f"{click.style('Copied', bold=True)}    {copied}; {body['embedded']:,} texts were embedded anew",
        f"{click.style('Compared', bold=True)}  {same}",
        "",
    ]
    said = body["differences"] + body["other_answers"]
    if said:
        lines += [click.style("▲ It is not the same:", fg="yellow", bold=True), *(f"  {each}" for each in said)]
        lines.append("Run it again; where the library is written to meanwhile, stop that first.")
    else:
        lines += [click.style("✓ All is the same.", fg="green"), "", "To use it:"]
        lines += [f"  unset {name}" if value is None else f"  {name}={value}" for name, value in body["set"].items()]
    if body["uploads"]:
        folder = Path(body["from"]["home"]) / "uploads"
        lines += ["", f"Files that were uploaded ({body['uploads']:,}) stay in {folder}: keep that folder."]
    return "\n".join([*lines, "", click.style(f"{body['seconds']:.1f} s", dim=True)])
