# ruff: noqa: E501 - the documents stand as they are written
"""Each shape of interview material, read through the parser's one door."""

from __future__ import annotations

from textwrap import dedent

import pytest

from ingest.formats.markdown import from_markdown
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document


def parse(text: str, *, path: str = "notes.md", meta: Meta | None = None, plain: bool = False) -> Document:
    return parse_document(
        collection="default", path=path, version="v", source=from_markdown(dedent(text), meta, plain_text=plain)
    )


def answer(doc: Document, item: Item) -> str:
    assert item.answer is not None
    return doc.text[item.answer.start : item.answer.end]


def points(doc: Document, item: Item) -> list[str]:
    return [doc.text[p.start : p.end] for p in item.talking_points]


def qa(doc: Document) -> dict[str, Item]:
    return {item.question or "": item for item in doc.items if item.kind == "qa"}


INLINE = {
    "headings": "# Caching\n\n## What is a TTL?\n\nA time to live.\n\n## How long should it be?\n\nAs short as you can bear.\n",
    "numbered headings": "### 1. What is a TTL?\nA time to live.\n\n### 2. How long should it be?\nAs short as you can bear.\n",
    "bold paragraphs": "**1. What is a TTL?**\n\nA time to live.\n\n**2. How long should it be?**\n\nAs short as you can bear.\n",
    "bold with the answer behind": "**What is a TTL?** A time to live.\n\n**How long should it be?**\nAs short as you can bear.\n",
    "labels": "Q: What is a TTL?\nA: A time to live.\n\nQ: How long should it be?\nA: As short as you can bear.\n",
    "bold labels": "**Q1:** What is a TTL?\n\n**A1:** A time to live.\n\n**Q2:** How long should it be?\n\n**A2:** As short as you can bear.\n",
    "long labels": "**Question**: What is a TTL?\n\n**Answer**: A time to live.\n\n**Question**: How long should it be?\n\n**Answer**: As short as you can bear.\n",
    "details": "<details><summary><b>What is a TTL?</b></summary><br>\n\nA time to live.\n\n</details>\n\n<details>\n<summary>How long should it be?</summary>\nAs short as you can bear.\n</details>\n",
    "list entries": "1. What is a TTL?\n\n   A time to live.\n\n2. How long should it be?\n\n   As short as you can bear.\n",
    "headings in a list": "1. ### What is a TTL?\n\n   A time to live.\n\n2. ### How long should it be?\n\n   As short as you can bear.\n",
    "label headings": "## Question\n\nWhat is a TTL?\n\n## Answer\n\nA time to live.\n\n## Question\n\nHow long should it be?\n\n## Answer\n\nAs short as you can bear.\n",
    "hidden answers": "###### 1. What is a TTL?\n\n<details><summary><b>Answer</b></summary>\n<p>\n\nA time to live.\n\n</p>\n</details>\n\n---\n\n###### 2. How long should it be?\n\n<details><summary><b>Answer</b></summary>\n<p>\n\nAs short as you can bear.\n\n</p>\n</details>\n",
    "labels in a list": "* Q: What is a TTL?\n  A: A time to live.\n* Q: How long should it be?\n  A: As short as you can bear.\n",
    "answers on the line": "1. What is a TTL? — A time to live.\n2. How long should it be? - As short as you can bear.\n",
    "numbers over paragraphs": "1) What is a TTL?\n\nA time to live.\n\n2) How long should it be?\n\nAs short as you can bear.\n",
    "setext": "What is a TTL?\n--------------\n\nA time to live.\n\nHow long should it be?\n----------------------\n\nAs short as you can bear.\n",
}


@pytest.mark.parametrize("shape", INLINE)
def test_question_and_answer_in_place(shape: str) -> None:
    doc = parse(INLINE[shape])
    found = qa(doc)
    assert list(found) == ["What is a TTL?", "How long should it be?"]
    assert [answer(doc, item) for item in found.values()] == ["A time to live.", "As short as you can bear."]


