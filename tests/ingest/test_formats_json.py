"""JSON and JSON Lines."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.json_flat import MAX_DEPTH
from ingest.formats.registry import READERS
from ingest.items import Document, Meta
from ingest.parse.document import parse_document
from tests.ingest.test_formats_tabular import answer, asked, the_item
from tests.ingest.test_parse_properties import check


def read(value: Any, path: str = "qa.json", meta: Meta | None = None) -> SourceText:
    """`value`: bytes, or what they are to say in JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return READERS[path[path.rindex(".") :]](data, path, meta or Meta())


def parse(value: Any, path: str = "qa.json", meta: Meta | None = None) -> Document:
    document = parse_document(collection="c", path=path, version="v", source=read(value, path, meta))
    check(document)
    return document


def refusal(data: bytes, path: str = "qa.json") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read(data, path)
    assert caught.value.path == path
    assert caught.value.hint
    return caught.value


QA = {"What is a TTL?": "A time to live.", "Explain idempotency": "Doing it twice, to the same effect."}
RECORDS = [{"question": question, "answer": said} for question, said in QA.items()]


@pytest.mark.parametrize(
    "value",
    [
        RECORDS,
        {"questions": RECORDS},
        {"title": "Words", "count": 2, "data": {"items": RECORDS}},
        {"Caching": RECORDS[:1], "HTTP": RECORDS[1:]},
        [{"topic": "Caching", "questions": RECORDS[:1]}, {"topic": "HTTP", "questions": RECORDS[1:]}],
        {"q1": RECORDS[0], "q2": RECORDS[1]},
        {"1": RECORDS[0], "2": RECORDS[1]},
        [{"q": question, "a": said} for question, said in QA.items()],
        [{"prompt": question, "completion": said} for question, said in QA.items()],
        [{"questionText": question, "modelAnswer": said} for question, said in QA.items()],
        [{"question": {"text": question}, "answer": {"markdown": said}} for question, said in QA.items()],
        [{"attributes": {"question": question, "answer": said}} for question, said in QA.items()],
        [{"question": question, "answers": [said]} for question, said in QA.items()],
        {"question": list(QA), "answer": list(QA.values())},
        {"question": dict(enumerate(QA)), "answer": dict(enumerate(QA.values()))},
        QA,
        {"faq": QA},
        [["question", "answer"], *map(list, QA.items())],
    ],
)
def test_records_are_found_in_the_ways_they_are_kept(value: Any) -> None:
    document = parse(value)
    assert asked(document) == QA
    assert not read(value).flaws
    assert not any(item.leftover for item in document.items)


def test_json_lines() -> None:
    lines = b"\n\n".join(json.dumps(record).encode() for record in RECORDS)
    for path in ("qa.jsonl", "qa.ndjson", "qa.json"):
        assert asked(parse(lines, path)) == QA


def test_what_a_record_states_is_stated_about_its_item() -> None:
    record = {
        "id": 7,
        "question": "What is a TTL?",
        "answer": "A time to live.",
        "difficulty": "Hard",
        "level": "senior",
        "category": "Caching",
        "company": ["Initech"],
        "tags": ["redis", "cache"],
        "followUps": ["Who sets it?", "How long?"],
        "talking_points": ["Jitter", "Clocks"],
        "source": {"url": "https://example.org", "page": 3},
        "reviewed": True,
        "score": 1.50,
        "note": None,
    }
    document = parse([record])
    item = the_item(document)
    assert (item.question, answer(document, item)) == ("What is a TTL?", "A time to live.")
    assert (item.difficulty, item.level, item.topic, item.company) == ("hard", "senior", "Caching", "Initech")
    assert item.tags == ("redis", "cache")
    assert [document.text[s.start : s.end] for s in item.talking_points] == ["- Jitter\n- Clocks"]
    text = document.text[item.span.start : item.span.end]
    for line in ("- source url: https://example.org", "- source page: 3", "- reviewed: true", "- Who sets it?"):
        assert line in text
    assert "note" not in text
    # figures stay as they are written
    assert "- score: 1.50" in parse(json.dumps([record]).replace("1.5,", "1.50,").encode()).text


