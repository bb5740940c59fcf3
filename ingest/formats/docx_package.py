"""Opening a .docx without trusting it: its sizes are bounded before anything is unpacked, declarations refused."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, NoReturn

from ingest.errors import DocumentError
from ingest.formats.decode import check_size

if TYPE_CHECKING:
    from docx.document import Document

MAX_XML_BYTES = 24 * 1024 * 1024
"""Unpacked XML of one document, all parts together: ten times the text that can be read of it."""

MAX_UNPACKED_BYTES = 128 * 1024 * 1024
"""All that is unpacked, pictures included; they hardly shrink when packed, so a file of 16 MB has little more."""

MAX_RATIO = 200
"""A part of more than 1 MB of XML and of so many times its packed size is a bomb."""

MAX_ELEMENTS = 250_000
"""XML elements of one document, all parts together: 60,000 short paragraphs, or as many changes of style."""

_MAX_PARTS = 5_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old .doc files, and the envelope of encrypted ones
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_HINT = "Open it in Word or LibreOffice and save it as a Word document (.docx)."


def open_docx(data: bytes, path: str) -> Document:
    """The package as python-docx reads it. Raises DocumentError for what is no .docx, damaged, encrypted or hostile."""
    check_size(len(data), path)
    if data.startswith(_OLE):
        reason = "is password protected, or an old .doc file with the name of a new one"
        raise DocumentError(path, reason, hint="Take the password off, or save it as a Word document (.docx).")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _check(package, path)
        return _opened(data, path)
    except _DAMAGE as error:  # a picture's part is unpacked only when the document is opened
        _refuse(path, f"is no Word document that can be unpacked: {_said(error)}", error)


def _opened(data: bytes, path: str) -> Document:
    import docx
    from docx.opc.exceptions import OpcError
    from lxml import etree  # type: ignore[import-untyped]

    try:
        document = docx.Document(io.BytesIO(data))
        if document.element.body is None:
            _refuse(path, "is no Word document: it has no body")
        return document
    except etree.XMLSyntaxError as error:
        _refuse(path, f"holds malformed XML: {_said(error)}", error)
    except (OpcError, KeyError, ValueError, AttributeError, TypeError, IndexError, AssertionError) as error:
        _refuse(path, f"is no Word document: {_said(error)}", error)


def read_part(owner: Any, kind: str, path: str) -> Any:
    """The root element of the part that is related as `kind` ("footnotes"); None without one. Raises DocumentError."""
    from docx.oxml.parser import parse_xml
    from lxml import etree

    for relation in owner.rels.values():
        if relation.reltype.endswith(f"/{kind}") and not relation.is_external:
            part = relation.target_part
            try:
                return part.element if hasattr(part, "element") else parse_xml(part.blob)
            except etree.XMLSyntaxError as error:
                _refuse(path, f"holds malformed XML: {_said(error)}", error)
    return None


def _check(package: zipfile.ZipFile, path: str) -> None:
    parts = package.infolist()
    xml = [part for part in parts if part.filename.lower().endswith((".xml", ".rels"))]
    size = sum(part.file_size for part in xml)
    total = sum(part.file_size for part in parts)
    if len(parts) > _MAX_PARTS:
        _refuse(path, f"holds {len(parts):,} parts; the limit is {_MAX_PARTS:,}")
    if size > MAX_XML_BYTES or total > MAX_UNPACKED_BYTES:
        reason = f"unpacks to {total / 1e6:,.0f} MB, {size / 1e6:,.0f} MB of it text"
        limits = f"the limits are {MAX_UNPACKED_BYTES / 1e6:,.0f} and {MAX_XML_BYTES / 1e6:,.0f} MB"
        raise DocumentError(path, f"{reason}; {limits}", hint="Split it into several files.")
    for part in xml:
        if part.file_size > 1_000_000 and part.file_size > MAX_RATIO * max(1, part.compress_size):
            ratio = part.file_size // max(1, part.compress_size)
            _refuse(path, f"{part.filename} in it unpacks to {ratio:,} times its size, as only a zip bomb does")
    if any(part.flag_bits & 1 for part in parts):
        raise DocumentError(path, "is password protected", hint="Take the password off.")
    elements = 0
    for part in xml:
        text = package.read(part).replace(b"\0", b"")  # in UTF-16 and UTF-32 they stand between the letters
        elements += text.count(b"<") - text.count(b"</")
        if elements > MAX_ELEMENTS:
            raise DocumentError(path, f"more than {MAX_ELEMENTS:,} elements", hint="Split it into several files.")
        if re.search(rb"<!(?:DOCTYPE|ENTITY)", text):
            _refuse(path, f"declares XML entities in {part.filename}, which no Word document does")


def _said(error: Exception) -> str:
    """What an error says, on one short line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _refuse(path: str, reason: str, cause: Exception | None = None) -> NoReturn:
    raise DocumentError(path, reason, hint=_HINT) from cause
