from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.ground.claims import markers, split

ANSWERS = st.lists(
    st.sampled_from(
        [
            "Redis is fast. ",
            "- a list item [1]\n",
            "```\ncode [2] x\n```\n",
            "| a | b |\n|---|---|\n| 1 | 2 |\n",
            "# Head\n",
            "Is it? ",
            "\n\n",
            "e.g. this one [1, 2]. ",
            "…",
            "\u00a0x",
            "Hello! ",
        ]
    )
    | st.text(max_size=12)
).map("".join)


@given(ANSWERS)
def test_offsets_are_true_and_nothing_is_lost(answer: str) -> None:
    at = 0
    for piece in split(answer):
        assert answer[piece.start : piece.end] == piece.text
        assert not answer[at : piece.start].strip()
        at = piece.end
    assert not answer[at:].strip()


@pytest.mark.parametrize(
    "text",
    [
        "Hello!",
        "Thanks, I hope this helps.",
        "Does Redis persist data?",
        "## Summary",
        "Based on the provided passages, the guidelines are as follows:",
        "Unable to answer based on given passages.",
        "It depends.",
        "---",
        "[1]",
    ],
)
def test_what_needs_no_support_is_no_claim(text: str) -> None:
    assert [p.claims for p in split(text)] == [False]


@pytest.mark.parametrize("text", ["Redis keeps data in memory.", "- LRU evicts the oldest key", "`SELECT 1`", "x = 3"])
def test_what_says_something_is_a_claim(text: str) -> None:
    assert [p.claims for p in split(text)] == [True]


def test_a_table_is_claimed_row_by_row_without_its_head() -> None:
    found = split("| op | cost |\n|----|------|\n| get | O(1) |\n| set | O(1) |")
    assert [(p.text, p.claims) for p in found][2:] == [("| get | O(1) |", True), ("| set | O(1) |", True)]
    assert not any(p.claims for p in found[:2])


def test_citation_marks() -> None:
    assert markers("so [1], and [2, 3][5–7] [2]") == (1, 2, 3, 5, 6, 7)
    assert markers("a [link](x), [not a mark], [1](y)") == ()
    assert split("It is fast. [1] It is small [2].")[0].markers == (1,)
