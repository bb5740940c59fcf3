"""Questions that people asked and rated, as cases: what they liked is a judgment, what they did not is work left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from eval.cases import Case, Judgment
from ingest.feedback import Rated

LIKED, DISLIKED = "feedback-up", "feedback-down"

ANSWERS, NEITHER = 2, 0
"""Grades: it answers the question; it was looked at, and does neither answer nor help."""


def feedback_cases(ratings: Iterable[Rated]) -> tuple[list[Case], int]:
    """A case for each question whose ratings agree, in the order of the ratings; and how many were left out.

    What an answer cites that people liked answers the question; what one cites that they did not does not. A refusal
    that they liked makes the question one that nothing answers; one that they did not makes it answerable, by what has
    still to be found. Where ratings disagree a person has to look.
    """
    by_question: dict[str, list[Rated]] = {}
    for rated in ratings:
        if rated.answer.question is not None:
            by_question.setdefault(" ".join(rated.answer.question.split()), []).append(rated)
    agreed = {question: said for question, said in by_question.items() if len({each.rating for each in said}) == 1}
    return [_case(question, said) for question, said in agreed.items()], len(by_question) - len(agreed)


def _case(question: str, said: Sequence[Rated]) -> Case:
    liked = said[0].rating == "up"
    refused = all(rated.answer.kind == "abstained" for rated in said)
    grades: Mapping[tuple[str, str], int] = {
        (source.path, source.quote): ANSWERS if liked else NEITHER for rated in said for source in rated.answer.sources
    }
    relevant = tuple(
        Judgment(path, quote, grade, f"#{number}") for number, ((path, quote), grade) in enumerate(grades.items(), 1)
    )
    return Case(
        id=f"feedback-{said[0].answer.id}",
        query=question,
        answerable=liked is not refused,
        type=LIKED if liked else DISLIKED,
        relevant=relevant,
    )
