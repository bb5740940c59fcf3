"""CSV and TSV."""

from __future__ import annotations

import csv
import io
import re
import time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.registry import READERS
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document
from tests.ingest.test_parse_properties import check


def read(data: str | bytes, path: str = "qa.csv", meta: Meta | None = None) -> SourceText:
    raw = data.encode() if isinstance(data, str) else data
    return READERS[path[path.rindex(".") :]](raw, path, meta or Meta())


def parse(data: str | bytes, path: str = "qa.csv", meta: Meta | None = None) -> Document:
    document = parse_document(collection="c", path=path, version="v", source=read(data, path, meta))
    check(document)
    return document


def asked(document: Document) -> dict[str, str | None]:
    """Question → its answer, verbatim."""
    return {item.question or "": answer(document, item) for item in document.items if item.kind == "qa"}


def answer(document: Document, item: Item) -> str | None:
    return document.text[item.answer.start : item.answer.end] if item.answer else None


def the_item(document: Document) -> Item:
    [item] = document.items
    return item


def refusal(data: str | bytes) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read(data)
    assert caught.value.path == "qa.csv"
    assert caught.value.hint
    return caught.value


QA = {"What is a TTL?": "A time to live.", "Explain idempotency": "Doing it twice, to the same effect."}


@pytest.mark.parametrize(
    "head",
    [
        "question,answer",
        "Question,Answer",
        " QUESTION , Model Answer ",
        "interview_question,expected-answer",
        "q,a",
        "Prompt,Response",
        "Front,Back",
        "questionText,answerText",
        "Question (English),Answer:",
        "question,explanation",
        "question,description",
        "clue,solution",
    ],
)
def test_columns_are_known_by_name(head: str) -> None:
    document = parse(
        f'{head}\nWhat is a TTL?,A time to live.\nExplain idempotency,"Doing it twice, to the same effect."\n'
    )
    assert asked(document) == QA
    assert not any(item.leftover for item in document.items)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_columns_are_known_by_what_stands_in_them(delimiter: str, order: tuple[int, int]) -> None:
    rows = [("What is a TTL?", "A time to live."), ("Why is it short, then?", "So that what changed, shows soon.")]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([row[i] for i in order] for row in rows)
    assert asked(parse(buffer.getvalue())) == dict(rows)
    assert asked(parse(delimiter.join(("Frage", "Antwort")[i] for i in order) + "\n" + buffer.getvalue())) == dict(rows)


def test_what_a_row_states_is_stated_about_its_item() -> None:
    head = "id,Question,Answer,Difficulty,Seniority,Category,Company,Keywords"
    document = parse(f'{head}\n7,What is a TTL?,A time to live.,Hard,Senior,Caching,Initech,"redis, cache"\n')
    item = the_item(document)
    assert (item.question, answer(document, item)) == ("What is a TTL?", "A time to live.")
    assert (item.difficulty, item.level, item.topic, item.company) == ("hard", "senior", "Caching", "Initech")
    assert item.tags == ("redis", "cache")


def test_other_columns_are_kept_and_are_no_answer() -> None:
    document = parse("uid,question,answer,source,asked on\nx-7,What is a TTL?,A time to live.,RFC 1035,2021\n")
    item = the_item(document)
    assert answer(document, item) == "A time to live."
    text = document.text[item.span.start : item.span.end]
    for line in ("- uid: x-7", "- source: RFC 1035", "- asked on: 2021"):
        assert line in text


def test_a_question_without_an_answer_has_none_whatever_else_is_stated() -> None:
    document = parse("id,question,answer,source\n1,What is a TTL?,,RFC 1035\n2,Why?,TBD,\n")
    assert asked(document) == {"What is a TTL?": None, "Why?": None}
    books = "question,year,reference\nWhat is a TTL?,2020,The long book about caches\nWhy?,2021,Another long book\n"
    assert asked(parse(books)) == {
        "What is a TTL?": None,
        "Why?": None,
    }
    assert asked(parse("question\nWhat is a TTL?\nWhy is it short, then?\n")) == {
        "What is a TTL?": None,
        "Why is it short, then?": None,
    }


