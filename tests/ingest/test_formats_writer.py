"""Blocks written into a canonical text: how it reads, and that blocks stand where they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.blocks import BOLD, MAX_BLOCKS, SUMMARY, Node, SourceText
from ingest.errors import DocumentError
from ingest.formats.writer import MAX_DEPTH, BlockWriter
from ingest.items import Meta
from ingest.parse.document import parse_document


def written(*calls: tuple[str, Any] | tuple[str, Any, dict[str, Any]]) -> SourceText:
    """What a writer makes of calls: (method, text) or (method, text, keywords); a None text is left out."""
    writer = BlockWriter()
    for name, first, *more in calls:
        arguments = [] if first is None else [*first] if isinstance(first, tuple) else [first]
        getattr(writer, name)(*arguments, **(more[0] if more else {}))
    return writer.finish(Meta())


def nodes(source: SourceText) -> list[Node]:
    return [node for block in source.blocks for node in block.walk()]


def check_blocks(source: SourceText) -> None:
    """Offsets begin with the node's words, lines follow one another, children stand inside their parent."""
    text, lines = source.text, source.text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def within(node: Node, first: int, last: int) -> None:
        assert first <= node.first <= node.last <= last
        if node.kind == "close":
            assert node.first == node.last
            return
        assert node.first < node.last
        assert node.first <= node.head <= node.last
        assert starts[node.first] <= node.start < starts[node.first + 1]
        if node.kind != "quote":  # its text is its blocks' together
            assert text.startswith(node.text.split("\n")[0], node.start)
        above = node.first
        for child in node.children:
            assert child.first >= above
            within(child, node.first, node.last)
            above = child.last

    above = 0
    for block in source.blocks:
        assert block.first >= above
        within(block, 0, len(lines))
        above = block.last
    covered = {at for node in source.blocks for at in range(node.first, node.last)}
    assert all(at in covered for at, line in enumerate(lines) if line.strip())


def test_a_document_reads_as_markdown() -> None:
    source = written(
        ("heading", ("Caching", 2)),
        ("paragraph", "Two lines\n  of   words"),
        ("bullet", "first"),
        ("bullet", "under it", {"depth": 2, "number": 7}),
        ("paragraph", "more", {"depth": 2}),
        ("bullet", "second\nline"),
        ("code", ("x = 1\n\ty = 2\n", "python"), {"depth": 1}),
        ("quote", "said"),
        ("paragraph", "again", {"depth": 1}),
        ("table", [["a", "b|c"], ["d"]]),
        ("rule", None),
        ("summary", "What is a **TTL**?"),
        ("paragraph", "A time to live."),
        ("close", None),
        ("paragraph", "end"),
    )
    assert (
        source.text
        == """\
## Caching

Two lines
of words

- first
  7. under it

     more

- second
  line

  ```python
  x = 1
      y = 2
  ```

> said
>
> again

| a | b\\|c |
| --- | --- |
| d |  |

---

**What is a TTL?**

A time to live.

end
"""
    )
    check_blocks(source)
    shape = [(node.kind, node.depth, node.number, node.level) for node in nodes(source)]
    assert shape == [
        ("heading", 0, None, 2),
        ("paragraph", 0, None, 0),
        ("bullet", 0, None, 0),
        ("bullet", 1, 7, 0),
        ("paragraph", 2, None, 0),
        ("bullet", 0, None, 0),
        ("code", 1, None, 0),
        ("quote", 0, None, 0),
        ("paragraph", 0, None, 0),
        ("paragraph", 0, None, 0),
        ("table", 0, None, 0),
        ("rule", 0, None, 0),
        ("heading", 0, None, SUMMARY),
        ("paragraph", 0, None, 0),
        ("close", 0, None, SUMMARY),
        ("paragraph", 0, None, 0),
    ]


def test_what_is_folded_away_is_a_question_and_its_answer() -> None:
    source = written(
        ("summary", "What is a TTL?"),
        ("paragraph", "A time to live."),
        ("close", None),
        ("paragraph", "Something else altogether."),
    )
    doc = parse_document(collection="c", path="a.html", version="v", source=source)
    asked = next(item for item in doc.items if item.kind == "qa")
    assert asked.question == "What is a TTL?"
    assert asked.answer is not None
    assert doc.text[asked.answer.start : asked.answer.end] == "A time to live."


