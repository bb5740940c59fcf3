# ruff: noqa: E501 - the documents stand as they are written
"""Difficulty, level, topic, company and tags: read where the text states them, and no part of the answer."""

from __future__ import annotations

import pytest

from ingest.formats.registry import READERS
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document


def parse(text: str, *, path: str = "notes.md", meta: Meta | None = None) -> Document:
    source = READERS[path[path.rindex(".") :]](text.encode(), path, meta or Meta())
    return parse_document(collection="default", path=path, version="v", source=source)


def only(doc: Document) -> Item:
    (item,) = doc.items
    return item


def answer(doc: Document, item: Item) -> str:
    assert item.answer is not None
    return doc.text[item.answer.start : item.answer.end]


STATED = {
    "a line each": "Difficulty: Medium\nLevel: senior\nTopic: storage\nCompany: Acme\nTags: b-tree, disk",
    "bold labels": "**Difficulty:** Medium\n\n**Level**: Senior\n\n**Topic:** storage\n\n**Company:** Acme\n\n**Tags:** b-tree, disk",
    "one line": "**Difficulty:** 🟡 Medium | **Level:** Senior | **Topic:** storage | **Company:** Acme | **Tags:** b-tree, disk",
    "a list": "- Difficulty: Medium\n- Seniority: Senior engineer\n- Category: storage\n- Asked at: Acme\n- Tags: #b-tree #disk",
    "a quote": "> *Difficulty: Medium* · *Level: Senior*\n> Topic: storage\n> Company: Acme\n> Tags: `b-tree`, `disk`",
    "behind the words": "Difficulty: 3/5, Level: Sr.\nTopic: storage\nAsked by: Acme\n\n#b-tree #disk",
}


@pytest.mark.parametrize("how", STATED)
def test_lines_under_a_question_state_its_facets(how: str) -> None:
    doc = parse(f"## What is a page split?\n\n{STATED[how]}\n\nA full page becomes two.\n")
    item = only(doc)
    assert (item.difficulty, item.level, item.topic, item.company) == ("medium", "senior", "storage", "Acme")
    assert item.tags == ("b-tree", "disk")
    assert answer(doc, item) == "A full page becomes two."
    assert doc.chunks[0].difficulty == "medium"
    # the lines belong to the item: nothing else claims them
    assert {a.item_id for a in doc.account if a.role == "item"} == {item.id}
    assert item.span.line_start == 1


def test_facets_behind_the_answer_belong_to_it_too() -> None:
    doc = parse(
        "## Why shard?\n\nOne node is too small.\n\n**Level:** Junior\n**Tags:** scale\n\n## Why not?\n\nJoins.\n"
    )
    first, second = doc.items
    assert (first.level, first.tags) == ("junior", ("scale",))
    assert answer(doc, first) == "One node is too small."
    assert (second.level, second.tags) == (None, ())


BADGES = {
    "## [Hard] What is a WAL?": ("hard", None, None),
    "## What is a WAL? (Senior)": (None, "senior", None),
    "## What is a WAL? [Medium] [Staff]": ("medium", "staff", None),
    "### 3. What is a WAL? – Easy": ("easy", None, None),
    "## What is a WAL? (asked at Initech)": (None, None, "Initech"),
    "## What is a WAL? (Level: Junior) ⭐": (None, "junior", None),
    "**What is a WAL?** *(Advanced)*": ("hard", None, None),
    "## What is a WAL? `beginner`": ("easy", None, None),
}


@pytest.mark.parametrize("heading", BADGES)
def test_badges_of_a_heading_are_facets_and_no_part_of_the_question(heading: str) -> None:
    doc = parse(f"{heading}\n\nA log that is written first.\n")
    item = only(doc)
    assert item.question == "What is a WAL?"
    assert (item.difficulty, item.level, item.company) == BADGES[heading]
    assert item.question_span is not None
    assert doc.text[item.question_span.start : item.question_span.end].strip("*") == "What is a WAL?"


