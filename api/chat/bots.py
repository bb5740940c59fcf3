"""The bots of a server, as its settings have them."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from api.chat.conversation import Conversation
from api.chat.ports import Chat, Library
from api.chat.rules import read_rules
from api.chat.service import ChatService
from api.chat.store import ChatStore, store_url
from api.mattermost import installed as mattermost
from api.settings import Settings
from api.slack import installed as slack

if TYPE_CHECKING:
    from api.mattermost.bot import MattermostBot
    from api.slack.bot import SlackBot

REQUESTS = 8
"""Threads that write down what comes."""

TIMEOUT_S = 10
"""Seconds that a chat has to answer a call."""

_log = logging.getLogger("cuecard.chat")


class Bots:
    """Answers and delivers from `start` until `close`. `slack` and `mattermost` are None where they are not set up.

    `backoff` and `doubt` as for `ChatService`.
    """

    def __init__(
        self, settings: Settings, library: Library, store: ChatStore, *, timeout_s: int = TIMEOUT_S, **service: float
    ) -> None:
        rules = read_rules(settings.home)
        chats: dict[str, Chat] = {}
        self.slack: SlackBot | None = None
        self.mattermost: MattermostBot | None = None
        self.store = store
        self.requests = ThreadPoolExecutor(REQUESTS, "chat-request")
        self.alone = not settings.shared
        conversation = Conversation(library, store, rules, settings.public_url or "")
        self.service = ChatService(conversation, chats, **service)
        if not slack.missing(settings):
            from api.slack.bot import SlackBot, Tokens
            from api.slack.client import DEFAULT_URL, SlackChat

            tokens = Tokens(settings, store.engine)
            chats["slack"] = SlackChat(tokens.of, settings.slack_api_url or DEFAULT_URL, timeout_s)
            self.slack = SlackBot(settings, rules, tokens, self.service.take)
        if not mattermost.missing(settings):
            from api.mattermost.bot import MattermostBot

            waits = {"backoff": service["backoff"]} if "backoff" in service else {}
            self.mattermost = MattermostBot(settings, store, self.service.take, timeout_s=timeout_s, **waits)
            chats["mattermost"] = self.mattermost.chat

    def start(self) -> None:
        """Take up what was left, and what comes."""
        self.service.start(alone=self.alone)
        for bot in (self.slack, self.mattermost):
            if bot is not None:
                bot.start()

    def close(self) -> None:
        """Finish what is being done; the rest waits for the next start."""
        for bot in (self.slack, self.mattermost):
            if bot is not None:
                bot.close()
        self.requests.shutdown(wait=True)
        self.service.close()
        if self.mattermost is not None:
            self.mattermost.chat.close()


def open_bots(settings: Settings, library: Library, *, durable: bool = True, **options: Any) -> Bots | None:
    """The bots that the settings ask for; None for none. Raises SettingsError for rules that can't be read.

    `durable` as for `ChatStore`, `options` as for `Bots`.
    """
    lacking = {"Slack": slack.missing(settings), "Mattermost": mattermost.missing(settings)}
    asked_for = {"Slack": slack.wanted(settings), "Mattermost": mattermost.wanted(settings)}
    for name, why in lacking.items():
        if why and asked_for[name]:
            _log.warning("%s is off: %s", name, why)
    if all(lacking.values()):
        return None
    store = ChatStore(store_url(settings.home, settings.database_url), durable=durable)
    try:
        return Bots(settings, library, store, **options)
    except BaseException:
        store.close()
        raise
