"""What happens in Mattermost, told over a WebSocket: messages, changes, deletions, also of direct messages.

Mattermost tells those who listen, and nobody else: after a silence the bot asks what happened in its channels since.
"""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError

from api.chat.events import Event
from api.chat.marks import Marks
from api.chat.ports import ChatError
from api.chat.rules import Verdict
from api.mattermost.client import API, TIMEOUT_S, Answer, MattermostChat, patiently
from api.mattermost.intake import Channel, Me, deleted, edited, spoken

Read = Callable[[dict[str, Any], Channel, Me], Event | None]

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

PLATFORM = "mattermost"
MARGIN_S = 60.0
"""How far the clocks of Mattermost and of this machine may be apart."""

LOOK_BACK_S = 24 * 3600.0
"""What was said before is not answered any more."""

TRIES = 5
MARK_S = 5.0
LONGEST_WAIT_S = 60.0
LARGEST = 4 * 1024 * 1024

_log = logging.getLogger("cuecard.mattermost")
silent = logging.getLogger("cuecard.mattermost.socket")
# at lower levels whole messages would be written down, the token too
silent.setLevel(logging.CRITICAL)


class Listener:
    """Hears from `start` until `close`.

    `heard` counts the events of this connection; `caught_up` is set while nothing is missed.
    `backoff`: seconds until a lost connection is made again, the first time; each next is twice it.
    """

    def __init__(
        self, url: str, token: str, chat: MattermostChat, marks: Marks, take: Callable[[Event], Verdict], backoff: float
    ) -> None:
        self.heard = 0
        self.caught_up = threading.Event()
        self._url = f"ws{url.rstrip('/').removeprefix('http')}{API}/websocket"
        self._token = token
        self._chat = chat
        self._marks = marks
        self._take = take
        self._backoff = backoff
        self._channels: dict[str, Channel] = {}
        self._marked = 0.0
        self._stopping = threading.Event()
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="mattermost-listener", daemon=True)

    def start(self) -> None:
        """Connect, as often as it takes, and beside everything else."""
        self._thread.start()

    def close(self) -> None:
        """Hear nothing more."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            with suppress(Exception):  # whatever is wrong with a connection that nobody wants any more
                connection.close()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def _run(self) -> None:
        from websockets.sync.client import connect

        failures = 0
        while not self._stopping.is_set():
            try:
                if self._marks.get(PLATFORM) is None:
                    # what is said from now on is answered, also before the first connection
                    self._marks.put(PLATFORM, self._marks.store.now())
                with connect(
                    self._url, open_timeout=TIMEOUT_S, close_timeout=1, max_size=LARGEST, logger=silent
                ) as connection:
                    self._connection = connection
                    self._listen(connection)
            except Exception as error:
                # of Mattermost, the connection or the store of the chats: it is all tried again, and nothing is lost
                failures = 0 if self.caught_up.is_set() else failures + 1
                said = error.message if isinstance(error, ChatError) else type(error).__name__
                if not self._stopping.is_set():
                    _log.warning("Mattermost is not heard: %s", said)
                wait = min(self._backoff * 2.0 ** min(failures, 16), LONGEST_WAIT_S) * random.uniform(0.75, 1.25)  # noqa: S311
                self.caught_up.clear()
                self._stopping.wait(max(wait, (error.after or 0.0) if isinstance(error, ChatError) else 0.0))
        self.caught_up.clear()

    def _listen(self, connection: ClientConnection) -> None:
        challenge = {"seq": 1, "action": "authentication_challenge", "data": {"token": self._token}}
        connection.send(json.dumps(challenge))
        expected: int | None = None
        while not self._stopping.is_set():
            try:
                message = json.loads(connection.recv(timeout=MARK_S))
            except TimeoutError:
                self._mark()
                continue
            if message.get("status") == "FAIL":
                raise ChatError("it does not know the token.", final=True)
            if "event" not in message:
                continue
            if expected is not None and message.get("seq") != expected:
                raise ChatError("it left something out.")
            expected = int(message.get("seq", 0)) + 1
            if message["event"] == "hello":
                self.heard = 0
                self._catch_up()
                self.caught_up.set()
                _log.info("listening to Mattermost")
            else:
                self._hear(message["event"], message.get("data") or {})
                self.heard += 1
            self._mark()

    def _hear(self, name: str, data: dict[str, Any]) -> None:
        if name not in ("posted", "post_edited", "post_deleted"):
            return
        post, me = json.loads(data["post"]), self._chat.me()
        if name == "posted" and data.get("channel_type"):
            described = {"id": post["channel_id"], "type": data["channel_type"], "team_id": data.get("team_id", "")}
            self._channels[post["channel_id"]] = Channel.of(described)
        channel = self._channels.get(post["channel_id"]) or self._look_up(post["channel_id"])
        self._told({"posted": spoken, "post_edited": edited, "post_deleted": deleted}[name], post, channel, me)

    def _look_up(self, ref: str) -> Channel:
        self._channels[ref] = self._patiently(partial(self._chat.channel, ref))
        return self._channels[ref]

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        return patiently(ask, tries=TRIES, pause=self._stopping.wait)

    def _told(self, read: Read, post: dict[str, Any], channel: Channel, me: Me) -> None:
        try:
            event = read(post, channel, me)
            if event is not None:
                self._take(event)
        except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
            # it would be the same another time, and nothing after it would be heard
            _log.error("a message could not be taken (%s)", type(error).__name__)

    def _catch_up(self) -> None:
        """Take up what happened while nobody listened; what was heard after all is known by its name."""
        now, me = self._marks.store.now(), self._patiently(self._chat.me)
        since = max((self._marks.get(PLATFORM) or now) - MARGIN_S, now - LOOK_BACK_S)
        found = self._patiently(self._chat.channels)
        self._channels = {channel.id: channel for channel in found}
        for channel in found:
            for post in self._patiently(partial(self._chat.posts_since, channel.id, since)):
                if post.get("delete_at"):
                    self._told(deleted, post, channel, me)
                    continue
                if post.get("create_at", 0) >= since * 1000:
                    self._told(spoken, post, channel, me)
                self._told(edited, post, channel, me)
        self._marks.put(PLATFORM, now)
        self._marked = now

    def _mark(self) -> None:
        now = self._marks.store.now()
        if self.caught_up.is_set() and now - self._marked >= MARK_S:
            self._marks.put(PLATFORM, now)
            self._marked = now
