"""The sentences of sources that a claim is read against: those that say most of what it says, in their order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from answering.ground.passages import Passage, content_stems
from answering.ground.words import words
from answering.segment import CITATION

BUDGET = 480
"""Characters of evidence, about 110 tokens: the verifier reads no more than 192 of claim and evidence together."""

# A word that a chosen sentence has already still counts so much in the next one, so that the sentences about the
# claim's subject come together. A neighbour of a chosen sentence counts for a little: pronouns point there.
AGAIN, NEIGHBOUR = 0.3, 0.15
LEFT_OUT = " … "


def evidence(claim: str, passages: Sequence[Passage], budget: int = BUDGET) -> str:
    """At most `budget` characters (more where a single sentence is longer), sentences in the order of the sources.

    Sentences are taken greedily by what they add of the claim's words, rare words counting more (inverse sentence
    frequency over the sources), until nothing is added or the budget is spent; what is left goes to the neighbours of
    what was taken. Short sources are given whole. "" where there is no source.
    """
    sentences = [(p, s) for p, passage in enumerate(passages) for s in range(len(passage.spans))]
    if sum(len(passage.text) for passage in passages) <= budget:
        return "\n".join(passage.text.strip() for passage in passages)
    wanted = _wanted(claim)
    held = [wanted & _words_of(passages[p], s) for p, s in sentences]
    count = {w: sum(w in h for h in held) for w in wanted}
    worth = {w: math.log(1 + len(sentences) / n) if n else 0.0 for w, n in count.items()}
    length = [passages[p].spans[s][1] - passages[p].spans[s][0] for p, s in sentences]
    seen: dict[str, int] = dict.fromkeys(wanted, 0)
    chosen: set[int] = set()
    left = budget
    while True:
        best, best_gain = -1, 0.0
        for i, h in enumerate(held):
            if i in chosen or (length[i] > left and chosen):
                continue
            gain = sum(worth[w] * AGAIN ** seen[w] for w in h)
            gain += NEIGHBOUR * ((i - 1 in chosen) + (i + 1 in chosen))
            # long sentences hold more words by chance alone
            gain /= (40 + length[i]) ** 0.25
            if gain > best_gain:
                best, best_gain = i, gain
        if best < 0:
            break
        chosen.add(best)
        left -= length[best] + 1
        for w in held[best]:
            seen[w] += 1
    return _joined(passages, [sentences[i] for i in sorted(chosen)])


def claim_text(piece: str) -> str:
    """A claim as the verifier reads it: without citation marks, on one line."""
    return " ".join(CITATION.sub("", piece).split())


def _wanted(claim: str) -> frozenset[str]:
    return frozenset(content_stems(claim)) | {w for w in words(claim) if any(c.isdigit() for c in w)}


def _words_of(passage: Passage, sentence: int) -> frozenset[str]:
    return passage.wording[sentence]


def _joined(passages: Sequence[Passage], chosen: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    before: tuple[int, int] | None = None
    for p, s in chosen:
        start, end = passages[p].spans[s]
        if before is not None:
            parts.append(" " if before == (p, s - 1) else LEFT_OUT)
        parts.append(" ".join(passages[p].text[start:end].split()))
        before = (p, s)
    return "".join(parts)