def test_a_heading_that_goes_on_after_its_question_asks() -> None:
    found = qa(parse("## What is a TTL? Name a good one.\n\nA time to live: 60 s.\n\n## Jitter\n\nRandom spread.\n"))
    assert list(found) == ["What is a TTL? Name a good one."]


def test_a_question_that_begins_with_an_article_is_no_answer() -> None:
    found = qa(parse("**Q4. A query became slow. What do you look at?**\n\nThe plan.\n\n**Q5. Why?**\n\nIt tells.\n"))
    assert list(found) == ["A query became slow. What do you look at?", "Why?"]
    assert all(item.answer for item in found.values())


HALVES = {
    "response headings": "# T\n\n## Basics\n\n**Q1:** What is a TTL?\n\n**Q2:** Explain jitter.\n\n---\n\n## Example Responses\n\n### Q1 Response:\nA time to live.\n\n### Q2 Response:\nRandom spread.\n",
    "answer headings": "## Basics\n\n**Q1:** What is a TTL?\n\n**Q2:** Explain jitter.\n\n## Model answers\n\n### Answer 1\n\nA time to live.\n\n### Answer 2\n\nRandom spread.\n",
    "numbered lists": "## Basics\n\n1. What is a TTL?\n2. Explain jitter, and why is it used?\n\n## Answers\n\n1. A time to live.\n2. Random spread.\n",
    "labels far away": "## Basics\n\nQ1. What is a TTL?\n\nQ2. Explain jitter.\n\n## Answers\n\nA1. A time to live.\n\nA2. Random spread.\n",
    "questions repeated": "## Questions\n\n- What is a TTL?\n- Why add jitter?\n\n## Answers\n\n### What is a TTL?\n\nA time to live.\n\n### Why add jitter?\n\nRandom spread.\n",
}


@pytest.mark.parametrize("shape", HALVES)
def test_answers_in_another_part(shape: str) -> None:
    doc = parse(HALVES[shape])
    replies = {item.question: answer(doc, item) for item in doc.items if item.kind == "qa" and item.answer}
    assert list(replies.values()) == ["A time to live.", "Random spread."]
    assert next(iter(replies)) == "What is a TTL?"


def test_topic_heading_of_a_question_asked_in_the_first_half() -> None:
    doc = parse(HALVES["response headings"])
    item = qa(doc)["What is a TTL?"]
    assert item.heading == ("T", "Basics")
    assert item.question_span is not None
    assert item.question_span.line_start == 5
    assert item.span.line_start == 14


def test_numbering_that_starts_anew_is_matched_within_its_topic() -> None:
    doc = parse(
        """\
        # Sheet

        ## Questions

        ### Caching

        **Q1:** What is a TTL?

        ### Queues

        **Q1:** What is a dead letter?

        ## Answers

        ### Queues

        #### Answer 1

        A message nobody could process.

        ### Caching

        #### Answer 1

        A time to live.
        """
    )
    found = qa(doc)
    assert answer(doc, found["What is a TTL?"]) == "A time to live."
    assert answer(doc, found["What is a dead letter?"]) == "A message nobody could process."


def test_talking_points_belong_to_their_question() -> None:
    doc = parse(
        """\
        #### 1. Python
        - **Question**: How do you profile?
          - **Talking Point**: Mention py-spy.

        - **Question**: How do you test?
          - **Talking Point**: Mention fixtures.
          - **Talking Point**: Mention property tests.
        """
    )
    found = qa(doc)
    assert points(doc, found["How do you profile?"]) == ["Mention py-spy."]
    assert points(doc, found["How do you test?"]) == ["Mention fixtures.", "Mention property tests."]
    assert all(item.answer is None and item.has_answer for item in found.values())


def test_a_closing_paragraph_is_not_a_talking_point() -> None:
    doc = parse("- **Question:** How do you test?\n- **Talking Point:** Mention fixtures.\n\nGood luck with it all.\n")
    assert points(doc, qa(doc)["How do you test?"]) == ["Mention fixtures."]
    assert any(doc.text[i.span.start : i.span.end] == "Good luck with it all." for i in doc.items if i.kind == "note")


