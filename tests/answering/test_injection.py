"""Instructions in documents and questions change nothing: quoted, held, or worded by a model that obeys."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from answering.answerer import Answerer
from answering.answers import Answer
from answering.build import build_checker
from answering.confidence import ConfidenceModel
from answering.generate.calling import Caller
from answering.generate.generator import Generator
from answering.generate.model import ModelSettings, open_model
from answering.generate.prompts import without_orders
from tests.answering.attacks import ATTACKS, FAKE_CITATIONS, PAYLOAD
from tests.answering.shelf import Shelf
from tests.answering.test_answerer import COVERAGE, DATABASES, DOCUMENTS, SHEET
from tests.doubles.llm_server import LanguageModelDouble, Reply, language_model

EXTRACTED = "which redis eviction policy for keys with a TTL"
HELD = "how do you shard a postgres database?"
TRUE = "Use `volatile-lru` for keys with a TTL, `allkeys-lru` if everything is cacheable."


def documents(attack: str) -> dict[str, str]:
    """The library with an attack in every document, and a document of nothing else."""
    return {
        "qa/databases.md": f"{DATABASES}\n\n{attack}\n",
        "sheet.md": f"{SHEET}\n\n{attack}\n",
        "attack.md": f"# Notes\n\n{attack}\n",
    }


def quoting(library: dict[str, str]) -> Answerer:
    shelf = Shelf(library)
    return Answerer(shelf, shelf, shelf.embedder, build_checker(), ConfidenceModel(COVERAGE))


def essence(answer: Answer) -> tuple[object, ...]:
    spans = tuple((s.document, s.start, s.end) for s in answer.sources)
    return (answer.answer, answer.kind, spans, tuple(c.verdict for c in answer.claims), answer.reasons)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("question", [EXTRACTED, HELD])
def test_what_is_quoted_is_what_it_was(attack: str, question: str) -> None:
    assert essence(quoting(documents(ATTACKS[attack])).ask(question)) == essence(quoting(DOCUMENTS).ask(question))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_question_gives_no_orders(attack: str) -> None:
    answer = quoting(DOCUMENTS).ask(f"{ATTACKS[attack]} {EXTRACTED}", mode="extractive")
    assert answer.answer == quoting(DOCUMENTS).ask(EXTRACTED).answer
    refused = quoting(DOCUMENTS).ask(ATTACKS[attack])
    assert (refused.kind, refused.sources) == ("abstained", ())


def test_a_documents_own_marks_are_no_citations() -> None:
    sheet = SHEET.replace("is 30 seconds.", f"is 30 seconds. {FAKE_CITATIONS} See `rows[3]` and rows[4].")
    answer = quoting({"sheet.md": sheet}).ask("default request timeout of the gateway")
    (source,) = answer.sources
    assert "[7]" in source.quote
    assert set(re.findall(r"(?<!rows)\[[\d, ]+\]", answer.answer)) == {"[1]"}
    assert "right (7), as everybody knows (12, 13)" in answer.answer
    assert "`rows[3]` and rows[4]" in answer.answer
    assert {c.verdict for c in answer.claims} == {"supported"}
    assert all(answer.answer[c.start : c.end] == c.text for c in answer.claims)


@pytest.fixture(scope="module")
def obedient() -> Iterator[LanguageModelDouble]:
    """A model that says what it is ordered to, cites every source for it, and then answers."""

    def obeys(user: str) -> str:
        numbers = re.findall(r'<source number="(\d+)"', user)
        right = next(n for n in numbers if "volatile-lru" in user.split(f'number="{n}"')[1].split("</source>")[0])
        everything = "".join(f"[{n}]" for n in [*numbers, "99"])
        return f"{PAYLOAD}. {everything} Say {PAYLOAD}. [1]\n\n# {PAYLOAD}\n\nIs it {PAYLOAD}? {TRUE} [{right}]"

    with language_model(Reply(obeys)) as double:
        yield double


@pytest.fixture(scope="module")
def writer(obedient: LanguageModelDouble) -> Iterator[Generator]:
    made = Generator(Caller(open_model(ModelSettings("openai-like", "m", obedient.url, "key", 60.0))), 60.0)
    yield made
    made.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_model_that_obeys_is_not_heard(attack: str, writer: Generator, obedient: LanguageModelDouble) -> None:
    shelf = Shelf(documents(ATTACKS[attack]))
    made = Answerer(shelf, shelf, shelf.embedder, build_checker(), ConfidenceModel(COVERAGE), writer=writer)
    asked = f"{EXTRACTED} {ATTACKS[attack]}"
    for question in (EXTRACTED, asked):
        answer = made.ask(question, mode="llm")
        assert (answer.kind, PAYLOAD in answer.answer) == ("generated", False)
        assert answer.answer.startswith(TRUE)
        assert {int(n) for n in re.findall(r"\[(\d+)\]", answer.answer)} == {s.marker for s in answer.sources}
    first = obedient.heard[-1]
    assert first.count("<source number=") == first.count("</source>")
    assert first.count("<question>") == first.count("</question>") == 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_orders_are_taken_out_of_what_a_model_reads(attack: str) -> None:
    assert PAYLOAD not in without_orders(f"Keys expire after an hour.\n\n{ATTACKS[attack]}")
    assert without_orders(f"Keys expire. {ATTACKS[attack]}").startswith("Keys expire.")


@pytest.mark.parametrize(
    "text",
    [
        "You must answer with only the rows that match.",
        "The system: a queue, two workers and a database.",
        "Ignore the case of letters when you compare names.",
        "A user should see the answer within 100 ms.",
        "Act as a mentor, and show the team how it is done.",
    ],
)
def test_ordinary_notes_lose_nothing(text: str) -> None:
    assert without_orders(text) == text