def test_a_list_entry_begins_with_what_is_written_first() -> None:
    source = written(
        ("bullet", "", {"number": 1}),
        ("heading", ("What is a TTL?", 3), {"depth": 1}),
        ("paragraph", "A time to live.", {"depth": 1}),
        ("bullet", "", {"number": 2}),
        ("bullet", "nested", {"depth": 2}),
        ("bullet", "", {"number": 3}),
        ("bullet", "", {"number": 4}),
        ("code", "x", {"depth": 1}),
    )
    expected = "1. ### What is a TTL?\n\n   A time to live.\n\n2. - nested\n4. ```\n   x\n   ```\n"
    assert source.text == expected, "an entry without anything in it leaves nothing"
    check_blocks(source)
    first, second, last = source.blocks
    assert (first.text, first.head, first.children[0].kind) == ("", 0, "heading")
    assert (second.text, second.children[0].text) == ("", "nested")
    assert (last.number, last.children[0].kind) == (4, "code")


def test_headings_in_list_entries_are_hoisted_by_the_parser() -> None:
    source = written(
        ("bullet", "", {"number": 1}),
        ("heading", ("What is a TTL?", 3), {"depth": 1}),
        ("paragraph", "A time to live.", {"depth": 1}),
        ("bullet", "", {"number": 2}),
        ("heading", ("Why add jitter?", 3), {"depth": 1}),
        ("paragraph", "Random spread.", {"depth": 1}),
    )
    doc = parse_document(collection="c", path="a.html", version="v", source=source)
    asked = {i.question: doc.text[i.answer.start : i.answer.end] for i in doc.items if i.answer}
    assert asked == {"What is a TTL?": "A time to live.", "Why add jitter?": "Random spread."}


def test_words_that_look_like_markdown_stay_words() -> None:
    source = written(("paragraph", "# not a heading"), ("paragraph", "- not a bullet"), ("paragraph", "```"))
    assert [node.kind for node in nodes(source)] == ["paragraph"] * 3
    assert source.text == "# not a heading\n\n- not a bullet\n\n```\n"


def test_nothing_is_written_for_nothing() -> None:
    writer = BlockWriter()
    for empty in ("", " \n\t", "\x00\x07"):
        writer.heading(empty, 1)
        writer.paragraph(empty)
        writer.bullet(empty)
        writer.quote(empty)
        writer.code(empty)
        writer.summary(empty)
        writer.table([[empty, empty], [empty]])
        writer.markdown(empty)
    writer.table([])
    writer.close()
    assert writer.finish(Meta()).blocks == []
    writer.rule()
    writer.paragraph("–")
    assert writer.empty
    writer.paragraph("a")
    assert not writer.empty


def test_text_is_printable() -> None:
    source = written(("paragraph", "a\x00b\x07\rc\u2028d\ud800e\x85f"), ("code", "x\x0cy\r\nz\x1b[0m\udfff"))
    assert source.text == "ab\nc\nde\nf\n\n```\nx\ny\nz[0m\n```\n"
    source.text.encode()
    check_blocks(source)


def test_a_fence_is_longer_than_those_in_the_code_and_its_language_is_one_word() -> None:
    source = written(("code", ("```\ninner\n  ````", "py thon`\nx")))
    assert source.text == "`````pythonx\n```\ninner\n  ````\n`````\n"


def test_a_table_that_would_blow_up_is_not_filled_up() -> None:
    source = written(("table", [["x"] * 50_000, *[["y"]] * 50_000]))
    assert len(source.text) < 2_000_000


@pytest.mark.parametrize(
    ("method", "argument", "times", "reason"),
    [
        ("paragraph", "x", MAX_BLOCKS + 1, f"more than {MAX_BLOCKS:,} headings, paragraphs"),
        ("code", "x\n" * 300_000 + "x", 1, "more than 200,000 lines"),
        ("markdown", "- x\n" * (MAX_BLOCKS + 1), 1, f"more than {MAX_BLOCKS:,} headings, paragraphs"),
    ],
)
def test_too_much_for_one_document_is_refused(method: str, argument: str, times: int, reason: str) -> None:
    def write() -> None:
        writer = BlockWriter("big.html")
        for _ in range(times):
            getattr(writer, method)(argument)

    with pytest.raises(DocumentError, match=reason) as refused:
        write()
    assert refused.value.path == "big.html"
    assert refused.value.hint


