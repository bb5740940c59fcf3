"""`cuecard mattermost`: for whoever sets up the Mattermost bot."""

from __future__ import annotations

import click

from api.cli.context import Context
from api.cli.render import checks_as_text
from api.errors import DONE, FAILED


@click.group()
def mattermost() -> None:
    """Set up the Mattermost bot. It runs in `cuecard serve`; docs/mattermost.md takes you there."""


@mattermost.command()
@click.pass_obj
def doctor(context: Context) -> int:
    """Token, channels, WebSocket and callback: what is right, what is not, and what to do."""
    from api.mattermost.doctor import examine

    found = examine(context.settings())
    context.show(found, checks_as_text)
    return DONE if found["ok"] else FAILED
