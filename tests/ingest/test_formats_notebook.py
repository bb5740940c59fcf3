"""Jupyter notebooks."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.notebook import MAX_CELLS, MAX_OUTPUT_LINES, read_notebook
from ingest.formats.registry import READERS
from ingest.items import Document, Item, Meta
from ingest.parse.document import parse_document


def notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}).encode()


def text_cell(source: str | list[str]) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "a", "metadata": {}, "source": source}


def code_cell(source: str | list[str], *outputs: dict[str, Any]) -> dict[str, Any]:
    fields = {"id": "a", "metadata": {}, "execution_count": 1}
    return {"cell_type": "code", "source": source, "outputs": list(outputs), **fields}


def printed(text: str | list[str]) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def returned(**data: Any) -> dict[str, Any]:
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png", "markdown": "text/markdown"}
    return {"output_type": "execute_result", "metadata": {}, "data": {kinds[name]: it for name, it in data.items()}}


def read(data: bytes) -> SourceText:
    return read_notebook(data, "n.ipynb", Meta(level="senior"))


def parse(data: bytes) -> Document:
    return parse_document(collection="c", path="n.ipynb", version="v", source=read(data))


def refusal(data: bytes) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read(data)
    assert caught.value.path == "n.ipynb"
    assert caught.value.hint
    return caught.value


def answer(document: Document, item: Item) -> str:
    assert item.answer is not None
    return document.text[item.answer.start : item.answer.end]


def test_questions_answered_in_text_and_code() -> None:
    document = parse(
        notebook(
            text_cell("# Iterators\n\nA notebook to practise with."),
            text_cell(["## What does `iter` do?\n", "\n", "It asks for `__iter__`."]),
            code_cell("iter([1])\nnext(_)", printed("1\n"), returned(plain="<list_iterator at 0x7f>")),
            text_cell("## When is it exhausted?"),
            code_cell("list(it)", returned(plain="[5]", html="<table>…</table>")),
        )
    )
    assert document.title == "Iterators"
    assert document.meta == Meta(level="senior")
    first, second = (item for item in document.items if item.kind == "qa")
    assert first.question == "What does iter do?"
    assert answer(document, first) == "It asks for `__iter__`.\n\n```python\niter([1])\nnext(_)\n```\n\n```\n1\n```"
    assert answer(document, second) == "```python\nlist(it)\n```\n\n```\n[5]\n```"


def test_the_language_is_the_kernels_unless_a_magic_says_another() -> None:
    cells = (code_cell("x <- 1"), code_cell("%%bash\nls"))
    assert "```r\nx" in read(notebook(*cells, language_info={"name": "R"})).text
    source = read(notebook(*cells, kernelspec={"language": "julia", "name": "j"}))
    assert "```julia\nx" in source.text
    assert "```bash\n%%bash" in source.text


def test_raw_cells_are_text() -> None:
    source = read(notebook({"cell_type": "raw", "metadata": {}, "source": "# no heading\n\nmore\nlines"}))
    assert [node.kind for node in source.blocks] == ["paragraph", "paragraph"]
    assert source.text == "# no heading\n\nmore\nlines\n"


def test_long_outputs_are_cut_and_it_is_said() -> None:
    lines = [f"line {number}\n" for number in range(MAX_OUTPUT_LINES + 5)]
    text = read(notebook(code_cell("f()", printed(lines)))).text
    assert f"line {MAX_OUTPUT_LINES - 1}\n… (5 more lines)\n```" in text
    assert f"line {MAX_OUTPUT_LINES}\n" not in text
    assert len(read(notebook(code_cell("f()", printed("x" * 300_000)))).text) < 10_000


def test_pictures_colours_and_tracebacks_are_left_out() -> None:
    failed = {"output_type": "error", "ename": "KeyError", "evalue": "'a'", "traceback": ["\x1b[0;31mKeyError\x1b[0m"]}
    picture = "![plot](data:image/png;base64," + "iVBOR" * 1000 + ")"
    text = read(
        notebook(
            text_cell(f"Look: {picture}"),
            code_cell("plot()", returned(png="iVBOR" * 1000, plain="<Figure size 640x480 with 1 Axes>")),
            code_cell("d['a']", failed, printed("\x1b[31mred\x1b[0m")),
            code_cell("show()", returned(plain="<Markdown object>", markdown="**shown**")),
        )
    ).text
    assert "iVBOR" not in text
    assert "Figure" not in text
    assert "\x1b" not in text
    for words in ("![plot](data:)", "KeyError: 'a'", "```\nred\n```", "**shown**"):
        assert words in text


def test_the_third_version_of_the_format(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "What is a generator?"},
        {"cell_type": "markdown", "source": ["It yields."]},
        {
            "cell_type": "code",
            "language": "python",
            "input": ["yield 1"],
            "outputs": [{"output_type": "pyout", "text": ["2"], "prompt_number": 1, "metadata": {}}],
            "unknown": True,
        },
    ]
    data = json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}).encode()
    with caplog.at_level(logging.WARNING):
        document = parse(data)
    [item] = document.items
    assert item.question == "What is a generator?"
    assert answer(document, item) == "It yields.\n\n```python\nyield 1\n```\n\n```\n2\n```"
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b'{"nbformat": 4,\n "cells": [,]}', "malformed JSON"),
        (b"[]", "no notebook"),
        (b'{"cells": []}', "no notebook"),
        (b'{"nbformat": 99, "cells": []}', "version 99"),
        (b'{"nbformat": "x", "cells": []}', "version x"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "cells"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}', "read"),
        (b'{"nbformat": 3, "metadata": {}, "worksheets": 3}', "read"),
        (b"[" * 10_000, "deep"),
        (notebook(), "no cell"),
        (notebook(*[text_cell("a")] * (MAX_CELLS + 1)), "10,001 cells; the limit is 10,000"),
        (notebook(text_cell(" \n"), code_cell("")), "no cell"),
    ],
)
def test_what_is_no_notebook_is_refused(data: bytes, word: str) -> None:
    assert word in refusal(data).reason


def test_malformed_json_tells_the_line() -> None:
    assert refusal(b'{"nbformat": 4,\n "cells": [,]}').line == 2


def test_a_broken_cell_is_told_and_the_rest_is_read() -> None:
    broken = {**text_cell("x"), "source": 5}
    source = read(notebook(text_cell("# One"), broken, text_cell("Two")))
    assert source.text == "# One\n\nTwo\n"
    [flaw] = source.flaws
    assert "cell 2" in flaw.reason
    assert flaw.hint


def test_the_registry_reads_notebooks() -> None:
    assert READERS[".ipynb"](notebook(text_cell("words")), "n.ipynb", Meta()).text == "words\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["markdown", "code", "raw", "heading"]) | JSON},
    optional={
        "source": st.text(max_size=20) | st.lists(st.text(max_size=8), max_size=3) | JSON,
        "input": JSON,
        "metadata": JSON,
        "level": JSON,
        "outputs": JSON | st.lists(st.fixed_dictionaries({}, optional={"text": JSON, "data": JSON}), max_size=2),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([1, 2, 3, 4, 5]), st.lists(CELLS | JSON, max_size=3) | JSON, JSON)
def test_any_cells_are_read_or_refused(version: int, cells: Any, metadata: Any) -> None:
    value = {"nbformat": version, "nbformat_minor": 0, "metadata": metadata, "cells": cells}
    value["worksheets"] = [{"cells": cells}]
    try:
        text = read(json.dumps(value).encode()).text
    except DocumentError as error:
        text = error.reason
    assert text.strip()


@pytest.mark.parametrize(
    "data",
    [
        notebook(*[code_cell("x = 1", printed("1"))] * 5500),
        notebook(text_cell("- a\n" * 250_000)),
        notebook(code_cell("f()", printed("a\n" * 330_000))),
        notebook(text_cell("x" * 990_000)),
        notebook(text_cell("data:" * 200_000)),
        notebook(code_cell("\x1b[" * 120_000, printed("<" * 300_000))),
    ],
    ids=["cells", "bullets", "output", "line", "data", "escapes"],
)
def test_a_hostile_megabyte_takes_little_time(data: bytes) -> None:
    started = time.process_time()
    try:
        text = read(data).text
    except DocumentError as error:
        text = error.reason
    assert text
    # 2 s at most, and as much again where other work takes the processor's caches
    assert time.process_time() - started < 4