def test_answers_of_several_lines_are_markdown_and_stay_whole() -> None:
    said = "# Two ways\n\n1. `EX`\n2. Why not `PX`?\n\n```sh\nset a 1 EX 5\n\nget a\n```\n\nQ: and then?\nA: gone"
    buffer = io.StringIO()
    rows = [("question", "answer", "follow-up"), ("How is it set?", said, "Who?"), ("What is next?", "Nothing.", "")]
    csv.writer(buffer).writerows(rows)
    document = parse(buffer.getvalue())
    assert asked(document) == {"How is it set?": said, "What is next?": "Nothing."}


def test_long_answers_are_cut_where_they_pause() -> None:
    said = "\n\n".join(f"## Part {n}\n\n" + "Some words of the part. " * 12 for n in range(8))
    document = parse(f'question,answer\nHow?,"{said}"\n')
    assert asked(document) == {"How?": said.strip()}
    assert len(document.chunks) > 2
    assert all(chunk.text.startswith("##") for chunk in document.chunks[1:])


def test_talking_points_follow_ups_and_red_flags() -> None:
    document = parse(
        "question,answer,talking points,follow-up questions,red flags\n"
        "What is a TTL?,A time to live.,Mention jitter,Who sets it?,Says it is a cache\n"
        "What is jitter?,,Spread,,\n"
    )
    first, second = document.items
    assert answer(document, first) == "A time to live."
    assert [document.text[s.start : s.end] for s in first.talking_points] == ["Mention jitter"]
    assert [document.text[s.start : s.end] for s in second.talking_points] == ["Spread"]
    assert second.answer is None
    text = document.text[first.span.start : first.span.end]
    assert "Follow-ups:\n\nWho sets it?" in text
    assert "Red flags:\n\nSays it is a cache" in text


def test_long_questions_and_questions_of_several_lines() -> None:
    code = "What does this print?\n\n```python\nfor i in range(3):\n    print(i)\n```"
    long = "Imagine a service. " * 20 + "What would you do?"
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("id", "question", "answer"), ("1", code, "0 to 2"), ("2", long, "Measure.")])
    document = parse(buffer.getvalue())
    first, second = document.items
    assert first.question_span is not None
    assert document.text[first.question_span.start : first.question_span.end] == code
    assert second.question == long
    assert [answer(document, item) for item in document.items] == ["0 to 2", "Measure."]


@pytest.mark.parametrize(
    "table",
    [
        "question,A,B,C,answer\nWhich comes first?,last,first,middle,B\n",
        "question,option_a,option_b,option_c,correct answer\nWhich comes first?,last,first,middle,first\n",
        "question,choice 1,choice 2,choice 3,correct\nWhich comes first?,last,first,middle,b)\n",
        "question,options,answer\nWhich comes first?,last|first|middle,B\n",
        'question,choices,answer\nWhich comes first?,"A) last\nB) first\nC) middle",B\n',
    ],
)
def test_answers_to_choose_from(table: str) -> None:
    document = parse(table)
    item = the_item(document)
    assert item.question == "Which comes first?"
    assert answer(document, item) in ("B. first", "B) first")
    text = document.text[item.span.start : item.span.end]
    assert "last" in text
    assert "middle" in text


def test_the_right_option_beside_an_answer_in_words() -> None:
    head = "question,answer,optionA,optionB,correctOptions"
    document = parse(f"{head}\nWhich comes first?,It is first.,last,first,B\n")
    assert answer(document, the_item(document)) == "It is first.\n\ncorrectOptions: B. first"


