"""What Mattermost sends: tokens, seals, what is told twice or not at all, and what it answers in turn."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.chat.schema import outbox
from api.http.app import create_app
from api.mattermost.seals import SEALED_S, Seal
from api.settings import load_settings
from tests.api.fake_library import FakeLibrary
from tests.chat.conftest import World, mattermost_world, until
from tests.chat.mattermost_person import COMMAND_TOKEN, WEBHOOK_TOKEN, MattermostPerson
from tests.chat.person import QUIET, ROOM
from tests.doubles.chat_server import Data, Fault
from tests.doubles.mattermost_server import BOT, BOT_NAME, TOKEN, id_of


def anna(world: World) -> MattermostPerson:
    """Anna, as a user of Mattermost."""
    assert isinstance(world.anna, MattermostPerson)
    return world.anna


def assert_nothing_happened(world: World) -> None:
    """Nothing was written down, asked or sent."""
    assert world.bots.store.counts() == dict.fromkeys(world.bots.store.counts(), 0)
    assert world.library.asked == []
    assert [call.method for call in world.double.calls if call.method.startswith(("POST", "PUT", "DELETE"))] == []


def test_a_command_without_its_token_is_refused_and_nothing_happens(mattermost: World) -> None:
    form = anna(mattermost).commanded("what is a cache?")
    for token in ("", "wrong", f"other, {COMMAND_TOKEN}", "tökén", WEBHOOK_TOKEN, TOKEN):
        status, answer = anna(mattermost).submit({**form, "token": token})
        assert status == 401
        assert json.loads(answer)["status"] == 401
    del form["token"]
    assert anna(mattermost).submit(form)[0] == 401
    assert_nothing_happened(mattermost)


UNPROVED = [b"", b"{}", b"[]", b"null", b"\xff", b"{", b"[" * 99_999, b'{"context": 1}', b'{"token": ["x"]}']


def test_what_proves_nothing_is_refused(mattermost: World) -> None:
    for body in UNPROVED:
        for media_type in ("application/json", "application/x-www-form-urlencoded"):
            assert anna(mattermost).post(body, {"content-type": media_type})[0] == 401, body[:20]
    assert anna(mattermost).post(b"x", {"content-type": "text/plain"})[0] == 415
    assert_nothing_happened(mattermost)


def test_a_webhook_without_its_token_is_refused_and_nothing_happens(mattermost: World) -> None:
    person = anna(mattermost)
    post = {"id": id_of("p1"), "channel_id": id_of(ROOM), "create_at": 0, "user_id": person.user, "message": "what?"}
    for token in ("", "wrong", COMMAND_TOKEN):
        assert person.webhook(post, token=token)[0] == 401
    assert_nothing_happened(mattermost)


def test_a_button_that_we_did_not_make_is_refused(mattermost: World) -> None:
    person = anna(mattermost)
    person.command("what is a cache?", channel="C0SECRET")
    [answer] = mattermost.settled().whispers()
    good = person.pressed(answer, "share")
    context = good["context"]
    forged: list[Data] = [
        {**good, "context": {**context, "seal": "0" * 64}},
        {**good, "context": {**context, "seal": "\ud800"}},
        {**good, "context": {**context, "channel": id_of(ROOM)}},
        {**good, "context": {**context, "value": "another"}},
        {**good, "context": {**context, "until": context["until"] + 1}},
        {**good, "context": {key: value for key, value in context.items() if key != "seal"}},
        {**good, "context": None},
        # made by us, but for somebody else, or somewhere else
        {**good, "user_id": id_of("U0BEN")},
        {**good, "channel_id": id_of(ROOM)},
    ]
    for body in forged:
        assert person.send(body)[0] == 401
    assert person.send({"type": "dialog_submission", "state": "x", "user_id": person.user})[0] == 401
    assert person.send({"type": "dialog_submission", "state": json.dumps(context), "user_id": "other"})[0] == 401
    assert mattermost.settled().seen("C0SECRET") == []
    assert person.send(good)[0] == 200
    assert len(mattermost.settled().seen("C0SECRET")) == 1


def test_a_seal_is_good_for_its_time_and_its_token_only() -> None:
    made = Seal("token", now=lambda: 1_000.0).close({"action": "share"})
    assert Seal("token", now=lambda: 1_000.0 + SEALED_S).open(made) == {"action": "share", "until": 1_000 + SEALED_S}
    assert Seal("token", now=lambda: 1_001.0 + SEALED_S).open(made) is None
    assert Seal("another", now=lambda: 1_000.0).open(made) is None


def test_what_is_told_again_is_the_same_question_also_after_a_restart(tmp_path: Path) -> None:
    with mattermost_world(tmp_path / "home") as world:
        person = anna(world)
        message = person.say("what is a cache?")
        post = world.double.posts[message]
        command = person.commanded("privately")
        for _ in range(3):
            assert person.webhook(post)[0] == 200
            assert person.submit(command)[0] == 200
        [answer] = world.settled().seen()
        pressed = person.pressed(answer, "rate_up")
        for _ in range(3):
            assert person.send(pressed)[0] == 200
        world.settled()
        assert len(person.seen()) == len(person.whispers()) == 1
        assert len(world.library.thoughts) == 1
    with mattermost_world(tmp_path / "home") as world:
        world.double.posts[message] = post
        world.double.channel(ROOM)
        for _ in range(2):
            assert anna(world).webhook(post)[0] == 200
            assert anna(world).submit(command)[0] == 200
        world.double.drop()
        anna(world).listened()
        assert world.settled().seen() == anna(world).whispers() == []
        assert world.library.asked == []


def test_bots_and_the_bot_itself_are_ignored(mattermost: World) -> None:
    person, double = anna(mattermost), mattermost.double
    thread = person.say("what is a cache?")
    [answer] = mattermost.settled().seen()
    said = [
        double.say(id_of("U0OTHERBOT"), ROOM, f"@{BOT_NAME} and now?", thread, props={"from_bot": "true"}),
        double.say(person.user, ROOM, f"@{BOT_NAME} and now?", thread, props={"from_webhook": "true"}),
        double.say(BOT, ROOM, f"@{BOT_NAME} and now?", thread),
        double.say(person.user, ROOM, f"@{BOT_NAME} joined", type="system_join_channel"),
        double.say(person.user, ROOM, "@ben what do you think?", thread),
        double.say(
            person.user, ROOM, f"@{BOT_NAME}2, @{BOT_NAME}.x and @{BOT_NAME}-test are others, like x@{BOT_NAME}"
        ),
    ]
    for post in said[:4]:
        assert person.webhook(post)[0] == 200
    double.edit(answer.id, "changed by the bot itself")
    person.listened()
    mattermost.settled()
    assert len(mattermost.library.asked) == 1


def test_a_webhook_alone_is_answered_in_the_right_thread(mattermost: World) -> None:
    person, double = anna(mattermost), mattermost.double
    assert mattermost.bots.mattermost is not None
    mattermost.bots.mattermost.listener.close()
    first = double.say(person.user, ROOM, f"@{BOT_NAME} what is a cache?")
    assert person.webhook(first)[0] == 200
    mattermost.settled()
    second = double.say(person.user, ROOM, "ask: and a queue?", first["id"])
    assert person.webhook(second, trigger_word="ask:")[0] == 200
    third = double.say(person.user, ROOM, "and then?", first["id"])
    assert person.webhook(third, trigger_word="")[0] == 200
    mattermost.settled()
    # what it asks Mattermost for fails: the answer finds its thread when it is said
    double.fail("GET /posts/*", Fault(late_s=60), Fault(500))
    fourth = double.say(person.user, ROOM, f"@{BOT_NAME} in the end?", first["id"])
    assert person.webhook(fourth)[0] == 200
    beside = double.say(person.user, ROOM, "lunch?")
    assert person.webhook(beside, trigger_word="")[0] == 200
    mattermost.settled()
    asked = [each["question"] for each in mattermost.library.asked]
    assert asked == ["what is a cache?", "and a queue?", "and then?", "in the end?"]
    assert len(person.seen(thread=first["id"])) == 4


def test_what_happened_while_nobody_listened_is_taken_up(mattermost: World) -> None:
    person, double = anna(mattermost), mattermost.double
    kept, edited, deleted = (person.say(f"question {number}") for number in range(3))
    assert len(mattermost.settled().seen()) == 3
    double.stall = True
    double.drop()
    double.say(person.user, "C0OTHER", f"@{BOT_NAME} missed?")
    both = double.say(person.user, ROOM, f"@{BOT_NAME} mised?")
    double.edit(both["id"], f"@{BOT_NAME} missed and corrected?")
    gone = double.say(person.user, ROOM, f"@{BOT_NAME} never mind")
    for message in (deleted, gone["id"]):
        double.remove(message)
    double.edit(edited, f"@{BOT_NAME} changed")
    double.stall = False
    person.listened()
    mattermost.settled()
    assert ["missed?" in each.text for each in person.seen("C0OTHER")] == [True]
    found = {each.thread: each.text.partition(":")[0] for each in person.seen()}
    assert found == {kept: "question 0", edited: "changed", both["id"]: "missed and corrected?"}


def test_an_event_that_was_left_out_is_noticed(mattermost: World) -> None:
    person, double = anna(mattermost), mattermost.double
    double.leave_out = 1
    double.say(person.user, ROOM, f"@{BOT_NAME} what is a cache?")
    person.say("lunch?", mention=False)
    until(lambda: len(mattermost.library.asked) == 1)
    assert len(mattermost.settled().seen()) == 1


def test_a_message_that_cannot_be_taken_does_not_deafen(mattermost: World) -> None:
    person, double = anna(mattermost), mattermost.double
    double.say(person.user, ROOM, f"@{BOT_NAME} \ud800")
    double.say(person.user, ROOM, f"@{BOT_NAME} what?", props=["not", "as", "documented"])
    person.say("what is a cache?")
    double.drop()
    person.say("what is a queue?")
    mattermost.settled()
    assert [each["question"] for each in mattermost.library.asked] == ["what is a cache?", "what is a queue?"]


def test_only_listed_channels_and_teams_are_answered(tmp_path: Path) -> None:
    rules = 'only_listed_channels = true\nworkspaces = ["T0TEAM"]\n[channels.C0ROOM]\n'
    with mattermost_world(tmp_path / "home", rules) as world:
        world.anna.say("what is a cache?", channel=QUIET)
        world.anna.direct("what is a cache?")
        assert "don't answer in this channel" in world.anna.command("what is a cache?", channel=QUIET)
        form = {**anna(world).commanded("what is a cache?"), "team_id": id_of("T0OTHER")}
        assert "don't answer" in json.loads(anna(world).submit(form)[1])["text"]
        world.settled()
        assert world.library.asked == []
        assert world.anna.command("what is a cache?") == ""
        assert len(world.settled().whispers()) == 1
    with mattermost_world(tmp_path / "other", rules.replace('"T0TEAM"', '"direct"')) as world:
        world.anna.direct("what is a cache?")
        world.settled()
        assert len(world.library.asked) == 1


@pytest.mark.parametrize("may_whisper", [True, False])
def test_a_response_url_that_is_used_up_gives_way(mattermost: World, may_whisper: bool) -> None:
    mattermost.double.may_whisper = may_whisper
    mattermost.anna.command("what is a cache?")
    mattermost.settled()
    for number in range(7):
        mattermost.anna.press(mattermost.anna.whispers()[-1], "rate_down" if number % 2 else "rate_up")
        mattermost.settled()
    assert len(mattermost.anna.whispers()) == 8
    assert "only you see this" in mattermost.anna.whispers()[-1].text
    directly = [post for post in mattermost.double.said() if not post["root_id"]]
    assert len(directly) == (0 if may_whisper else 3)
    assert mattermost.anna.seen() == []
    mattermost.anna.press(mattermost.anna.whispers()[-1], "share")
    assert len(mattermost.settled().seen()) == 1


def test_posts_that_are_refused_are_sent_as_text_with_their_sources(mattermost: World) -> None:
    mattermost.double.fail("POST /posts", Fault(400, "model.post.is_valid.message_length.app_error"))
    mattermost.anna.say("what is a cache?")
    [answer] = mattermost.settled().seen()
    assert answer.buttons == {}
    assert r"\[1\] Caching › Eviction, qa/caching.md:3" in answer.text


def test_the_reset_of_a_rate_limit_is_honoured(mattermost: World) -> None:
    mattermost.double.fail("POST /posts", Fault(429, "api.ratelimit", retry_after="1"))
    mattermost.anna.say("first")
    until(lambda: bool(mattermost.bots.store.rows(select(outbox.c.id).where(outbox.c.error != ""))))
    for number in range(3):
        mattermost.anna.say(f"question {number}")
    assert len(mattermost.settled().seen()) == 4
    assert mattermost.double.violations == []


def test_a_message_that_can_never_arrive_does_not_hold_up_others(mattermost: World) -> None:
    thread = mattermost.anna.say("one", channel="C0GONE")
    mattermost.anna.say("two", channel="C0GONE", thread=thread)
    mattermost.anna.say("three")
    mattermost.settled()
    assert len(mattermost.anna.seen()) == 1
    assert mattermost.bots.store.counts()["outbox_failed"] == 2


def test_nothing_that_notes_or_people_say_calls_anybody(mattermost: World) -> None:
    mattermost.anna.command("@channel <!here> &#64;all *bold* `x` ![p](http://t.example/p.png)")
    [answer] = mattermost.settled().whispers()
    mattermost.anna.press(answer, "share")
    [shared] = mattermost.settled().seen()
    assert "@\u200bchannel" in shared.text
    assert f"**{mattermost.anna.name}** asked" in shared.text
    assert mattermost.double.violations == []


def test_without_an_address_there_are_no_buttons(tmp_path: Path) -> None:
    with mattermost_world(tmp_path / "home", public_url="") as world:
        world.anna.say("what is a cache?")
        [answer] = world.settled().seen()
        assert answer.buttons == {}
        assert "qa/caching.md:3" in answer.text


def test_an_event_that_cannot_be_written_down_is_told(mattermost: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(mattermost.bots.store, "take", broken)
        status, answer = anna(mattermost).submit(anna(mattermost).commanded("what is a cache?"))
        assert status == 503
        assert "disk full" not in answer
        # what is heard is not lost
        mattermost.double.say(anna(mattermost).user, ROOM, f"@{BOT_NAME} what is a queue?")
        until(lambda: not mattermost.bots.mattermost.listener.caught_up.is_set())  # type: ignore[union-attr]
    anna(mattermost).listened()
    assert len(mattermost.settled().seen()) == 1


def test_secrets_are_never_logged(mattermost: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for method in ("POST /posts", "response_url", "PUT /posts/*/patch", "POST /actions/dialogs/open"):
        mattermost.double.fail(method, Fault(500), Fault(cut=True), Fault(429, retry_after="0"), Fault(401))
    for question in ("what is a cache?", "long", "broken", "unusable"):
        mattermost.anna.say(question)
        mattermost.anna.command(question)
    for answer in [*mattermost.settled().seen(), *mattermost.anna.whispers()]:
        for action in sorted(set(answer.buttons) & {"rate_up", "show_more", "ask_differently", "share"}):
            mattermost.anna.press(answer, action)
    mattermost.double.drop()
    anna(mattermost).listened()
    mattermost.settled()
    logged = "\n".join([caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert "a message waits" in logged
    for secret in (TOKEN, COMMAND_TOKEN, WEBHOOK_TOKEN, "/hooks/commands/", '"seal"'):
        assert secret not in logged


def test_a_server_without_mattermost_says_so(tmp_path: Path) -> None:
    with TestClient(create_app(FakeLibrary(), load_settings(tmp_path, {}))) as client:
        answer = client.post("/mattermost/events", json={})
    assert answer.status_code == 404
    assert "not set up" in answer.json()["detail"]


def test_mattermost_reaches_a_server_behind_a_tunnel(tmp_path: Path) -> None:
    with mattermost_world(tmp_path / "home") as world:
        app = create_app(FakeLibrary(), local=True, bots=world.bots)
        form = anna(world).commanded("what is a cache?")
        client = TestClient(app, base_url="https://cards.example")
        assert client.get("/healthz").status_code == 403
        assert client.post("/mattermost/events", data={**form, "token": "x"}).status_code == 401
        assert client.post("/mattermost/events", data=form).json() == {}
        assert len(world.settled().whispers()) == 1


def test_both_chats_share_a_server(tmp_path: Path) -> None:
    slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "SLACK_API_URL": "http://127.0.0.1:9"}
    rules = 'owners = {slack = "C0ONE", mattermost = "C0OWNERS"}\n'
    with mattermost_world(tmp_path / "home", rules, **slack) as world:
        assert world.bots.slack is not None
        world.anna.say("nothing about quantum cooking")
        world.anna.press(world.settled().seen()[0], "tell_owners")
        assert len([*world.settled().seen("C0OWNERS")]) == 1
