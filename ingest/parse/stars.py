"""STAR stories: situation, task, action, result, told under headings, bold leads or labels. One story is one item."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ingest.blocks import Node
from ingest.parse.labels import DECORATION
from ingest.text import plain

Part = Literal["opening", "task", "action", "result", "lesson"]

_NAMES: dict[Part, str] = {
    "opening": r"situation|context|background|setting",
    "task": r"tasks?|challenges?|goals?|problem|objective",
    "action": r"actions?(?: taken)?|what (?:i|we) did|approach|steps (?:i took|taken)",
    "result": r"results?|outcomes?|impact",
    "lesson": r"lessons?(?: learned| learnt)?|learnings?|reflections?|take-?aways?|what i learned",
}
_ANY = "|".join(_NAMES.values())
_PART = re.compile(
    rf"(?:{DECORATION})*+(?:\d[.)][ ]*)?(?:the[ ])?(?:\(?[starl]\)?[ ]*[-–—:.)][ ]*)?"
    + "(?:"
    + "|".join(rf"(?P<{name}>{words})" for name, words in _NAMES.items())
    + rf")(?:[ ]*(?:/|&|\+|and)[ ]*(?:{_ANY}))*(?:[ ]*\([^()]{{1,40}}\))?[ ]*(?P<mark>[:–—-]|$)",
    re.I,
)
_LETTERS = re.compile(r"[*_]{0,3}(?P<letter>[STAR])[*_]{0,3}:[*_]{0,3}[ ]")
_OF_LETTER: dict[str, Part] = {"S": "opening", "T": "task", "A": "action", "R": "result"}
_QUIET = ("empty", "rule", "close")
_MAX_GAP = 12  # nodes from one part of a story to the next


def read_part(node: Node) -> Part | None:
    """Which part of a story a heading, paragraph or bullet opens: "**Situation:** …". None for other nodes."""
    if node.kind not in ("heading", "paragraph", "bullet") or not node.text:
        return None
    lettered = _LETTERS.match(node.text)
    if lettered is not None:
        return _OF_LETTER[lettered["letter"]]
    match = _PART.match(plain(node.text[:80].split("\n", 1)[0]))
    if match is None or (node.kind != "heading" and not match["mark"] and "*" not in node.text[:3]):
        return None
    return next(name for name in _NAMES if match[name])


def find_stories(nodes: Sequence[Node]) -> list[list[int]]:
    """The indices of the nodes that open the parts of each story, in order.

    A story has a situation (or a context with a task), an action and a result, one after another, with no other
    heading of the parts' own level or above between them.
    """
    stories: list[list[int]] = []
    story: list[int] = []
    parts: list[Part] = []
    level = 0
    for index, node in enumerate(nodes):
        part = read_part(node)
        if part == "opening" or (story and _ends(node, part, level, index - story[-1])):
            _keep(stories, story, parts, nodes)
            story, parts = [], []
        if part is None or (not story and part != "opening"):
            continue
        if not story:
            level = node.level if node.kind == "heading" else 0
        story.append(index)
        parts.append(part)
    _keep(stories, story, parts, nodes)
    return stories


def _ends(node: Node, part: Part | None, level: int, gap: int) -> bool:
    if part is not None:
        return False
    return gap > _MAX_GAP or (node.kind == "heading" and (not level or node.level <= level))


def _keep(stories: list[list[int]], story: list[int], parts: Sequence[Part], nodes: Sequence[Node]) -> None:
    if "action" not in parts or "result" not in parts:
        return
    named = plain(nodes[story[0]].text[:40]).lower()
    if "situation" in named or "task" in parts:
        stories.append(story)