def test_an_answer_that_names_no_option_stands_with_all_of_them() -> None:
    document = parse("question,option 1,option 2,answer\nWhich comes first?,last,first,2\n")
    assert answer(document, the_item(document)) == "2\n\nOptions:\n- A. last\n- B. first"


def test_an_explanation_belongs_to_the_answer() -> None:
    document = parse("question,answer,explanation\nWhat is 2 + 2?,4,Count.\n")
    assert answer(document, the_item(document)) == "4\n\nexplanation: Count."


def test_sorted_topics_are_headings() -> None:
    rows = ["Python,What is a list?,x", "Python,What is a dict?,y", "SQL,What is a join?,z", "SQL,What is a view?,w"]
    document = parse("\n".join(["topic,question,answer", *rows]))
    assert [(item.heading, item.topic) for item in document.items] == [
        (("Python",), "Python"),
        (("Python",), "Python"),
        (("SQL",), "SQL"),
        (("SQL",), "SQL"),
    ]
    mixed = parse("\n".join(["topic,question,answer", rows[0], rows[2], rows[1], rows[3]]))
    assert [(item.heading, item.topic) for item in mixed.items] == [
        ((), "Python"),
        ((), "SQL"),
        ((), "Python"),
        ((), "SQL"),
    ]


def test_a_mapping_names_the_columns() -> None:
    columns = (("question", "Thema"), ("answer", "Inhalt"), ("tags", "Marken"))
    table = "Nr,Inhalt,Thema,Marken\n1,Lebenszeit,TTL,redis\n2,Schlüssel,Hash,\n"
    document = parse(table, meta=Meta(columns=columns))
    assert asked(document) == {"TTL": "Lebenszeit", "Hash": "Schlüssel"}
    assert document.items[0].tags == ("redis",)
    assert asked(parse(table, meta=Meta(columns=(("question", "3"), ("answer", "2"))))) == asked(document)
    assert asked(
        parse("Lebenszeit,TTL\nSchlüssel,Hash\n", meta=Meta(columns=(("question", "2"), ("answer", "1"))))
    ) == {
        "TTL": "Lebenszeit",
        "Hash": "Schlüssel",
    }


def test_a_mapping_to_no_column_is_told_and_the_rest_goes_on() -> None:
    source = read("question,answer\nWhat is a TTL?,A time to live.\n", meta=Meta(columns=(("answer", "Antwort"),)))
    [flaw] = source.flaws
    assert "Antwort" in flaw.reason
    assert "question, answer" in flaw.reason
    assert "A time to live." in source.text


def test_a_row_without_a_question_is_told_with_its_line_and_kept() -> None:
    table = 'question,answer,tags\nWhat is a TTL?,"A time\nto live.",x\n,An answer to nothing.,orphan\nWhy?,So.,\n'
    source = read(table)
    [flaw] = source.flaws
    assert "line 4" in flaw.reason
    assert source.text.split("\n")[flaw.line - 1] == "## Line 4"
    document = parse(table)
    assert asked(document) == {"What is a TTL?": "A time\nto live.", "Why?": "So."}
    [note] = [item for item in document.items if item.kind == "note"]
    assert "An answer to nothing." in document.text[note.span.start : note.span.end]
    assert "orphan" in document.text[note.span.start : note.span.end]


def test_glossaries() -> None:
    document = parse("term,definition,example\nTTL,A time to live.,60 s\nLRU,Least recently used.,\n", "words.csv")
    assert document.title == "words"
    assert "- **TTL**: A time to live.\n  - example: 60 s\n- **LRU**: Least recently used." in document.text
    assert not any(item.leftover for item in document.items)


def test_other_tables_keep_their_head_with_every_row() -> None:
    small = parse("city,population\nBerlin,3500000\nParis,2100000\n", "cities-of-europe.csv")
    assert small.title == "cities of europe"
    assert "| city | population |\n| --- | --- |\n| Berlin | 3500000 |" in small.text
    rows = "".join(f"City {n},{n}000,Country {n % 7}\n" for n in range(300))
    large = parse(f"city,population,country\n{rows}")
    assert "- city: City 7; population: 7000; country: Country 0\n" in large.text
    assert all("population: " in chunk.text for chunk in large.chunks)


