"""The `cuecard` command: finds the command that is asked for, runs it, and turns errors into one line and an exit code.

Commands are imported when they are asked for, so that `cuecard ask` pays for `ask` only.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

import click

from api.cli.context import Context, tell, to_json
from api.errors import DONE, FAILED, INTERRUPTED, WRONG_USAGE, kind_of
from ingest.errors import CuecardError

COMMANDS = {
    "ingest": "api.cli.ingest:ingest",
    "ask": "api.cli.ask:ask",
    "search": "api.cli.search:search",
    "check": "api.cli.check:check",
    "docs": "api.cli.docs:docs",
    "quarantine": "api.cli.quarantine:quarantine",
    "changes": "api.cli.changes:changes",
    "serve": "api.cli.serve:serve",
    "keys": "api.cli.keys:keys",
    "gaps": "api.cli.gaps:gaps",
    "stats": "api.cli.status:stats",
    "doctor": "api.cli.status:doctor",
    "migrate": "api.cli.migrate:migrate",
    "slack": "api.cli.slack:slack",
    "mattermost": "api.cli.mattermost:mattermost",
}
ENTRY_POINTS = "cuecard.commands"


def _set_home(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Context).home = value


def _set_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Context).as_json = True


def add_common_options(command: click.Command) -> click.Command:
    """Give a command, and all commands below it, --home and --json."""
    present = {name for parameter in command.params for name in parameter.opts}
    if "--home" not in present:
        option = click.Option(
            ["--home"], metavar="DIR", expose_value=False, callback=_set_home, help="Folder of the knowledge base."
        )
        command.params.append(option)
    if "--json" not in present:
        option = click.Option(
            ["--json"], is_flag=True, expose_value=False, callback=_set_json, help="Print one JSON document."
        )
        command.params.append(option)
    if isinstance(command, click.Group):
        for child in command.commands.values():
            add_common_options(child)
    return command


class Commands(click.Group):
    """The built-in commands, and those that other rooms offer through the entry point group `cuecard.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as in click
        """All names, the built-in ones in their order."""
        from importlib import metadata

        offered = {point.name for point in metadata.entry_points(group=ENTRY_POINTS)}
        return [*COMMANDS, *sorted(offered - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as in click
        """The command of that name, imported now; None where there is none."""
        if cmd_name in COMMANDS:
            module, attribute = COMMANDS[cmd_name].split(":")
            command = getattr(import_module(module), attribute)
        else:
            from importlib import metadata

            points = metadata.entry_points(group=ENTRY_POINTS, name=cmd_name)
            if not points:
                return None
            command = next(iter(points)).load()
        return add_common_options(command)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. A reader of our output who has had enough is told apart from failures of the command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise _ReaderGoneError from error
        return result


class _ReaderGoneError(Exception):
    """Nobody reads our output any more."""


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        from importlib import metadata

        click.echo(f"cuecard {metadata.version('cuecard')}")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """A grounded knowledge base over interview material.

    Every answer cites file and lines, or says that your notes don't cover it.
    """


add_common_options(cli)


def main(arguments: list[str] | None = None) -> None:
    """Run cuecard and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 3 done but fell short."""
    # Before numpy comes: its products here are small, and threads that wait for the next one by spinning take the cores
    # from the model and the index. A search over 20,000 chunks took 45 ms of processor time with them, and 18 without.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    given = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops us politely gets what Ctrl-C gets
    sys.exit(run(given))


def run(arguments: list[str]) -> int:
    """Run cuecard; the exit code."""
    color = False if os.environ.get("NO_COLOR") else None
    as_json = "--json" in arguments
    try:
        result = cli.main(arguments, prog_name="cuecard", standalone_mode=False, obj=Context(), color=color)
        return result if isinstance(result, int) else DONE
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return WRONG_USAGE
    except click.ClickException as error:
        where = f" (see `{error.ctx.command_path} --help`)" if isinstance(error, click.UsageError) and error.ctx else ""
        return _failed("usage", f"{error.format_message()}{where}", error.exit_code, as_json)
    except (click.Abort, KeyboardInterrupt):
        tell("stopped.")
        return INTERRUPTED
    except _ReaderGoneError:
        # whoever read our output has what they wanted; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except CuecardError as error:
        kind = kind_of(error)
        return _failed(kind.name, str(error), kind.exit_code, as_json)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed("failed", f"{where}{error.strerror or error}.", FAILED, as_json)
    except Exception as error:
        return _failed("internal", _internal(error), FAILED, as_json)


def _failed(kind: str, message: str, exit_code: int, as_json: bool) -> int:
    tell(" ".join(message.split()))
    if as_json:
        click.echo(to_json({"error": {"type": kind, "message": message}}))
    return exit_code


def _internal(error: Exception) -> str:
    """One line about a defect of cuecard; what its authors need goes to a file."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="cuecard-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write("".join(traceback.format_exception(error)))
    return f"a defect of cuecard: {type(error).__name__}: {error}. Please report it with {file.name}."