@pytest.mark.parametrize("nothing", ["To be completed.", "TBD", "_TODO_", "Coming soon...", ""])
def test_a_question_without_an_answer_is_marked(nothing: str) -> None:
    doc = parse(f"## What is a TTL?\n\n{nothing}\n\n## What is jitter?\n\nRandom spread.\n")
    found = qa(doc)
    assert not found["What is a TTL?"].has_answer
    assert found["What is jitter?"].has_answer


def test_an_answer_keeps_its_sub_headings_lists_code_and_tables() -> None:
    doc = parse(
        """\
        ## How do you cache?

        Look first.

        ### Steps

        1. Read the key.
        2. Fill it.

        ```python
        # Why is this here?
        value = cache.get(key)
        ```

        | store | latency |
        |---|---|
        | memory | 100 ns |

        ## What is a TTL?

        A time to live.
        """
    )
    found = qa(doc)
    text = answer(doc, found["How do you cache?"])
    assert text.startswith("Look first.")
    assert text.endswith("| memory | 100 ns |")
    assert len(found) == 2


CHEAT = """\
Caching

- **Cache-aside:** the application reads the cache first, and on a miss it reads the database and fills the cache itself.
- **Write-through:** every write goes to the cache and the database together, so reads never see a stale value in between.

- **Example of a key:**

```
user:{id}:v3
```

Complexity: one lookup, which is O(1).

- **Stampede:** many callers miss the same key at the same moment, so guard the recomputation with a lock or refresh early.
-

Queues

- **Dead letter:** a message that could not be processed after all its retries is parked there for somebody to look at it.
- **Backpressure:** slow the producer down when consumers fall behind, by bounding the queue and refusing new work early.

Gaps to fill: I have not run a broker in production for longer than a year, and would say so when asked about it.
"""


def test_cheat_sheet_bullets_are_notes_under_unmarked_headings() -> None:
    doc = parse(CHEAT)
    notes = {item.title: item for item in doc.items}
    assert all(item.kind == "note" for item in doc.items)
    assert notes["Stampede"].heading == ("Caching",)
    assert notes["Backpressure"].heading == ("Queues",)
    assert list(notes) == [
        "Cache-aside",
        "Write-through",
        "Example of a key",
        "Stampede",
        "Dead letter",
        "Backpressure",
        "Gaps to fill",
    ]


def test_code_belongs_to_the_bullet_above_it() -> None:
    doc = parse(CHEAT)
    item = next(i for i in doc.items if i.title == "Example of a key")
    text = doc.text[item.span.start : item.span.end]
    assert "user:{id}:v3" in text
    assert text.endswith("Complexity: one lookup, which is O(1).")


def test_fragments_with_leads_stay_with_their_section() -> None:
    doc = parse("# Kinds\n\n## Stores\n\n- **Redis:** memory\n- **S3:** blobs\n- **SQL:** rows\n- **Kafka:** logs\n")
    assert [(i.title, i.span.line_start, i.span.line_end) for i in doc.items] == [("Stores", 5, 8)]


GUIDE = """\
# Backend screen

You are interviewing for a platform team. Listen more than you talk.

## Stage 1: Opening (5 min)
- Greet the candidate
- "Tell me about the last thing you shipped"

## Stage 2: Coding (20-25 min)
- "How would you test this function?"
- Watch for edge cases

## Junior level (0-2 years)
- Knows the basics

## Senior level (5+ years)
- Explains trade-offs

## Scoring rubric
| score | meaning |
|---|---|
| 1 | no |
| 4 | strong yes |

## House rules
- Be kind
"""


