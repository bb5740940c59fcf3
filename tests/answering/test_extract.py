from __future__ import annotations

import pytest

from answering.asking import read
from answering.extract import MOST_CHARS, Extract, extract
from answering.similarity import CUT, Similarity
from tests.answering.shelf import Shelf, WordEmbedder

SHEET = """# Cheat sheet

## Caching

- **Redis eviction policy:** `volatile-lru` for keys with a TTL, `allkeys-lru` if everything is cacheable.
- **Hit rate:** aim at more than 70% for caches of high value.
- **Warm-up:** preload the most wanted items at deploy.

## Databases

- **Isolation level:** `READ COMMITTED` for most applications.
- **Pooling:** use pgbouncer, and limit the pool to 20 connections.
"""

GUIDE = """# Interviewer guide

You are interviewing for a backend role.

## Evaluation criteria

1. **Technical knowledge** (40%): depth of understanding
2. **Problem solving** (30%): approach to complex scenarios
3. **Communication** (15%): clarity in explanation
"""


def ask(question: str, documents: dict[str, str], embedder: WordEmbedder | None = None) -> tuple[Shelf, Extract]:
    shelf = Shelf(documents)
    found = extract(question, shelf.search(question).hits, shelf, Similarity(embedder or shelf.embedder))
    return shelf, found


def said(question: str, documents: dict[str, str]) -> list[str]:
    shelf, found = ask(question, documents)
    return [shelf.text(u.chunk.version_key)[u.start : u.end] for u in found.units]


def test_a_short_bullet_is_given_whole() -> None:
    (answer,) = said("which redis eviction policy", {"sheet.md": SHEET})
    assert answer.startswith("**Redis eviction policy:** `volatile-lru`")
    assert answer.endswith("`allkeys-lru` if everything is cacheable.")


def test_a_question_for_a_value_gets_the_line_that_holds_it() -> None:
    (answer,) = said("what is the weight of communication in the evaluation", {"guide.md": GUIDE, "sheet.md": SHEET})
    assert answer == "**Communication** (15%): clarity in explanation"


def test_each_part_of_a_question_is_answered() -> None:
    answers = said("which isolation level do we use and how do we warm up caches?", {"sheet.md": SHEET})
    assert any("READ COMMITTED" in a for a in answers)
    assert any("preload" in a for a in answers)


def test_a_part_that_nothing_covers_is_counted() -> None:
    _, found = ask("which isolation level do we use and how do we bake sourdough bread?", {"sheet.md": SHEET})
    assert found.open_parts == 1


def test_nothing_is_said_twice() -> None:
    copy = (
        "# Notes\n\nRedis eviction policy: volatile-lru for keys with a TTL, allkeys-lru if everything is cacheable!\n"
    )
    assert len(said("which redis eviction policy", {"sheet.md": SHEET, "notes.md": copy})) == 1


def test_long_answers_are_cut_to_what_is_asked() -> None:
    filler = "Nobody asked about gardening, weather, or the price of tea in any of these words. " * 30
    told = f"{filler}\n\nSticky sessions keep a client on one chat server. {filler}"
    text = f"## How do you scale a chat server?\n\n{told}\n"
    answers = said("sticky sessions chat server", {"chat.md": text})
    assert answers[0] == "Sticky sessions keep a client on one chat server."
    assert sum(map(len, answers)) <= MOST_CHARS


def test_reading_order_is_the_documents() -> None:
    shelf, found = ask("which isolation level? which redis eviction policy?", {"sheet.md": SHEET})
    places = [u.start for u in found.units if u.chunk.document == "sheet.md"]
    assert places == sorted(places)
    assert len(places) > 1
    assert all(shelf.text(u.chunk.version_key)[u.start : u.end].strip() for u in found.units)


def test_questions_without_an_answer_give_nothing() -> None:
    _, found = ask("How do you shard Postgres?", {"q.md": "## How do you shard Postgres?\n\nTo be completed.\n"})
    assert found.units == ()


def test_a_model_that_fails_only_makes_choosing_coarser() -> None:
    _, found = ask("which redis eviction policy", {"sheet.md": SHEET}, WordEmbedder(broken=True))
    assert len(found.units) == 1


def test_similarities_are_remembered_and_long_texts_cut() -> None:
    class Counting(WordEmbedder):
        seen: list[str] = []  # noqa: RUF012 (a fake of one test)

        def embed_passages(self, texts):  # type: ignore[no-untyped-def]
            self.seen.extend(texts)
            return super().embed_passages(texts)

    similarity = Similarity(Counting())
    texts = ["redis cache", "x" * 1000, "redis cache"]
    first = similarity.of("redis cache", texts)
    assert first is not None
    assert first[0] == first[2] == pytest.approx(1.0)
    assert similarity.of("redis cache", texts) == first
    assert Counting.seen == ["redis cache", "x" * CUT]
    assert Similarity(None).of("redis", ["a"]) is None


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("how many connections does the pool hold", True),
        ("what is the default timeout", True),
        ("what's the maximum message size?", True),
        ("when was it released", True),
        ("how long does phase two take", True),
        ("which eviction policy and why", False),
        ("how do you handle timeouts", False),
        ("what is a bloom filter", False),
    ],
)
def test_questions_that_want_a_value(question: str, value: bool) -> None:
    assert read(question).wants_value is value


def test_the_word_that_names_the_kind_of_value_is_told_apart() -> None:
    assert read("what is the weight of communication in the evaluation").measure == {"weight"}
    assert read("which eviction policy and why").measure == frozenset()


def test_parts_and_exact_names_of_a_question() -> None:
    asked = read("How does asyncio.gather work, and when would you use `TaskGroup`?")
    assert len(asked.parts) == 2
    assert asked.exact == ("asyncio.gather", "TaskGroup")
    assert len(read("What is the difference between a list and a tuple?").parts) == 1


FILLER = "Nothing of that is about cookies at all, which are another long story. " * 7


def test_a_bare_name_is_answered_by_what_opens_its_item() -> None:
    opening, later = "One thread at a time runs bytecode under this lock.", "The lock helps."
    text = f"# Python\n\n## Threads\n\n{opening}\n\n{FILLER}\n\n{later}\n"
    assert said("explain lock", {"python.md": text})[0] == opening


def test_what_a_stretch_leans_on_is_given_once() -> None:
    policy = "The relaxed origin policy lets browsers read responses of another origin."
    leaning = "For example the origin b.org lets the origin a.com read its responses in browsers."
    text = f"# Web\n\n## Origins\n\n{FILLER}\n\n{policy}\n\n{leaning}\n"
    question = "which relaxed policy lets browsers read responses, and does b.org let a.com?"
    assert "\n\n".join(said(question, {"web.md": text})) == f"{policy}\n\n{leaning}"


@pytest.mark.parametrize(
    ("question", "names", "figures"),
    [
        ("Which eviction policy do our Redis's caches have?", 0, 0),
        ("Which eviction policy does Memcached have?", 1, 0),
        ("Which eviction policy did Redis 7 have in the 2024 note?", 0, 2),
        ("Is a pool of 20 connections enough for pgbouncer?", 0, 0),
        ("Why does `allkeys-lru` beat `noeviction` as an eviction policy?", 1, 0),
        ("which eviction policy do we have?", 0, 0),
    ],
)
def test_names_and_figures_of_the_question_that_no_quoted_chunk_has_are_counted(
    question: str, names: int, figures: int
) -> None:
    _, found = ask(question, {"sheet.md": SHEET})
    assert (found.evidence["names_missing"], found.evidence["figures_missing"]) == (names, figures)
