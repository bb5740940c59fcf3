"""Words that stand in the place of others, where a claim says a sentence of its source again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.answers import GivenSource
from answering.ground.checker import Checker
from answering.ground.substitutions import said_again, substitutions

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
