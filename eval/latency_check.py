"""How long a check takes: one claim, and an answer of ten, against the five passages that a question finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from answering.answers import GivenSource
from answering.ports import Checker
from eval.latency_stages import Samples, rounds_of, timed
from eval.perturb import edit_sentence, prose_sentences
from eval.perturb_edits import HARMLESS, Material
from eval.ports import Retriever

PASSAGES = 5
TEN = 10
QUESTIONS = 20
"""So many questions at most: each is checked twice in every round, and a check takes longer than a search."""

_LEAST = 40  # characters of a sentence that is taken for a claim


def measure_checks(
    samples: Samples, checker: Checker, retriever: Retriever, queries: Sequence[str], *, rounds: int
) -> None:
    """Adds the stages `check_claim` and `check_ten`.

    Claims are sentences of the passages in other words, for a claim that stands there word for word is checked by
    comparing text alone. A question whose passages have fewer than TEN sentences that can be reworded is left out.
    """
    tasks = []
    for at, query in enumerate(queries):
        hits = retriever.search(query, k=PASSAGES, collection=None).hits
        passages = [GivenSource(hit.chunk.id, hit.chunk.text) for hit in hits]
        claims = list(_reworded([passage.text for passage in passages], Random(at)))[:TEN]  # noqa: S311 - no secret
        if len(passages) == PASSAGES and len(claims) == TEN:
            tasks.append((at, passages, claims))
        if len(tasks) == QUESTIONS:
            break
    for _, passages, claims in tasks[:1]:
        checker.check(claims[0], passages)  # loads the verifier
    for _, block in rounds_of(len(tasks), rounds):
        for number in block:
            at, passages, claims = tasks[number]
            samples.add("check_claim", at, timed(checker.check, claims[0], passages)[0])
            samples.add("check_ten", at, timed(checker.check, "\n\n".join(claims), passages)[0])


def _reworded(passages: Sequence[str], random: Random) -> Iterator[str]:
    """The sentences of all passages that an edit can say in other words, those of the first passage first."""
    for passage in passages:
        for start, end in prose_sentences(passage):
            sentence = passage[start:end]
            if end - start < _LEAST or "\n" in sentence:
                continue
            for edit in HARMLESS.values():
                made = edit_sentence(sentence, edit, random, Material([], [], []))
                if made is not None and made.text not in passage:
                    yield made.text
                    break