def test_groups_are_headings() -> None:
    value = {"title": "The deck", "sections": [{"name": "Caching", "note": "First.", "cards": RECORDS}]}
    document = parse(value, "x.json")
    assert document.title == "The deck"
    first = next(item for item in document.items if item.kind == "qa")
    assert first.heading == ("The deck", "sections", "Caching")
    assert "First." in document.text


def test_what_stands_around_records_says_that_they_ask() -> None:
    records = [
        {"id": 1, "title": "Caches", "imageUrl": "https://x"},
        {"id": 2, "title": "Queues", "imageUrl": "https://y"},
    ]
    document = parse({"data": [{"tab": "Backend", "questions": records}]})
    assert asked(document) == {"Caches": None, "Queues": None}
    assert document.items[-1].heading == ("qa", "Backend")
    assert asked(parse({"data": [{"tab": "Backend", "pages": records}]})) == {}


def test_prompts_are_questions_and_kinds_are_no_answers() -> None:
    records = [
        {"text": "Tell me about a time you failed.", "type": "behavioural", "tips": ["Own it", "Be brief"]},
        {"text": "Why should we hire you?", "type": "behavioural", "tips": []},
    ]
    document = parse(records)
    assert asked(document) == {"Tell me about a time you failed.": None, "Why should we hire you?": None}
    first = document.items[0]
    assert [document.text[s.start : s.end] for s in first.talking_points] == ["- Own it\n- Be brief"]


def test_several_questions_of_one_object() -> None:
    assert asked(parse([{"topic": "a", "questions": ["Why so?", "How so?"]}])) == {"Why so?": None, "How so?": None}
    assert asked(parse([{"topic": "a", "questions": ["Why so?", "How so?"], "answers": ["x", "y"]}])) == {
        "Why so?": "x",
        "How so?": "y",
    }
    forms = parse([{"questions": ["Why so?", "How come?"], "answer": "Because."}])
    assert asked(forms) == {"Why so?": "Because."}
    assert "How come?" in forms.text


@pytest.mark.parametrize(
    ("options", "right"),
    [
        (["last", "first"], "B"),
        (["last", "first"], "first"),
        ({"A": "last", "B": "first"}, "B"),
        ({"a": "last", "b": "first"}, "b"),
        (["a) last", "b) first"], "b"),
    ],
)
def test_answers_to_choose_from(options: Any, right: str) -> None:
    document = parse({"quiz": [{"question": "Which comes first?", "options": options, "answer": right}]})
    item = the_item(document)
    assert (answer(document, item) or "").endswith(" first")
    assert "last" in document.text[item.span.start : item.span.end]


def test_options_that_say_which_is_right() -> None:
    options = [{"text": "last", "isCorrect": False}, {"text": "first", "isCorrect": True}]
    document = parse([{"question": "Which comes first?", "answerOptions": options}])
    assert answer(document, the_item(document)) == "Options:\n- A. last\n- B. first (isCorrect)"


def test_a_mapping_names_the_keys() -> None:
    columns = (("question", "Thema"), ("answer", "Inhalt"))
    assert asked(parse([{"Inhalt": "Lebenszeit", "Thema": "TTL"}], meta=Meta(columns=columns))) == {"TTL": "Lebenszeit"}
    source = read(RECORDS, meta=Meta(columns=columns))
    [flaw] = source.flaws
    assert "Thema, Inhalt" in flaw.reason


def test_any_other_value_keeps_its_keys() -> None:
    value = {"name": "redis", "port": 6379, "limits": {"max_clients": 10_000, "policies": ["lru", "lfu"]}, "tls": False}
    document = parse(value, "x.json")
    assert document.title == "redis"
    for words in (
        "- **port**: 6379",
        "## limits",
        "- **max clients**: 10000",
        "### policies",
        "- lfu",
        "**tls**: false",
    ):
        assert words in document.text
    assert not any(item.leftover for item in document.items)
    assert not any(item.kind == "qa" for item in document.items)


