# ruff: noqa: E501 - the documents stand as they are written
"""Tables, glossaries and listings of commands: what a row, a term or a line is found and cited by."""

from __future__ import annotations

from textwrap import dedent

import pytest

from ingest.formats.markdown import from_markdown
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document


def parse(text: str, *, meta: Meta | None = None) -> Document:
    return parse_document(collection="default", path="d.md", version="v", source=from_markdown(dedent(text), meta))


def shown(doc: Document, item: Item) -> str:
    return doc.text[item.span.start : item.span.end]


def pairs(doc: Document) -> dict[str, str | None]:
    asking = [item for item in doc.items if item.kind == "qa"]
    return {i.question or "": doc.text[i.answer.start : i.answer.end] if i.answer else None for i in asking}


def test_each_row_of_questions_is_an_item_with_the_spans_of_its_cells() -> None:
    doc = parse(
        """\
        # Concurrency

        | # | Question | Answer | Difficulty | Topic |
        |--:|:---------|--------|:----------:|-------|
        | 1 | What is a mutex? | A lock that one thread holds.<br>Hold it briefly. | Easy | locks |
        | 2 | Explain `a \\| b` | A pipe: `x \\| y` | Hard | shell |
        | 3 | What is a futex? |  | Hard | locks |

        Read it twice.
        """
    )
    assert pairs(doc) == {
        "What is a mutex?": "A lock that one thread holds.<br>Hold it briefly.",
        "Explain a | b": "A pipe: `x \\| y`",
        "What is a futex?": None,
    }
    first, second, _, note = doc.items
    assert (first.difficulty, first.topic, second.difficulty) == ("easy", "locks", "hard")
    assert (first.span.line_start, first.span.line_end) == (5, 5)
    assert first.question_span is not None
    assert doc.text[first.question_span.start : first.question_span.end] == "What is a mutex?"
    assert first.heading == ("Concurrency",)
    assert shown(doc, note) == "Read it twice."
    assert [(a.line_start, a.line_end) for a in doc.account if a.role == "structure"] == [(1, 4)]


def test_pipes_in_code_do_not_part_cells_that_fit_without_them() -> None:
    doc = parse("| Question | Answer |\n|---|---|\n| What does `a | b` do? | It pipes `a` into `b`. |\n")
    assert pairs(doc) == {"What does a | b do?": "It pipes `a` into `b`."}


QUESTION_TABLES = {
    "short names": "| Q | A |\n|---|---|\n| What is X? | X it is. |\n",
    "no outer pipes": "Question | Answer\n--- | ---\nWhat is X? | X it is.\n",
    "by what stands in it": "| What they ask | What I say |\n|---|---|\n| What is X? | X it is. |\n| Why Y? | Y not. |\n",
    "numbered cells": "| Question | Answer |\n|---|---|\n| **1. What is X?** | X it is. |\n",
    "labels in rows": "| | |\n|---|---|\n| **Question** | What is X? |\n| **Answer** | X it is. |\n",
    "labels in cells": "| Interview question | Expected answer |\n|---|---|\n| Q1: What is X? | A: X it is. |\n",
}


@pytest.mark.parametrize("how", QUESTION_TABLES)
def test_tables_of_questions(how: str) -> None:
    assert pairs(parse(QUESTION_TABLES[how]))["What is X?"] == "X it is."


def test_a_document_can_say_which_column_holds_what() -> None:
    text = "| Cue | Say |\n|---|---|\n| Sharding | Split rows over nodes. |\n"
    meta = Meta(columns=(("question", "Cue"), ("answer", "Say")))
    assert pairs(parse(text, meta=meta)) == {"Sharding": "Split rows over nodes."}
    assert pairs(parse(text)) == {}


def test_tables_in_an_answer_stay_whole() -> None:
    doc = parse(
        """\
        ## How do you choose a key?

        By the access patterns.

        | question | key |
        |---|---|
        | orders of a customer? | customer |
        | open orders? | state |

        | Command | Description |
        |---|---|
        | `a` | 1 |
        | `b` | 2 |
        | `c` | 3 |
        | `d` | 4 |

        Measure it.
        """
    )
    (item,) = doc.items
    assert shown(doc, item).endswith("Measure it.")


def test_comparisons_stay_whole() -> None:
    doc = parse(
        "## Stores\n\n| | SQL | NoSQL |\n|---|---|---|\n| schema | fixed | free |\n| joins | yes | no |\n| scale | up | out |\n| age | old | new |\n"
    )
    assert [shown(doc, i).count("\n") for i in doc.items] == [5]


