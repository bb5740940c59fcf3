"""JSON and JSON Lines: read strictly, with the line of what is wrong; what the values hold is for json_values.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ingest.blocks import SourceText, most_blocks
from ingest.errors import DocumentError
from ingest.formats.decode import MAX_LINE_CHARS, to_text
from ingest.formats.json_flat import MAX_DEPTH, refuse_extremes
from ingest.formats.json_values import Entry, ValueWriter
from ingest.items import Meta

_HINT = "JSON allows no comments, no trailing commas and no single quotes."
_MAX_BROKEN = 20  # lines that are no JSON; a file with more of them, and more than good ones, is none
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def read_json(data: bytes, path: str, folder: Meta) -> SourceText:
    """A JSON document: records, groups of them, or any values under their keys. Raises DocumentError."""
    text = to_text(data, path)
    try:
        value = _load(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_lines(text):
            return _read_lines(text, path, folder)
        reason = f"malformed JSON: {error.msg}, column {error.colno}"
        raise DocumentError(path, reason, line=error.lineno, hint=_HINT) from error
    except RecursionError as error:
        raise DocumentError(path, _TOO_DEEP, hint="Flatten it.") from error
    refuse_extremes(value, path, most=most_blocks(len(text)))
    out = ValueWriter(path, folder)
    out.document(value)
    return out.finish(folder)


def read_json_lines(data: bytes, path: str, folder: Meta) -> SourceText:
    """JSON Lines: a value on each line. A line that is none is told, and kept as text. Raises DocumentError."""
    return _read_lines(to_text(data, path), path, folder)


def _read_lines(text: str, path: str, folder: Meta) -> SourceText:
    entries: list[Entry] = []
    broken: list[tuple[str, str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            entries.append(Entry(where, _load(line)))
        except json.JSONDecodeError as error:
            broken.append((where, line, f"malformed JSON: {error.msg}, column {error.colno}"))
        except RecursionError:
            broken.append((where, line[:MAX_LINE_CHARS], _TOO_DEEP))
        if len(broken) > max(_MAX_BROKEN, len(entries)):
            break
    if len(broken) > max(_MAX_BROKEN, len(entries)) or not entries:
        where, _, reason = broken[0]
        raise DocumentError(
            path, reason, line=int(where.removeprefix("line ")), hint=f"Each line is one value. {_HINT}"
        )
    refuse_extremes([entry.value for entry in entries], path, most=most_blocks(len(text)))
    out = ValueWriter(path, folder)
    out.entries(entries)
    for where, line, reason in broken:
        out.broken(where, line, reason, _HINT)
    return out.finish(folder)


def _is_lines(text: str) -> bool:
    """Whether the first two lines that aren't blank are a value each."""
    lines = [line for line in text[: 2 * MAX_LINE_CHARS].split("\n", 1000) if line.strip()][:2]
    try:
        return len(lines) == 2 and all(isinstance(_load(line), dict | list) for line in lines)
    except (json.JSONDecodeError, RecursionError):
        return False


def _load(text: str) -> Any:
    """The value of a JSON text, its numbers as they are written."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that is given several times all values are kept."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found = {}
        for key, value in pairs:
            found.setdefault(key, []).append(value)
        return {key: values[0] if len(values) == 1 else values for key, values in found.items()}
    return found
