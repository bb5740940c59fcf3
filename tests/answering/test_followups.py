"""Questions that lean on the one before, and those that don't."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from answering.answers import Answer
from answering.conversations import Conversations
from answering.followups import completed, topic_of
from ingest.view import EVERYTHING, View
from tests.answering.shelf import Shelf
from tests.answering.test_answerer import DOCUMENTS, answerer

BENCH = Path(__file__).resolve().parents[2].parent / "shared" / "bench" / "dev" / "queries.jsonl"
CORPUS = Path(__file__).resolve().parents[2] / "eval" / "data" / "corpus_queries.jsonl"
CHANGED = 0.01
"""The share of unrelated questions that may be read as if they leaned on the one before."""


def read(question: str, before: str) -> str | None:
    topic = topic_of(before, None, None)
    assert topic is not None
    return completed(question, topic)


@pytest.mark.parametrize(
    ("question", "as_read"),
    [
        ("and its drawbacks?", "The drawbacks of optimistic locking?"),
        ("What are the drawbacks?", "What are the drawbacks of optimistic locking?"),
        ("when would you use it over a list?", "When would you use optimistic locking over a list?"),
        ("how does it compare to threads?", "How does optimistic locking compare to threads?"),
        ("is that thread safe?", "Is optimistic locking thread safe?"),
        ("what are the alternatives to this approach?", "What are the alternatives to optimistic locking?"),
        ("why?", "Why? (optimistic locking)"),
        ("and in production?", "and in production? (optimistic locking)"),
        ("what about Redis Cluster?", "what about Redis Cluster? (optimistic locking)"),
        ("can you give an example?", "Can you give an example of optimistic locking?"),
        ("And how would you test that?", "How would you test optimistic locking?"),
    ],
)
def test_what_is_left_out_is_put_in(question: str, as_read: str) -> None:
    assert read(question, "What is optimistic locking?") == as_read


def test_what_is_done_stands_beside_a_question_that_leaves_it_out() -> None:
    assert (
        read("and its drawbacks?", "How do you prevent a cache stampede?")
        == "Its drawbacks? (prevent a cache stampede)"
    )


@pytest.mark.parametrize(
    "question",
    [
        "What is a deadlock?",
        "and what is a deadlock?",
        "How long does it take to boot a VM?",
        "is it possible to inherit from two classes",
        "Our VM hangs at boot because it ran out of randomness. Which device should it read from?",
        "how do I verify that my key belongs to this cert?",
        "why doesn't `this.state.x = y` refresh the screen?",
        "java extends vs implements",
        "2>&- vs 2>/dev/null",
    ],
)
def test_a_question_that_names_its_subject_stands_as_it_is(question: str) -> None:
    assert read(question, "What is optimistic locking?") is None


@pytest.mark.parametrize("queries", [BENCH, CORPUS], ids=["benchmark", "corpus"])
def test_unrelated_questions_in_a_row_are_left_alone(queries: Path) -> None:
    if not queries.is_file():
        pytest.skip(f"{queries.name} of the development benchmark is not here")
    asked = [json.loads(line)["query"] for line in queries.read_text(encoding="utf-8").splitlines()]
    topics = [(topic_of(before, None, None), now) for before, now in itertools.pairwise(asked)]
    pairs = [(topic, now) for topic, now in topics if topic is not None]
    changed = [now for topic, now in pairs if completed(now, topic) is not None]
    assert len(pairs) > 0.95 * len(asked) - 1
    assert len(changed) <= CHANGED * len(pairs), changed


def test_a_conversation_goes_on() -> None:
    made = answerer(Shelf(DOCUMENTS))

    def ask(question: str, conversation: str | None = "c", view: View = EVERYTHING) -> Answer:
        return made.ask(question, conversation_id=conversation, view=view)

    first = ask("What is the redis eviction policy?")
    assert (first.conversation_id, first.effective_question) == ("c", None)
    second = ask("and for keys with a TTL?")
    assert second.question == "and for keys with a TTL?"
    assert second.effective_question == "and for keys with a TTL? (the redis eviction policy)"
    assert [s.document for s in second.sources] == ["sheet.md"]
    assert ask("and for keys with a TTL?", None).effective_question is None
    assert ask("and for keys with a TTL?", "another").effective_question is None
    assert ask("and for keys with a TTL?", view=View("candidate")).effective_question is None


def test_a_topic_lasts_over_questions_without_one_and_changes_with_the_next() -> None:
    kept = Conversations()

    def ask(question: str) -> str | None:
        effective = kept.read(question, "c", EVERYTHING)
        kept.add("c", EVERYTHING, question, effective, ())
        return effective

    assert ask("What is optimistic locking?") is None
    assert ask("why?") == "Why? (optimistic locking)"
    assert ask("and its drawbacks?") == "The drawbacks of optimistic locking?"
    assert ask("What is a B-tree?") is None
    assert ask("and its drawbacks?") == "The drawbacks of a B-tree?"


def test_conversations_are_bounded_and_forgotten() -> None:
    now = [0.0]
    kept = Conversations(most=2, kept_s=60.0, clock=lambda: now[0])
    for name in ("a", "b", "c"):
        kept.add(name, EVERYTHING, f"What is {name * 4}?", None, ())
    assert kept.read("why?", "a", EVERYTHING) is None
    assert kept.read("why?", "c", EVERYTHING) == "Why? (cccc)"
    now[0] = 61.0
    assert kept.read("why?", "c", EVERYTHING) is None
