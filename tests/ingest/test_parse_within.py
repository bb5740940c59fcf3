"""Questions that an answer asks and answers itself: items of their own, and a part of that answer all the same."""

from __future__ import annotations

from textwrap import dedent

import pytest

from ingest.formats.markdown import from_markdown
from ingest.items import Document, Item
from ingest.parse.document import parse_document


def parse(text: str) -> Document:
    return parse_document(
        collection="default", path="notes.md", version="v", source=from_markdown(dedent(text), plain_text=False)
    )


def qa(doc: Document) -> dict[str, Item]:
    return {item.question or "": item for item in doc.items if item.kind == "qa"}


def answer(doc: Document, item: Item) -> str:
    assert item.answer is not None
    return doc.text[item.answer.start : item.answer.end]


HASHES = """\
# Security

## How are passwords stored?

Difficulty: Medium

As salted hashes.

**Why not MD5?**
- Too fast
- Rainbow tables

**Algorithms:**

Argon2, then bcrypt.

## What is a salt?

Random bytes beside each hash.
"""


def test_the_smaller_question_has_its_lines_and_the_larger_one_its_whole_answer() -> None:
    doc = parse(HASHES)
    found = qa(doc)
    assert list(found) == ["How are passwords stored?", "Why not MD5?", "What is a salt?"]
    assert answer(doc, found["Why not MD5?"]) == "- Too fast\n- Rainbow tables"
    whole = answer(doc, found["How are passwords stored?"])
    assert whole.startswith("As salted hashes.")
    assert "**Why not MD5?**\n- Too fast" in whole
    assert whole.endswith("Argon2, then bcrypt.")


def test_the_smaller_question_knows_what_it_belongs_to() -> None:
    doc = parse(HASHES)
    item = qa(doc)["Why not MD5?"]
    assert item.heading == ("Security", "How are passwords stored?")
    assert item.difficulty == "medium"
    assert item.question_span is not None
    assert doc.text[item.question_span.start : item.question_span.end].strip("*") == "Why not MD5?"
    chunk = next(chunk for chunk in doc.chunks if chunk.item_id == item.id)
    assert "How are passwords stored?" in chunk.context


def test_each_line_is_accounted_for_once_by_the_finer_item() -> None:
    doc = parse(HASHES)
    inner = qa(doc)["Why not MD5?"]
    owners = {line: a.item_id for a in doc.account for line in range(a.line_start, a.line_end + 1)}
    assert [line for line, owner in owners.items() if owner == inner.id] == [9, 10, 11]


ENDS = {
    "rule": "---\n\nMore.",
    "heading": "### Details\n\nMore.",
    "bold heading": "**Details**\n\nMore.",
    "titled paragraph": "**Details:** More.",
    "next question in bold": "**How fast is MD5?**\n\nMore.",
    "label": "Talking points: More.",
    "question": "## What else?\n\nMore.",
}


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_where_something_else_begins(end: str) -> None:
    doc = parse(f"## How are passwords stored?\n\nHashed.\n\n**Why not MD5?**\n\nFast.\n\nBroken.\n\n{ENDS[end]}\n")
    assert answer(doc, qa(doc)["Why not MD5?"]) == "Fast.\n\nBroken."


def test_it_goes_to_the_end_of_the_answer_over_code_and_hidden_text() -> None:
    text = "Fast:\n\n```python\n# ** and more\n```\n\n<details><summary>Figures</summary>\n\nBillions.\n\n</details>"
    doc = parse(f"## How are passwords stored?\n\nHashed.\n\n**Why not MD5?**\n\n{text}\n\nSee above.\n")
    assert answer(doc, qa(doc)["Why not MD5?"]).endswith("See above.")
    assert answer(doc, qa(doc)["How are passwords stored?"]).startswith("Hashed.")


def test_an_answer_may_begin_with_a_question() -> None:
    doc = parse("# Question\n> Explain trees.\n\n## Answer\n\n**What is a tree?**\n\nA graph.\n\n### Use\n\nIndexes.\n")
    found = qa(doc)
    assert answer(doc, found["What is a tree?"]) == "A graph."
    assert answer(doc, found["Explain trees."]) == "**What is a tree?**\n\nA graph.\n\n### Use\n\nIndexes."


def test_titles_in_the_smaller_answer_are_its_own() -> None:
    body = "**Short:** fast.\n\n**Long:** broken since 2004."
    doc = parse(f"## How are passwords stored?\n\nHashed.\n\n**Why not MD5?**\n\n{body}\n")
    assert answer(doc, qa(doc)["Why not MD5?"]) == body


@pytest.mark.parametrize(
    "within", ["**Why?**\n\nIt is fast.", "**Why not MD5?**\n\nTBD", "**Why not MD5?**\n\n---\n\nMore."]
)
def test_a_bare_word_and_a_question_over_nothing_are_part_of_the_answer_only(within: str) -> None:
    doc = parse(f"## How are passwords stored?\n\nHashed.\n\n{within}\n")
    assert list(qa(doc)) == ["How are passwords stored?"]


def test_a_question_whose_answer_is_announced_is_no_part_of_the_one_before() -> None:
    doc = parse("## What is a hash?\n\nA digest.\n\n**What is a salt?**\n\nAnswer: Random bytes.\n")
    found = qa(doc)
    assert answer(doc, found["What is a hash?"]) == "A digest."
    assert answer(doc, found["What is a salt?"]) == "Random bytes."


def test_a_passage_added_elsewhere_leaves_its_id_alone() -> None:
    before = qa(parse(HASHES))["Why not MD5?"].id
    assert qa(parse(HASHES + "\n## What is pepper?\n\nA secret.\n"))["Why not MD5?"].id == before


def test_many_of_them_take_no_time_of_their_own() -> None:
    passages = "\n\n".join(f"**Why not cipher {n}?**\n\nIt is broken." for n in range(2_000))
    doc = parse(f"## How are passwords stored?\n\nHashed.\n\n{passages}\n")
    assert len(qa(doc)) == 2_001
