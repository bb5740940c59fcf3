"""Bytes to canonical text: decoded, newlines as `\\n`, mojibake repaired line by line. What isn't text is refused."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from ingest.errors import DocumentError

MAX_FILE_BYTES = 16 * 1024 * 1024
"""A larger file is refused: it would be thousands of pages in one document, parsed in memory."""

MAX_LINE_CHARS = 1_000_000
"""A longer line is refused: nobody wrote it, and every parser is at its worst on it. Inlined images still fit."""

MAX_CONTROL_SHARE = 0.01
"""Above this share of control characters a file is binary; a few stray ones come with pasted text."""

# control characters that no text needs; tab, newlines, vertical tab, form feed and escape are left to it
_CONTROL = bytes(sorted({*range(0x01, 0x09), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F}))

_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ud800-\udfff]")

# Mojibake is never one lone character beyond ASCII (a curly quote, an accent), save for C1 controls and for
# `Ã ` or `Â ` whose second half, a no-break space, became a space.
_SUSPECT = re.compile(r"[^\x00-\x7f]{2}|[\x80-\x9f]|[\xc2\xc3\xe2][ \t]")

_TEXT_HINT = "If it is meant to be text, save it as UTF-8; otherwise leave it out with a line in .cuecardignore."


def decode(data: bytes, path: str) -> str:
    """The canonical text of a file's bytes. It has as many lines as the file.

    As `to_text`, and mojibake is repaired. Raises DocumentError also for a line longer than MAX_LINE_CHARS.
    """
    text = to_text(data, path)
    lines = text.split("\n")
    _refuse_long_line(lines, path)
    return text if text.isascii() else _repaired_lines(lines)


def to_text(data: bytes, path: str) -> str:
    """The characters of a file, newlines as `\\n`: UTF-8 with or without a byte order mark, and UTF-16 with one.

    Raises DocumentError, with `path` in its message, for what is empty, binary, in another encoding or too large.
    """
    check_size(len(data), path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = _from_utf16(data, path)
    data = data.removeprefix(codecs.BOM_UTF8)
    _refuse_binary(data, path)
    text = _from_utf8(data, path).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DocumentError(path, "the file is empty", hint="Write something into it, or remove it.")
    return text


def printable(text: str) -> str:
    """A text that stood in another one as escapes, as a canonical text may hold it: newlines of one kind, no control
    characters, no halves of surrogate pairs, mojibake repaired line by line.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.isascii() else _repaired_lines(text.split("\n"))


def check_size(size: int, path: str) -> None:
    """Refuse a file by its size in bytes, before it is read. Raises DocumentError."""
    if size > MAX_FILE_BYTES:
        reason = f"the file has {size / 1e6:,.1f} MB; the limit is {MAX_FILE_BYTES / 1e6:,.1f} MB"
        raise DocumentError(path, reason, hint="Split it into several files.")


def _from_utf16(data: bytes, path: str) -> bytes:
    try:
        return data.decode("utf-16").encode("utf-8")
    except UnicodeError as error:
        raise DocumentError(path, f"starts like UTF-16, but isn't: {error}", hint="Save it as UTF-8.") from error


def _refuse_binary(data: bytes, path: str) -> None:
    nul = data.find(b"\0")
    if nul >= 0:
        raise DocumentError(path, f"binary data, not text (NUL at byte {nul})", hint=_TEXT_HINT)
    control = len(data) - len(data.translate(None, delete=_CONTROL))
    if control > MAX_CONTROL_SHARE * len(data):
        raise DocumentError(path, f"binary data, not text ({control} control characters)", hint=_TEXT_HINT)


def _from_utf8(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line = before.count(b"\n") + 1
        reason = f"not UTF-8: byte 0x{data[error.start]:02X} at offset {error.start}, line {line}"
        hint = f"Save it as UTF-8, for instance: iconv -f WINDOWS-1252 -t UTF-8 '{path}'"
        raise DocumentError(path, reason, line=line, hint=hint) from error


def _refuse_long_line(lines: list[str], path: str) -> None:
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE_CHARS:
            reason = f"line {number} has {len(line):,} characters; the limit is {MAX_LINE_CHARS:,}"
            raise DocumentError(path, reason, line=number, hint="Break the line, or leave the file out.")


def _repaired_lines(lines: list[str]) -> str:
    return "\n".join(_repaired(line) if _SUSPECT.search(line) else line for line in lines)


@lru_cache(maxsize=1024)
def _repaired(line: str) -> str:
    """The line with its mojibake undone; as it was where the repair would break it or bring in control characters."""
    import ftfy

    fixed = ftfy.fix_encoding(line)
    return line if any(mark in fixed for mark in "\0\n\r") else fixed
