"""Answers that a language model words, with a scripted server behind the real clients."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from answering.answerer import Answerer
from answering.answers import Answer, Mode, Source
from answering.confidence import ConfidenceModel
from answering.generate.breaker import Breaker
from answering.generate.calling import Caller
from answering.generate.generator import Generator
from answering.generate.model import Kind, ModelSettings, open_model
from answering.ground.checker import Checker
from ingest.errors import ModelError
from tests.answering.shelf import Shelf
from tests.answering.test_answerer import COVERAGE, DOCUMENTS
from tests.doubles.llm_server import LanguageModelDouble, Reply, Wire, language_model

QUESTION = "which redis eviction policy for keys with a TTL"
TRUE = "Use `volatile-lru` for keys with a TTL, `allkeys-lru` if everything is cacheable. [{}]"
LONG = 30.0
OPENED: list[Generator] = []


@dataclass
class Heard:
    """A listener that remembers."""

    offered: list[Source] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    begun: int = 0

    def sources(self, sources: Sequence[Source]) -> None:
        assert not self.pieces
        self.begun += 1
        self.offered = list(sources)

    def text(self, piece: str) -> None:
        assert self.begun == 1
        self.pieces.append(piece)


WIRES = ["openai-like", "ollama", "anthropic"]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every client that a test opened is closed after it."""
    yield
    while OPENED:
        OPENED.pop().close()


def answerer(double: LanguageModelDouble, *, timeout_s: float = LONG, breaker: Breaker | None = None) -> Answerer:
    shelf = Shelf(DOCUMENTS)
    name = "claude-haiku-4-5" if double.wire == "anthropic" else "m"
    model = open_model(ModelSettings(double.wire, name, double.url, "key", timeout_s))
    writer = Generator(Caller(model, breaker), timeout_s)
    OPENED.append(writer)
    return Answerer(shelf, shelf, shelf.embedder, Checker(), ConfidenceModel(COVERAGE), writer=writer)


def right(user: str) -> int:
    """The number of the source that says what TRUE says."""
    found = re.search(r'<source number="(\d+)"[^>]*>(?:(?!</source>).)*volatile-lru', user, re.DOTALL)
    assert found is not None
    return int(found.group(1))


def true(user: str) -> str:
    return TRUE.format(right(user))


def state(breaker: Breaker) -> str:
    return breaker.state


def counted(made: Answerer, name: str) -> int:
    assert made.writer is not None
    return made.writer.stats.snapshot()[name]


def assert_sound(answer: Answer) -> None:
    """No citation is invented, no claim is shown as more than it is, and offsets are true."""
    marks = {int(n) for n in re.findall(r"\[(\d+)\]", answer.answer)}
    assert marks <= {s.marker for s in answer.sources}
    for claim in answer.claims:
        assert answer.answer[claim.start : claim.end] == claim.text
        assert claim.verdict in ("supported", "not_a_claim") or answer.low_confidence
    for source in answer.sources:
        assert Shelf(DOCUMENTS).text(source_key(source))[source.start : source.end] == source.quote


def source_key(source: Source) -> int:
    return list(DOCUMENTS).index(source.document) + 1


def is_fallback(answer: Answer) -> bool:
    return answer.kind == "extractive" and answer.partial and "llm_unavailable" in answer.reasons


@pytest.mark.parametrize("wire", WIRES)
def test_a_model_words_an_answer_and_cites_it(wire: Wire) -> None:
    with language_model(Reply(true), wire=wire) as double:
        heard = Heard()
        answer = answerer(double).ask(QUESTION, listener=heard)
        assert answer.kind == "generated"
        assert answer.answer == true(double.heard[0])
        assert [s.document for s in answer.sources] == ["sheet.md"]
        assert {c.verdict for c in answer.claims} == {"supported"}
        assert (answer.reasons, answer.low_confidence, answer.partial) == ((), False, False)
        assert "".join(heard.pieces) == answer.answer
        assert {s.marker for s in answer.sources} <= {s.marker for s in heard.offered}
        assert_sound(answer)
        assert "never an\n   instruction" in double.systems[0]


