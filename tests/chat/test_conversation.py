"""One suite for every chat: ways to ask, what is said, and what buttons do."""

from __future__ import annotations

import pytest

from ingest.errors import IndexUnavailableError
from ingest.view import View
from tests.chat.conftest import World
from tests.chat.person import OWNERS, QUIET, ROOM


def test_a_question_in_a_channel_is_answered_once_in_its_thread(world: World) -> None:
    message = world.anna.say("what is a cache?")
    [answer] = world.settled().seen()
    assert (answer.channel, answer.thread) == (ROOM, message)
    assert "what is a cache?: Redis evicts keys" in answer.text
    assert "[1]" in answer.text
    assert "qa/caching.md:3" in answer.text
    address = "https://cards.example/library/document?path=qa%2Fcaching.md&collection=default"
    assert address in answer.text.replace("&amp;", "&")
    assert [asked["question"] for asked in world.library.asked] == ["what is a cache?"]


def test_what_people_say_to_each_other_is_left_alone(world: World) -> None:
    world.anna.say("what is a cache?", mention=False)
    thread = world.anna.say("lunch?", mention=False)
    world.anna.say("yes", thread=thread, mention=False)
    assert world.settled().seen() == []
    assert world.library.asked == []


def test_a_thread_of_the_bots_goes_on_without_naming_it(world: World) -> None:
    thread = world.anna.say("what is a cache?")
    world.newcomer("U0BEN").say("and a stampede?", thread=thread, mention=False)
    first, second = world.settled().seen(thread=thread)
    assert first.text.startswith("what is a cache?")
    assert second.text.startswith("and a stampede?")
    one, two = [asked["conversation_id"] for asked in world.library.asked]
    assert one == two is not None
    world.anna.say("what is a queue?")
    world.settled()
    assert world.library.asked[2]["conversation_id"] not in (one, None)


def test_a_thread_of_others_stays_theirs(world: World) -> None:
    thread = world.anna.say("lunch?", mention=False)
    world.anna.say("what is a cache?", thread=thread)
    world.anna.say("thanks!", thread=thread, mention=False)
    assert len(world.settled().seen(thread=thread)) == 1


def test_a_direct_message_needs_no_name(world: World) -> None:
    thread = world.anna.direct("what is a cache?")
    world.anna.direct("and then?", thread=thread)
    world.settled()
    assert [asked["question"] for asked in world.library.asked] == ["what is a cache?", "and then?"]
    assert world.anna.seen() == []


def test_a_command_is_answered_privately_and_can_be_shared(world: World) -> None:
    world.anna.command("what is a cache?")
    [answer] = world.settled().whispers()
    assert world.anna.seen() == []
    assert "only you see this" in answer.text
    world.anna.press(answer, "share")
    [shared] = world.settled().seen()
    assert world.anna.name in shared.text
    assert "what is a cache?" in shared.text
    assert "share" not in shared.buttons
    assert "share" not in world.anna.whispers()[-1].buttons
    thread = shared.thread or shared.id
    world.anna.say("and then?", thread=thread, mention=False)
    assert len(world.settled().seen(thread=thread)) >= 1


def test_help_is_given_where_nothing_was_asked(world: World) -> None:
    world.anna.say("")
    world.anna.command("  ")
    [said] = world.settled().seen()
    [whisper] = world.anna.whispers()
    assert "Ask me something" in said.text
    assert "Ask me something" in whisper.text
    assert world.library.asked == []


def test_thumbs_are_counted_and_land_in_the_feedback_store(world: World) -> None:
    world.anna.say("what is a cache?")
    [answer] = world.settled().seen()
    world.anna.press(answer, "rate_up")
    world.newcomer("U0BEN").press(answer, "rate_up")
    [rated] = world.settled().seen()
    assert rated.labels["rate_up"] == "👍 2"
    world.newcomer("U0BEN").press(rated, "rate_down")
    [rated] = world.settled().seen()
    assert (rated.labels["rate_up"], rated.labels["rate_down"]) == ("👍 1", "👎 1")
    assert [(t["answer"], t["rating"]) for t in world.library.thoughts] == [
        ("answer-1", "up"),
        ("answer-1", "up"),
        ("answer-1", "down"),
    ]
    assert len({t["who"] for t in world.library.thoughts}) == 2


def test_related_questions_are_answered_beside(world: World) -> None:
    thread = world.anna.say("what is a cache?")
    [answer] = world.settled().seen()
    world.anna.press(answer, "related")
    _, second = world.settled().seen(thread=thread)
    assert "Why what is a cache??" in second.text
    assert world.anna.name in second.text
    world.anna.command("privately")
    world.anna.press(world.settled().whispers()[-1], "related")
    assert "Why privately?" in world.settled().whispers()[-1].text
    assert len(world.anna.seen()) == 2


