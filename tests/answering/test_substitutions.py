"""What a claim exchanges, denies or leaves out, where it says a sentence of its source again."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.answers import GivenSource
from answering.ground.checker import Checker
from answering.ground.substitutions import left_out, said_again, substitutions

SENTENCE = "The API process never carries the bytes, and a 2 GB video occupies a worker for ten minutes."


def told(claim: str, sentence: str) -> list[tuple[str, str, str]] | None:
    found = substitutions(claim, sentence)
    return None if found is None else [(s.mine, s.theirs, s.kind) for s in found]


@pytest.mark.parametrize(
    ("claim", "source", "wanted"),
    [
        ("Headers may survive the handler.", "Headers must survive the handler.", ("may", "must", "opposite")),
        (
            "It renders on client and client alike.",
            "It renders on server and client alike.",
            ("client", "server", "opposite"),
        ),
        ("In Linux the main file is rc.conf.", "In OpenBSD the main file is rc.conf.", ("Linux", "OpenBSD", "name")),
        ("It gives up within a minute or so.", "It gives up within a week or so.", ("minute", "week", "figure")),
        ("We had six months and one colleague.", "We had six weeks and one colleague.", ("months", "weeks", "figure")),
        (
            "New lines under about 89 % need a reason.",
            "New lines under about 90 % need a reason.",
            ("89", "90", "figure"),
        ),
        ("The 6xx codes mean the server failed.", "The 5xx codes mean the server failed.", ("6xx", "5xx", "figure")),
        ("Keep a partition below 1TB at most.", "Keep a partition below 1GB at most.", ("1TB", "1GB", "figure")),
        (
            "A React element describes what `react-dom` should draw.",
            "A Vue element describes what `react-dom` should draw.",
            ("React", "Vue", "name"),
        ),
        ("Read the first line of the log.", "Read the first page of the log.", ("line", "page", "word")),
    ],
)
def test_what_is_exchanged_is_told_by_kind(claim: str, source: str, wanted: tuple[str, str, str]) -> None:
    assert told(claim, source) == [wanted]


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Requests are retried two times by the client.", "Requests are retried 2 times by the client."),
        ("The client retries every failed request.", "The client retried every failed request."),
        ("It speaks SCP, FTP and HTTP with servers.", "It speaks FTP, SCP and HTTP with servers."),
    ],
)
def test_the_same_in_another_form_or_order_is_no_exchange(claim: str, source: str) -> None:
    assert told(claim, source) == []


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("These props are never used where none was supplied.", "These props are used where none was supplied."),
        ("Loss and the metric may never disagree.", "Loss and the metric may disagree."),
        ("Keys are just for the items of a list.", "Keys are not just for the items of a list."),
        ("A reader does take the lock of the table.", "A reader doesn't take the lock of the table."),
    ],
)
def test_a_denial_more_or_less_contradicts_the_source(claim: str, source: str) -> None:
    assert [kind for _, _, kind in told(claim, source) or []] == ["opposite"]
    assert verdict(claim, f"Some words before. {source} And some after.") == "contradicted"


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("A reader does not take the lock of the table.", "A reader doesn't take the lock of the table."),
        ("Readers cannot block writers of the table.", "Readers can't block writers of the table."),
        ("It is discouraged to nest the calls this deep.", "It is not recommended to nest the calls this deep."),
        ("Readers never block, writers always do.", "Writers always do, readers never block."),
    ],
)
def test_the_same_denial_in_other_words_is_none(claim: str, source: str) -> None:
    assert "opposite" not in [kind for _, _, kind in told(claim, source) or []]


def test_another_sentence_is_not_said_again() -> None:
    assert told("Indexes make reads faster and writes slower.", SENTENCE) is None
    assert not said_again("Indexes make reads faster and writes slower.", SENTENCE)


@given(st.lists(st.sampled_from(SENTENCE.split()), min_size=2, max_size=18))
def test_a_sentence_said_letter_for_letter_exchanges_nothing(words: list[str]) -> None:
    text = " ".join(words)
    assert not substitutions(text, text)


def verdict(claim: str, source: str) -> str:
    return Checker().check(claim, [GivenSource("notes", source)]).claims[0].verdict


@pytest.mark.parametrize(
    "claim",
    [SENTENCE.replace("API", "Kafka"), SENTENCE.replace("minutes", "hours"), SENTENCE.replace("never", "always")],
)
def test_one_exchanged_name_unit_or_adverb_contradicts_the_source(claim: str) -> None:
    assert verdict(claim, f"Uploads go to the object store. {SENTENCE} Audits follow.") == "contradicted"


def test_what_another_sentence_says_just_so_is_no_exchange() -> None:
    both = "The worker reads from the first queue. The worker reads from the second queue."
    assert verdict("The worker reads from the second queue.", both) == "supported"
    assert verdict("The worker always reads from the second queue.", both) != "contradicted"


@pytest.mark.parametrize(
    "source",
    [
        "If the key has changed since you connected last, you will receive the above error.",
        "You will receive the above error, as long as the key is unknown to the host.",
        "You will receive the above error when the key of the server has changed.",
    ],
)
def test_a_condition_that_is_left_out_is_missed_even_where_the_rest_is_verbatim(source: str) -> None:
    report = Checker().check("You will receive the above error.", [GivenSource("notes", source)])
    assert report.low_confidence
    assert [c.name for c in report.claims[0].checks if not c.ok] == ["conditions"]
    (told,) = [c.detail for c in report.claims[0].checks if not c.ok]
    assert len(re.findall(r"\b(?:if|as long as|when)\b", told, re.IGNORECASE)) == 1, "told once"


def test_a_condition_is_missed_though_its_words_stand_elsewhere_in_the_claim() -> None:
    claim = "The shell returns false when it is called, so whoever has false as a shell is logged out."
    assert left_out(claim, f"{claim[:-1]} when false exits.") == ("when false exits",)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("The rows are locked when the table is altered.", "When the table is altered, the rows are locked."),
        ("The rows are locked by the writer.", "If necessary, the rows are locked by the writer."),
        (
            "Put the tin in the oven for ten minutes.",
            "Put the tin in the oven for ten minutes; when it is hot, add oil.",
        ),
        (
            "Put the tin in the oven for ten minutes.",
            "Put the tin in the oven for ten minutes. When hot enough, add oil.",
        ),
        (
            "If b holds the second way is taken.",
            "If a holds the first way is taken; if b holds the second way is taken.",
        ),
    ],
)
def test_a_condition_that_is_kept_or_is_of_something_else_is_not_missed(claim: str, source: str) -> None:
    assert left_out(claim, source) == ()


@given(st.lists(st.sampled_from([*SENTENCE.split(), "if", "when", "not", "never", "until"]), max_size=18))
def test_a_sentence_said_letter_for_letter_leaves_nothing_out_and_denies_nothing(words: list[str]) -> None:
    text = " ".join(words)
    assert left_out(text, text) == ()
    assert not substitutions(text, text)
