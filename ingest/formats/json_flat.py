"""Values of JSON as texts: what a leaf says, what an object calls itself, an object as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.errors import DocumentError
from ingest.formats.decode import MAX_LINE_CHARS, printable
from ingest.formats.records import Value

MAX_DEPTH = 64
"""Nobody can read what is nested deeper."""

NAME_KEYS = ("title", "name", "topic", "category", "section", "subject", "label", "heading", "deck")
"""Under which an object calls itself something."""

# keys that say only that the text of something stands under them
_PLAIN_KEYS = frozenset({"text", "content", "value", "body", "markdown", "md", "html", "plain", "raw", "en"})
# keys whose object only holds more of what it stands in
_FRAME_KEYS = frozenset({"meta", "metadata", "attributes", "properties", "info", "fields", "data", "details", "extra"})
_MAX_NAME = 120


def refuse_extremes(value: Any, path: str, *, most: int) -> None:
    """Raises DocumentError for what is nested too deeply, has no words, too long a line, or a list of over `most`."""
    level, depth, wordless = [value], 0, True
    while level:
        if depth > MAX_DEPTH:
            raise DocumentError(path, f"nested deeper than {MAX_DEPTH} levels", hint="Flatten it.")
        for each in level:
            if isinstance(each, str):
                wordless = wordless and not printable(each).strip()
                if len(each) > MAX_LINE_CHARS and max(map(len, each.split("\n"))) > MAX_LINE_CHARS:
                    reason = f"a value has a line of more than {MAX_LINE_CHARS:,} characters"
                    raise DocumentError(path, reason, hint="Break the line, or leave the value out.")
            elif not is_scalar(each) and len(each) > most:
                reason = f"a list or an object of more than {most:,} entries"
                raise DocumentError(path, reason, hint="Split it into several files.")
            elif isinstance(each, bool):
                wordless = False
        containers = [each for each in level if not is_scalar(each)]
        level = [inner for each in containers for inner in (each.values() if isinstance(each, dict) else each)]
        depth += 1
    if wordless:
        raise DocumentError(path, "there are no words in it", hint="Write something into it, or remove it.")


def is_scalar(value: Any) -> bool:
    """Whether a value holds no others."""
    return not isinstance(value, dict | list)


def is_flat(value: Any) -> bool:
    """Whether a value is a text or a list of texts."""
    return all(map(is_scalar, value)) if isinstance(value, list) else is_scalar(value)


def holds_objects(value: Any) -> bool:
    """Whether objects stand in a list that is a value, or one of an object's."""
    if isinstance(value, dict):
        return any(isinstance(inner, dict) or holds_objects(inner) for inner in value.values())
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def leaf(value: Any) -> str:
    """A value that holds no others, as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(value)


def key_words(key: str) -> str:
    """A key as a name."""
    words = " ".join(printable(key).replace("_", " ").split())
    return words if any(map(str.isalnum, words)) else f"(no name) {words}".strip()


def own_name(value: Mapping[str, Any], *, or_first: bool = False) -> str:
    """What an object calls itself; with `or_first`, else what stands first in it. Empty where that is no name."""
    keys = [*NAME_KEYS, *(list(value)[:1] if or_first else [])]
    names = (leaf(value[key]) for key in keys if isinstance(value.get(key), str))
    return next((name for name in names if _could_name(name)), "")


def _could_name(text: str) -> bool:
    return len(text) <= _MAX_NAME and "\n" not in text and "://" not in text and any(map(str.isalpha, text))


def texts_of(value: Any) -> Value:
    """The texts of a value, one for each entry of a list."""
    if isinstance(value, list):
        return tuple(text for each in value if (text := render(each)))
    return (text,) if (text := render(value)) else ()


def flatten(value: Mapping[str, Any], above: str = "") -> dict[str, Value]:
    """An object as columns: what stands in objects inside it goes under the names of both keys."""
    flat: dict[str, Value] = {}
    for key, inner in value.items():
        plain = key.casefold()
        name = above if above and plain in _PLAIN_KEYS else f"{above} {key_words(key)}".strip()
        if isinstance(inner, dict) and inner and all(len(letter) == 1 and letter.isalpha() for letter in inner):
            found = {name: tuple(f"{letter}. {render(text)}" for letter, text in inner.items())}
        elif isinstance(inner, dict):
            found = flatten(inner, "" if plain in _FRAME_KEYS else name)
        else:
            found = {name: texts_of(inner)}
        for each, texts in found.items():
            flat[each] = flat.get(each, ()) + texts
    return flat


def render(value: Any) -> str:
    """Any value as one text. An object with a text and a flag that it is the right one is a marked option."""
    if isinstance(value, list):
        return ", ".join(text for each in value if (text := render(each)))
    if not isinstance(value, dict):
        return leaf(value)
    flags = [key for key, inner in value.items() if isinstance(inner, bool)]
    texts = [(key, text) for key, inner in value.items() if key not in flags and (text := render(inner))]
    if len(texts) == 1 and len(flags) <= 1:
        return texts[0][1] + "".join(f" ({key_words(flag)})" for flag in flags if value[flag])
    named = [f"{key_words(key)}: {text}" for key, text in texts] + [
        f"{key_words(flag)}: {leaf(value[flag])}" for flag in flags
    ]
    return "; ".join(named)
