"""What every command is given: where the home is, how to print, and how to reach the knowledge base."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from api.compose import Parts
    from api.library import Library
    from api.settings import Settings


@dataclass
class Context:
    """The click context object. `home` is what --home says; `as_json` is set by --json, before or after the command."""

    home: str | None = None
    as_json: bool = False

    @property
    def command(self) -> str:
        """The words that name the running command (`docs list`), as other processes will be told it."""
        return click.get_current_context().command_path.partition(" ")[2]

    def settings(self) -> Settings:
        """The settings of this process. Raises SettingsError."""
        from api.settings import load_settings

        return load_settings(self.home)

    @contextmanager
    def connect(self, *, create: bool = False, wait: float | None = None) -> Iterator[Library]:
        """The knowledge base, opened here or behind the server that holds it. `create`: make the home if need be.

        `wait`: seconds that another process may go on to hold the home; some by default.
        """
        from api.home import WAIT_SECONDS, connect

        patience = WAIT_SECONDS if wait is None else wait
        library = connect(self.settings(), self.command, create=create, wait=patience, tell=tell)
        try:
            yield library
        finally:
            library.close()

    @contextmanager
    def open_parts(self, *, create: bool = False) -> Iterator[Parts]:
        """The parts of the home, in this process: catalog, indexer, retriever, answerer, checker.

        For work that can't go through a server; raises HomeBusyError while another process holds the home.
        """
        from api.compose import open_home
        from api.home import own

        settings = self.settings()
        holding = own(settings, self.command, create=create, tell=tell)
        try:
            with open_home(settings, tell) as parts:
                yield parts
        finally:
            holding.release()

    def show(self, body: dict[str, Any], as_text: Callable[[dict[str, Any]], str]) -> None:
        """Print `body`: as one JSON document with --json, else as `as_text` words it."""
        if self.as_json:
            click.echo(to_json(body))
        else:
            click.echo(as_text(body))

    @property
    def chatty(self) -> bool:
        """Whether progress may be drawn: somebody watches, and nobody asked for JSON."""
        return not self.as_json and sys.stderr.isatty()


def to_json(body: dict[str, Any]) -> str:
    """One JSON document, indented where a person reads it."""
    return json.dumps(body, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)


def tell(message: str) -> None:
    """One line to the person, on stderr."""
    click.echo(f"cuecard: {message}", err=True)
