"""Jupyter notebooks: text cells as Markdown, code cells with the text they print."""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from ingest.blocks import SourceText
from ingest.errors import DocumentError
from ingest.formats.decode import MAX_LINE_CHARS, printable, to_text
from ingest.formats.writer import BlockWriter
from ingest.items import Meta

MAX_OUTPUT_LINES = 40
"""What a cell prints beyond is left out, and the number of lines said: it is data, not an answer."""

MAX_CELLS = 10_000
"""A notebook with more is no document that anybody wrote; reading 17,372 took 3 s."""

_MAX_OUTPUT_CHARS = 8_000
_HINT = "Open it in Jupyter and save it again."
_INLINE_DATA = re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,60}(?:;[\w=.-]{1,60}){0,3},[A-Za-z0-9+/=%]{40,}")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_REPR = re.compile(r"\[?<[^<>\n]{1,200}(?: at 0x[0-9a-fA-F]+| with \d+ Axes)>\]?")
_MAGIC = re.compile(r"\s*%%(bash|sh|html|javascript|js|latex|perl|R|ruby|sql|cython)\b")


def read_notebook(data: bytes, path: str, folder: Meta) -> SourceText:
    """A notebook of any version of its format. Raises DocumentError."""
    notebook = _load(to_text(data, path), path)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise DocumentError(path, "a notebook without a list of cells", hint=_HINT)
    if len(cells) > MAX_CELLS:
        reason = f"it has {len(cells):,} cells; the limit is {MAX_CELLS:,}"
        raise DocumentError(path, reason, hint="Make several notebooks of it.")
    out = BlockWriter(path)
    language = _language(notebook.get("metadata"))
    for number, cell in enumerate(cells, 1):
        try:
            _write_cell(out, cell, language)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            out.flaw(f"cell {number} can't be read: {error}", _HINT)
    if out.empty:
        raise DocumentError(path, "no cell has any text", hint="Write something into it, or remove it.")
    return out.finish(folder)


def _load(text: str, path: str) -> Mapping[str, Any]:
    """The notebook, in version 4 of the format. Raises DocumentError."""
    import nbformat.reader

    try:
        notebook = json.loads(text)
        if not isinstance(notebook, dict) or "nbformat" not in notebook:
            raise DocumentError(path, "it is JSON, but no notebook", hint="Rename it to .json.")
        read: Mapping[str, Any] = nbformat.reader.reads(text)  # type: ignore[no-untyped-call]
        return read if read["nbformat"] == 4 else _upgraded(read)
    except json.JSONDecodeError as error:
        reason = f"malformed JSON: {error.msg}, column {error.colno}"
        raise DocumentError(path, reason, line=error.lineno, hint=_HINT) from error
    except RecursionError as error:
        raise DocumentError(path, "it is nested too deeply", hint=_HINT) from error
    except DocumentError:
        raise
    except Exception as error:
        # nbformat trusts the form of what it reads: a bad one ends in an error of any kind
        raise DocumentError(path, f"not a notebook that can be read: {str(error)[:200]}", hint=_HINT) from error


def _upgraded(notebook: Any) -> Mapping[str, Any]:
    """A notebook of an older version. What nbformat has to say about its form is not for our users."""
    import nbformat.converter

    logger = logging.getLogger("traitlets")
    before, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            upgraded: Mapping[str, Any] = nbformat.converter.convert(notebook, 4)  # type: ignore[no-untyped-call]
            return upgraded
    finally:
        logger.disabled = before


def _language(metadata: Any) -> str:
    """The language of the notebook's kernel."""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return str(part[name]).lower()
    return "python"


def _write_cell(out: BlockWriter, cell: Mapping[str, Any], language: str) -> None:
    text = _text(cell.get("source", ""))
    if cell["cell_type"] == "markdown":
        out.markdown(text)
    elif cell["cell_type"] == "code":
        magic = _MAGIC.match(text)
        out.code(text, magic[1].lower() if magic else language)
        for output in cell.get("outputs") or ():
            _write_output(out, output)
    else:
        for paragraph in re.split(r"\n[ \t]*\n", text):
            out.paragraph(paragraph)


def _write_output(out: BlockWriter, output: Mapping[str, Any]) -> None:
    """What a code cell printed or returned, as text; pictures and tables in HTML are left out."""
    data = output.get("data") or {}
    if "text/markdown" in data:
        out.markdown(_text(data["text/markdown"]))
        return
    for text in _printed(output, data):
        lines = [line[:_MAX_OUTPUT_CHARS] for line in text.strip("\n").split("\n")]
        kept = lines[:MAX_OUTPUT_LINES]
        while sum(map(len, kept)) > _MAX_OUTPUT_CHARS and len(kept) > 1:
            kept.pop()
        if len(kept) < len(lines):
            kept.append(f"… ({len(lines) - len(kept)} more lines)")
        out.code("\n".join(kept))


def _printed(output: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    if output.get("output_type") == "error":
        text = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    else:
        text = output.get("text") or data.get("text/plain") or ""
    text = _ANSI.sub("", _text(text))
    if text.strip() and not _REPR.fullmatch(text.strip()):
        yield text


def _text(source: Any) -> str:
    """A text that may be kept as a list of lines; pictures inside it are left out. Raises TypeError, ValueError."""
    text = "".join(source) if isinstance(source, list) else source
    if not isinstance(text, str):
        raise TypeError("it holds no text")
    text = printable(_INLINE_DATA.sub("data:", text))
    if len(text) > MAX_LINE_CHARS and max(map(len, text.split("\n"))) > MAX_LINE_CHARS:
        raise ValueError(f"a line has more than {MAX_LINE_CHARS:,} characters")
    return text
