"""`cuecard slack`: for whoever sets up the Slack bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from api.cli.context import Context, to_json
from api.cli.render import checks_as_text
from api.errors import DONE, FAILED


@click.group()
def slack() -> None:
    """Set up the Slack bot, and try it out. It runs in `cuecard serve`; docs/slack.md takes you there."""


@slack.command()
@click.pass_obj
def doctor(context: Context) -> int:
    """Token, scopes, events URL and clock: what is right, what is not, and what to do."""
    from api.slack.doctor import examine

    found = examine(context.settings())
    context.show(found, checks_as_text)
    return DONE if found["ok"] else FAILED


@slack.command()
@click.option("--socket", is_flag=True, help="For Socket Mode: no public address is needed.")
@click.pass_obj
def manifest(context: Context, socket: bool) -> None:
    """Print the app manifest that Slack makes the app from."""
    import yaml

    from api.slack.manifest import manifest as made

    settings = context.settings()
    body = made(settings.public_url, sockets=socket, oauth=settings.slack_client_id is not None)
    context.show(body, lambda shown: yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip())


@slack.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def replay(context: Context, file: Path) -> None:
    """Feed recorded requests (one JSON object a line) to the bot, and print what Slack would be sent."""
    from api.chat.ports import Library as ChatLibrary
    from api.chat.rules import read_rules
    from api.slack.replay import read_requests
    from api.slack.replay import replay as play

    settings = context.settings()
    requests, rules = read_requests(file), read_rules(settings.home)
    told: list[dict[str, Any]] = []

    def tell(line: dict[str, Any]) -> None:
        if context.as_json:
            told.append(line)
        else:
            click.echo(to_json(line))

    with context.connect() as library:
        # `feedback` is all that a chat wants of it beyond asking
        play(requests, cast(ChatLibrary, library), rules, settings.public_url or "", tell)
    if context.as_json:
        click.echo(to_json({"replayed": told}))
