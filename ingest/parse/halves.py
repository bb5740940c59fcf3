"""Brings together questions and answers that stand in different parts of a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from ingest.parse.drafts import Draft, Reply, settle
from ingest.text import Text, fold

_MAX_WAITING = 200  # questions of one number among which a reply's is looked for
_Key = TypeVar("_Key", str, int)


def join(source: Text, drafts: Sequence[Draft], replies: Sequence[Reply]) -> list[Reply]:
    """Gives every reply to the unanswered question it belongs to; returns the replies that fit none.

    By the question's own words where the reply repeats them, else by number. Where a number occurs several times
    (numbering that starts anew in each part), the question under a heading that the reply also stands under comes
    first, then the first one without an answer.
    """
    orphans = []
    worded, numbered = _by_words(drafts), _by_number(drafts)
    for reply in replies:
        settle(source, reply)
        draft = _worded(worded, reply) or _numbered(numbered, reply)
        if reply.answer is None and not reply.points:
            continue
        if draft is None:
            orphans.append(reply)
            continue
        draft.answer, draft.apart = reply.answer, True
        draft.points += reply.points
        draft.asides += reply.asides
        draft.facets = draft.facets.over(reply.facets)
    return orphans


def _by_words(drafts: Sequence[Draft]) -> dict[str, list[Draft]]:
    out: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if not draft.replied() and draft.question:
            out[fold(draft.question)].append(draft)
    return out


def _by_number(drafts: Sequence[Draft]) -> dict[int, list[Draft]]:
    out: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if not draft.replied() and draft.number is not None:
            out[draft.number].append(draft)
    return out


def _worded(drafts: dict[str, list[Draft]], reply: Reply) -> Draft | None:
    return next(iter(_waiting(drafts, reply.key)), None) if reply.key else None


def _numbered(drafts: dict[int, list[Draft]], reply: Reply) -> Draft | None:
    waiting = _waiting(drafts, reply.number) if reply.number is not None else []
    if not waiting:
        return None
    shared = set(reply.path[1:])
    return max(waiting, key=lambda d: len(shared & set(d.path[1:])))


def _waiting(drafts: dict[_Key, list[Draft]], key: _Key) -> list[Draft]:
    """The first of the questions under a key that are still without an answer; those that have one are let go."""
    asked = drafts.get(key, [])
    while asked and asked[0].replied():
        del asked[0]
    return [draft for draft in asked[:_MAX_WAITING] if not draft.replied()]