def test_glossaries_and_rows() -> None:
    terms = [{"term": "TTL", "definition": "A time to live."}, {"term": "LRU", "definition": "Least recently used."}]
    assert "- **TTL**: A time to live.\n- **LRU**: Least recently used." in parse(terms).text
    cities = [{"city": f"City {n}", "population": n} for n in range(100)]
    assert "- city: City 7; population: 7\n" in parse(cities).text
    assert "| city | population |" in parse(cities[:3]).text


@pytest.mark.parametrize(
    "value", ["words", 3, True, ["words", 5], {"a": "words"}, [[], {}, "words"], [[1, [2, "words"]]]]
)
def test_small_values(value: Any) -> None:
    assert parse(value).items


def test_repeated_keys_lose_nothing() -> None:
    document = parse(b'{"question": "Why?", "answer": "So.", "answer": "Thus.", "tags": "x"}')
    assert asked(document) == {"Why?": "- So.\n- Thus."}


def test_escapes_become_characters() -> None:
    source = read(
        b'[{"question": "Caf\\u00e9 \\ud83d\\ude00?", "answer": "it\\u00e2\\u20ac\\u2122s\\u0000\\ud800\\r\\nso"}]'
    )
    assert source.text == "## Café 😀?\n\nit’s\nso\n"
    assert source.text.encode()