TERMS = {
    "commands": "| Command | Description |\n|---|---|\n| `git add` | Stage |\n| `git commit` | Record |\n| `git push` | Send |\n| `git pull` | Fetch |\n",
    "terms": "| Term | Definition |\n|---|---|\n| Quorum | Votes |\n| Gossip | Talk |\n| Shard | Part |\n| Node | Machine |\n",
    "code": "| | |\n|---|---|\n| `502` | Bad gateway |\n| `503` | Unavailable |\n| `504` | Timeout |\n| `429` | Too many |\n",
}


@pytest.mark.parametrize("what", TERMS)
def test_rows_of_terms_are_notes_of_one_line(what: str) -> None:
    doc = parse(f"# Sheet\n\n## Things\n\n{TERMS[what]}")
    assert [i.kind for i in doc.items] == ["note"] * 4
    assert all(i.span.line_start == i.span.line_end for i in doc.items)
    first = doc.items[0]
    assert first.title in ("git add", "Quorum", "502")
    assert first.heading == ("Sheet", "Things")
    assert "|" in shown(doc, first)
    assert not shown(doc, first).startswith("|")


def test_short_tables_of_terms_stay_with_their_section() -> None:
    doc = parse("## Terms\n\nTwo of them.\n\n| Term | Meaning |\n|---|---|\n| Quorum | Votes |\n| Gossip | Talk |\n")
    assert [shown(doc, i)[:3] for i in doc.items] == ["Two"]


GLOSSARIES = {
    "lines": "Quorum: the votes that must agree.\nGossip: nodes tell nodes.\nShard: a part of the data.\n",
    "dashes": "**Quorum** – the votes that must agree.\n\n**Gossip** – nodes tell nodes.\n\n**Shard** – a part of the data.\n",
    "bullets": "- **Quorum**: the votes that must agree.\n- **Gossip**: nodes tell nodes.\n- **Shard**: a part of the data.\n",
    "plain bullets": "- Quorum - the votes that must agree.\n- Gossip - nodes tell nodes.\n- Shard - a part of the data.\n",
    "definition list": "Quorum\n: the votes that must agree.\n\nGossip\n: nodes tell nodes.\n\nShard\n: a part of the data.\n",
    "tight definition list": "Quorum\n: the votes that must agree.\nGossip\n: nodes tell nodes.\nShard\n: a part of the data.\n",
}


@pytest.mark.parametrize("how", GLOSSARIES)
def test_each_term_of_a_glossary_is_a_note(how: str) -> None:
    doc = parse(f"# Notes\n\n## Glossary\n\n{GLOSSARIES[how]}")
    assert [i.title for i in doc.items] == ["Quorum", "Gossip", "Shard"]
    assert "nodes tell nodes." in shown(doc, doc.items[1])


def test_a_definition_list_needs_no_heading_that_says_so() -> None:
    doc = parse(
        "# Notes\n\nQuorum\n: the votes that must agree.\n\nGossip\n: nodes tell nodes.\n  They do so at random.\n"
    )
    assert [i.title for i in doc.items] == ["Quorum", "Gossip"]
    assert shown(doc, doc.items[1]).endswith("at random.")


LISTING = "".join(f"tool verb-{n} --flag   # does the thing number {n}\n" for n in range(30))


def test_a_long_listing_is_cut_between_lines() -> None:
    doc = parse(f"# Tool\n\n## Commands\n\nWhat I type:\n\n```bash\n{LISTING}```\n")
    assert [i.kind for i in doc.items] == ["note"] * 3
    assert {i.title for i in doc.items} == {"Commands"}
    for chunk in doc.chunks:
        assert all(line in (*LISTING.split("\n"), "What I type:", "```bash", "") for line in chunk.text.split("\n"))
        assert len(chunk.text) <= 600
    (found,) = [c for c in doc.chunks if "verb-17 " in c.text]
    assert found.span.line_start > 8
    # the fences are structure
    assert doc.account[-1].role == "structure"


def test_a_comment_stays_with_the_command_below_it() -> None:
    text = "".join(f"# explain step {n}\nrun step-{n}\n\n" for n in range(12))
    doc = parse(f"## Steps\n\n```\n{text}```\n")
    assert len(doc.items) > 1
    for item in doc.items:
        lines = shown(doc, item).split("\n")
        assert lines[0].startswith("# explain")
        assert lines[-1].startswith("run step-")


def test_programs_are_no_listings() -> None:
    code = "def f(x):\n    # add\n    y = x + 1\n    # twice\n    return 2 * y\n\nprint(f(1))  # 4\nprint(f(2))  # 6\n"
    script = "let a = 1;  // one\nlet b = 2;  // two\nlet c = 3;  // three\nlet d = 4;  // four\nlet e = 5;  // five\nlet f = 6;  // six\n"
    for text in (code, script):
        doc = parse(f"## Code\n\n```\n{text}```\n")
        assert len(doc.items) == 1
        assert shown(doc, doc.items[0]).startswith("```")
