"""The bot as an app of slack-bolt: it checks signatures and who sent what, we write down what was asked."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from api.chat.events import Event
from api.chat.rules import NOT_HERE, Verdict
from api.slack import intake
from api.slack.client import DEFAULT_URL, TIMEOUT_S, log

_log = logging.getLogger("cuecard.slack.bolt")
_log.setLevel(logging.ERROR)  # warnings show requests
_ANY = re.compile(r".*", re.DOTALL)

Take = Callable[[Event], Verdict]


def build_app(
    take: Take,
    token_of: Callable[[str], str | None],
    *,
    signing_secret: str,
    url: str = DEFAULT_URL,
    uninstalled: Callable[[str], None] | None = None,
) -> App:
    """The app. `take` writes an event down, `uninstalled` hears of a workspace (by its id) that removed the bot.

    A request is acknowledged once the event is written down, and refused with 500 where that failed, so that Slack
    sends it again.
    """

    def authorize(team_id: str | None, enterprise_id: str | None) -> Any:
        token = token_of(team_id or "")
        if token is None:
            return None
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    app = App(
        # the name of a logger that it sets levels of
        name="cuecard.slack.bolt",
        logger=_log,
        signing_secret=signing_secret,
        authorize=authorize,
        client=WebClient(base_url=url, timeout=TIMEOUT_S, logger=log),
        process_before_response=True,
        # it would answer 200 to requests that nobody signed
        ssl_check_enabled=False,
        # it would ask Slack who we are; `intake` knows the bot's messages by themselves
        ignoring_self_events_enabled=False,
    )

    def heard(body: dict[str, Any], ack: Ack) -> None:
        event = intake.event_of(body)
        if event is not None:
            take(event)
        ack()

    def removed(body: dict[str, Any], ack: Ack) -> None:
        if uninstalled is not None:
            uninstalled(body.get("team_id", ""))
        ack()

    def asked(body: dict[str, Any], ack: Ack) -> None:
        if take(intake.command(body)) == "refused":
            ack(NOT_HERE, response_type="ephemeral")
        else:
            ack()

    def told(read: Callable[[dict[str, Any]], Event | None]) -> Callable[[dict[str, Any], Ack], None]:
        def listener(body: dict[str, Any], ack: Ack) -> None:
            event = read(body)
            if event is not None:
                take(event)
            ack()

        return listener

    app.event("app_uninstalled")(removed)
    app.event(_ANY)(heard)
    app.command(_ANY)(asked)
    app.shortcut(_ANY)(told(intake.shortcut))
    app.action(_ANY)(told(intake.press))
    app.view(_ANY)(told(intake.rephrased))
    return app
