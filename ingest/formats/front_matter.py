"""What a document says about itself: YAML front matter, and a folder's `_meta.yaml`."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date
from typing import Any

import yaml

from ingest.errors import DocumentError
from ingest.formats.column_names import PARTS
from ingest.items import Meta

FOLDER_META = "_meta.yaml"
MAX_BYTES = 64 * 1024
"""Front matter or a `_meta.yaml` larger than this is refused."""

_FIELDS = frozenset(field.name for field in fields(Meta))
_DATES = frozenset({"effective_date", "expires"})
_CLOSING = re.compile(r"(?:---|\.\.\.)[ \t]*")
_KEY = re.compile(r"""["']?([A-Za-z_][\w.:-]*)["']?[ \t]*:(?:\s|$)""")
# a rule above a question and its answer, not the keys of anything
_PROSE_KEYS = frozenset({"question", "answer", "q", "a", "note", "tip"})
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[Tt ].*)?")
_COLUMNS_HINT = "Write columns: {question: Name of the column, answer: Name of the column}"
_DATE_HINT = "Write dates as YYYY-MM-DD."
_RULE_HINT = "If the first line is only a rule, put an empty line after it."


def read_front_matter(text: str, path: str) -> tuple[Meta, int]:
    """A document's own meta data, and the 1-based line where its body starts (1 without front matter).

    `text` is canonical. A document that merely begins with a thematic break has no front matter. Unknown keys are
    ignored; keys are told apart without regard to case, and `-` counts as `_`. Raises DocumentError, with the line,
    where front matter isn't closed, isn't YAML, or gives a known key the wrong type.
    """
    if not text.startswith("---"):
        return Meta(), 1
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return Meta(), 1
    close = next((i for i, line in enumerate(lines[1:], 1) if _CLOSING.fullmatch(line)), None)
    if close == 1:
        return Meta(), 3
    if not _starts_with_key(lines[1:close]):
        return Meta(), 1
    if close is None:
        raise DocumentError(path, "front matter is not closed by a line ---", line=1, hint=_RULE_HINT)
    return _read_mapping("\n".join(lines[1:close]), path, first_line=2), close + 2


def read_folder_meta(text: str, path: str) -> Meta:
    """The content of a `_meta.yaml`. Raises DocumentError as for front matter."""
    return _read_mapping(text, path, first_line=1)


def merged(outer: Meta, inner: Meta) -> Meta:
    """`inner`, with what it leaves open taken from `outer`."""
    said = {name: value for name in _FIELDS if (value := getattr(inner, name))}
    return replace(outer, **said)


def _starts_with_key(lines: list[str]) -> bool:
    """Whether the first line that isn't a comment is a key. An empty line says that the `---` above was a rule."""
    first = next((line for line in lines if not line.startswith("#")), "")
    match = _KEY.match(first)
    return match is not None and match[1].lower() not in _PROSE_KEYS


def _read_mapping(source: str, path: str, *, first_line: int) -> Meta:
    """The known keys of a YAML mapping. `first_line`: the line of the document on which `source` starts."""
    if len(source) > MAX_BYTES:
        reason = f"meta data of {len(source):,} characters; the limit is {MAX_BYTES:,}"
        raise DocumentError(path, reason, line=first_line, hint=_RULE_HINT)
    node = _compose(source, path, first_line)
    if node is None:
        return Meta()
    if not isinstance(node, yaml.MappingNode):
        line = first_line + node.start_mark.line
        raise DocumentError(path, "meta data must be `key: value` lines", line=line)
    said: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = first_line + key_node.start_mark.line
        key = str(key_node.value).lower().replace("-", "_")
        if key == "<<":
            raise DocumentError(path, "YAML merge keys (<<) are not read here", line=line, hint="Write the keys out.")
        if key not in _FIELDS:
            continue
        if key in said:
            raise DocumentError(path, f"`{key}` is given twice", line=line, hint="Keep one of the two.")
        if key == "columns":
            said[key] = _columns(value_node, path, first_line)
        else:
            said[key] = _value(key, value_node, path, line)
    return Meta(**{key: value for key, value in said.items() if value is not None})


def _compose(source: str, path: str, first_line: int) -> Any:
    """The YAML node tree: scalars stay as written, so that `level: 010` and `title: yes` survive."""
    try:
        return yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        what = error.problem or error.context or "unreadable"
        hint = "Put values that hold `: ` or start with a special character in quotes."
        raise DocumentError(path, f"malformed YAML: {what}", line=line, hint=hint) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(path, f"malformed YAML: {error}", line=first_line) from error


def _value(key: str, node: Any, path: str, line: int) -> str | tuple[str, ...] | None:
    if key == "tags":
        return _tags(node, path, line)
    if not isinstance(node, yaml.ScalarNode):
        raise DocumentError(path, f"`{key}` must be a single value", line=line, hint="Lists are for `tags`.")
    value = _scalar(node)
    if value is None:
        return None
    if key in _DATES:
        return _date(key, value, path, line)
    return value.lower() if key == "audience" else value


def _scalar(node: Any) -> str | None:
    """A scalar as written; None for an empty one and for `null`."""
    if node.style is None and node.value in {"", "~", "null", "Null", "NULL"}:
        return None
    return " ".join(node.value.split()) or None


def _tags(node: Any, path: str, line: int) -> tuple[str, ...]:
    """A list of words, or one line of words with commas between them."""
    if isinstance(node, yaml.ScalarNode):
        parts = (_scalar(node) or "").split(",")
    elif isinstance(node, yaml.SequenceNode) and all(isinstance(each, yaml.ScalarNode) for each in node.value):
        parts = [_scalar(each) or "" for each in node.value]
    else:
        raise DocumentError(path, "`tags` must be a list of words", line=line, hint="Write tags: [python, asyncio]")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _columns(node: Any, path: str, first_line: int) -> tuple[tuple[str, str], ...]:
    """Pairs of a part and the name of a column, from `part: name` or `part: [name, name]`."""
    line = first_line + node.start_mark.line
    if isinstance(node, yaml.ScalarNode) and _scalar(node) is None:
        return ()
    if not isinstance(node, yaml.MappingNode):
        raise DocumentError(path, "`columns` must be `part: column` lines", line=line, hint=_COLUMNS_HINT)
    pairs: list[tuple[str, str]] = []
    for part_node, name_node in node.value:
        line = first_line + part_node.start_mark.line
        part = str(part_node.value).lower().replace("-", "_").replace(" ", "_")
        if part not in PARTS:
            hint = f"Known are: {', '.join(PARTS)}"
            raise DocumentError(path, f"`columns` knows no part {str(part_node.value)[:40]}", line=line, hint=hint)
        names = name_node.value if isinstance(name_node, yaml.SequenceNode) else [name_node]
        if not all(isinstance(each, yaml.ScalarNode) and _scalar(each) for each in names):
            raise DocumentError(path, f"`columns` gives {part} no column", line=line, hint=_COLUMNS_HINT)
        pairs += [(part, _scalar(each) or "") for each in names]
    return tuple(dict.fromkeys(pairs))


def _date(key: str, value: str, path: str, line: int) -> str:
    match = _DATE.fullmatch(value)
    try:
        return date.fromisoformat(match[1] if match else value).isoformat()
    except ValueError as error:
        raise DocumentError(path, f"`{key}` is not a date: {value[:40]}", line=line, hint=_DATE_HINT) from error
