"""What Slack sends: signatures, retries, limits, and what it answers in turn."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.chat.bots import open_bots
from api.chat.schema import outbox
from api.http.app import create_app
from api.settings import load_settings
from tests.api.fake_library import FakeLibrary
from tests.chat.conftest import RULES, World, settle, slack_world, until
from tests.chat.library import TalkingLibrary
from tests.chat.person import OWNERS, QUIET, ROOM
from tests.chat.slack_person import SECRET, SlackPerson, signed
from tests.doubles.chat_server import Fault
from tests.doubles.slack_server import BOT_ID, BOT_USER, TOKEN


def anna(world: World) -> SlackPerson:
    """Anna, as a user of Slack."""
    assert isinstance(world.anna, SlackPerson)
    return world.anna


def test_slack_may_verify_the_url(slack: World) -> None:
    body = {
        "type": "url_verification",
        "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
        "token": "x",
    }
    status, answer = anna(slack).send(body)
    assert status == 200
    assert json.loads(answer)["challenge"] == body["challenge"]


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers.pop("x-slack-signature"),
        lambda headers: headers.pop("x-slack-request-timestamp"),
        lambda headers: headers.update({"x-slack-signature": "v0=" + "0" * 64}),
        lambda headers: headers.update({"x-slack-signature": ""}),
        lambda headers: headers.update({"x-slack-request-timestamp": "yesterday"}),
        lambda headers: headers.update({"x-slack-request-timestamp": "1"}),
    ],
)
def test_what_is_not_signed_is_refused_and_nothing_happens(
    slack: World, spoil: Callable[[dict[str, str]], object], form: bool
) -> None:
    person = anna(slack)
    message = {**person.spoken(f"<@{BOT_USER}> hi", ROOM, ""), "type": "app_mention"}
    data = b"ssl_check=1&command=/ask&text=hi" if form else json.dumps(person.event(message)).encode()
    headers = signed(data, form=form)
    spoil(headers)
    status, answer = person.post(data, headers)
    assert status == 401
    assert json.loads(answer)["status"] == 401
    assert_nothing_happened(slack)


@pytest.mark.parametrize(("secret", "age_s"), [("another" * 4, 0), (SECRET, 3600), (SECRET, -3600)])
def test_a_wrong_secret_or_an_old_request_is_refused(slack: World, secret: str, age_s: float) -> None:
    person = anna(slack)
    data = json.dumps(person.event({**person.spoken("hi", ROOM, ""), "type": "app_mention"})).encode()
    assert person.post(data, signed(data, secret=secret, age_s=age_s))[0] == 401
    changed = data.replace(b"hi", b"ho")
    assert person.post(changed, signed(data))[0] == 401
    assert_nothing_happened(slack)


def assert_nothing_happened(world: World) -> None:
    """Nothing was written down, asked or sent."""
    assert world.bots.store.counts() == dict.fromkeys(world.bots.store.counts(), 0)
    assert world.library.asked == []
    assert world.double.calls == []


def test_a_retry_is_the_same_question_also_after_a_restart(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home") as world:
        person = anna(world)
        message = person.spoken(f"<@{BOT_USER}> what is a cache?", ROOM, "")
        mention = person.event({**message, "type": "app_mention"})
        for number in range(3):
            data = json.dumps(mention).encode()
            headers = {**signed(data), "X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"}
            assert person.post(data, headers)[0] == 200
        assert person.send(person.event(message))[0] == 200
        world.settled()
        assert len(person.seen()) == 1
    with slack_world(tmp_path / "home") as world:
        assert anna(world).send(mention)[0] == 200
        assert anna(world).send({**mention, "event_id": "EvOther"})[0] == 200
        assert world.settled().seen() == []
        assert world.library.asked == []


def test_many_processes_answer_a_question_once(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home") as world:
        person = anna(world)
        settings = load_settings(
            tmp_path / "home",
            {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": world.double.url},
        )
        second = open_bots(settings, world.library, durable=False, backoff=0.01, doubt=0.01)
        assert second is not None
        assert second.slack is not None
        second.service.start(alone=False)
        try:
            for number in range(30):
                event = {**person.spoken(f"<@{BOT_USER}> question {number}", ROOM, ""), "type": "app_mention"}
                data = json.dumps(person.event(event)).encode()
                assert second.slack.handle(data, signed(data)).status == 200
                assert person.post(data, signed(data))[0] == 200
            settle(world.bots)
        finally:
            second.close()
        assert len(person.seen()) == 30
        assert len({each.thread for each in person.seen()}) == 30


def test_bots_and_the_bot_itself_are_ignored(slack: World) -> None:
    person = anna(slack)
    thread = person.say("what is a cache?")
    [answer] = slack.settled().seen()
    spoken = person.spoken(f"<@{BOT_USER}> and now?", ROOM, thread)
    for change in (
        {"bot_id": "B0OTHER", "subtype": "bot_message"},
        {"bot_id": BOT_ID, "user": BOT_USER},
        {"user": BOT_USER},
        {"subtype": "channel_join"},
        {"text": "<@U0BEN> what do you think?"},
    ):
        person.send(person.event({**spoken, "ts": slack.double.stamp(), **change}))
    update = {"type": "message", "subtype": "message_changed", "channel": ROOM, "event_ts": "1.2"}
    own = {"ts": answer.id, "bot_id": BOT_ID, "user": BOT_USER, "thread_ts": thread}
    person.send(person.event({**update, "message": {**own, "text": "new"}, "previous_message": {**own, "text": "old"}}))
    preview = person.said[thread]
    person.send(person.event({**update, "message": {**preview, "attachments": [{}]}, "previous_message": preview}))
    person.send(person.event({"type": "reaction_added", "user": "U0ANNA"}))
    assert len(slack.settled().seen()) == 1
    assert len(slack.library.asked) == 1


def test_an_acknowledgement_does_not_wait_for_the_answer(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home") as world:
        acknowledged = threading.Event()
        world.library.on_ask = lambda _: None if acknowledged.wait(60) else pytest.fail("never acknowledged")
        world.anna.say("what is a cache?")
        world.anna.command("what is a cache?")
        assert world.library.asked == []
        acknowledged.set()
        assert len(world.settled().seen()) == len(world.anna.whispers()) == 1


def test_the_message_shortcut_finds_a_message_in_the_notes(slack: World) -> None:
    ts = anna(slack).shortcut("How do you &lt;size&gt; a pool? <https://a.example/x|a.example>")
    [answer] = slack.settled().whispers()
    assert slack.library.asked[0]["question"] == "How do you <size> a pool? a.example"
    slack.anna.press(answer, "share")
    [shared] = slack.settled().seen()
    assert shared.thread == ts


def test_only_listed_channels_and_workspaces_are_answered(tmp_path: Path) -> None:
    rules = 'only_listed_channels = true\nworkspaces = ["T0TEAM"]\n[channels.C0ROOM]\n'
    with slack_world(tmp_path / "home", rules) as world:
        person = anna(world)
        person.say("what is a cache?", channel=QUIET)
        assert "don't answer in this channel" in person.command("what is a cache?", channel=QUIET)
        elsewhere = person.event(person.spoken("what?", "D0ELSE", ""), team_id="T0OTHER")
        assert person.send(elsewhere)[0] == 200
        world.settled()
        assert world.library.asked == []
        assert person.command("what is a cache?") == ""
        assert len(world.settled().whispers()) == 1


def test_a_channel_shared_with_others_must_be_listed(slack: World) -> None:
    person = anna(slack)
    for channel in (ROOM, "C0SECRET"):
        message = {**person.spoken(f"<@{BOT_USER}> what?", channel, ""), "type": "app_mention"}
        person.send(person.event(message, is_ext_shared_channel=True))
    slack.settled()
    assert person.seen(ROOM) == []
    assert len(person.seen("C0SECRET")) == 1


def test_who_asks_too_much_is_told_so_once(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home", "questions_per_minute = 3") as world:
        for number in range(6):
            world.anna.say(f"question {number}")
        world.newcomer("U0BEN").say("what is a cache?")
        world.settled()
        assert len(world.anna.seen()) == 4
        [whisper] = world.anna.whispers()
        assert "3 questions a minute" in whisper.text


def test_a_private_answer_is_not_shared_where_it_may_not_be_seen_any_more(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home") as world:
        world.anna.command("what is a cache?", channel="C0SECRET")
        world.anna.command("what is a cache?", channel="D0DIRECT")
        by_channel = {whisper.channel: whisper for whisper in world.settled().whispers()}
        secret, direct = by_channel["C0SECRET"], by_channel["D0DIRECT"]
        assert "share" not in direct.buttons
        object.__setattr__(world.bots.service.conversation, "rules", type(world.bots.service.rules)())
        world.anna.press(secret, "share")
        world.settled()
        assert world.anna.seen("C0SECRET") == []
        assert "can't be shared" in world.anna.whispers()[-1].text


def test_a_button_works_in_its_own_channel_only(slack: World) -> None:
    slack.anna.command("what is a cache?", channel="C0SECRET")
    [answer] = slack.settled().whispers()
    stolen = type(answer)(answer.id, ROOM, "", answer.text, answer.buttons, private=True)
    for action in ("share", "show_more", "rate_up"):
        slack.anna.press(stolen, action)
    slack.settled()
    assert slack.anna.seen() == []
    assert slack.library.thoughts == []
    assert all("not there any more" in whisper.text for whisper in slack.anna.whispers()[1:])


def test_blocks_that_are_refused_are_sent_as_text_with_their_sources(slack: World) -> None:
    slack.double.fail("chat.postMessage", Fault(error="invalid_blocks"))
    slack.anna.say("what is a cache?")
    [answer] = slack.settled().seen()
    assert "blocks" not in slack.double.screen.messages[0]
    assert "[1] Caching › Eviction, qa/caching.md:3" in answer.text


def test_retry_after_is_honoured(slack: World) -> None:
    slack.double.fail("chat.postMessage", Fault(429, "ratelimited", retry_after="1"))
    slack.anna.say("first")
    until(lambda: bool(slack.bots.store.rows(select(outbox.c.id).where(outbox.c.error != ""))))
    for number in range(3):
        slack.anna.say(f"question {number}")
    assert len(slack.settled().seen()) == 4
    assert slack.double.violations == []


def test_a_message_that_can_never_arrive_does_not_hold_up_others(slack: World) -> None:
    thread = slack.anna.say("one", channel="C0GONE")
    slack.anna.say("two", channel="C0GONE", thread=thread)
    slack.anna.say("three")
    slack.settled()
    assert len(slack.anna.seen()) == 1
    assert slack.bots.store.counts()["outbox_failed"] == 2


def test_an_expired_response_url_gives_way_to_a_whisper(slack: World) -> None:
    slack.double.fail("response_url", Fault(404, "expired_url"))
    slack.anna.command("what is a cache?")
    [answer] = slack.settled().whispers()
    assert "Redis" in answer.text
    assert len(slack.double.called("chat.postEphemeral")) == 1


def test_nothing_that_notes_or_people_say_calls_anybody(slack: World) -> None:
    slack.anna.command("<!channel> & <@U0BEN> *bold* `x`")
    [answer] = slack.settled().whispers()
    slack.anna.press(answer, "share")
    [shared] = slack.settled().seen()
    assert "&lt;!channel&gt; &amp; @U0BEN" in shared.text
    assert slack.double.violations == []


def test_secrets_are_never_logged(slack: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for method in ("chat.postMessage", "response_url", "chat.update", "views.open"):
        slack.double.fail(method, Fault(500), Fault(cut=True), Fault(429, retry_after="0"), Fault(error="invalid_auth"))
    for question in ("what is a cache?", "long", "broken", "unusable"):
        slack.anna.say(question)
        slack.anna.command(question)
    for answer in [*slack.settled().seen(), *slack.anna.whispers()]:
        for action in set(answer.buttons) & {"rate_up", "show_more", "ask_differently", "share"}:
            slack.anna.press(answer, action)
    data = json.dumps({"token": "legacy-token"}).encode()
    anna(slack).post(data, {**signed(data), "x-slack-signature": "v0=0"})
    slack.settled()
    logged = "\n".join([caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert "a message waits" in logged
    for secret in (TOKEN, SECRET, "/response/", "legacy-token"):
        assert secret not in logged
    assert TOKEN not in repr(slack.bots.__dict__)


def test_a_server_without_slack_says_so(tmp_path: Path) -> None:
    with TestClient(create_app(FakeLibrary(), load_settings(tmp_path, {}))) as client:
        answer = client.post("/slack/events", json={"type": "url_verification", "challenge": "x"})
    assert answer.status_code == 404
    assert "not set up" in answer.json()["detail"]


def test_slack_reaches_a_server_behind_a_tunnel(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"SLACK_BOT_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": SECRET})
    app = create_app(FakeLibrary(), settings, local=True)
    data = json.dumps({"type": "url_verification", "challenge": "c"}).encode()
    with TestClient(app, base_url="https://cards.example") as client:
        assert client.get("/healthz").status_code == 403
        assert client.post("/slack/events", content=data, headers=signed(data)).json() == {"challenge": "c"}
        assert client.post("/slack/events", content=data).status_code in (401, 415)
        assert client.post("/slack/events", content="x", headers={"Content-Type": "text/plain"}).status_code == 415


def test_an_event_that_cannot_be_written_down_is_sent_again(slack: World) -> None:
    slack.bots.store.engine.dispose()
    original = slack.bots.store.take

    def broken(*_: object, **__: object) -> bool:
        raise OSError("disk full")

    slack.bots.store.take = broken  # type: ignore[method-assign]
    person = anna(slack)
    event = person.event({**person.spoken(f"<@{BOT_USER}> what?", ROOM, ""), "type": "app_mention"})
    status, answer = person.send(event)
    assert status == 503
    assert "Retry" not in answer
    slack.bots.store.take = original  # type: ignore[method-assign]
    assert person.send(event)[0] == 200
    assert len(slack.settled().seen()) == 1


def test_nobody_waits_for_somebody_who_asks_a_lot(tmp_path: Path) -> None:
    with slack_world(tmp_path / "home", RULES) as world:
        release = threading.Event()
        world.library.on_ask = lambda _: None if release.wait(60) else pytest.fail("never released")
        for number in range(20):
            world.anna.say(f"flood {number}")
        world.newcomer("U0BEN").say("what is a cache?")
        world.newcomer("U0CARA").say("what is a queue?", channel=QUIET)
        release.set()
        world.settled()
        asked = [each["question"] for each in world.library.asked]
        assert max(asked.index("what is a cache?"), asked.index("what is a queue?")) <= 6
        assert world.double.called("chat.postMessage")
        assert OWNERS not in {each["channel"] for each in world.double.called("chat.postMessage")}


def test_no_library_is_needed_to_refuse(tmp_path: Path) -> None:
    assert open_bots(load_settings(tmp_path, {"SLACK_BOT_TOKEN": TOKEN}), TalkingLibrary()) is None