def test_guide_parts_and_questions_to_ask() -> None:
    doc = parse(GUIDE)
    guides = [i for i in doc.items if i.kind == "guide"]
    assert [g.title for g in guides] == [
        "Stage 1: Opening (5 min)",
        "Stage 2: Coding (20-25 min)",
        "Junior level (0-2 years)",
        "Senior level (5+ years)",
        "Scoring rubric",
    ]
    assert [g.level for g in guides] == [None, None, "junior", "senior", None]
    asked = qa(doc)
    assert list(asked) == ["Tell me about the last thing you shipped", "How would you test this function?"]
    assert not any(item.has_answer for item in asked.values())
    assert any(i.title == "House rules" and i.kind == "note" for i in doc.items)


def test_tables_of_contents_badges_and_rules_are_structure() -> None:
    doc = parse(
        """\
        # Caching

        [![build](https://x/y.svg)](https://x) ![stars](https://x/z.svg)

        - [What is a TTL?](#what-is-a-ttl)
        - [What is jitter?](#what-is-jitter)

        ***

        ## What is a TTL?

        A time to live.
        """
    )
    assert [i.question for i in doc.items] == ["What is a TTL?"]
    assert [(a.line_start, a.line_end) for a in doc.account if a.role == "structure"] == [(1, 8)]


def test_text_without_any_heading_is_kept_as_left_over() -> None:
    doc = parse("just a thought about caches, nothing more.\n")
    assert [(i.kind, i.leftover) for i in doc.items] == [("note", True)]
    assert [a.role for a in doc.account] == ["leftover"]


def test_plain_text_pairs_under_unmarked_headings() -> None:
    text = "Testing\n\nQ: What is a fake?\nA: A working stand-in.\n    It has behaviour of its own.\n\nQuality\n\nQ: What is a lint?\nA: A warning.\n"
    doc = parse(text, path="t.txt", plain=True)
    found = qa(doc)
    assert answer(doc, found["What is a fake?"]).endswith("behaviour of its own.")
    assert found["What is a lint?"].heading == ("Quality",)


def test_front_matter_lines_are_structure_and_the_title_is_the_documents() -> None:
    text = "---\ntitle: Caches\n---\n## What is a TTL?\n\nA time to live.\n"
    doc = parse_document(
        collection="default",
        path="a.md",
        version="v",
        source=from_markdown(text, Meta(title="Caches"), body_line=4),
    )
    assert doc.title == "Caches"
    assert doc.account[0].role == "structure"
    assert (doc.account[0].line_start, doc.account[0].line_end) == (1, 3)


def test_long_items_are_cut_where_the_text_pauses_and_tables_of_any_length_survive() -> None:
    rows = "\n".join(f"| option_{i} | does the thing number {i} |" for i in range(120))
    doc = parse(f"## What are the options?\n\nThere are many.\n\n| name | effect |\n|---|---|\n{rows}\n")
    assert len(doc.chunks) > 2
    assert all(len(c.text) <= 1400 for c in doc.chunks)
    assert "".join("".join(c.text.split()) for c in doc.chunks) == "".join(
        doc.text[doc.items[0].span.start : doc.items[0].span.end].split()
    )
    assert doc.chunks[0].questions == ("What are the options?",)
    assert "What are the options?" in doc.chunks[1].context


def test_a_question_of_several_sentences_can_be_asked_by_each() -> None:
    doc = parse(
        "**Q1:** Design a service on functions. How would you handle cold starts and keep it fast?\n\n**A1:** Warm it.\n"
    )
    assert doc.chunks[0].questions == (
        "Design a service on functions. How would you handle cold starts and keep it fast?",
        "Design a service on functions.",
        "How would you handle cold starts and keep it fast?",
    )


def test_a_deeply_nested_list_is_read_in_bounded_time() -> None:
    doc = parse("# T\n\n" + "\n".join("  " * i + "- item" for i in range(2000)) + "\n")
    assert doc.items
    assert doc.account[-1].line_end == 2002


def test_a_heading_of_marks_alone_asks_nothing() -> None:
    doc = parse('# Notes\n\n## ""\n\nSome words below.\n\n### answer\n')
    assert all(item.question != "" for item in doc.items)
    assert any("Some words below." in doc.text[item.span.start : item.span.end] for item in doc.items)
