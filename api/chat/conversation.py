"""What the bot makes of each event: the same in every chat."""

from __future__ import annotations

import logging
from dataclasses import replace

from api.chat.compose import Look, answer_message, details_message, gap_message
from api.chat.events import MORE, RATE_DOWN, RATE_UP, RELATED, SHARE, TELL, Event, Place
from api.chat.messages import Asked, Message, Notice, Prose
from api.chat.ports import Chat, Library
from api.chat.records import Given, Item, Plan, Send, new_id
from api.chat.rules import Rules
from api.chat.store import ChatStore
from api.library import Body
from ingest.errors import CuecardError, NotFoundError, UsageError
from ingest.view import View

HELP = (
    "Ask me something in words, and I answer with the lines of your own notes that say so, or tell you that they "
    "don't. In a thread that began with a question to me you need not name me again."
)

_log = logging.getLogger("cuecard.chat")


class Conversation:
    """Turns events into plans. `public_url` is where people open the web page, "" for nowhere."""

    def __init__(self, library: Library, store: ChatStore, rules: Rules, public_url: str = "") -> None:
        self.library = library
        self.store = store
        self.rules = rules
        self.public_url = public_url

    def react(self, item: Item, chat: Chat) -> Plan:
        """What an event leads to. Raises CuecardError where the library can't answer now."""
        event = item.event
        if event.kind == "question":
            return self._question(event, chat)
        if event.kind == "edit":
            return self._edit(event, chat)
        if event.kind == "delete":
            return self._delete(event)
        if event.kind == "limited":
            most = self.rules.questions_per_minute
            return self._tell(event, chat, "One moment, please", f"I take {most} questions a minute from each of you.")
        return self._press(event, chat)

    def sorry(self, event: Event, chat: Chat, why: str) -> Plan:
        """What is said when there will be no answer."""
        head = "I can't answer this now"
        if event.kind == "question" and not event.private:
            message = Message((Notice(head, why),))
            return Plan([Send("post", event.place, payload) for payload in chat.render(message)])
        return self._tell(event, chat, head, why)

    def _question(self, event: Event, chat: Chat) -> Plan:
        if not event.text.strip():
            return self._say(event, chat, Message((Prose(HELP),)))
        view = self.rules.view(event.place.channel, event.user, direct=event.direct)
        return self._answer(event, chat, event.text, view)

    def _answer(self, event: Event, chat: Chat, question: str, view: View, asked: Asked | None = None) -> Plan:
        """A new answer where the event happened."""
        conversation = None if event.private else self.store.conversation(event.place)
        try:
            body = self._ask(question, view, conversation)
        except UsageError as error:
            return self._tell(event, chat, "I can't take this question", str(error), whisper=event.private)
        given = Given(
            new_id(), event.place, event.user, event.message, body, view, private=event.private, direct=event.direct
        )
        plan = self._say(event, chat, answer_message(body, self._look(given, asked, new=True)), answer=given.id)
        plan.answers.append(replace(given, by=asked.user, by_name=asked.user_name) if asked else given)
        return plan

    def _ask(self, question: str, view: View, conversation: str | None) -> Body:
        return self.library.ask(
            question, collection=None, filters={}, mode="auto", k=None, conversation_id=conversation, view=view
        )

    def _edit(self, event: Event, chat: Chat) -> Plan:
        """An answer follows its question: what was said stays where it is, with other words."""
        plan = Plan()
        for old in self.store.answers_to(event.place, event.message):
            if not event.text.strip() or event.text.strip() == old.body["question"]:
                continue
            view = self.rules.view(event.place.channel, old.user, direct=old.direct)
            try:
                body = self._ask(event.text, view, self.store.conversation(event.place))
            except UsageError:
                continue
            given = Given(old.id, old.place, old.user, old.message, body, view, direct=old.direct)
            main, *rest = chat.render(answer_message(body, self._look(given, new=True)))
            first, *others = self.store.parts(old.id)
            plan.sends.append(Send("update", old.place, main, target=first.number, answer=old.id))
            plan.sends += [Send("delete", old.place, target=other.number) for other in others]
            plan.sends += [Send("post", old.place, payload, answer=old.id) for payload in rest]
            plan.unsent += [other.number for other in others]
            plan.answers.append(given)
            plan.unrated.append(given.id)
        return plan

    def _delete(self, event: Event) -> Plan:
        plan = Plan()
        for given in self.store.answers_to(event.place, event.message):
            parts = self.store.parts(given.id)
            plan.sends += [Send("delete", given.place, target=part.number) for part in parts]
            plan.unsent += [part.number for part in parts]
            plan.withdrawn.append(given.id)
        return plan

    def _press(self, event: Event, chat: Chat) -> Plan:
        answer_id, _, number = event.value.partition(" ")
        given = self.store.answer(answer_id)
        here = event.place
        if given is None or (given.place.team, given.place.channel) != (here.team, here.channel):
            return self._tell(event, chat, "This answer is not there any more", "Please ask again.")
        if event.kind == "rephrase":
            return self._again(event, chat, given, event.text)
        if event.action == RELATED:
            related = given.body["related"]
            if not number.isdecimal() or int(number) >= len(related):
                return Plan()
            return self._again(event, chat, given, related[int(number)]["question"])
        if event.action in (RATE_UP, RATE_DOWN):
            return self._rate(event, chat, given)
        if event.action == MORE and not given.more_shown:
            return self._more(event, chat, given)
        if event.action == SHARE and given.private and not given.direct and not given.shared:
            return self._share(event, chat, given)
        if event.action == TELL and self.rules.owners_in(here.platform) and not given.told:
            return self._tell_owners(event, chat, given)
        return Plan()

    def _again(self, event: Event, chat: Chat, given: Given, question: str) -> Plan:
        """Another question from the message of an answer; it is answered beside it."""
        view = self.rules.view(event.place.channel, event.user, direct=event.direct)
        event = replace(event, private=given.private, message="")
        return self._answer(event, chat, question, view, _asked(event, question))

    def _rate(self, event: Event, chat: Chat, given: Given) -> Plan:
        rating = "up" if event.action == RATE_UP else "down"
        who = f"{event.place.platform}/{event.place.team}/{event.user}"
        try:
            self.library.feedback(given.body["id"], rating, None, view=given.view, who=who)
        except NotFoundError:
            _log.info("feedback on an answer that the library does not remember")
        self.store.rate(given.id, event.user, rating)
        return Plan([self._change(event, chat, given)])

    def _more(self, event: Event, chat: Chat, given: Given) -> Plan:
        shown = given.marked(more_shown=True)
        payloads = chat.render(details_message(given.body, self._look(given)))
        if given.private:
            sends = [Send("whisper", event.place, each, event.user, event.reply, answer=given.id) for each in payloads]
        else:
            sends = [Send("post", event.place, each, answer=given.id) for each in payloads]
        return Plan([*sends, self._change(event, chat, shown)], [shown])

    def _share(self, event: Event, chat: Chat, given: Given) -> Plan:
        """Say in the channel what one person saw, if the channel may still see all of it."""
        if self.rules.view(given.place.channel, "", direct=False) != given.view:
            return self._tell(event, chat, "This can't be shared here", "What this channel may see has changed.")
        copy = replace(given, id=new_id(), private=False, by=event.user, by_name=event.user_name, message="")
        asked = _asked(event, given.body["question"])
        payloads = chat.render(answer_message(copy.body, self._look(copy, asked)))
        sends = [Send("post", copy.place, payload, answer=copy.id) for payload in payloads]
        shown = given.marked(shared=True)
        return Plan([*sends, self._change(event, chat, shown)], [copy, shown])

    def _tell_owners(self, event: Event, chat: Chat, given: Given) -> Plan:
        owners = Place(event.place.platform, event.place.team, self.rules.owners_in(event.place.platform))
        asked = _asked(event, given.body["question"])
        if not given.direct:
            asked = replace(asked, channel=given.place.channel, channel_name=event.channel_name)
        message = gap_message(given.body, asked)
        told = given.marked(told=True)
        sends = [Send("post", owners, payload) for payload in chat.render(message)]
        return Plan([*sends, self._change(event, chat, told)], [told])

    def _change(self, event: Event, chat: Chat, given: Given) -> Send:
        """Show the message of an answer as it is now."""
        asked = Asked(given.by, given.body["question"], user_name=given.by_name) if given.by else None
        payload = chat.render(answer_message(given.body, self._look(given, asked)))[0]
        if given.private:
            return Send("replace", event.place, payload, event.user, event.reply)
        return Send("update", given.place, payload, target=self.store.parts(given.id)[0].number)

    def _say(self, event: Event, chat: Chat, message: Message, answer: str = "") -> Plan:
        payloads = chat.render(message)
        if event.private:
            whispers = [Send("whisper", event.place, each, event.user, event.reply, answer=answer) for each in payloads]
            return Plan(whispers)
        return Plan([Send("post", event.place, each, answer=answer) for each in payloads])

    def _tell(self, event: Event, chat: Chat, head: str, detail: str, *, whisper: bool = True) -> Plan:
        """Say something about the question, by default to its asker alone."""
        payloads = chat.render(Message((Notice(head, detail),)))
        if whisper:
            return Plan([Send("whisper", event.place, each, event.user, event.reply) for each in payloads])
        return Plan([Send("post", event.place, each) for each in payloads])

    def _look(self, given: Given, asked: Asked | None = None, *, new: bool = False) -> Look:
        up, down = (0, 0) if new else self.store.rated(given.id)
        return Look(
            ref=given.id,
            public_url=self.public_url,
            owners=bool(self.rules.owners_in(given.place.platform)),
            private=given.private,
            shareable=given.private and not given.direct,
            up=up,
            down=down,
            more_shown=given.more_shown,
            shared=given.shared,
            told=given.told,
            asked=asked,
        )


def _asked(event: Event, question: str) -> Asked:
    return Asked(event.user, question, user_name=event.user_name)


def is_passing(error: CuecardError) -> bool:
    """Whether the same question may well be answered a little later."""
    return not isinstance(error, UsageError)
