"""A server with the bot and a library that answers at once, to be killed: `python -m tests.chat.bot_process HOME`."""

from __future__ import annotations

import sys
from pathlib import Path

from api.chat.bots import open_bots
from api.http.app import create_app
from api.http.server import run_server
from api.settings import load_settings
from tests.chat.library import TalkingLibrary


def main(home: str) -> None:
    """Serve until killed; the port on stdout."""
    library = TalkingLibrary()
    bots = open_bots(load_settings(Path(home)), library, durable=False, backoff=0.01, doubt=0.01)
    app = create_app(library, bots=bots)  # type: ignore[arg-type]  # what a chat needs of it
    run_server(app, "127.0.0.1", 0, lambda port: print(port, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
