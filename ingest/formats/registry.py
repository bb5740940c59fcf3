"""Which reader takes which file, by suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ingest.errors import DocumentError
from ingest.formats.decode import decode
from ingest.formats.front_matter import merged, read_front_matter
from ingest.items import Meta

READERS_VERSION = "1"
"""Rises when a reader starts to give another text for the same bytes, so that documents are read anew."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file as its reader gives it to the parser.

    `text` is the canonical text, front matter included; its body starts at `body_line` (1-based). `plain`: the text
    has no Markdown in it.
    """

    text: str
    meta: Meta
    body_line: int
    plain: bool


Reader = Callable[[bytes, str, Meta], SourceText]
"""Bytes, the path for messages, and the meta data inherited from folders. Raises DocumentError."""


def _read_text(data: bytes, path: str, folder: Meta, *, plain: bool) -> SourceText:
    text = decode(data, path)
    meta, body_line = read_front_matter(text, path)
    if body_line > 1 and not "".join(text.split("\n")[body_line - 1 :]).strip():
        raise DocumentError(path, "nothing follows the front matter", hint="Write something below it, or remove it.")
    return SourceText(text, merged(folder, meta), body_line, plain)


def read_markdown(data: bytes, path: str, folder: Meta) -> SourceText:
    """Markdown, with or without front matter."""
    return _read_text(data, path, folder, plain=False)


def read_plain(data: bytes, path: str, folder: Meta) -> SourceText:
    """Plain text, with or without front matter."""
    return _read_text(data, path, folder, plain=True)


READERS: Mapping[str, Reader] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".mdx": read_markdown,
    ".txt": read_plain,
    ".text": read_plain,
}
