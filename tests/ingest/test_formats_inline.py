"""Styled runs of words as inline Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.inline import Run, image, slug, to_markdown
from ingest.parse.labels import bold_lead


def bold(text: str, *, italic: bool = False, code: bool = False, link: str = "") -> Run:
    return Run(text, True, italic, code, link)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([bold("TTL: "), Run("time to live")], "**TTL:** time to live"),
        ([bold("What is "), bold("x", code=True), bold("?")], "**What is `x`?**"),
        ([bold("Wha"), bold("t is it?")], "**What is it?**"),
        ([bold("Two"), Run(" "), bold("words")], "**Two words**"),
        ([bold("Q1"), Run("\n"), bold("What?")], "**Q1**\n**What?**"),
        ([bold("line\nline ")], "**line**\n**line** "),
        ([Run("un"), bold("believ"), Run("able")], "unbelievable"),
        ([bold("W"), Run("hat")], "What"),
        ([Run("a"), bold(": "), Run("b")], "a: b"),
        ([Run("see "), Run("this", italic=True), Run(".")], "see *this*."),
        ([bold("all", italic=True), bold(" of it")], "**all of it**"),
        ([bold("2 * 3")], "2 * 3"),
        ([Run("list", code=True), Run("s and "), Run("`", code=True)], "`list`s and `` ` ``"),
        ([Run(" a  b ", code=True)], " `a  b` "),
        ([Run("What is ", link="q1"), bold("this", link="q1"), Run("? yes")], "[What is **this**](#q1)? yes"),
        ([Run("¶", link="q1")], "¶"),
        ([Run("[1]", link="note")], "[1]"),
        ([Run("inter\u00adview\u200b")], "interview"),
        ([Run("Use <div> or </p>, not List<String>, a < b > c")], "Use `<div>` or `</p>`, not List<String>, a < b > c"),
        ([Run("write to <me@example.org> at <https://example.org>")], None),
        ([bold("What is <b>?")], "**What is `<b>`?**"),
    ],
)
def test_runs_read_as_markdown(runs: list[Run], expected: str | None) -> None:
    assert to_markdown(runs) == (runs[0].text if expected is None else expected)


def test_a_bold_lead_is_read_as_one() -> None:
    lead = bold_lead(to_markdown([bold("Rate "), bold("limiting:"), Run(" a bucket")]))
    assert lead is not None
    assert lead.text == "Rate limiting"


@pytest.mark.parametrize(
    ("alt", "source", "expected"),
    [
        ("An LRU cache", "lru.png", "![An LRU cache](lru.png)"),
        ("An [LRU]\ncache", "data:image/png;base64,AAAA", "![An (LRU) cache]()"),
        ("A cache", "a (1).png", "![A cache]()"),
        ("😀", "smile.png", "😀"),
        ("", "x.png", ""),
    ],
)
def test_images_are_their_alternative_text(alt: str, source: str, expected: str) -> None:
    assert image(alt, source) == expected


def test_slugs_are_as_github_makes_them() -> None:
    assert slug("What's a  TTL, and `why`?") == "whats-a-ttl-and-why"


texts = st.text(alphabet="ab1 .:\n<>`*[]", max_size=8)
runs = st.lists(
    st.builds(Run, texts, st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["", "", "x"])), max_size=8
)


@given(runs)
def test_no_word_is_lost_or_torn(made: list[Run]) -> None:
    """Marks apart, the text is the runs' own."""
    text = "".join(run.text for run in made)
    marks = str.maketrans("", "", "*`[]() #\n")
    assert to_markdown(made).replace("](#x)", "").translate(marks) == text.translate(marks)
    assert to_markdown(made).count("\n") == text.count("\n")
