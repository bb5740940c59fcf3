"""What people asked and the library could not answer, grouped by what the questions mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.library import Body
from ingest.errors import ModelError

if TYPE_CHECKING:
    from api.compose import Parts
    from ingest.feedback import Asked

SAME = 0.75
"""The cosine from which two questions are one gap. Chosen by hand over rewordings of the bundled corpus's questions."""

MOST_GROUPED = 2_000
"""Different questions that are compared with each other, the newest; 4 million cosines take some hundred ms."""

MOST_SHOWN = 5


def gaps(parts: Parts, days: int | None) -> Body:
    """Unanswered questions of the last `days` (of all that are kept where None), the most frequent gap first."""
    from ingest.feedback import FeedbackStore

    store = FeedbackStore(parts.catalog)
    found = store.unanswered(_since(days))
    by_wording: dict[str, list[Asked]] = {}
    for each in reversed(found):
        by_wording.setdefault(_wording(each.question or ""), []).append(each)
    asked = list(by_wording.values())[:MOST_GROUPED]
    groups = _grouped(parts, [same[0].question or "" for same in asked])
    told = [_gap([asked[at] for at in group]) for group in groups]
    told.sort(key=lambda gap: (-gap["count"], gap["last_asked"]), reverse=False)
    return {"gaps": told, "asked": store.count()[0], "unanswered": len(found)}


def _gap(members: Sequence[Sequence[Asked]]) -> Body:
    """One gap. `members`: for each wording the times it was asked, newest first."""
    often = sorted(members, key=len, reverse=True)
    first = often[0][0]
    return {
        "question": first.question,
        "count": sum(len(same) for same in members),
        "questions": [same[0].question for same in often[:MOST_SHOWN]],
        "related": first.related,
        "last_asked": max(same[0].at for same in members),
    }


def _grouped(parts: Parts, questions: Sequence[str]) -> list[list[int]]:
    """Indexes of questions that mean the same: each joins the first group whose first question is near enough."""
    import numpy as np

    if not questions:
        return []
    try:
        vectors = parts.retrieval.embedder.embed_queries(list(questions))
    except ModelError:
        return [[at] for at in range(len(questions))]
    groups: list[list[int]] = []
    heads: list[int] = []
    for at in range(len(questions)):
        near = vectors[heads] @ vectors[at] if heads else np.zeros(0)
        best = int(near.argmax()) if len(near) else -1
        if best >= 0 and near[best] >= SAME:
            groups[best].append(at)
        else:
            groups.append([at])
            heads.append(at)
    return groups


def _wording(question: str) -> str:
    return " ".join(question.casefold().split()).rstrip("?!. ")


def _since(days: int | None) -> str:
    if days is None:
        return ""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
