"""Which part of an item a column of a table, or a key of an object, holds: by its name, else by what stands in it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.formats.column_names import PARTS, is_group, is_origin, meanings

_LETTER = re.compile(r"(?:opt|option|choice|alternative|answer)? ?([a-h])")
_NUMBERED = re.compile(r"(?:opt|option|choice|alternative) ?\d{1,2}")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ASKS = re.compile(r"[?？][\"”’')*_\]\s]*$")
_TITLES = ("title", "text", "name", "content", "body", "label", "description")

_ASKING_SHARE = 0.5  # from this share of asking cells on, a column holds questions
_ANSWER_CHARS = 20
_ASKING_SAMPLE = 500  # cells that are looked at
_ASKING_CHARS = 240  # a longer text asks only if it ends so
_FILLED_SHARE = 0.5  # a column that is empty in more of the rows holds no answers
_WORDED_SHARE = 0.5  # nor does one with letters in fewer of its cells, unless there is no other

_HEAD_CHARS = 60  # the name of a column is no longer
_OTHER_KIND = 0.5  # of the cells below a name are numbers, or ask, or are longer by as much as _LONGER says
_LONGER = 3
_NUMBER = re.compile(r"[-+$€£]?\d[\d.,:/ -]*%?|true|false|yes|no", re.I)

_SEVERAL = frozenset({"answer", "options", "talking_points", "follow_ups", "red_flags"})
_GLOSSARY = ("term", "definition")

Cells = Mapping[int, str]
"""What stands in a row, by column; columns that are empty in it are left out."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns (their indices) by the part they hold, the most telling first. `others` hold none.

    `names` are the columns' own, empty strings where there are none. `missing`: mapped names that none of them has.
    """

    names: Sequence[str]
    parts: Mapping[str, Sequence[int]]
    missing: Sequence[str] = ()

    def first(self, part: str) -> int:
        """The column that holds a part, -1 without one."""
        return next(iter(self.parts.get(part, ())), -1)

    @property
    def others(self) -> frozenset[int]:
        """The columns that hold no part."""
        return frozenset(range(len(self.names))).difference(*self.parts.values())

    @property
    def asking(self) -> bool:
        """Whether the rows are questions."""
        return "question" in self.parts

    @property
    def defining(self) -> bool:
        """Whether the rows are a term and what it means."""
        return not self.asking and all(part in self.parts for part in _GLOSSARY)


def read_roles(
    names: Sequence[str], rows: Sequence[Cells], mapping: Sequence[tuple[str, str]] = (), *, asked: bool = False
) -> Roles:
    """What the columns of a table hold.

    `mapping` (part, column name or its number from 1) comes first; then the names, then the text in the columns.
    `asked`: what stands around the table says that its rows are questions.
    """
    parts, missing = _mapped(names, mapping)
    _add_named(parts, names)
    if "question" not in parts:
        _add_asking(parts, rows)
    if "question" not in parts and asked:
        words = [_words(name) for name in names]
        title = next((words.index(title) for title in _TITLES if title in words), -1)
        if title >= 0:
            parts["question"] = [title]
    if "question" in parts:
        if "answer" not in parts:
            _add_answering(parts, names, rows)
        parts = {part: columns for part, columns in parts.items() if part not in _GLOSSARY}
    else:
        # answers, options and hints are none without a question; neither is a term without its definition
        kept = {*_GLOSSARY, "topic"} if all(part in parts for part in _GLOSSARY) else set()
        parts = {part: columns for part, columns in parts.items() if part in kept}
    return Roles(names, parts, missing)


def tells(name: str) -> bool:
    """Whether a column's name says that a question, an answer, a term or its meaning stands in it."""
    return any(part in ("question", "answer", *_GLOSSARY) for part, _ in meanings(_words(name)))


def says_questions(name: str) -> bool:
    """Whether a name, of a list or a group, says that questions stand in it."""
    return is_group(_words(name))


def is_head(first: Sequence[str], others: Sequence[Sequence[str]], columns: Sequence[tuple[str, str]] = ()) -> bool:
    """Whether the first row of a table names its columns, by what it says or because it is unlike the others."""
    cells = [cell.strip() for cell in first]
    named = [cell for cell in cells if cell]
    if not named or any(len(cell) > _HEAD_CHARS or cell.endswith("?") for cell in named):
        return False
    wanted = {name.casefold() for _, name in columns if not name.isdigit()}
    if any(tells(cell) or cell.casefold() in wanted for cell in named):
        return True
    if len(set(named)) < len(named) or any(_NUMBER.fullmatch(cell) for cell in named):
        return False
    if any("_" in cell for cell in named) and all(" " not in cell for cell in named):
        return True
    return any(_is_other_kind(cell, [row[i] for row in others if i < len(row)]) for i, cell in enumerate(cells) if cell)


def _is_other_kind(name: str, below: Sequence[str]) -> bool:
    """Whether what stands below a name is mostly of another kind than a name."""
    filled = [stripped for cell in below if (stripped := cell.strip())]
    if not filled:
        return False
    unlike = sum(
        bool(_NUMBER.fullmatch(cell)) or cell.endswith("?") or len(cell) > _LONGER * max(len(name), 8)
        for cell in filled
    )
    return unlike > _OTHER_KIND * len(filled)


