"""The Slack bot of a server: requests that come by HTTP or Socket Mode, and the workspaces it is installed in."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.oauth import OAuthFlow

from api.chat.rules import Rules
from api.settings import Settings
from api.slack.bolt import Take, build_app
from api.slack.client import DEFAULT_URL, log
from api.slack.installed import INSTALL_PATH, REDIRECT_PATH, SCOPES
from ingest.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Engine

RECONNECT_S = (1, 2, 5, 10, 30, 60)

_log = logging.getLogger("cuecard.slack")


class Tokens:
    """The bot token of each workspace: the one of the settings, or those that OAuth brought."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._token = settings.slack_bot_token
        self.flow: OAuthFlow | None = None
        if self._token is None:
            self.flow = _oauth(settings, engine)

    def of(self, team: str) -> str | None:
        """The token for a workspace; None where the bot is not installed."""
        if self.flow is None:
            return self._token
        store = self.flow.settings.installation_store
        bot = store.find_bot(enterprise_id=None, team_id=team)
        return None if bot is None else bot.bot_token

    def forget(self, team: str) -> None:
        """A workspace removed the bot."""
        if self.flow is not None:
            self.flow.settings.installation_store.delete_all(enterprise_id=None, team_id=team)


class SlackBot:
    """Takes what Slack sends. `take` writes events down."""

    def __init__(self, settings: Settings, rules: Rules, tokens: Tokens, take: Take) -> None:
        if tokens.flow is not None and rules.workspaces is None:
            raise SettingsError(
                "With SLACK_CLIENT_ID anybody could install the bot, and ask.",
                hint='Name the workspaces that may in chat.toml: workspaces = ["T0123"].',
            )
        self.tokens = tokens
        self._app_token = settings.slack_app_token
        # without a secret nothing is signed rightly, and nothing is taken
        secret = settings.slack_signing_secret or secrets.token_hex(32)
        self.app: App = build_app(
            take,
            tokens.of,
            signing_secret=secret,
            url=settings.slack_api_url or DEFAULT_URL,
            uninstalled=tokens.forget,
        )
        self._stopping = threading.Event()
        self._socket: threading.Thread | None = None

    def handle(self, body: bytes, headers: Mapping[str, str]) -> BoltResponse:
        """Answer a request to EVENTS_PATH. 401 where its signature is missing, wrong or old.

        The names of headers are in lower case.
        """
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return BoltResponse(status=401)
        # with these the verification itself would break down
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 20 and signature.isascii()):
            return BoltResponse(status=401)
        return self.app.dispatch(BoltRequest(body=text, headers=dict(headers)))

    def install(self, path: str, query: Mapping[str, str], cookies: str) -> BoltResponse:
        """Answer a request to INSTALL_PATH or REDIRECT_PATH."""
        flow = self.tokens.flow
        if flow is None:
            return BoltResponse(status=404)
        request = BoltRequest(body="", query=urlencode(dict(query)), headers={"cookie": cookies})
        return flow.handle_installation(request) if path == INSTALL_PATH else flow.handle_callback(request)

    def start(self) -> None:
        """Connect by Socket Mode, where there is an app token; as often as it takes, and beside everything else."""
        if self._app_token is not None:
            self._socket = threading.Thread(target=self._connect, name="slack-socket", daemon=True)
            self._socket.start()

    def close(self) -> None:
        """Take nothing more by Socket Mode."""
        self._stopping.set()
        if self._socket is not None:
            self._socket.join(timeout=15)

    def _connect(self) -> None:
        from slack_bolt.adapter.socket_mode import SocketModeHandler

        handler = SocketModeHandler(self.app, self._app_token, logger=log)
        for attempt in range(10**9):
            try:
                handler.connect()  # type: ignore[no-untyped-call]
            except Exception as error:
                wait = RECONNECT_S[min(attempt, len(RECONNECT_S) - 1)]
                _log.warning("Socket Mode: no connection (%s), next try in %s s", type(error).__name__, wait)
                if self._stopping.wait(wait):
                    break
            else:
                _log.info("connected to Slack by Socket Mode")
                self._stopping.wait()
                break
        with suppress(Exception):  # whatever is wrong with a connection that nobody wants any more
            handler.close()  # type: ignore[no-untyped-call]


def _oauth(settings: Settings, engine: Engine) -> OAuthFlow:
    from slack_bolt.oauth.oauth_settings import OAuthSettings
    from slack_sdk import WebClient
    from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
    from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore

    client_id = settings.slack_client_id or ""
    installations = SQLAlchemyInstallationStore(client_id, engine, logger=log)
    states = SQLAlchemyOAuthStateStore(600, engine, logger=log)
    installations.metadata.create_all(engine)
    states.metadata.create_all(engine)
    public = (settings.public_url or "").rstrip("/")
    oauth = OAuthSettings(
        client_id=client_id,
        client_secret=settings.slack_client_secret,
        scopes=list(SCOPES),
        redirect_uri=f"{public}{REDIRECT_PATH}",
        install_path=INSTALL_PATH,
        redirect_uri_path=REDIRECT_PATH,
        installation_store=installations,
        state_store=states,
        logger=log,
    )
    client = WebClient(base_url=settings.slack_api_url or DEFAULT_URL, logger=log)
    return OAuthFlow(client=client, logger=log, settings=oauth)
