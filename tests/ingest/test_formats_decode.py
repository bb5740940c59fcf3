"""Bytes to canonical text."""

from __future__ import annotations

import time

import ftfy
import ftfy.badness
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.errors import DocumentError
from ingest.formats.decode import MAX_FILE_BYTES, MAX_LINE_CHARS, decode


def refusal(data: bytes) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        decode(data, "notes.md")
    assert caught.value.path == "notes.md"
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read_and_left_out(encoding: str) -> None:
    assert decode("Grüße – naïve\n日本".encode(encoding), "notes.md") == "Grüße – naïve\n日本"


def test_newlines_become_one_kind() -> None:
    assert decode(b"a\r\nb\rc\n\r\nd", "notes.md") == "a\nb\nc\n\nd"


@pytest.mark.parametrize(
    ("given_line", "repaired"),
    [
        ("Discuss Pythonâ€™s simplicity", "Discuss Python’s simplicity"),
        ("cafÃ© crÃ¨me", "café crème"),
        ("voilÃ le travail", "voilà le travail"),
        ("90 â€“ 95 %", "90 – 95 %"),
        ("smart \x93quotes\x94", "smart “quotes”"),
    ],
)
def test_mojibake_is_repaired(given_line: str, repaired: str) -> None:
    text = decode(f"before\n{given_line}\nafter".encode(), "notes.md")
    assert text == f"before\n{repaired}\nafter"


@pytest.mark.parametrize(
    "line",
    [
        "“curly” ‘quotes’ … it’s",
        "&lt;br&gt; &amp;",
        "ﬁne ﬂow",
        "ｆｕｌｌ ｗｉｄｔｈ",
        "e\u0301 ≠ é",
        "\x1b[31mred\x1b[0m",
        "Ⅷ ½ ™",
    ],
)
def test_only_the_encoding_is_repaired(line: str) -> None:
    assert decode(line.encode(), "notes.md") == line


def test_a_repair_that_would_break_the_text_is_left_undone() -> None:
    line = "cafÃ© À\x80"
    assert ftfy.fix_encoding(line) == "café \0"
    assert decode(line.encode(), "notes.md") == line


def test_invalid_utf8_tells_byte_and_line() -> None:
    error = refusal(b"first\r\nsecond caf\xe9\n")
    assert error.line == 2
    assert "0xE9" in error.reason
    assert "offset 17" in error.reason
    assert "UTF-8" in error.hint


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"PK\x03\x04\x14\x00\x00\x00",
        bytes(range(1, 32)) * 4,
        "no mark, two bytes a letter".encode("utf-16-le"),
        b"plain text and then\x00one",
    ],
)
def test_binary_is_refused(data: bytes) -> None:
    assert "binary" in refusal(data).reason


def test_a_stray_control_character_is_no_binary() -> None:
    line = "pasted from a slide,\x0bwith a soft break and one \x08 backspace, " + "words " * 40
    assert decode(line.encode(), "notes.md") == line


def test_broken_utf16_is_refused() -> None:
    assert "UTF-16" in refusal(b"\xff\xfea\x00b").reason


@pytest.mark.parametrize("data", [b"", b"  \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe", "\u00a0\u3000\n".encode()])
def test_nothing_is_refused(data: bytes) -> None:
    assert "empty" in refusal(data).reason


def test_a_huge_line_is_refused_quickly() -> None:
    data = b"x" * 50_000_000
    started = time.perf_counter()
    assert "50.0 MB" in refusal(data).reason
    assert time.perf_counter() - started < 1


def test_limits() -> None:
    line = "x" * MAX_LINE_CHARS
    assert decode(line.encode(), "notes.md") == line
    error = refusal(f"short\n{line}y\n".encode())
    assert (error.line, "1,000,001 characters" in error.reason) == (2, True)
    assert "limit" in refusal(b"x\n" * (MAX_FILE_BYTES // 2 + 1)).reason


# letters, accents, punctuation, C1 controls and the letters that mojibake is made of
TEXT = st.text(st.sampled_from("ab Z0.,-\t\n\r\r\n’“–éüñßÃÂâ€™œ\x80\x93\xa0Ð日本🙂"), min_size=1, max_size=80)


def newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(TEXT)
def test_the_number_of_lines_stays(text: str) -> None:
    assume(text.strip())
    decoded = decode(text.encode(), "notes.md")
    assert decoded.count("\n") == newlines(text).count("\n")
    assert "\r" not in decoded


@given(TEXT | st.text(min_size=1))
def test_good_text_is_left_as_it_is(text: str) -> None:
    assume(text.strip())
    assume(not text.startswith("\ufeff"))
    assume(not any(ftfy.badness.is_bad(line) for line in newlines(text).split("\n")))
    assume(not any((ord(c) < 32 and c not in "\t\n\r\x0b\x0c\x1b") or c == "\x7f" for c in text))
    assert decode(text.encode(), "notes.md") == newlines(text)


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_a_reason(data: bytes) -> None:
    try:
        text = decode(data, "notes.md")
    except DocumentError as error:
        text = error.reason
    assert text.strip()
    assert "\0" not in text
    assert text.encode().decode() == text
