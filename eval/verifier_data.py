"""What the verifier learns from: claims beside their evidence, from labelled answers and from edited sentences.

Labelled answers are judged as wholes; what is wanted is a label for each claim:

- where unsupported stretches are marked (RAGTruth), a claim that meets one is unsupported, the others are supported;
- where supported answers to the same source are known (SummEdits: many edits of one summary), a sentence that stands
  word for word in one of them is supported, and if just one sentence of an unsupported answer does not, it is the one;
- an answer of one claim has the answer's label; a reply of a dialogue (BEGIN) counts as one claim;
- what remains unknown is left out.

Edited sentences are made by `eval.perturb_edits` from documents and from the labelled answers' own sources: up to three
edits that change no fact and, for half of them, one that does, so that a difference alone says nothing.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from answering.ground.claims import split
from answering.ground.evidence import evidence
from answering.ground.fit import group_of, held_out
from answering.ground.passages import passage
from eval.perturb import Given, answers_of, edit_sentence, material_of, prose_sentences
from eval.perturb_edits import HARMFUL, HARMLESS, Edit, Material
from ingest.errors import UsageError

WHOLE = ("begin",)
"""Families whose answers count as one claim: replies of a sentence or two."""

MOST_SUPPORTED = 2_500
LABELLED_TIMES = 2
"""People's labels count so many times: edited sentences are easier, and there are as many as one likes."""

TRAINED_WORDS = 0
"""The half of the word lists that edits for training use; what the other half shows was never trained on."""

_ASIDE = re.compile(r" \([^()]{4,80}\)|, (?:which|who|where) [^,;:.]{8,90}(?=[,.;])|, such as [^.;:]{6,90}(?=[.;])")


@dataclass(frozen=True, slots=True)
class Learned:
    """A claim, what it is read against, and whether that supports it. `answer`: the id of what it is a part of."""

    claim: str
    evidence: str
    supported: bool | None
    family: str
    name: str
    group: str
    answer: str


def labelled(path: Path) -> list[Learned]:
    """The claims of a grounding set, those of unknown label too (`supported` None)."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    told: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["label"] == 1:
            told[group_of(row)] |= {_same(piece.text) for piece in split(row["answer"])}
    return [learned for row in rows for learned in _claims(row, told[group_of(row)])]


def _claims(row: Mapping[str, Any], told: set[str]) -> Iterator[Learned]:
    name = str(row.get("set") or "")
    family = name.split("_")[0]
    found = [(p.text, p.start, p.end) for p in split(row["answer"]) if p.claims]
    if found and family in WHOLE:
        found = [(row["answer"], 0, len(row["answer"]))]
    passages = [passage(text) for text in row["sources"]]
    for (text, _, _), label in zip(found, _labels(row, found, told), strict=True):
        yield Learned(text, evidence(text, passages), label, family, name, group_of(row), str(row["id"]))


def _labels(row: Mapping[str, Any], found: Sequence[tuple[str, int, int]], told: set[str]) -> list[bool | None]:
    if row["label"] == 1:
        return [True] * len(found)
    spans = row.get("spans") or []
    if spans:
        return [not any(s["start"] < end and start < s["end"] for s in spans) for _, start, end in found]
    if len(found) == 1:
        return [False]
    new = [_same(text) not in told for text, _, _ in found]
    if not told or not any(new):
        return [None] * len(found)
    return [(False if sum(new) == 1 else None) if is_new else True for is_new in new]


def edited(answers: Sequence[Given], count: int, seed: int, family: str) -> Iterator[Learned]:
    """`count` edited sentences of these texts, half of them with a fact changed; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - choices, not secrets
    material = material_of(answers, TRAINED_WORDS)
    siblings: dict[str, list[Given]] = defaultdict(list)
    for given in answers:
        siblings[given.group].append(given)
    made = 0
    while made < count:
        given = random.choice(answers)
        wanted = made % 2 == 0
        claim = _edited(given, siblings[given.group], random, material, harmless=wanted)
        if claim is None:
            continue
        beside = [given, *(random.choice(siblings[given.group]) for _ in range(random.randrange(3)))]
        random.shuffle(beside)
        texts = list(dict.fromkeys(one.text for one in beside))
        read = evidence(claim, [passage(text) for text in texts])
        yield Learned(claim, read, wanted, family, f"{family}_edited", given.group, f"{family}-{made}")
        made += 1


