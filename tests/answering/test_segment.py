from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.segment import blocks, sentences

MARKDOWN = st.text(alphabet="ab .!?\n`-*|$[]1#>:~A\t\r\u2028e", max_size=80)


def said(text: str) -> list[str]:
    return [text[a:b] for a, b in sentences(text)]


@given(MARKDOWN)
def test_blocks_and_their_sentences_hold_every_character_but_white_space(text: str) -> None:
    at = 0
    for block in blocks(text):
        assert not text[at : block.start].strip()
        assert block.start <= block.body <= block.end
        inner = block.start
        for start, end in sentences(text, block.start, block.end):
            assert not text[inner:start].strip()
            assert start < end
            inner = end
        assert not text[inner : block.end].strip()
        at = block.end
    assert not text[at:].strip()


@pytest.mark.parametrize(
    "text",
    [
        "Use e.g. Redis for this.",
        "It is small, i.e. it fits in memory.",
        "Node.js 20.1 and v1.2.3 are on https://example.com/a.b now.",
        "The file app.config.json holds 3.5 of them.",
        "Smith et al. measured it, see Fig. 3 and No. 5 there.",
        "J. Smith lives in the U.S. and works.",
        "Write `a. B` with a dot.",
        "1. The number of a list item",
        "It waits... then goes on.",
    ],
)
def test_a_full_stop_inside_a_sentence_does_not_end_it(text: str) -> None:
    assert said(text) == [text]


def test_sentences_end_where_a_reader_ends_them() -> None:
    text = "It is fast. It scales, etc. Then it stops! Does it? asyncio.gather waits.[1] Next [2]. (Really.) Done"
    assert said(text) == [
        "It is fast.",
        "It scales, etc.",
        "Then it stops!",
        "Does it?",
        "asyncio.gather waits.[1]",
        "Next [2].",
        "(Really.)",
        "Done",
    ]


def test_a_line_break_ends_a_sentence_only_after_a_short_line() -> None:
    wrapped = "a sentence that is wrapped by an editor after some seventy characters\nRedis goes on here"
    assert said(wrapped) == [wrapped]
    assert said("Name: X\nAddress: Y") == ["Name: X", "Address: Y"]


def test_kinds_of_blocks() -> None:
    text = (
        "# Head\nPara one\nstill one\n\n- item\n  more\n2) second\n\n```py\n- not an item\n\nx\n```\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n<details>\n"
    )
    found = [(b.kind, text[b.body : b.end]) for b in blocks(text)]
    assert found == [
        ("heading", "# Head"),
        ("paragraph", "Para one\nstill one"),
        ("item", "item\n  more"),
        ("item", "second"),
        ("code", "```py\n- not an item\n\nx\n```"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("markup", "---"),
        ("markup", "<details>"),
    ]


def test_indented_prose_of_a_list_item_is_no_code() -> None:
    text = "First line.\n\n     This goes on, indented as the item is.\n\n         x = code()\n"
    assert [b.kind for b in blocks(text)] == ["paragraph", "paragraph", "code"]
