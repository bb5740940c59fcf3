"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ingest.errors import UsageError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


def narrowing(command: Decorated) -> Decorated:
    """--collection and --filter, for commands that look for something."""
    command = click.option(
        "--filter", "filters", metavar="KEY=VALUE", multiple=True, help="Only what has this; a key twice: any of them."
    )(command)
    return click.option("--collection", metavar="C", help="Only in this collection.")(command)


def parse_filters(given: tuple[str, ...]) -> dict[str, list[str]]:
    """`("kind=qa", "kind=note")` as `{"kind": ["qa", "note"]}`. UsageError where key or value is missing."""
    filters: dict[str, list[str]] = {}
    for text in given:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not (key and equals and value):
            raise UsageError(f"--filter {text!r} is not KEY=VALUE.", hint="For example: --filter kind=qa")
        filters.setdefault(key, []).append(value)
    return filters


def files_of_batch(
    source_name: str, source: Path | None, target_name: str, target: Path | None
) -> tuple[Path, Path] | None:
    """The two files of a batch; None where neither is given. UsageError where only one is."""
    if source is not None and target is not None:
        return source, target
    if source is None and target is None:
        return None
    missing, given = (target_name, source_name) if target is None else (source_name, target_name)
    raise UsageError(f"{given} needs {missing} too.", hint="One names the lines to read, the other the lines to write.")
