"""What holds for every document: nothing is lost, spans reproduce text, ids stay when text elsewhere changes."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.formats.markdown import from_markdown
from ingest.items import Document
from ingest.parse.document import parse_document


def parse(text: str, *, plain: bool = False) -> Document:
    return parse_document(collection="default", path="d.md", version="v", source=from_markdown(text, plain_text=plain))


words = st.lists(
    st.sampled_from(["cache", "queue", "index", "`key`", "latency", "p99", "C++", "retry", "shard", "TTL"]),
    min_size=2,
    max_size=8,
).map(" ".join)
sentence = words.map(lambda w: w.capitalize() + ".")
question = words.map(lambda w: f"How does {w} work?")
paragraph = st.lists(sentence, min_size=1, max_size=3).map("\n".join)
code = words.map(lambda w: f"```python\n# {w}?\nx = 1\n\ny = 2\n```")
table = words.map(lambda w: f"| a | b |\n|---|---|\n| {w} | 1 |")
bullets = st.lists(sentence, min_size=1, max_size=4).map(lambda s: "\n".join(f"- {x}" for x in s))
content = st.one_of(paragraph, code, table, bullets)

qa_block = st.one_of(
    st.tuples(st.integers(1, 6), question, content).map(lambda t: f"{'#' * t[0]} {t[1]}\n\n{t[2]}"),
    st.tuples(question, content).map(lambda t: f"**{t[0]}**\n\n{t[1]}"),
    st.tuples(st.integers(1, 40), question, sentence).map(lambda t: f"**Q{t[0]}:** {t[1]}\n\n**A{t[0]}:** {t[2]}"),
    st.tuples(question, sentence).map(lambda t: f"Q: {t[0]}\nA: {t[1]}"),
    st.tuples(question, content).map(lambda t: f"<details><summary>{t[0]}</summary>\n\n{t[1]}\n\n</details>"),
    st.tuples(question, sentence).map(lambda t: f"- **Question**: {t[0]}\n  - **Talking Point**: {t[1]}"),
)
other_block = st.one_of(
    content,
    st.tuples(words, sentence).map(lambda t: f"- **{t[0]}:** {t[1]}"),
    st.tuples(words, sentence).map(lambda t: f"Lead of {t[0]}: {t[1]}"),
    words.map(lambda w: f"## {w}"),
    words.map(lambda w: f"**{w}**"),
    words,
    st.sampled_from(
        ["---", "-", "***", "<br>", "<!-- aside -->", "> quoted", "## Answers", "### Q3 Response:", "</details>"]
    ),
)
documents = st.lists(st.one_of(qa_block, other_block), min_size=1, max_size=14).map("\n\n".join)
# anything at all, with the marks that the parser looks for
scraps = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "#",
                "- ",
                "\n",
                "\n\n",
                "**",
                "Q:",
                "A1.",
                "1. ",
                "```",
                "~~~",
                "<summary>",
                "</summary>",
                "<details>",
                "|",
                "?",
                ":",
            ]
        ),
        st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=12),
    ),
    max_size=60,
).map("".join)


def check(doc: Document) -> None:
    lines = doc.text.split("\n")
    counted = [n for a in doc.account for n in range(a.line_start, a.line_end + 1) if lines[n - 1].strip()]
    assert counted == [n for n, line in enumerate(lines, 1) if line.strip()], "a line is lost, or accounted for twice"
    assert len({i.id for i in doc.items}) == len(doc.items)
    for item in doc.items:
        for span in (item.span, item.question_span, item.answer, *item.talking_points):
            if span is None:
                continue
            text = doc.text[span.start : span.end]
            assert text == text.strip()
            assert text
            assert span.line_start == doc.text.count("\n", 0, span.start) + 1
            assert span.line_end == doc.text.count("\n", 0, span.end) + 1
        assert item.question_span is None or item.question
    owners = {i.id: i for i in doc.items}
    for item in doc.items:
        own = [c for c in doc.chunks if c.item_id == item.id]
        assert "".join("".join(c.text.split()) for c in own) == "".join(
            doc.text[item.span.start : item.span.end].split()
        )
    for chunk in doc.chunks:
        assert doc.text[chunk.span.start : chunk.span.end] == chunk.text
        assert owners[chunk.item_id].kind == chunk.kind


@settings(max_examples=300, deadline=None)
@given(documents, st.booleans())
def test_nothing_is_lost_and_spans_reproduce_text(text: str, plain: bool) -> None:
    check(parse(text, plain=plain))


@settings(max_examples=300, deadline=None)
@given(scraps)
@example("- 1. ")
@example("<summary>\n\n</summary>**a** \n- <!--")
def test_no_text_breaks_the_parser(text: str) -> None:
    check(parse(text))


@settings(max_examples=150, deadline=None)
@given(st.lists(qa_block, min_size=2, max_size=6, unique=True), paragraph)
def test_questions_keep_their_ids_when_text_is_added_elsewhere(blocks: list[str], added: str) -> None:
    before = parse("\n\n".join(blocks))
    after = parse(f"# A new part\n\n{added}\n\n# The rest\n\n" + "\n\n".join(blocks))
    # a question that stands twice in one document is told apart by its answer, so only single ones are compared
    asked = [i.question for i in before.items if i.kind == "qa"]
    single = {i.question: i.id for i in before.items if i.kind == "qa" and asked.count(i.question) == 1}
    later = {i.id for i in after.items}
    for name, identity in single.items():
        assert identity in later, name
