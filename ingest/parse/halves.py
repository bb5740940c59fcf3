"""Brings together questions and answers that stand in different parts of a document."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.parse.drafts import Draft, Reply, settle
from ingest.parse.text import Text, fold


def join(source: Text, drafts: Sequence[Draft], replies: Sequence[Reply]) -> list[Reply]:
    """Gives every reply to the unanswered question it belongs to; returns the replies that fit none.

    By the question's own words where the reply repeats them, else by number. Where a number occurs several times
    (numbering that starts anew in each part), the question under a heading that the reply also stands under comes
    first, then the first one without an answer.
    """
    orphans = []
    for reply in replies:
        settle(source, reply)
        draft = _by_words(drafts, reply) or _by_number(drafts, reply)
        if reply.answer is None and not reply.points:
            continue
        if draft is None:
            orphans.append(reply)
            continue
        draft.answer, draft.apart = reply.answer, True
        draft.points += reply.points
    return orphans


def _by_words(drafts: Sequence[Draft], reply: Reply) -> Draft | None:
    if not reply.key:
        return None
    return next((d for d in drafts if not d.replied() and fold(d.question or "") == reply.key), None)


def _by_number(drafts: Sequence[Draft], reply: Reply) -> Draft | None:
    if reply.number is None:
        return None
    waiting = [d for d in drafts if d.number == reply.number and not d.replied()]
    if not waiting:
        return None
    shared = set(reply.path[1:])
    return max(waiting, key=lambda d: len(shared & set(d.path[1:])))
