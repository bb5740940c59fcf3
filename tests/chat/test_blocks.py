"""Everything the bot can say stays within Slack's limits, whatever the notes hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.answers import Conflict, Related
from api.chat.compose import Look, answer_message, details_message, gap_message, shorten
from api.chat.events import Place
from api.chat.messages import Asked, Message, Prose, Small, Sources
from api.home import connect
from api.library import Body, Library
from api.mattermost import markdown as mattermost
from api.mattermost.client import MattermostChat
from api.settings import load_settings
from api.slack.blocks import render
from api.slack.mrkdwn import blocks_of
from tests.api.fake_library import SOURCE, answer_to
from tests.chat.conftest import URL
from tests.chat.library import CODE, LONG, reply_to
from tests.doubles import mattermost_limits
from tests.doubles.slack_limits import problems_of, texts_of

LOOK = Look("a" * 32, public_url="https://cards.example", owners=True, private=True, shareable=True)
LONGEST = 25
CALLBACK = f"{URL}/mattermost/events"
CHAT = {length: MattermostChat(URL, "token", callback=CALLBACK, length=length) for length in (4_000, 16_383)}
MARKS = [*"ab @`~!<>[]()\\#-*_\n1.", "@all", "@anna", "&#64;b", "<!here>", "```"]


@pytest.fixture(scope="module")
def library(corpus_home: Path) -> Iterator[Library]:
    """The bundled corpus."""
    opened = connect(load_settings(corpus_home, {}), "tests")
    yield opened
    opened.close()


def check(body: Body) -> list[dict[str, object]]:
    """All messages about an answer; none that Slack would refuse, and none that lacks a source."""
    asked = Asked("U0ANNA", body["question"], "C0ROOM")
    payloads: list[dict[str, object]] = []
    for look in (LOOK, replace(LOOK, asked=asked, private=False, up=3, more_shown=True, told=True)):
        said = render(answer_message(body, look))
        shown = "\n".join(text for payload in said for text in texts_of(payload))
        for source in body["sources"]:
            assert f"[{source['marker']}]" in shown
            assert source["document"][-20:].replace("<b>", "&lt;b&gt;").replace("`", "ˋ") in shown
            assert source["document"][-20:].replace("<b>", "&lt;b&gt;") in str(said[0]["text"]).replace("\u200b", "")
        payloads += said
    payloads += render(details_message(body, LOOK))
    payloads += render(gap_message(body, asked))
    problems = [problem for payload in payloads for problem in problems_of(payload)]
    assert problems == [], json.dumps(body)[:500]
    for length in (4_000, 16_383):
        check_posts(body, asked, length)
    return payloads


def check_posts(body: Body, asked: Asked, length: int) -> None:
    """The same messages as Mattermost's posts; none that it would refuse, and none that lacks a source."""
    posts: list[dict[str, object]] = []
    for look in (LOOK, replace(LOOK, asked=asked, private=False, up=3, more_shown=True, told=True)):
        said = CHAT[length].render(answer_message(body, look))
        shown = "\n".join(payload["message"] for payload in said)
        for source in body["sources"]:
            assert f"[{source['marker']}]" in shown
            assert source["document"][-20:].replace("`", "ˋ") in shown
        assert said[0]["attachments"]
        posts += [sealed(payload, length) for payload in [*said, CHAT[length].plain(said[0])]]
    for message in (details_message(body, LOOK), gap_message(body, asked)):
        posts += [sealed(payload, length) for payload in CHAT[length].render(message)]
    problems = [problem for post in posts for problem in mattermost_limits.problems_of(post, length)]
    assert problems == [], json.dumps(body)[:500]


def sealed(payload: dict[str, object], length: int) -> dict[str, object]:
    """A payload as it is sent."""
    team, channel, thread, user = ("x" * 26 for _ in range(4))
    place = Place("mattermost", team, channel, thread)
    handle = f"/hooks/commands/{'x' * 26}"
    return CHAT[length].content(payload, place, channel, key="k" * 80, user=user, reply=handle)


def test_the_longest_answers_of_the_corpus_fit(library: Library) -> None:
    questions: list[tuple[int, str]] = []
    for document in library.documents(None)["documents"]:
        items = library.document(document["id"], None)["items"]
        questions += [(item["span"]["end"] - item["span"]["start"], item["question"]) for item in items]
    questions = [each for each in questions if each[1]]
    assert len(questions) > LONGEST
    for _, question in sorted(questions, reverse=True)[:LONGEST]:
        body = library.ask(question[:2000], collection=None, filters={}, mode="auto", k=None)
        assert body["sources"]
        check(body)


