"""The bots of a server, as its settings have them."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from api.chat.conversation import Conversation
from api.chat.ports import Chat, Library
from api.chat.rules import read_rules
from api.chat.service import ChatService
from api.chat.store import ChatStore, store_url
from api.settings import Settings
from api.slack.installed import missing

if TYPE_CHECKING:
    from api.slack.bot import SlackBot

REQUESTS = 8
"""Threads that write down what comes."""

_log = logging.getLogger("cuecard.chat")


class Bots:
    """Answers and delivers from `start` until `close`. `slack` is None where Slack is not set up."""

    def __init__(self, settings: Settings, library: Library, store: ChatStore, **service: float) -> None:
        from api.slack.bot import SlackBot, Tokens
        from api.slack.client import DEFAULT_URL, SlackChat

        rules = read_rules(settings.home)
        chats: dict[str, Chat] = {}
        self.slack: SlackBot | None = None
        self.store = store
        self.requests = ThreadPoolExecutor(REQUESTS, "chat-request")
        self.alone = not settings.shared
        conversation = Conversation(library, store, rules, settings.public_url or "")
        self.service = ChatService(conversation, chats, **service)
        if not missing(settings):
            tokens = Tokens(settings, store.engine)
            chats["slack"] = SlackChat(tokens.of, settings.slack_api_url or DEFAULT_URL)
            self.slack = SlackBot(settings, rules, tokens, self.service.take)

    def start(self) -> None:
        """Take up what was left, and what comes."""
        self.service.start(alone=self.alone)
        if self.slack is not None:
            self.slack.start()

    def close(self) -> None:
        """Finish what is being done; the rest waits for the next start."""
        if self.slack is not None:
            self.slack.close()
        self.requests.shutdown(wait=True)
        self.service.close()


def open_bots(settings: Settings, library: Library, *, durable: bool = True, **service: float) -> Bots | None:
    """The bots that the settings ask for; None for none. Raises SettingsError for rules that can't be read.

    `durable` as for `ChatStore`, `service` as for `ChatService`.
    """
    if settings.slack_bot_token is None and settings.slack_client_id is None:
        return None
    why = missing(settings)
    if why:
        _log.warning("Slack is off: %s", why)
        return None
    store = ChatStore(store_url(settings.home, settings.database_url), durable=durable)
    try:
        return Bots(settings, library, store, **service)
    except BaseException:
        store.close()
        raise