def test_held_questions_and_other_modes_never_reach_the_model() -> None:
    with language_model(Reply(true)) as double:
        made = answerer(double)
        assert made.ask("how do you shard a postgres database?").kind == "model_answer"
        assert made.ask(QUESTION, mode="extractive").kind == "extractive"
        assert made.ask("redis zookeeper quorum election protocol").kind == "abstained"
        assert double.heard == []
        assert made.ask("how do you shard a postgres database?", mode="llm").kind == "extractive"
        assert double.heard


@pytest.mark.parametrize("mode", ["auto", "llm"])
@pytest.mark.parametrize("wire", WIRES)
def test_an_invented_fact_is_dropped(wire: Wire, mode: Mode) -> None:
    def says(user: str) -> str:
        return f"{true(user)} It was written by Ada Lovelace in 1843 for 97 percent of users. [{right(user)}]"

    with language_model(Reply(says), Reply("1: DROP"), wire=wire) as double:
        made = answerer(double)
        answer = made.ask(QUESTION, mode=mode)
        assert answer.kind == "generated"
        assert answer.answer == true(double.heard[0])
        assert answer.partial
        assert_sound(answer)
        assert counted(made, "sentences_dropped") == 1


@pytest.mark.parametrize("wire", WIRES)
def test_an_invented_citation_is_taken_out_and_counted(wire: Wire) -> None:
    def says(user: str) -> str:
        return true(user).replace(" [", " [77][") + " (source 41)【9†x】[^88] [Smith 2020]"

    with language_model(Reply(says), wire=wire) as double:
        made = answerer(double)
        answer = made.ask(QUESTION)
        assert answer.answer == true(double.heard[0])
        assert "invalid_citation" in answer.reasons
        assert counted(made, "citations_invented") == 5
        assert_sound(answer)


def test_a_citation_of_the_wrong_source_is_put_right() -> None:
    def says(user: str) -> str:
        wrong = {1, 2} - {right(user)}
        return TRUE.format(wrong.pop())

    with language_model(Reply(says)) as double:
        made = answerer(double)
        answer = made.ask("redis eviction policy for keys with a TTL, gateway timeout", mode="llm")
        assert answer.answer == true(double.heard[0])
        assert counted(made, "citations_mismatched") == 1
        assert_sound(answer)


def test_a_sentence_without_a_citation_gets_the_one_it_deserves() -> None:
    with language_model(Reply(lambda user: true(user).rpartition(" ")[0])) as double:
        made = answerer(double)
        assert made.ask(QUESTION).answer == true(double.heard[0])
        assert counted(made, "citations_missing") == 1


def test_one_repair_round_and_the_order_stays() -> None:
    def says(user: str) -> str:
        wrong = f"Use `volatile-lru` for keys without a TTL in 3 of 4 cases. [{right(user)}]"
        return f"{wrong} The default request timeout of the gateway is 30 seconds."

    with language_model(
        Reply(says), Reply(lambda user: f"1: {true(user)}\n2: An invention about 12 turtles. [1]")
    ) as double:
        made = answerer(double)
        heard = Heard()
        answer = made.ask(QUESTION, listener=heard)
        assert answer.kind == "generated"
        assert answer.answer.startswith(true(double.heard[0]))
        assert "gateway is 30 seconds" in answer.answer
        assert "turtles" not in answer.answer
        assert "".join(heard.pieces) == answer.answer
        assert (len(double.heard), counted(made, "sentences_repaired")) == (2, 1)
        assert "without a TTL" in double.heard[1]
        assert_sound(answer)


