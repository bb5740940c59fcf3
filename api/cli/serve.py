"""`cuecard serve`: the HTTP API."""

from __future__ import annotations

import click

from api.cli.context import Context, tell


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--insecure", is_flag=True, help="Take an address that other machines can reach without a key.")
@click.pass_obj
def serve(context: Context, host: str, port: int, insecure: bool) -> None:
    """Answer over HTTP until Ctrl-C; other commands on the same home work through it.

    An address that other machines can reach needs a key (`cuecard keys create`). With --insecure and no key anybody
    may ask, and sees what candidates see.
    """
    from api.http.server import serve as serve_home

    settings = context.settings()

    def ready(url: str) -> None:
        if context.as_json:
            context.show({"url": url, "home": str(settings.home)}, str)
        else:
            click.echo(f"cuecard serves {settings.home} at {url} (docs: {url}/docs, stop: Ctrl-C)")

    serve_home(settings, host, port, insecure=insecure, ready=ready)
    tell("stopped, the home is free.")
