from __future__ import annotations

import time

import pytest

from answering.answers import CheckReport, GivenSource
from answering.ground.checker import Checker
from answering.ports import CitedStretch, MarkedSource

SOURCE = (
    "Redis evicts keys when memory is full. With `allkeys-lru` it evicts the least recently used key of all keys; with "
    "`volatile-lru` only keys that have a TTL. The default policy is `noeviction`, which refuses writes. A read costs "
    "O(1) and takes about 1 ms. Since version 7.0 up to 64 databases are possible."
)


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker()


def check(checker: Checker, answer: str, *sources: str, question: str | None = None) -> CheckReport:
    return checker.check(answer, [GivenSource(str(i), s) for i, s in enumerate(sources)], question)


def test_verbatim_text_is_supported_whatever_its_markup(checker: Checker) -> None:
    report = check(checker, "**Redis evicts keys** when\nmemory is full. [1]", SOURCE)
    assert [(c.verdict, c.score, c.sources) for c in report.claims] == [("supported", 1.0, (1,))]
    assert (report.score, report.low_confidence, report.reasons) == (1.0, False, ())


@pytest.mark.parametrize(
    "claim",
    [
        "When memory is full, Redis evicts keys.",
        "The default policy, `noeviction`, refuses writes.",
        "Under volatile-lru only keys with a TTL are evicted.",
        "Version 7.0 made up to 64 databases possible.",
    ],
)
def test_a_rewording_is_supported(checker: Checker, claim: str) -> None:
    assert check(checker, claim, SOURCE).claims[0].verdict == "supported"


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        ("Redis does not evict keys when memory is full.", "negation"),
        ("Since version 7.0 up to 16 databases are possible.", "numbers"),
        ("Since version 6.0 up to 64 databases are possible.", "versions"),
        ("With `allkeys-lfu` it evicts the least recently used key of all keys.", "identifiers"),
        ("A read costs O(n) and takes about 1 ms.", "complexity"),
        ("With `allkeys-lru` it evicts the most recently used key of all keys.", "negation"),
    ],
)
def test_one_changed_word_contradicts(checker: Checker, claim: str, name: str) -> None:
    report = check(checker, claim, SOURCE)
    assert report.claims[0].verdict == "contradicted"
    assert name in [c.name for c in report.claims[0].checks if not c.ok]
    assert report.low_confidence
    assert report.reasons == ("contradicted_claim",)


def test_what_no_source_says_is_unsupported(checker: Checker) -> None:
    report = check(checker, "Kafka partitions are balanced by consumer groups.", SOURCE)
    assert report.claims[0].verdict == "unsupported"
    assert report.reasons == ("unsupported_claim",)


def test_the_weakest_claim_decides(checker: Checker) -> None:
    report = check(checker, "Redis evicts keys when memory is full. Kafka balances partitions. Does it?", SOURCE)
    assert report.score == min(c.score for c in report.claims if c.verdict != "not_a_claim") < checker.threshold
    assert [c.verdict for c in report.claims] == ["supported", "unsupported", "not_a_claim"]


def test_an_unknown_code_token_keeps_a_claim_from_full_support(checker: Checker) -> None:
    claim = "Redis evicts keys when memory is full and `maxmemory_samples` is set."
    assert check(checker, claim, SOURCE).claims[0].verdict in ("partial", "contradicted", "unsupported")


def test_no_sources_and_no_claims(checker: Checker) -> None:
    assert check(checker, "Redis evicts keys.").reasons == ("no_sources", "unsupported_claim")
    assert check(checker, "Hello!", SOURCE).score == 1.0
    assert check(checker, "", SOURCE).claims == ()


def test_the_question_lends_its_words(checker: Checker) -> None:
    source = "**Communication** (15%): clarity in explanation"
    question = "What is the weight of communication in the evaluation?"
    answer = "The weight of communication in the evaluation is 15%."
    asked = check(checker, answer, source, question=question)
    assert asked.score >= check(checker, answer, source).score
    assert asked.claims[0].verdict == "supported"


def test_a_claim_rests_on_what_it_cites(checker: Checker) -> None:
    answer = "The pool holds 10 connections. [1] The queue holds 99 jobs. [2]"
    sources = [MarkedSource(1, "The pool holds 10 connections."), MarkedSource(2, "The queue holds 50 jobs.")]
    cited = [CitedStretch(0, 34, 1), CitedStretch(35, len(answer), 2)]
    first, second = checker.check_cited(answer, sources, cited)
    assert (first.verdict, first.sources) == ("supported", (1,))
    assert (second.verdict, second.sources) == ("contradicted", (2,))
    swapped = checker.check_cited(answer, [sources[1], sources[0]], [CitedStretch(0, 34, 2), CitedStretch(35, 64, 1)])
    assert swapped[0].verdict != "supported"


def test_many_claims_against_five_passages_are_read_in_one_go(checker: Checker) -> None:
    passages = [SOURCE.replace("Redis", f"Store{i}") for i in range(5)]
    claims = "\n".join(f"- With policy {i} it evicts the least recently used key of all keys." for i in range(20))
    check(checker, claims, *passages)
    started = time.perf_counter()
    check(checker, claims, *passages)
    # the target is 40 ms a claim; ten times that: machines under test are busy
    assert (time.perf_counter() - started) / 20 < 0.4


@pytest.mark.parametrize(
    "text",
    [
        "." * 50_000 + "x",
        "\n" * 50_000 + "x",
        "<!---->" * 8_000 + "x",
        "O(" * 25_000,
        "[a](" * 12_000,
        "```\n" * 12_000,
        "May 3 2020 " * 4_500,
        "a_" * 25_000,
    ],
    ids=["dots", "lines", "comments", "orders", "links", "fences", "dates", "names"],
)
def test_hostile_text_takes_time_in_proportion(checker: Checker, text: str) -> None:
    started = time.perf_counter()
    check(checker, text, SOURCE)
    check(checker, "The pool holds 10 connections.", text)
    assert time.perf_counter() - started < 10


def test_a_source_said_as_a_whole_is_supported_piece_by_piece(checker: Checker) -> None:
    source = "9.2 If\n\nRetry the call\nuntil it succeeds; unless the key is known, stop.\n"
    answer = f"{source.strip()} [1]"
    whole = checker.check_cited(answer, [MarkedSource(1, source)], [CitedStretch(0, len(answer), 1)])
    assert {c.verdict for c in whole} == {"supported"}
    half = checker.check("Retry the call.", [GivenSource("s", source)])
    assert half.claims[0].verdict != "supported"
