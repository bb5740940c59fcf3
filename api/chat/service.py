"""The bot at work: events are written down when they come, answered by some threads, and delivered by others."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from api.chat.conversation import Conversation, is_passing
from api.chat.events import DIFFERENTLY, Event
from api.chat.mailbox import Mailbox
from api.chat.ports import Chat, ChatError, GoneError, RefusedFormatError
from api.chat.records import Item, Letter, Plan
from api.chat.rules import Verdict
from api.chat.schema import DONE, OPEN
from ingest.errors import CuecardError

ANSWERING, DELIVERING = 2, 4
"""Threads."""

POLL_S = 0.25
"""How long what another process wrote down, or what was put off, may go unnoticed."""

ANSWER_ATTEMPTS = 5
DELIVERY_S = 24 * 3600.0
"""How long a message is tried to be delivered."""

LONGEST_WAIT_S = 300.0
DOUBT_S = 2.0
"""What a chat may still be doing with a request that nobody heard the answer of."""

_log = logging.getLogger("cuecard.chat")


class ChatService:
    """Takes events of several chats. `backoff` is the first wait after a failure in seconds; each next is twice it."""

    def __init__(
        self, conversation: Conversation, chats: Mapping[str, Chat], *, backoff: float = 0.5, doubt: float = DOUBT_S
    ) -> None:
        self.conversation = conversation
        self.store = conversation.store
        self.rules = conversation.rules
        self.mailbox = Mailbox(self.store)
        self.chats = chats
        self._backoff = backoff
        self._doubt = doubt
        self._stopping = threading.Event()
        self._taken, self._written = threading.Condition(), threading.Condition()
        self._quiet: dict[tuple[str, str], float] = {}
        self._threads: list[threading.Thread] = []
        self._dialogs = ThreadPoolExecutor(4, "chat-dialog")

    def start(self, *, alone: bool) -> None:
        """Begin to answer and deliver. `alone`: no other process works on the same store."""
        if alone:
            self.store.recover()
        self.store.forget_old()
        for _ in range(ANSWERING):
            self._run(self.answer_next, self._taken)
        for platform in self.chats:
            for _ in range(DELIVERING):
                self._run(partial(self.deliver_next, platform), self._written)

    def close(self) -> None:
        """Finish what is being done, and leave the rest for the next start."""
        self._stopping.set()
        for bell in (self._taken, self._written):
            with bell:
                bell.notify_all()
        for thread in self._threads:
            thread.join(timeout=30)
        self._dialogs.shutdown(wait=False, cancel_futures=True)
        self.store.close()

    def take(self, event: Event) -> Verdict:
        """Take an event; when this returns "new", it is on disk and will be dealt with. Takes milliseconds."""
        if not self.rules.allows(event):
            return "refused"
        if event.action == DIFFERENTLY and event.kind == "press":
            self._dialogs.submit(self._open_dialog, event)
            return "new"
        if not event.addressed and self.store.conversation(event.place) is None:
            return "ignored"
        if not self.store.take(event, most_per_minute=self.rules.questions_per_minute):
            return "seen"
        _ring(self._taken, 1)
        return "new"

    def answer_next(self) -> bool:
        """Deal with one event; False where there is none."""
        item = self.store.claim()
        if item is None:
            return False
        chat = self.chats.get(item.event.place.platform)
        if chat is None:
            self.store.put_off(item, LONGEST_WAIT_S, "no such chat is set up")
            return True
        plan = self._plan(item, chat)
        if plan is not None and self.store.finish(item, plan):
            _ring(self._written, len(plan.sends))
        return True

    def _plan(self, item: Item, chat: Chat) -> Plan | None:
        """What an event leads to; None where it is to be tried again."""
        try:
            return self.conversation.react(item, chat)
        except CuecardError as error:
            why, again = str(error), is_passing(error)
        except SQLAlchemyError:
            raise
        except Exception:
            _log.exception("an event could not be dealt with")
            why, again = "Something went wrong on my side.", True
        if again and item.attempts < ANSWER_ATTEMPTS:
            self.store.put_off(item, self._wait(item.attempts), why)
            return None
        return self.conversation.sorry(item.event, chat, why)

    def deliver_next(self, platform: str) -> bool:
        """Send one message; False where there is none."""
        letter = self.mailbox.claim(platform)
        if letter is None:
            return False
        quiet = self._quiet.get((letter.send.place.team, letter.send.place.channel), 0.0) - self.store.now()
        if quiet > 0:
            self.mailbox.put_off(letter, quiet, "the chat asked to wait", doubtful=letter.doubtful)
            return True
        try:
            ref = self._deliver(letter, self.chats[platform])
        except ChatError as error:
            self._failed(letter, error)
        except Exception:
            _log.exception("a message could not be sent")
            self._failed(letter, ChatError("Something went wrong on my side.", done=True))
        else:
            if ref is not None:
                self.mailbox.sent(letter, ref)
        return True

    def _deliver(self, letter: Letter, chat: Chat) -> str | None:
        """The message's name in the chat; None where it has to wait for another one."""
        send = letter.send
        try:
            if send.kind == "post":
                return self._post(letter, chat)
            if send.kind == "whisper":
                self._formatted(letter, chat, lambda payload: chat.whisper(send.place, send.user, payload, send.reply))
            elif send.kind == "replace":
                self._formatted(letter, chat, lambda payload: chat.replace(send.place, send.user, payload, send.reply))
            else:
                return self._change(letter, chat)
        except GoneError:
            _log.info("a message was gone before it could be changed")
        return ""

    def _post(self, letter: Letter, chat: Chat) -> str:
        place, posted = letter.send.place, ""
        if letter.doubtful:
            try:
                found = chat.find(place, letter.key, letter.created - 60)
            except ChatError as error:
                raise ChatError(str(error), after=error.after, done=True, final=error.final) from error
            if found is not None:
                return found

        def post(payload: dict[str, object]) -> None:
            nonlocal posted
            posted = chat.post(place, payload, letter.key)

        self._formatted(letter, chat, post)
        return posted

    def _change(self, letter: Letter, chat: Chat) -> str | None:
        send = letter.send
        state, ref = self.mailbox.target(send.target)
        if state in OPEN:
            self.mailbox.put_off(letter, POLL_S, "waits for the message it changes", doubtful=False)
            return None
        if state == DONE and ref and send.kind == "update":
            self._formatted(letter, chat, lambda payload: chat.update(send.place, ref, payload))
        elif state == DONE and ref:
            chat.delete(send.place, ref)
        return ""

    def _formatted(self, letter: Letter, chat: Chat, act: Callable[[dict[str, object]], None]) -> None:
        """Send a payload; as plain text where the chat does not like its form."""
        try:
            act(letter.send.payload)
        except RefusedFormatError as error:
            _log.warning("a message was refused and is sent as plain text: %s", error.message)
            act(chat.plain(letter.send.payload))

    def _failed(self, letter: Letter, error: ChatError) -> None:
        too_old = self.store.now() - letter.created > DELIVERY_S
        if error.final or too_old or isinstance(error, RefusedFormatError):
            _log.error("a message could not be delivered: %s", error.message)
            self.mailbox.failed(letter, error.message)
            return
        wait = self._wait(letter.attempts) if error.after is None else error.after
        if error.done:
            wait = max(wait, self._doubt)
        _log.info("a message waits %.1f s: %s", wait, error.message)
        place = letter.send.place
        if error.after is not None:
            self._quiet[place.team, place.channel] = self.store.now() + wait
        self.mailbox.put_off(letter, wait, error.message, doubtful=error.done, channel=error.after is not None)

    def _wait(self, attempts: int) -> float:
        # not all at once: whoever failed together would fail together again
        return min(self._backoff * 2.0 ** min(attempts - 1, 16), LONGEST_WAIT_S) * random.uniform(0.75, 1.25)  # noqa: S311

    def _open_dialog(self, event: Event) -> None:
        given = self.store.answer(event.value)
        place = event.place
        if given is None or (given.place.team, given.place.channel) != (place.team, place.channel):
            return
        try:
            self.chats[event.place.platform].ask_again(event, given.id, given.body["question"])
        except ChatError as error:
            # the person sees that nothing opens, and presses again
            _log.warning("a dialog could not be opened: %s", error.message)

    def _run(self, step: Callable[[], bool], bell: threading.Condition) -> None:
        name = f"chat-{len(self._threads)}"
        thread = threading.Thread(target=self._loop, args=[step, bell], name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _loop(self, step: Callable[[], bool], bell: threading.Condition) -> None:
        while not self._stopping.is_set():
            try:
                busy = step()
            except Exception:
                _log.exception("the store of the chats does not answer")
                busy = False
            if not busy:
                with bell:
                    if not self._stopping.is_set():
                        bell.wait(POLL_S)


def _ring(bell: threading.Condition, times: int) -> None:
    with bell:
        bell.notify(times)