def test_rows_without_a_head() -> None:
    document = parse("hund,dog\nkatze,cat\nmaus,mouse\n" * 30)
    assert document.text.count("- hund; dog") == 30


def test_ragged_rows_lose_nothing() -> None:
    document = parse("question,answer\nWhat is a TTL?,A time, not a place, to live.\nWhy?\nHow?,So.,,,\n")
    assert asked(document) == {"What is a TTL?": "A time, not a place, to live.", "Why?": None, "How?": "So."}
    bare = parse("What is a TTL?,A time, not a place.\nWhy?,So.\nHow?,Thus.\n")
    assert asked(bare) == {"What is a TTL?": "A time, not a place.", "Why?": "So.", "How?": "Thus."}


def test_a_quote_that_is_not_closed_takes_its_own_line_only() -> None:
    rows = "".join(f'What is {n}?,"It is {n}."\n' for n in range(3, 8))
    for broken in ('"What is 1?,It is 1.', 'What is 1?,"It is 1.'):
        table = f'question,answer\n{broken}\nWhat is 2?,"It\nis 2."\n{rows}'
        said = asked(parse(table))
        assert said == {"What is 1?": "It is 1.", "What is 2?": "It\nis 2."} | {
            f"What is {n}?": f"It is {n}." for n in range(3, 8)
        }
        [flaw] = read(table).flaws
        assert "line 2" in flaw.reason


@pytest.mark.parametrize(
    "table",
    [
        'question,answer\n"Why ""so""?","A, ""b"""\n',
        'question,answer\n"Why \\"so\\"?","A, \\"b\\""\n',
        'sep=;\nquestion;answer\n"Why ""so""?";"A, ""b"""\n',
        '\ufeffquestion,answer\r\n"Why ""so""?","A, ""b"""\r\n',
    ],
)
def test_quotes_marks_and_newlines(table: str) -> None:
    assert asked(parse(table)) == {'Why "so"?': 'A, "b"'}


def test_tabs() -> None:
    assert asked(parse("What is a, b; c?\tA, b; c.\nWhat is d, e; f?\tD, e; f.\n", "a.tsv")) == {
        "What is a, b; c?": "A, b; c.",
        "What is d, e; f?": "D, e; f.",
    }


def test_a_head_that_is_repeated_is_no_row() -> None:
    assert asked(parse("question,answer\nWhy?,So.\nquestion,answer\nHow?,Thus.\n")) == {"Why?": "So.", "How?": "Thus."}


def test_cells_of_html_are_read_as_such_where_their_column_mostly_is() -> None:
    rows = [
        ("Front", "Back"),
        (
            "<div>What is a <b>TTL</b>?</div>",
            "A time to live.<br>It ends &amp; is gone.<ul><li>one</li><li>two</li></ul>",
        ),
        ("<div>Why so?</div>", "<p>Since <code>EX</code> is set.</p>"),
    ]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    assert asked(parse(buffer.getvalue())) == {
        "What is a TTL?": "A time to live.\nIt ends & is gone.\n\n- one\n- two",
        "Why so?": "Since `EX` is set.",
    }
    spoken = (
        "question,answer\nWhich tag breaks a line?,<br>\nWhich is a paragraph?,<p>\nWhich is a block?,<div>\nWhy?,So\n"
    )
    assert "## Which tag breaks a line?\n\n<br>\n" in parse(spoken).text


