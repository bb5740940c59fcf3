from __future__ import annotations

from answering.model_answer import Match, match
from tests.answering.shelf import Shelf

ANSWERED = """# Databases

## How do you shard a Postgres database?

Pick a key that spreads the load, and move rows in the background.

## How do you take backups of Postgres?

Ship the write-ahead log, and restore into staging every week.
"""


def find(question: str, documents: dict[str, str]) -> tuple[Shelf, Match | None]:
    shelf = Shelf(documents)
    result = shelf.search(question)
    return shelf, match(question, [*result.hits, *result.unanswered], shelf)


def said(shelf: Shelf, found: Match | None) -> list[str]:
    assert found is not None
    text = shelf.text(found.hit.chunk.version_key)
    return [text[s.start : s.end] for s in found.spans]


def test_a_held_question_gives_its_answer_verbatim() -> None:
    shelf, found = find("how do you shard a postgres database", {"db.md": ANSWERED})
    assert said(shelf, found) == ["Pick a key that spreads the load, and move rows in the background."]
    assert found is not None
    assert found.same_words


def test_another_question_is_not_taken_for_it() -> None:
    assert find("how do you tune garbage collection in Java", {"db.md": ANSWERED})[1] is None


def test_an_exact_name_that_the_item_does_not_have_rules_it_out() -> None:
    assert find("how do you shard a postgres database with `citus_create`", {"db.md": ANSWERED})[1] is None


def test_talking_points_stand_in_for_an_answer() -> None:
    text = "# T\n\n- **Question**: How do you mentor juniors?\n  - **Talking Point**: Speak of pairing and reviews.\n"
    shelf, found = find("how do you mentor juniors", {"t.md": text})
    assert said(shelf, found) == ["Speak of pairing and reviews."]


def test_a_placeholder_is_no_answer() -> None:
    text = "## How do you shard a Postgres database?\n\nTo be completed.\n\nUseful resources:\n\n- [a](https://b.c)\n"
    _, found = find("how do you shard a postgres database", {"db.md": text})
    assert found is not None
    assert found.spans == ()
    assert found.clear


def test_of_two_documents_the_one_with_an_answer_is_chosen() -> None:
    asked_only = "## How do you shard a Postgres database?\n\nTBD\n"
    _, found = find("how do you shard a postgres database", {"a.md": asked_only, "b.md": ANSWERED})
    assert found is not None
    assert found.hit.chunk.document == "b.md"
    assert [h.chunk.document for h in found.others] == ["a.md"]