@pytest.mark.parametrize(
    "heading", ["## What is f(x)?", "## What is a lock (in Java)?", "## Why [this](#a)?", "## What is Redis (beta)?"]
)
def test_other_words_in_brackets_are_part_of_the_question(heading: str) -> None:
    item = only(parse(f"{heading}\n\nSomething.\n"))
    assert item.question == heading[3:].replace("[this](#a)", "this")
    assert (item.difficulty, item.level) == (None, None)


def test_circles_grade_where_there_are_several_colours() -> None:
    graded = parse("### 🟢 What is a fork?\n\nA copy.\n\n### 🔴 What is copy on write?\n\nShared pages.\n")
    assert [i.difficulty for i in graded.items] == ["easy", "hard"]
    assert [i.question for i in graded.items] == ["What is a fork?", "What is copy on write?"]
    plain = parse("### 🔴 What is a fork?\n\nA copy.\n\n### 🔴 What is copy on write?\n\nShared pages.\n")
    assert [i.difficulty for i in plain.items] == [None, None]


SECTIONS = {
    "Junior level": (None, "junior"),
    "Mid-level questions": (None, "mid"),
    "Senior Level (5+ years)": (None, "senior"),
    "Advanced": (None, "senior"),
    "🟢 Easy": ("easy", None),
    "Hard interview questions": ("hard", None),
    "Level 1: Beginner": (None, "junior"),
    "Advanced SQL": (None, None),
    "Lead time": (None, None),
    "Principal components": (None, None),
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_headings_over_questions(heading: str) -> None:
    doc = parse(f"# Sheet\n\n## {heading}\n\n### What is a fork?\n\nA copy.\n")
    assert (doc.items[0].difficulty, doc.items[0].level) == SECTIONS[heading]


def test_an_items_own_word_comes_before_its_headings_and_its_documents() -> None:
    meta = Meta(level="mid", topic="systems", company="Globex", tags=("os",))
    doc = parse(
        "# Sheet\n\n## Senior\n\n### Why fork?\n\nLevel: junior\nTags: unix\n\nA copy.\n\n### Why exec?\n\nAnother.\n",
        meta=meta,
    )
    own, heading = doc.items
    assert (own.level, own.topic, own.company, own.tags) == ("junior", "systems", "Globex", ("unix", "os"))
    assert (heading.level, heading.tags) == ("senior", ("os",))


@pytest.mark.parametrize(
    "line",
    [
        "Level: 3.3 V",
        "Complexity: O(n log n)",
        "Topic: the consumer acknowledges orders only after they are stored",
        "Experience: I led a team of five",
        "Difficulty: it depends on the data",
    ],
)
def test_lines_that_only_look_like_facets_are_the_answer(line: str) -> None:
    doc = parse(f"## What is it?\n\n{line}\n\nAnd more.\n")
    assert answer(doc, only(doc)).startswith(line)
    assert only(doc).difficulty is None


def test_code_states_nothing() -> None:
    doc = parse("## What does the file look like?\n\n```yaml\nlevel: senior\ntags: a, b\n```\n")
    assert only(doc).level is None
    assert answer(doc, only(doc)).startswith("```yaml")


@pytest.mark.parametrize("path", ["cards.csv", "cards.jsonl"])
def test_records_state_facets_and_keep_their_answers_clean(path: str) -> None:
    text = {
        "cards.csv": "question,answer,difficulty,level,topic,tags,company,follow_ups\n"
        '"Explain a CDN","Copies near the user.\nThey lower latency.",hard,senior,networks,"web, cache",Initech,How do you purge it?\n',
        "cards.jsonl": '{"question": "Explain a CDN", "answer": "Copies near the user.\\nThey lower latency.", "difficulty": "hard",'
        ' "level": "senior", "topic": "networks", "tags": ["web", "cache"], "company": "Initech", "follow_ups": ["How do you purge it?"]}\n',
    }[path]
    doc = parse(text, path=path)
    item = only(doc)
    assert item.question == "Explain a CDN"
    assert answer(doc, item) == "Copies near the user.\nThey lower latency."
    assert (item.difficulty, item.level, item.topic, item.company) == ("hard", "senior", "networks", "Initech")
    assert item.tags == ("web", "cache")
    assert "purge" in doc.text[item.span.start : item.span.end]
