"""What a question asks for: its parts, whether it wants a value, the exact names in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from answering.ground.facts import facts
from answering.ground.words import stem, words
from retrieval.terms import content_terms

_WH = r"(?:how|what|why|when|which|where|who|is|are|does|do|can|should)"
_CUT = re.compile(rf"[?;]+|,?\s+(?:and|or|but)\s+(?=(?:also\s+)?{_WH}\b)|,\s+(?={_WH}\b)", re.IGNORECASE)
_VALUE = re.compile(
    r"\bhow\s+(?:much|many|long|often|big|large|fast|high|low|old|far|deep|wide|small|slow|frequently)\b"
    r"|\b(?:what|which)(?:'s|\s+is|\s+are|\s+was|\s+were)?\s+(?:(?:the|a|an|our|your|its|good|typical|usual|recommended|ideal)\s+)*"
    r"(?:[\w-]+\s+){0,3}?(?P<measure>weight|weighting|percentage|percent|share|ratio|rate|ratios|number|count|size|length|limit|maximum|minimum|max|min"
    r"|default|timeout|ttl|port|value|threshold|target|duration|latency|price|cost|version|year|date|score|salary|age|interval|quota)\b"
    r"|\bwhen\s+(?:was|were|did|is\s+the)\b|\bwhat\s+(?:year|date|day|time|percent(?:age)?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `terms`: its content terms; `parts`: the same by part, at least one; `exact`: code in it; `names`,
    `figures`: the stems of the words of what it names (also code), and of those with digits.

    `wants_value`: it asks how much, how many, when, or which setting. `measure`: the terms that only name the kind of
    value ("weight" in "what is the weight of X"): the value itself answers them, no document has to use the word.
    """

    text: str
    terms: frozenset[str]
    parts: tuple[frozenset[str], ...]
    exact: tuple[str, ...]
    names: frozenset[str]
    figures: frozenset[str]
    wants_value: bool
    measure: frozenset[str]


@lru_cache(maxsize=1024)
def read(question: str) -> Asked:
    """What a question asks for, from its words alone."""
    parts = [frozenset(content_terms(part)) for part in _CUT.split(question)]
    named, value = facts(question), _VALUE.search(question)
    exact = [f.text.strip("`") for f in named.identifiers]
    figures = frozenset(stem(word) for word in words(question) if any(map(str.isdigit, word)))
    return Asked(
        question,
        frozenset(content_terms(question)),
        tuple(p for p in parts if p) or (frozenset(),),
        tuple(dict.fromkeys(exact)),
        frozenset(stem(word) for f in (*named.names, *named.identifiers) for word in words(f.key)) - figures,
        figures,
        value is not None,
        frozenset(content_terms(value.group("measure") or "")) if value else frozenset(),
    )