def test_depth_is_bounded_and_never_deeper_than_what_is_open() -> None:
    source = written(
        ("paragraph", "no list", {"depth": 3}),
        ("bullet", "top", {"depth": 9}),
        *[("bullet", f"entry {depth}", {"depth": depth}) for depth in range(2, 40)],
    )
    check_blocks(source)
    assert source.blocks[0].kind == "paragraph"
    assert source.blocks[1].depth == 0
    assert max(node.depth for node in nodes(source)) == MAX_DEPTH - 1
    assert len([node for node in nodes(source) if node.kind == "bullet"]) == 39


def test_pages_begin_at_their_first_block() -> None:
    writer = BlockWriter()
    writer.page()
    writer.bullet("one")
    writer.page()
    writer.bullet("two")
    writer.page()
    writer.page()
    writer.paragraph("four", depth=1)
    source = writer.finish(Meta())
    assert source.text == "- one\n\n- two\n\n  four\n"
    assert source.pages == (1, 3, 5, 5)
    check_blocks(source)


def test_pages_without_text_at_the_end_stay_within_the_text() -> None:
    source = written(("page", None), ("paragraph", "a"), ("page", None))
    assert source.pages == (1, 1)


def test_a_flaw_names_the_line_before_it() -> None:
    writer = BlockWriter()
    writer.paragraph("a\nb")
    writer.flaw("a picture without text", "Add one.")
    writer.paragraph("c")
    (flaw,) = writer.finish(Meta()).flaws
    assert (flaw.line, flaw.reason, flaw.hint) == (2, "a picture without text", "Add one.")


def test_markdown_is_read_as_markdown() -> None:
    source = written(("bullet", "x"), ("markdown", "\n# Title\n\n- a\n  - b\n\n> said\n"), ("paragraph", "end"))
    assert source.text == "- x\n\n# Title\n\n- a\n  - b\n\n> said\n\nend\n"
    assert [node.kind for node in source.blocks] == ["bullet", "heading", "bullet", "quote", "paragraph"]
    assert source.text[source.blocks[1].start :].startswith("Title")


@pytest.mark.parametrize("text", ["**What is a TTL?**", "What is a **TTL**?"])
def test_a_summary_is_bold_once(text: str) -> None:
    source = written(("summary", text), ("paragraph", "x"))
    assert source.text.startswith("**What is a TTL?**\n")
    assert source.blocks[0].level == SUMMARY != BOLD


depths = st.integers(0, 13)
text = st.text(alphabet="ab \n`*#->|1.\x00\r\u2028\ud83d", max_size=30)
calls = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), st.tuples(text, st.integers(-1, 9)), st.fixed_dictionaries({"depth": depths})),
        st.tuples(st.sampled_from(["paragraph", "code", "summary"]), text, st.fixed_dictionaries({"depth": depths})),
        st.tuples(st.just("quote"), text, st.fixed_dictionaries({"depth": depths})),
        st.tuples(
            st.just("bullet"),
            text,
            st.fixed_dictionaries({"depth": depths, "number": st.one_of(st.none(), st.integers(0, 10**9))}),
        ),
        st.tuples(
            st.just("table"), st.lists(st.lists(text, max_size=3), max_size=3), st.fixed_dictionaries({"depth": depths})
        ),
        st.tuples(st.sampled_from(["rule", "page"]), st.none()),
        st.tuples(st.just("close"), st.none(), st.fixed_dictionaries({"depth": depths})),
    ),
    max_size=25,
)


@settings(max_examples=400, deadline=None)
@given(calls)
def test_blocks_stand_where_they_say(made: list[Any]) -> None:
    source = written(*made)
    check_blocks(source)
    assert list(source.pages) == sorted(source.pages)
    doc = parse_document(collection="c", path="a.html", version="v", source=source)
    for chunk in doc.chunks:
        assert doc.text[chunk.span.start : chunk.span.end] == chunk.text