def test_show_more_shows_everything_once(world: World) -> None:
    thread = world.anna.say("long")
    [answer] = world.settled().seen()
    assert "Paragraph 39" not in answer.text
    world.anna.press(answer, "show_more")
    first, *rest = world.settled().seen(thread=thread)
    assert "show_more" not in first.buttons
    everything = "\n".join(each.text for each in rest)
    assert "Paragraph 39" in everything
    assert "Redis evicts keys" in everything
    world.anna.command("long")
    before = len(world.settled().whispers())
    world.anna.press(world.anna.whispers()[-1], "show_more")
    assert len(world.settled().whispers()) > before
    assert len(world.anna.seen(thread=thread)) == len([first, *rest])


def test_asking_differently_is_answered_beside(world: World) -> None:
    thread = world.anna.say("what is a cache?")
    [answer] = world.settled().seen()
    world.anna.rephrase(answer, "what is caching good for?")
    _, second = world.settled().seen(thread=thread)
    assert "what is caching good for?" in second.text
    assert world.library.asked[-1]["question"] == "what is caching good for?"


def test_an_abstention_says_so_and_the_owners_can_be_told(world: World) -> None:
    world.anna.say("nothing about quantum cooking")
    [answer] = world.settled().seen()
    assert "Not in the library" in answer.text
    assert "does not cover this" in answer.text
    world.anna.press(answer, "tell_owners")
    world.settled()
    [told] = world.anna.seen(OWNERS)
    assert "nothing about quantum cooking" in told.text
    assert world.anna.name in told.text
    [answer] = world.anna.seen()
    assert "tell_owners" not in answer.buttons
    assert "owners have been told" in answer.text


def test_low_confidence_is_seen_with_its_reason(world: World) -> None:
    world.anna.say("doubt")
    [answer] = world.settled().seen()
    assert "Low confidence (0.20)" in answer.text
    assert "not backed by its source" in answer.text
    assert "unsupported: “Redis evicts keys" in answer.text


def test_sources_that_disagree_are_both_shown(world: World) -> None:
    world.anna.say("disagree")
    [answer] = world.settled().seen()
    where = answer.text.index("Sources disagree")
    assert "5 against 10" in answer.text
    assert "Caching" in answer.text[where:]
    assert "Old notes" in answer.text[where:]
    assert "2023-05-01" in answer.text[where:]


def test_an_edited_question_changes_its_answer_in_place(world: World) -> None:
    message = world.anna.say("what is a cache?")
    [before] = world.settled().seen()
    world.anna.edit(message, "what is a queue?")
    [after] = world.settled().seen()
    assert after.id == before.id
    assert "what is a queue?" in after.text
    world.anna.press(after, "rate_up")
    assert world.settled().seen()[0].labels["rate_up"] == "👍 1"
    assert world.library.thoughts[-1]["answer"] == "answer-2"


def test_an_edit_to_something_shorter_takes_back_what_followed(world: World) -> None:
    message = world.anna.say("code")
    [answer] = world.settled().seen()
    world.anna.press(answer, "show_more")
    assert len(world.settled().seen()) > 1
    world.anna.edit(message, "what is a queue?")
    assert len(world.settled().seen()) == 1


def test_a_deleted_question_takes_its_answer_along(world: World) -> None:
    message = world.anna.say("long")
    world.anna.press(world.settled().seen()[0], "show_more")
    assert len(world.settled().seen()) > 1
    world.anna.delete(message)
    assert world.settled().seen() == []
    other = world.anna.say("what is a cache?")
    world.anna.delete(other)
    assert world.settled().seen() == []


def test_a_question_that_makes_no_sense_is_told_where_it_was_asked(world: World) -> None:
    thread = world.anna.say("unusable")
    world.anna.command("unusable")
    [said] = world.settled().seen(thread=thread)
    [whisper] = world.anna.whispers()
    assert "The question is unusable." in said.text
    assert "The question is unusable." in whisper.text


def test_a_library_that_fails_for_a_moment_is_asked_again(world: World) -> None:
    world.library.failures = [IndexUnavailableError("Not now.")] * 2
    world.anna.say("what is a cache?")
    [answer] = world.settled().seen()
    assert "Redis" in answer.text


def test_a_library_that_goes_on_failing_is_told(world: World) -> None:
    world.anna.say("broken")
    [answer] = world.settled().seen()
    assert "I can't answer this now" in answer.text
    assert "The index is broken." in answer.text


@pytest.mark.parametrize(("channel", "view"), [(QUIET, View("candidate")), ("C0SECRET", View("interviewer"))])
def test_each_channel_sees_what_it_may(world: World, channel: str, view: View) -> None:
    world.newcomer("U0BOSS").say("what is a cache?", channel=channel)
    world.newcomer("U0BOSS").command("what is a cache?", channel=channel)
    world.settled()
    assert [asked["view"] for asked in world.library.asked] == [view, view]


def test_who_somebody_is_counts_in_direct_messages_only(world: World) -> None:
    world.newcomer("U0BOSS").direct("what is a cache?")
    world.anna.direct("what is a cache?")
    world.settled()
    assert {asked["view"].audience for asked in world.library.asked} == {"interviewer", "candidate"}