@pytest.mark.parametrize("question", ["plain", "nothing", "doubt", "disagree", "long", "code"])
def test_every_kind_of_answer_fits(question: str) -> None:
    assert check(reply_to(question, 1))


def test_the_worst_that_notes_can_hold_fits() -> None:
    hostile = "<!channel> & ``` *x* `y` |" * 300
    long_name = "ordner/" * 100 + "`datei`<b>.md"
    sources = tuple(
        replace(SOURCE, marker=n, title=hostile, document=long_name, quote=hostile, heading=(hostile,))
        for n in range(1, 31)
    )
    related = tuple(Related(hostile, "d", str(n)) for n in range(10))
    conflicts = (Conflict(tuple(range(1, 31)), hostile),)
    body = answer_to(
        hostile[:2000], answer=hostile, sources=sources, related=related, conflicts=conflicts, low_confidence=True
    )
    body["effective_question"] = hostile[:2000]
    assert check(body)


def test_long_texts_are_shown_whole_once_more_is_asked_for() -> None:
    for text in (LONG, CODE):
        body = answer_to("q", answer=text)
        assert len(shorten(text)) <= 1_600
        shown = "\n".join(text for page in render(details_message(body, LOOK)) for text in texts_of(page))
        wanted = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```python", "")
        missing = [line for line in wanted.splitlines() if line.strip("` ") and line.strip() not in shown]
        assert missing == []


@given(st.text(alphabet=st.sampled_from("ab <>&*_~`|#->\n1.[]()\\:/!"), max_size=400))
def test_any_markdown_becomes_mrkdwn_that_calls_nobody(text: str) -> None:
    for payload in render(Message((Prose(text), Sources(())))):
        found = [problem for problem in problems_of(payload) if "none for notifications" not in problem]
        assert [problem for problem in found if "empty" not in problem] == []


@given(st.lists(st.sampled_from(MARKS), max_size=200))
def test_no_markdown_calls_anybody_in_mattermost(pieces: list[str]) -> None:
    text = "".join(pieces)
    for payload in CHAT[4_000].render(Message((Prose(text), Small(text), Sources(())))):
        for said in (payload["message"], payload["plain"]):
            assert mattermost_limits.problems_of({"message": said or "-"}, 4_000) == []


def test_markdown_looks_as_meant_in_mattermost() -> None:
    text = "## Head @here\n\nUse **bold**, `@wraps`, ![pic](http://t.example/p.png).\n\n- one\n- two\n\n"
    assert mattermost.blocks_of(f"{text}```python\n@property\ndef f(): ...\n```\n") == [
        "## Head @\u200bhere",
        "Use **bold**, `@\u200bwraps`, [pic](http://t.example/p.png).",
        "- one\n- two",
        "```python\n@property\ndef f(): ...\n```",
    ]
    assert mattermost.code("``` @all\n````") == "`````\n``` @\u200ball\n````\n`````"
    plain = mattermost.plain("a*b* _c_ [d](e) @all x@y.z &commat;b")
    assert mattermost.quiet("!![pic](http://t.example/p.png)") == "[pic](http://t.example/p.png)"
    assert plain == "a\\*b\\* \\_c\\_ \\[d\\](e) @\u200ball x@y.z &\u200bcommat;b"
    assert mattermost.plain("a@all_") == "a@\u200ball\\_"


def test_markdown_looks_as_meant() -> None:
    text = "## Head\n\nUse **bold**, *it*, `a<b`, [docs](https://x.example/?a=1&b=2)."
    text += "\n\n- one\n  - two\n\n1. first\n2. second"
    assert blocks_of(text) == [
        "*Head*",
        "Use *bold*, _it_, `a&lt;b`, <https://x.example/?a=1&amp;b=2|docs>.",
        "• one\n    ◦ two",
        "1. first\n2. second",
    ]
    table = "| a | long |\n|---|---|\n| 1 | `x` |"
    assert blocks_of(table) == ["```\na  long\n-  ----\n1  x\n```"]
    assert blocks_of("- > said\n  > so\n- one") == ["• \n> said\n> so\n• one"]
    assert blocks_of("    ``````") == ["```\n``\u200b``\u200b``\n```"]
    assert asdict(Prose("x")) == {"markdown": "x"}
