"""Whatever the bytes: a document that keeps its promises, or a refusal that says why. Bounded for the ordinary suite.

The long runs, guided by coverage, are harness.py's.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.samples import TOKENS, samples
from tests.fuzz.target import FORMATS, exercise

EXAMPLES = {"pdf": 25, "docx": 80, "zip": 80}
"""Inputs for the formats of which one takes long; 250 for each of the others."""

NAMES = sorted(FORMATS)


def put_through(data: bytes, name: str) -> None:
    """Raises what a fuzzer looks for."""
    with tempfile.TemporaryDirectory() as folder:
        exercise(data, FORMATS[name], Path(folder))


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_documents(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = [each for data in samples(name)[:1] for each in exercise(data, FORMATS[name], Path(folder))]
    assert any(getattr(each, "items", ()) for each in found)


# Inputs that broke something once, as small as they could be made, by what they broke.
BROKE = {
    "nested pre, each of which took the classes of two others": ("html", '<pre class="a">' * 60),
    "definitions without a term": ("md", "text\n\n[a]: /u 't'\n: one\n: **Answer:** two\n: three\n\n: a\n: b\n: c\n"),
    "definitions that begin with one": ("txt", ": /u 't'\n: /u 't'"),
    "a question whose anchor ends in marks of emphasis": ("md", "[Why a h -eap?](#wh**y-a-heap)\n### Why -a-heap)"),
}


@pytest.mark.parametrize("what", BROKE)
def test_what_broke_once_holds(what: str) -> None:
    name, text = BROKE[what]
    started = time.process_time()
    put_through(text.encode(), name)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("name", NAMES)
def test_mutated_files_break_nothing(name: str) -> None:
    @settings(max_examples=EXAMPLES.get(name, 250), deadline=None)
    @given(st.integers(0, 2**32))
    def run(seed: int) -> None:
        put_through(mutated(name, random.Random(seed)), name)  # noqa: S311 to be repeated from its seed

    run()


@pytest.mark.parametrize("name", NAMES)
def test_random_bytes_break_nothing(name: str) -> None:
    @settings(max_examples=EXAMPLES.get(name, 250) // 3, deadline=None)
    @given(st.binary(max_size=400))
    def run(data: bytes) -> None:
        put_through(data, name)

    run()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("docx", "pdf", "zip")])
def test_texts_of_syntax_break_nothing(name: str) -> None:
    words = st.sampled_from(TOKENS.get(name, TOKENS["md"]))
    text = st.lists(st.one_of(words, words, st.text(max_size=8)), max_size=60).map("".join)

    @settings(max_examples=EXAMPLES.get(name, 250), deadline=None)
    @given(text)
    def run(text: str) -> None:
        put_through(text.encode("utf-8", "surrogatepass"), name)

    run()