@pytest.mark.parametrize(
    ("data", "line", "word"),
    [
        (b'[\n {"question": "Why?",},\n]', 2, "malformed"),
        (b'{\n // a comment\n "a": 1}', 2, "malformed"),
        (b"{'a': 1}", 1, "malformed"),
        (b"[1,\n2", 2, "malformed"),
        (b'{"a": 1} trailing', 1, "Extra data"),
        (b"", None, "empty"),
        (b"\xef\xbb\xbf", None, "empty"),
        (b"[]", None, "no words"),
        (b"{}", None, "no words"),
        (b'[{}, [], null, "", " "]', None, "no words"),
        (b"[" * 10_000, None, "deep"),
        (b"[" * 10_000 + b"]" * 10_000, None, "deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, None, "deep"),
        (b'[{"a":' * 40 + b"1" + b"}]" * 40, None, "deep"),
        (b'"' + b"x" * 1_100_000 + b'"', None, "1,000,000 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(data: bytes, line: int | None, word: str) -> None:
    error = refusal(data)
    assert (error.line, word in error.reason) == (line, True), str(error)


def test_a_malformed_line_is_told_and_kept() -> None:
    lines = b'{"question": "Why?", "answer": "So."}\n{"question": lost, "answer": "words"}\n\n{"answer": "orphan"}\n'
    source = read(lines, "qa.jsonl")
    assert [flaw.reason.split(":")[0] for flaw in source.flaws] == ["line 4", "line 2"]
    canonical = source.text.split("\n")
    assert [canonical[flaw.line - 1] for flaw in source.flaws] == ["## Line 4", "## Line 2"]
    document = parse(lines, "qa.jsonl")
    assert asked(document) == {"Why?": "So."}
    notes = [document.text[item.span.start : item.span.end] for item in document.items if item.kind == "note"]
    assert notes == ["answer: orphan", '{"question": lost, "answer": "words"}']


def test_lines_that_are_no_json_are_refused() -> None:
    error = refusal(b"question,answer\nWhy?,So.\n", "qa.jsonl")
    assert error.line == 1
    assert refusal(b"\n".join([b'{"a": 1}', *[b"no"] * 100]), "qa.jsonl").line == 2
    assert "deep" in refusal(b"[" * 10_000, "qa.jsonl").reason


def test_as_deep_as_it_may_be() -> None:
    value: Any = "words"
    for _ in range(MAX_DEPTH):
        value = {"key": value}
    assert "words" in parse(value).text
    assert "deep" in refusal(json.dumps({"key": value}).encode()).reason


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


TEXTS = st.text(st.sampled_from("abcxyzABQ 01.?!:-#*`_\n|>,;\"'"), max_size=16)
KEYS = TEXTS.map(lambda text: text.replace('"', "")) | st.sampled_from(
    [
        *("question", "answer", "options", "topic", "tags", "id", "term", "definition", "title", "text", "questions"),
        *("a", "q", "answers", "items", "1", "2", "meta", "A", "B"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def check_leaves(value: Any, text: str) -> None:
    found = set(re.findall(r"[^\W_]+", text.casefold()))
    for leaf in leaves(value):
        assert found.issuperset(re.findall(r"[^\W_]+", leaf.casefold())), leaf


@settings(max_examples=600, deadline=None)
@given(VALUES)
@example({"question": ["a?", "b?"], "answer": ["c"]})
@example([{"title": "a", "questions": [{"q": "b"}]}, {"title": "a"}])
@example({"": {"": {"a": "b"}}})
def test_every_word_of_every_value_is_in_the_text(value: Any) -> None:
    try:
        document = parse(value)
    except DocumentError as error:
        assert error.reason == "there are no words in it"  # noqa: PT017 there may be none
        assert not "".join(leaves(value)).strip()
        return
    check_leaves(value, document.text)


@settings(max_examples=200, deadline=None)
@example([[None, "Q"], []])
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_every_word_of_every_line_is_in_the_text(values: list[Any]) -> None:
    try:
        document = parse("\n".join(map(json.dumps, values)).encode(), "qa.jsonl")
    except DocumentError as error:
        assert error.reason == "there are no words in it"  # noqa: PT017 there may be none
        return
    check_leaves(values, document.text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('{}[]":,a1\n \\'), max_size=60), st.sampled_from(["qa.json", "qa.jsonl"]))
def test_any_text_is_read_or_refused(text: str, path: str) -> None:
    try:
        said = parse(text.encode(), path).text
    except DocumentError as error:
        said = error.hint
    assert said.strip()


def nested(depth: int, size: int) -> Any:
    value: Any = [{"a": "b", "c": ["d"]}] * (size // 30)
    for level in range(depth):
        value = {f"k{level}": value, "x": "y"}
    return value


HOSTILE: dict[str, Any] = {
    "objects": [{"a": "b"}] * 100_000,
    "questions": [{"question": "a?", "answer": "b"}] * 25_000,
    "as many questions as there may be": [{"question": f"What is {n}?", "answer": "b" * 20} for n in range(12_000)],
    "as many objects as there may be": [{"a": "b", "c": "d"}] * 24_000,
    "a key each": [{f"k{n}": "v"} for n in range(24_000)],
    "a key for each question": [{f"k{n}": "v", "question": f"a{n}?"} for n in range(20_000)],
    "keys": {f"k{n}": "v" for n in range(24_000)},
    "keys over lists": {f"k{n}": ["v"] for n in range(24_000)},
    "keys that ask": {f"k{n}?": "v" for n in range(24_000)},
    "deep": nested(60, 700_000),
    "deep records": nested(4, 700_000),
    "lists in lists": [[["a"] * 3] * 3] * 18_000,
    "columns": {"question": ["a?"] * 24_000, "answer": ["b"] * 24_000},
    "one string": "a " * 490_000,
    "lines": "a\n" * 330_000,
    "options": [{"question": "a?", "options": ["b"] * 24_000, "answer": "b"}] * 4,
    "escapes": "\ud800" * 160_000,
    "braces": b"{" * 1_000_000,
    "numbers": b"[" + b"1" * 999_000 + b"]",
    "duplicates": b"{" + b'"a":1,' * 160_000 + b'"a":1}',
    "no lines": b'{"a":1}\n' + b"{\n" * 490_000,
}


@pytest.mark.parametrize("path", ["qa.json", "qa.jsonl"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_takes_little_time(name: str, path: str) -> None:
    value = HOSTILE[name]
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    started = time.process_time()
    try:
        text = read(data, path).text
    except DocumentError as error:
        text = error.reason
    assert text
    # 2 s at most, and as much again where other work takes the processor's caches
    assert time.process_time() - started < 4