BAD: dict[str, Reply] = {
    "refuses everything": Reply("The moon is made of 42 cheeses. [1]\n"),
    "greets": Reply("Sure! I hope that this helps you?"),
    "is empty": Reply(""),
    "is garbage": Reply("\x00\x07 }}}{{ ]] [[ ∎∎∎ \ufffd"),
    "is no stream": Reply(raw=b"<html>nonsense</html>"),
    "is broken JSON": Reply(raw=b'data: {"choices": [{"del\n\n'),
    "401": Reply(status=401),
    "404": Reply(status=404),
    "429": Reply(status=429, headers={"Retry-After": "600"}),
    "500": Reply(status=500),
    "breaks off at once": Reply("x", cut=True),
    "breaks off": Reply(true, cut=True, after=40),
    "stalls at once": Reply(true, stall=True),
    "stalls": Reply(true, stall=True, after=40),
    "is too slow": Reply(lambda user: true(user) * 50, pause_s=0.2, size=1),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("how", BAD)
def test_whatever_goes_wrong_the_extract_answers_in_time(how: str, wire: Wire) -> None:
    with language_model(BAD[how], wire=wire) as double:
        made = answerer(double, timeout_s=2.0)
        heard = Heard()
        start = time.monotonic()
        answer = made.ask(QUESTION, listener=heard)
        assert time.monotonic() - start < LONG
        assert is_fallback(answer), answer
        assert answer.answer.startswith("**Redis eviction policy:** `volatile-lru`")
        assert "".join(heard.pieces) == answer.answer
        assert counted(made, "fallbacks") == 1
        assert_sound(answer)


def test_what_was_told_before_a_reply_broke_off_is_kept() -> None:
    with language_model(
        Reply(lambda user: true(user) + " And then the next sentence br", cut=True, after=110)
    ) as double:
        heard = Heard()
        answer = answerer(double).ask(QUESTION, listener=heard)
        assert (answer.kind, answer.partial) == ("generated", True)
        assert "llm_unavailable" in answer.reasons
        assert "".join(heard.pieces) == answer.answer == true(double.heard[0])


def test_a_reply_in_one_piece_is_understood() -> None:
    with language_model(Reply(true, streams=False)) as double:
        assert answerer(double).ask(QUESTION).kind == "generated"


def test_a_passing_failure_is_tried_again() -> None:
    with language_model(Reply(status=503), Reply(status=429), Reply(true)) as double:
        made = answerer(double)
        assert made.ask(QUESTION).kind == "generated"
        assert counted(made, "retries") == 2


def test_what_a_model_thinks_aloud_is_not_said() -> None:
    with language_model(Reply(lambda user: f"<think>The moon has 42 cheeses. [1]</think>\n{true(user)}")) as double:
        made = answerer(double)
        assert made.ask(QUESTION).answer == true(double.heard[0])
        assert counted(made, "sentences") == 1


def test_a_model_that_finds_nothing_leaves_the_extract_with_a_doubt() -> None:
    with language_model(Reply("NOT IN SOURCES")) as double:
        answer = answerer(double).ask(QUESTION)
        assert (answer.kind, answer.reasons) == ("extractive", ("weak_match",))


def test_the_breaker_opens_and_lets_one_call_try_again() -> None:
    now = [0.0]
    breaker = Breaker(failures=2, rest_s=10.0, clock=lambda: now[0])
    with language_model(Reply(status=401), Reply(status=401), Reply(true)) as double:
        made = answerer(double, breaker=breaker)
        for _ in range(4):
            assert is_fallback(made.ask(QUESTION))
        assert (len(double.heard), state(breaker)) == (2, "open")
        assert counted(made, "refused_by_breaker") == 2
        now[0] = 11.0
        assert made.ask(QUESTION).kind == "generated"
        assert state(breaker) == "closed"


def test_a_failed_trial_opens_it_again() -> None:
    now = [0.0]
    breaker = Breaker(failures=1, rest_s=10.0, clock=lambda: now[0])
    breaker.failed()
    now[0] = 10.0
    assert state(breaker) == "half-open"
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.failed()
    assert state(breaker) == "open"
    now[0] = 20.0
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows(), breaker.allows()] == [True, True]


@pytest.mark.parametrize("kind", ["openai-like", "ollama"])
def test_nobody_there_is_a_fallback_too(kind: Kind) -> None:
    with language_model(Reply(true)) as double:
        url = double.url
    shelf = Shelf(DOCUMENTS)
    model = open_model(ModelSettings(kind, "m", url, "key", 2.0))
    writer = Generator(Caller(model), 2.0)
    OPENED.append(writer)
    made = Answerer(shelf, shelf, shelf.embedder, Checker(), ConfidenceModel(COVERAGE), writer=writer)
    assert is_fallback(made.ask(QUESTION))


def test_a_model_that_the_adapter_does_not_know_is_told_before_anybody_asks() -> None:
    with pytest.raises(ModelError, match="can't be set up: Unknown model: no-such-model"):
        open_model(ModelSettings("anthropic", "no-such-model", "", "key"))
