"""What an HTML file says about itself in its head."""

from __future__ import annotations

import json
import re
from dataclasses import fields

from ingest.errors import DocumentError
from ingest.formats.front_matter import read_front_matter
from ingest.formats.html_tree import Element
from ingest.formats.titles import given_title
from ingest.items import Meta

PREFIX = "cuecard:"

_FIELDS = frozenset(field.name for field in fields(Meta)) - {"columns"}
_NAMES = {"keywords": "tags"}
_MAX_VALUE = 2_000  # characters
_DATE_LIKE = re.compile(r"\d+\D")


def read_meta(root: Element, text: str, path: str) -> Meta:
    """The meta data in `<meta>`, `<link rel="canonical">` and `<title>`; what `cuecard:` names goes before the rest.

    Raises DocumentError, with the line, for a date that isn't one.
    """
    said: dict[str, tuple[str, str]] = {}  # field → the name it goes by, and the value
    title = ""
    for element in root.walk():
        attrs = element.attrs
        if element.tag == "title":
            title = title or element.words()[:_MAX_VALUE]
        elif element.tag == "link" and "canonical" in attrs.get("rel", "").lower().split():
            said.setdefault("url", ("canonical", attrs.get("href", "")[:_MAX_VALUE]))
        elif element.tag == "meta" and attrs.get("content", "").strip():
            name = attrs.get("name", "").lower()
            key = name.removeprefix(PREFIX).replace("-", "_")
            key = _NAMES.get(key, key)
            if key in _FIELDS and _is_meant(name, attrs["content"]) and _rank(name) > _rank(said.get(key, ("", ""))[0]):
                said[key] = (name, attrs["content"][:_MAX_VALUE])
    if "title" not in said and given_title(title):
        said["title"] = ("title", title)
    return _checked(said, text, path)


def _rank(name: str) -> int:
    """Which of two names for one field counts: cuecard's own, then the field's, then the web's."""
    return (name.startswith(PREFIX) + (name != "canonical") + 1) if name else 0


def _is_meant(name: str, value: str) -> bool:
    """Whether a name that the web knows too is used as front matter would: `expires` can be a browser cache's rule."""
    return name != "expires" or bool(_DATE_LIKE.match(value.strip()))


def _checked(said: dict[str, tuple[str, str]], text: str, path: str) -> Meta:
    """The values as front matter checks them."""
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, (_, value) in said.items()]
    try:
        return read_front_matter("\n".join(["---", *lines, "---"]), path)[0] if lines else Meta()
    except DocumentError as error:
        name = list(said.values())[(error.line or 2) - 2][0]
        raise DocumentError(path, error.reason, line=_line_of(name, text), hint=error.hint) from error


def _line_of(name: str, text: str) -> int | None:
    match = re.search(rf"<meta\b[^<>]{{0,400}}?\bname\s*=\s*[\"']?{re.escape(name)}\b", text, re.I)
    return text.count("\n", 0, match.start()) + 1 if match else None