@lru_cache(maxsize=1024)
def _words(name: str) -> str:
    """A name without case, underscores, remarks in parentheses and marks at its ends."""
    spaced = re.sub(r"[\s_\-./]+", " ", _CAMEL.sub(" ", _ASIDE.sub(" ", name[:200])))
    return spaced.casefold().strip(" :*?") or name.strip()[:200]


def _mapped(names: Sequence[str], mapping: Sequence[tuple[str, str]]) -> tuple[dict[str, list[int]], list[str]]:
    """The columns that a mapping gives to parts, and the names for which there is no column."""
    known = {_words(name): index for index, name in reversed(list(enumerate(names))) if name}
    parts: dict[str, list[int]] = {}
    missing = []
    for part, name in mapping:
        index = known.get(_words(name), int(name) - 1 if name.isascii() and name.isdigit() else -1)
        if not 0 <= index < len(names):
            missing.append(name)
        elif index not in _taken(parts):
            parts.setdefault(part, []).append(index)
    return parts, missing


def _taken(parts: Mapping[str, Sequence[int]]) -> set[int]:
    return {index for columns in parts.values() for index in columns}


def _add_named(parts: dict[str, list[int]], names: Sequence[str]) -> None:
    """Goes by the names, for the parts that weren't mapped."""
    words = [_words(name) for name in names]
    options = _options(words) if "options" not in parts else []
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, word in enumerate(words):
        for part, rank in meanings(word) if index not in options else ():
            if part not in parts:
                found[part].append((rank, index))
    free = set(range(len(names))) - _taken(parts) - set(options)
    if options:
        parts["options"] = options
    for part in sorted(found, key=PARTS.index):
        columns = [index for _, index in sorted(found[part]) if index in free]
        columns = columns if part in _SEVERAL else columns[:1]
        if columns:
            parts[part] = columns
            free.difference_update(columns)


def _options(words: Sequence[str]) -> list[int]:
    """The columns that hold one answer to choose from each: "A", "B", "C", or "Option 1", "Option 2"."""
    lettered = {match[1]: index for index, word in enumerate(words) if (match := _LETTER.fullmatch(word))}
    if "a" in lettered and "b" in lettered:
        return [lettered[letter] for letter in sorted(lettered)]
    return [index for index, word in enumerate(words) if _NUMBERED.fullmatch(word)]


def _add_asking(parts: dict[str, list[int]], rows: Sequence[Cells]) -> None:
    """Goes by the text: a column most of whose cells ask holds the questions."""
    texts = _free_texts(parts, rows)
    asking = {index: _asking(cells) for index, cells in texts.items()}
    best = max(asking, key=lambda index: asking[index], default=-1)
    if best >= 0 and asking[best] >= _ASKING_SHARE:
        parts["question"] = [best]
    elif "answer" in parts and len(worded := [index for index, cells in texts.items() if _worded(cells)]) == 1:
        parts["question"] = worded


def _add_answering(parts: dict[str, list[int]], names: Sequence[str], rows: Sequence[Cells]) -> None:
    """Beside questions, what would define a term answers; else the column with the longest text does.

    A column that has a name, which says nothing, needs some text to be one; unless there is no other.
    """
    if "definition" in parts:
        parts["answer"] = parts["definition"]
        return
    said = {
        index: _mean(map(len, cells))
        for index, cells in _free_texts(parts, rows).items()
        if len(cells) >= _FILLED_SHARE * len(rows) and _asking(cells) < _ASKING_SHARE
        if len(names) == 2 or (_worded(cells) and not is_origin(_words(names[index])))
    }
    best = max(said, key=lambda index: said[index], default=-1)
    if best >= 0 and (len(names) == 2 or not names[best] or said[best] >= _ANSWER_CHARS):
        parts["answer"] = [best]


def _free_texts(parts: Mapping[str, Sequence[int]], rows: Sequence[Cells]) -> dict[int, list[str]]:
    """The texts in the columns that hold no part of a question."""
    taken = _taken({part: columns for part, columns in parts.items() if part not in _GLOSSARY})
    texts: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        for index in row.keys() - taken:
            texts[index].append(row[index])
    return dict(sorted(texts.items()))


def _asking(cells: Sequence[str]) -> float:
    """The share of cells that ask."""
    from ingest.parse.wording import is_inverted, is_prompt

    return _mean(
        bool(_ASKS.search(cell[-20:])) or (len(cell) <= _ASKING_CHARS and (is_inverted(cell) or is_prompt(cell)))
        for cell in cells[:_ASKING_SAMPLE]
    )


def _worded(cells: Sequence[str]) -> bool:
    """Whether most cells hold words, and no mere links."""
    words = (any(c.isalpha() for c in cell[:200]) and not cell.startswith(("http://", "https://")) for cell in cells)
    return _mean(words) >= _WORDED_SHARE


def _mean(numbers: Iterable[float]) -> float:
    # statistics takes 5 ms to import, and every start imports this
    values = list(numbers)
    return sum(values) / max(1, len(values))
