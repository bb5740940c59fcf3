"""What a document says about itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import DocumentError
from ingest.formats.front_matter import MAX_BYTES, merged, read_folder_meta, read_front_matter
from ingest.formats.markdown import read_markdown, read_plain
from ingest.items import Meta


def refusal(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read_front_matter(text, "notes.md")
    assert caught.value.path == "notes.md"
    return caught.value


def test_all_fields() -> None:
    text = """---
title: "Caching: the hard parts"
topic: caching
level: 010
role: Backend Engineer
company: yes
candidate: Noah
Audience: Interviewer
effective-date: 2024-02-29
expires: 2025-01-31T10:00:00Z
trust: 0.9
url: https://example.org/a#b
tags: [redis, 'cache  aside', redis, 7]
---
# Body
"""
    meta, body_line = read_front_matter(text, "notes.md")
    assert meta == Meta(
        title="Caching: the hard parts",
        topic="caching",
        level="010",
        role="Backend Engineer",
        company="yes",
        candidate="Noah",
        audience="interviewer",
        effective_date="2024-02-29",
        expires="2025-01-31",
        trust="0.9",
        url="https://example.org/a#b",
        tags=("redis", "cache aside", "7"),
    )
    assert text.split("\n")[body_line - 1] == "# Body"


def test_unknown_keys_are_tolerated() -> None:
    text = (
        '---\n"og:title": x\nid: 7\nanki: {a: [1, {b: c}]}\nthing: !custom 1\ncreated: 2024-13-77\n'
        "title: T\ntags:\n- a\n- b\n...\nbody"
    )
    assert read_front_matter(text, "notes.md") == (Meta(title="T", tags=("a", "b")), 12)


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\n---\n\ntext",
        "---\n\n# Title\n\ntext: with a colon\n\n---\nmore",
        "---\n\nLead: text\n",
        "---\n**Q1:** What is a cache?\n\n---\n",
        "---\nQuestion: What is a cache?\nAnswer: Memory.\n---\nQuestion: And?",
        "---\nSome words of a preamble\n---\n",
        "----\ntitle: T\n----\n",
        "---",
        "--- # a\ntitle: T",
        "plain",
    ],
)
def test_a_rule_is_no_front_matter(text: str) -> None:
    assert read_front_matter(text, "notes.md") == (Meta(), 1)


def test_empty_front_matter() -> None:
    assert read_front_matter("---\n---\nbody", "notes.md") == (Meta(), 3)
    assert read_front_matter("---\ntitle:\ntopic: ~\naudience: null\n---\nbody", "notes.md") == (Meta(), 6)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("---\ntitle: T\n\nbody without an end", 1, "not closed"),
        ("---\ntitle: T\nurl: a: b\n---\nbody", 3, "YAML"),
        ("---\ntitle: 'open\n---\nbody", 2, "YAML"),
        ("---\ntitle: T\n\ttopic: x\n---\nbody", 3, "YAML"),
        ("---\ntitle: T\nlevel: [junior, senior]\n---\nbody", 3, "`level`"),
        ("---\ntitle: T\ntags: {a: b}\n---\nbody", 3, "`tags`"),
        ("---\n# first\ntags: [[a]]\n---\nbody", 3, "`tags`"),
        ("---\ntitle: T\ntopic: x\neffective_date: 2024-02-30\n---\nbody", 4, "not a date"),
        ("---\nexpires: next week\n---\nbody", 2, "not a date"),
        ("---\neffective_date: 2024-1-5\n---\nbody", 2, "not a date"),
        ("---\naudience: candidate\ntitle: T\nAudience: interviewer\n---\nbody", 4, "twice"),
        ("---\ncolumns: Frage\n---\nbody", 2, "`part: column`"),
        ("---\ncolumns: [question]\n---\nbody", 2, "`part: column`"),
        ("---\ntitle: T\ncolumns:\n  question: Frage\n  anwser: Antwort\n---\nbody", 5, "no part anwser"),
        ("---\ncolumns: {question: Frage, answer: }\n---\nbody", 2, "answer no column"),
        ("---\ncolumns:\n  options: [A, [B]]\n---\nbody", 3, "options no column"),
        ("---\nbase: &b {audience: interviewer}\n<<: *b\n---\nbody", 3, "merge"),
    ],
)
def test_malformed_front_matter_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    error = refusal(text)
    assert (error.line, word in error.reason) == (line, True), str(error)


@pytest.mark.parametrize("value", ["[" * 30_000, "{a: " * 15_000, "x" * (MAX_BYTES + 1)])
def test_hostile_front_matter_is_refused(value: str) -> None:
    assert refusal(f"---\ntitle: {value}\n---\nbody").reason


def test_aliases_do_not_explode() -> None:
    bomb = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    assert read_front_matter(f"---\n{bomb}title: T\n---\nbody", "notes.md")[0].title == "T"
    assert "`tags`" in refusal(f"---\n{bomb}tags: *a29\n---\nbody").reason


@given(st.text(st.sampled_from("-a:b \n[]{}'\"#|>&*!%@\\?,."), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        _, line = read_front_matter("---\n" + text, "notes.md")
    except DocumentError as error:
        line = error.line or 0
    assert 1 <= line <= text.count("\n") + 3


def test_columns_of_tables_can_be_mapped() -> None:
    meta = read_folder_meta(
        "columns:\n  Question: Die Frage\n  answer: 2\n  talking-points: ~x\n  options: [Wahl A, 'Wahl B', Wahl A]\n",
        "_meta.yaml",
    )
    assert meta.columns == (
        ("question", "Die Frage"),
        ("answer", "2"),
        ("talking_points", "~x"),
        ("options", "Wahl A"),
        ("options", "Wahl B"),
    )
    assert read_folder_meta("columns:\n", "_meta.yaml") == Meta()
    with pytest.raises(DocumentError) as caught:
        read_folder_meta("columns: {anwser: Antwort}", "_meta.yaml")
    assert "question, answer" in caught.value.hint
    assert merged(meta, Meta(topic="a")).columns == meta.columns
    assert merged(meta, Meta(columns=(("id", "Nr"),))).columns == (("id", "Nr"),)


def test_folder_meta() -> None:
    assert read_folder_meta("", "_meta.yaml") == Meta()
    assert read_folder_meta("# nothing yet\n", "_meta.yaml") == Meta()
    assert read_folder_meta("audience: interviewer\ntags: a, b\n", "_meta.yaml") == Meta(
        audience="interviewer", tags=("a", "b")
    )
    with pytest.raises(DocumentError, match=r"_meta.yaml:1: meta data must be"):
        read_folder_meta("interviewer", "_meta.yaml")


def test_the_inner_word_wins() -> None:
    outer = Meta(audience="interviewer", topic="a", tags=("x",))
    assert merged(outer, Meta(topic="b")) == Meta(audience="interviewer", topic="b", tags=("x",))
    assert merged(outer, Meta(tags=("y",))).tags == ("y",)


def test_readers_give_the_whole_text() -> None:
    folder = Meta(level="senior", topic="a")
    source = read_markdown(b"---\r\ntopic: b\r\n---\r\n\r\nBody", "notes.md", folder)
    assert (source.text, source.body_line) == ("---\ntopic: b\n---\n\nBody", 4)
    assert source.meta == Meta(level="senior", topic="b")
    indented = b"Lead:\n\n    Body"
    assert [node.kind for node in read_plain(indented, "notes.txt", folder).blocks] == ["paragraph", "paragraph"]
    assert [node.kind for node in read_markdown(indented, "notes.md", folder).blocks] == ["paragraph", "code"]


def test_front_matter_alone_is_no_document() -> None:
    with pytest.raises(DocumentError, match="nothing follows"):
        read_markdown(b"---\ntitle: T\n---\n \n", "notes.md", Meta())