def _edited(
    given: Given, siblings: Sequence[Given], random: Random, material: Material, *, harmless: bool
) -> str | None:
    spans = [(a, b) for a, b in prose_sentences(given.text) if 30 <= b - a <= 400]
    if not spans:
        return None
    start, end = random.choice(spans)
    text = given.text[start:end]
    if not harmless and random.random() < 0.15:
        # what stands elsewhere about the same subject
        other = random.choice(siblings)
        strange = [other.text[a:b] for a, b in prose_sentences(other.text) if 30 <= b - a <= 400]
        strange = [s for s in strange if s not in given.text]
        return random.choice(strange) if strange else None
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        edit = _one(random.choice(list(HARMLESS)), text, random, material) if random.random() < 0.8 else _shorter(text)
        text = edit.text if edit is not None else text
    if harmless:
        return text
    kinds = [kind for kind in HARMFUL if kind != "addition"]
    random.shuffle(kinds)
    for kind in kinds:
        edit = _one(kind, text, random, material)
        if edit is not None and edit.text != text:
            return edit.text
    return None


def _one(kind: str, text: str, random: Random, material: Material) -> Edit | None:
    return edit_sentence(text, {**HARMFUL, **HARMLESS}[kind], random, material)


def _shorter(text: str) -> Edit | None:
    """Without an aside: what is left is still said."""
    m = _ASIDE.search(text)
    return None if m is None else Edit(text[: m.start()] + text[m.end() :], m.start(), m.start())


def sources_of(path: Path, shortest: int = 200, longest: int = 4_000) -> list[Given]:
    """The distinct sources of a grounding set, as texts to edit."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    texts = {text: group_of(row) for row in rows for text in row["sources"]}
    return [Given(group, "", text[:longest]) for text, group in texts.items() if len(text) >= shortest]


def _same(text: str) -> str:
    return " ".join(text.split()).casefold()


def balanced(claims: Iterable[Learned], families: Mapping[str, float], most: float = 4.0) -> list[float]:
    """A weight for each claim: both labels of a set alike, times its family's own; none above `most`."""
    known = list(claims)
    cells: dict[tuple[str, bool | None], int] = defaultdict(int)
    sets: dict[str, int] = defaultdict(int)
    for claim in known:
        cells[claim.name, claim.supported] += 1
        sets[claim.name] += 1
    return [min(most, families.get(c.family, 1.0) * sets[c.name] / (2 * cells[c.name, c.supported])) for c in known]


def known(
    sets: Sequence[Path], documents: Sequence[Path], edited_count: int, general: int
) -> tuple[list[Learned], dict[str, int]]:
    """All that the verifier is trained on, and how many of each set: what is held out and what is unknown left out.

    Of the supported claims of a RAGTruth set at most MOST_SUPPORTED are taken. Raises UsageError where documents hold
    no answers.
    """
    found: list[Learned] = []
    for path in sets:
        found += [c for c in labelled(path) if c.supported is not None and not held_out(c.group)]
    Random(1).shuffle(found)  # noqa: S311 - choices, not secrets
    taken: list[Learned] = []
    supported: dict[str, int] = defaultdict(int)
    for claim in found:
        supported[claim.name] += bool(claim.supported)
        if not claim.supported or claim.family != "ragtruth" or supported[claim.name] <= MOST_SUPPORTED:
            taken.append(claim)
    taken *= LABELLED_TIMES
    answers = answers_of(documents)
    if edited_count and not answers:
        raise UsageError("The documents hold no answers to edit.", hint="Name others with --documents.")
    taken += edited(answers, edited_count, 7, "interview") if edited_count else ()
    texts = [given for path in sets for given in sources_of(path) if not held_out(given.group)]
    taken += edited(texts, general, 7, "general") if general else ()
    counts: dict[str, int] = defaultdict(int)
    for claim in taken:
        counts[claim.name] += 1
    return taken, dict(counts)
