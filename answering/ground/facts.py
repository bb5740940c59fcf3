"""What a deterministic check looks at: the exact things a text states, each with its place in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from answering.ground.quantities import Date, Quantity, dates, quantities
from answering.ground.words import is_content
from answering.segment import CITATION

_COMPLEXITY = re.compile(r"\$?\b[OΘΩ]\s?\((?:[^()$]|\([^()]*\))*\)\$?")
_VERSION = re.compile(
    r"(?<![\w.])(?:v\d+(?:\.\d+)*|\d+(?:\.\d+){2,}|(?:version|release)\s+v?\d+(?:\.\d+)*"
    r"|[A-Z][A-Za-z+#]*(?:/|\s)v?\d+\.\d+(?:\.\d+)*|[A-Z][A-Za-z]*/\d+(?:\.\d+)*)(?![\w%]|\s?%)"
)
_CODE_SPAN = re.compile(r"``[^\n]+?``|`[^`\n]+`")
_CODE_TOKEN = re.compile(
    r"(?<![\w./@-])(?:--?[a-z][\w-]*(?:=\S+)?"  # --flag
    r"|[A-Za-z_][\w]*(?:(?:\.|::|->)[A-Za-z_]\w+)+(?:\(\))?"  # module.function
    r"|[A-Za-z]\w*\(\)"  # call()
    r"|[A-Za-z]+(?:_[A-Za-z0-9]+)+|_+[a-z]\w*"  # snake_case
    r"|[a-z]+(?:[A-Z][a-z0-9]+)+|(?:[A-Z][a-z0-9]+){2,}(?![a-z])"  # camelCase
    r"|[A-Za-z]\+\+|[A-Z]#)(?![\w])"
)
# An answer's own way of citing: "(passage 2)", "Source 1 and 3"
_REFERENCE = re.compile(
    r"\b(?:passage|source|document|context|excerpt|snippet|citation)s?\s+#?\d{1,2}(?:(?:\s*,\s*|\s*(?:and|&|-|–)\s*)\d{1,2})*\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![\w`'’])[A-Z][\w&]*(?:['’.-][A-Z\d]\w*)*")
_T = TypeVar("_T", Quantity, Date, "Fact")
_QUOTED = re.compile(r"[\"“]([^\"“”\n]{3,200})[\"”]")


@dataclass(frozen=True, slots=True)
class Fact:
    """One exact thing: `key` is the form to compare, `text` the form that is written, `start` where."""

    key: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Facts:
    """The exact things one text states, each kind in order of appearance."""

    numbers: tuple[Quantity, ...] = ()
    dates: tuple[Date, ...] = ()
    versions: tuple[Fact, ...] = ()
    identifiers: tuple[Fact, ...] = ()
    complexity: tuple[Fact, ...] = ()
    names: tuple[Fact, ...] = ()
    quotes: tuple[Fact, ...] = ()

    def between(self, start: int, end: int) -> Facts:
        """Those that begin in a stretch of the text."""

        def inside(items: tuple[_T, ...]) -> tuple[_T, ...]:
            return tuple(item for item in items if start <= item.start < end)

        return Facts(
            inside(self.numbers),
            inside(self.dates),
            inside(self.versions),
            inside(self.identifiers),
            inside(self.complexity),
            inside(self.names),
            inside(self.quotes),
        )


@lru_cache(maxsize=512)
def facts(text: str) -> Facts:
    """Read the exact things out of a text. Citation marks and the number of a list item are none."""
    masked = CITATION.sub(lambda m: " " * len(m.group()), text)
    masked = _REFERENCE.sub(lambda m: " " * len(m.group()), masked)
    masked = re.sub(r"(?m)^[ \t]*\(?\d{1,3}[.)](?=\s)", lambda m: " " * len(m.group()), masked)
    complexity = _find(_COMPLEXITY, masked, lambda t: re.sub(r"[\s$\\]|left|right", "", t).lower())
    stated = dates(masked)
    amounts = quantities(masked, [*((d.start, d.end) for d in stated), *map(_stretch, complexity)])
    measured = [q.start for q in amounts if q.dimension]
    versions = tuple(f for f in _find(_VERSION, masked, _version_key) if not _holds(f, measured))
    return Facts(
        numbers=tuple(q for q in amounts if not any(_holds(f, [q.start]) for f in versions)),
        dates=tuple(stated),
        versions=versions,
        identifiers=_identifiers(masked),
        complexity=complexity,
        names=_names(masked),
        quotes=_find(_QUOTED, masked, lambda t: re.sub(r"\W+", " ", t.lower()).strip()),
    )


def _stretch(fact: Fact) -> tuple[int, int]:
    return fact.start, fact.start + len(fact.text)


def _holds(fact: Fact, places: Iterable[int]) -> bool:
    start, end = _stretch(fact)
    return any(start <= place < end for place in places)


def _find(pattern: re.Pattern[str], text: str, key: Callable[[str], str]) -> tuple[Fact, ...]:
    return tuple(Fact(key(m.group()), m.group(), m.start()) for m in pattern.finditer(text))


def _version_key(text: str) -> str:
    """The number alone: "Python 3.11", "version 3.11" and "v3.11" name the same version."""
    return text.lower().lstrip("abcdefghijklmnopqrstuvwxyz+#/ \t\n")


def _identifiers(text: str) -> tuple[Fact, ...]:
    spans = list(_CODE_SPAN.finditer(text))
    found = [Fact(identifier_key(m.group()), m.group(), m.start()) for m in spans]
    tokens = (m for m in _CODE_TOKEN.finditer(text) if not any(s.start() <= m.start() < s.end() for s in spans))
    found.extend(Fact(identifier_key(m.group()), m.group(), m.start()) for m in tokens)
    return tuple(sorted((f for f in found if f.key), key=lambda f: f.start))


def identifier_key(text: str) -> str:
    """A code token as it is compared: no backticks, no white space, no empty call brackets. Case matters."""
    return re.sub(r"\s+", "", text.strip("`")).removesuffix("()")


def _names(text: str) -> tuple[Fact, ...]:
    """Capitalised words and acronyms. The first word of a sentence is one only if its form says so (NASA, iPhone2)."""
    found = []
    for m in _NAME.finditer(text):
        word = m.group()
        formed = any(c.isupper() or c.isdigit() for c in word[1:]) and len(word) > 1
        before = text[max(0, m.start() - 8) : m.start()].rstrip(" \t*_\"'“(>#-")
        begins = not before or before[-1] in ".!?:;\n•|"
        if (formed or not begins) and is_content(word.lower()):
            found.append(Fact(word.lower().replace("’", "'").removesuffix("'s"), word, m.start()))
    return tuple(found)
