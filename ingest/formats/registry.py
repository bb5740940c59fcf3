"""Which reader takes which file, by suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from ingest.blocks import SourceText
from ingest.formats.markdown import read_markdown, read_plain
from ingest.items import Meta

READERS_VERSION = "3"
"""Rises when a reader starts to give another text for the same bytes, so that documents are read anew."""

ARCHIVE = ".zip"
"""A file with this suffix is read as a folder is."""

Reader = Callable[[bytes, str, Meta], SourceText]
"""Bytes, the path for messages, and the meta data inherited from folders. Raises DocumentError."""


def _late(module: str, name: str) -> Reader:
    """A reader that is imported when the first file asks for it."""

    def read(data: bytes, path: str, folder: Meta) -> SourceText:
        reader: Reader = getattr(import_module(module), name)
        return reader(data, path, folder)

    return read


READERS: Mapping[str, Reader] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".mdx": read_markdown,
    ".txt": read_plain,
    ".text": read_plain,
    ".html": _late("ingest.formats.html", "read_html"),
    ".htm": _late("ingest.formats.html", "read_html"),
    ".xhtml": _late("ingest.formats.html", "read_html"),
    ".docx": _late("ingest.formats.docx", "read_docx"),
    ".csv": _late("ingest.formats.tabular", "read_csv"),
    ".tsv": _late("ingest.formats.tabular", "read_csv"),
    ".json": _late("ingest.formats.json_records", "read_json"),
    ".jsonl": _late("ingest.formats.json_records", "read_json_lines"),
    ".ndjson": _late("ingest.formats.json_records", "read_json_lines"),
    ".ipynb": _late("ingest.formats.notebook", "read_notebook"),
    ".pdf": _late("ingest.formats.pdf", "read_pdf"),
}
