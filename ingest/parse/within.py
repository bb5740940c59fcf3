"""Questions that an answer asks and answers itself: "**Why not MD5?**" over a list, in the answer to a larger question.

Such a passage stays a part of the answer it stands in, and is an item of its own besides: whoever asks the larger
question gets the whole answer, whoever asks the smaller one gets the lines that answer it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.blocks import Node
from ingest.parse.anchors import leads_around
from ingest.parse.asking import Asking
from ingest.parse.drafts import Draft, Reply, Stretch, settle
from ingest.parse.labels import bold_lead, read_label, says_nothing
from ingest.parse.opened import block_start, tidy
from ingest.parse.outline import Outline
from ingest.text import Text, fold

_MIN_WORDS = 2  # "Why?" alone is nobody's question but its reader's
_MAX_BLOCKS = 200  # a passage of more is the answer itself


@dataclass(frozen=True, slots=True)
class Asked:
    """A heading that asks within an answer: its index among the places, and the question whose answer that is."""

    index: int
    around: Draft | Reply


def find_within(
    source: Text, outline: Outline, asking: Asking, drafts: Sequence[Draft], asked: Sequence[Asked]
) -> list[Draft]:
    """The questions of those headings that an answer stands under. `drafts`: all other questions."""
    starts = sorted(draft.start for draft in drafts)
    made = (_draft(source, outline, asking, starts, each) for each in asked)
    return [draft for draft in made if draft is not None]


def _draft(source: Text, outline: Outline, asking: Asking, starts: Sequence[int], asked: Asked) -> Draft | None:
    around, place = asked.around, outline.places[asked.index]
    node, words = place.node, asking.words(place.node)
    question = tidy(words.text)
    if len(question.split()) < _MIN_WORDS or (isinstance(around, Draft) and fold(question) == fold(around.title)):
        return None
    parts = [part for part in (around.answer, *around.points, *around.asides) if part is not None]
    limit = max((part.end for part in parts), default=0)
    following = bisect_left(starts, node.start + 1)
    if following < len(starts):
        limit = min(limit, starts[following])
    body = _body(source, outline, asked.index, limit)
    if not body:
        return None
    path = (*around.path, around.title) if isinstance(around, Draft) else place.path
    draft = Draft("qa", question, path, node.start, node.level, node.depth, words.number, question)
    draft.asked = Stretch(words.start, words.end)
    draft.answer = Stretch(block_start(source, body[0]), min(limit, source.end_of(body[-1].last - 1)))
    draft.end = draft.answer.end
    draft.facets = words.facets.over(around.facets)
    settle(source, draft)
    return draft if draft.replied() else None


def _body(source: Text, outline: Outline, index: int, limit: int) -> list[Node]:
    """The blocks that answer the heading at `index`: up to the next title, rule, label or question, and to `limit`.

    None where there are too many of them.
    """
    level = outline.places[index].node.level
    body: list[Node] = []
    for at in range(index + 1, len(outline.places)):
        node = outline.places[at].node
        if at - index > _MAX_BLOCKS:
            return []
        if node.kind == "rule" or (node.kind in ("heading", "close") and node.level <= level):
            break
        if node.kind in ("heading", "close", "empty"):
            continue
        if source.starts[node.first] >= limit or read_label(node.text[:300]) is not None:
            break
        if says_nothing(source.text[source.starts[node.first] : source.end_of(node.last - 1)]):
            continue
        if leads_around(source, node, strictly=True):
            continue
        if body and _titled(node) and not _titled(body[0]):
            break
        body.append(node)
    return body


def _titled(node: Node) -> bool:
    """Whether a paragraph begins with a title of its own, like the question above it: "**Approach:** …"."""
    lead = bold_lead(node.text) if node.kind == "paragraph" else None
    return lead is not None and node.text[: lead.rest].rstrip().rstrip("*_").rstrip().endswith((":", "?"))
