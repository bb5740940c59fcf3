"""`cuecard keys`: who may ask, change the library, or administrate, and what they may see."""

from __future__ import annotations

import click

from api.cli.context import Context
from api.library import Body


@click.group()
def keys() -> None:
    """Who may ask and change the library over HTTP.

    From the first key on everybody needs one, but for commands on this machine.
    """


@keys.command()
@click.option("--name", required=True, help="Who or what has it.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="What it allows: ask, ingest or admin. May be repeated."
)
@click.option("--audience", help="Whose documents it shows: candidate (the default) or interviewer.")
@click.option("--collection", "collections", metavar="C", multiple=True, help="Only this collection. May be repeated.")
@click.option("--expires", metavar="TIME", help="When it ends: 12h, 30d, 8w, or a last day (2027-01-31).")
@click.pass_obj
def create(
    context: Context,
    name: str,
    scopes: tuple[str, ...],
    audience: str | None,
    collections: tuple[str, ...],
    expires: str | None,
) -> None:
    """Make a key. It is shown this once, and kept nowhere.

    ask: questions, and reading the library. ingest: uploads, deletions, the quarantine. admin: all that and keys.
    """
    wanted = [scope.strip() for each in scopes for scope in each.split(",")]
    with context.connect(create=True) as library:
        body = library.create_key(
            name, scopes=wanted, audience=audience, collections=list(collections), expires=expires
        )
    context.show(body, _created)


@keys.command("list")
@click.pass_obj
def list_keys(context: Context) -> None:
    """All keys, those that open nothing any more included."""
    with context.connect() as library:
        body = library.list_keys()
    context.show(body, lambda b: "\n".join(map(_line, b["keys"])) or "There are no keys.")


@keys.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def revoke(context: Context, ids: tuple[str, ...]) -> None:
    """Let keys open nothing any more, at once, also in a server that runs."""
    with context.connect() as library:
        body = {"keys": [library.revoke_key(each) for each in ids]}
    context.show(body, lambda b: "\n".join(f"Revoked {key['id']} ({key['name']})." for key in b["keys"]))


def _created(key: Body) -> str:
    hint = click.style("Note it now: it can't be shown again. Send it as `Authorization: Bearer KEY`.", dim=True)
    return f"{key['key']}\n\n{_line(key)}\n{hint}"


def _line(key: Body) -> str:
    sees = "what candidates see" if key["audience"] == "candidate" else "everything"
    where = f" of {', '.join(key['collections'])}" if key["collections"] else ""
    ends = f", until {key['expires_at'][:16].replace('T', ' ')} UTC" if key["expires_at"] else ""
    state = "" if key["state"] == "active" else f"  {click.style(key['state'], fg='yellow')}"
    return f"{key['id']}  {click.style(key['name'], bold=True)}  {', '.join(key['scopes'])}; {sees}{where}{ends}{state}"