def test_huge_cells() -> None:
    said = "A long answer. " * 20_000
    assert asked(parse(f'question,answer\nWhy?,"{said}"\n')) == {"Why?": said.strip()}


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("", "empty"),
        (",,\n,,\n", "empty"),
        ("question,answer\n", "no rows"),
        ("a\0b,c", "binary"),
        (b"a,\xff\n", "UTF-8"),
    ],
)
def test_what_holds_nothing_is_refused(data: str | bytes, word: str) -> None:
    assert word in refusal(data).reason


WORDS = st.text(st.sampled_from("abcxyzABQ 01.?!:-#*`_\n|>,;\t\"'"), max_size=24)
HEADS = st.sampled_from(
    ["question", "answer", "A", "B", "options", "topic", "level", "tags", "id", "term", "definition", "hints", "x", ""]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(HEADS | WORDS, min_size=1, max_size=6),
    st.lists(st.lists(WORDS, min_size=1, max_size=7), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
)
@example(["question", "A", "B", "answer"], [["Q", "x", "y", "A"]], ",")
@example(["question", "options", "answer"], [["Q", "a;b", "a"]], ",")
@example(["term", "definition"], [["a*b", ""], ["", "c"]], ",")
def test_every_word_of_every_cell_is_in_the_text(head: list[str], rows: list[list[str]], delimiter: str) -> None:
    assume(any(cell.strip() for cell in head))
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows([head, *rows])
    try:
        document = parse(buffer.getvalue())
    except DocumentError as error:
        assume(error.reason not in ("the table is empty", "the file is empty", "there are no rows below the head"))
        raise
    found = set(re.findall(r"[^\W_]+", document.text.casefold()))
    for row in rows:
        if row != head:
            assert found.issuperset(re.findall(r"[^\W_]+", " ".join(row).casefold())), row


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('ab?,;\t|"\n'), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        said = parse(text).text
    except DocumentError as error:
        said = error.hint
    assert said.strip()


def repeated(unit: str) -> str:
    return unit * (1_000_000 // len(unit))


HOSTILE = {
    "commas": repeated(","),
    "quotes": repeated('"'),
    "quotes opened": repeated('"a\n'),
    "quotes opened behind a comma": repeated('a,"b\n'),
    "rows": "question,answer\n" + repeated("What is a?,b\n"),
    "short rows": repeated("a,b\n"),
    "questions": repeated("a?,b\n"),
    "as many questions as there may be": "".join(f'Question {n}?,"Answer\n- {"x" * 30}"\n' for n in range(12_000)),
    "as many rows as there may be": "".join(f"{n},{'x' * 10},y\n" for n in range(24_000)),
    "long Markdown cells": "question,answer\n" + repeated('a?,"' + "- b\n\n```\nc\n```\n" * 80 + '"\n'),
    "one row": repeated("What is a?,"),
    "wide": ("a" * 10 + ",") * 50_000 + "\n" + "b," * 200_000,
    "many wide": "\n".join(["a," * 5_000] * 100),
    "Markdown cells": "question,answer\n" + repeated('a?,"- b\n- c"\n'),
    "one Markdown cell": 'question,answer\na?,"' + repeated("- b\n") + '"\n',
    "topics": "topic,question,answer\n" + "".join(f"t{n},a?,b\n" for n in range(90_000)),
    "blank": repeated(" ,\n"),
    "options": "question,options,answer\n" + repeated("a?,b|c|d,A\n"),
    "HTML": "question,answer\n" + repeated("a?,<p>b</p>c<br>d\n"),
    "HTML, as many cells as there may be": "question,answer\n" + f"a?,<p>b</p>c<br>{'d' * 150}\n" * 5_000,
    "tags": "question,answer\n" + ("a?," + "<p>" * 9_000 + "\n") * 35,
    "one line": "question,answer\n" + "a?," + "b" * 990_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_takes_little_time(name: str) -> None:
    started = time.process_time()
    try:
        text = read(HOSTILE[name]).text
    except DocumentError as error:
        text = error.reason
    assert text
    # 2 s at most, and as much again where other work takes the processor's caches
    assert time.process_time() - started < 4
