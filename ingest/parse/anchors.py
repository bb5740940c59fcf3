"""Links inside a document: lists of questions whose answers stand under an anchor, and what only leads around."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from ingest.blocks import Node
from ingest.parse.drafts import Stretch
from ingest.parse.labels import numbering
from ingest.parse.outline import Outline, Place, heading_text
from ingest.parse.wording import asks, is_question, is_request, pictured
from ingest.text import Text, fold, plain

_LINK = re.compile(r"\[(?P<words>(?:`[^`\n]*+`|\[[^\[\]\n]*+\]|[^\[\]\n])++)\]\([ ]*<?#(?P<to>[^()<>\s]+)>?[^()\n]*\)")
_ANCHOR = re.compile(r"<a\s[^<>]*?\b(?:name|id)\s*=\s*[\"']?(?P<name>[^\"'\s<>]+)", re.I)
_REQUESTS = 0.6  # from this share of asking entries on, a list's requests without a question mark are questions
_ASKING = 0.25  # provided that this share of them has one


@dataclass(frozen=True, slots=True)
class Linked:
    """A question of a list that links to its answer: its words, where they stand, its number."""

    question: str
    asked: Stretch
    number: int | None


def find_linked(source: Text, outline: Outline, asks_itself: Callable[[int], bool]) -> dict[int, Linked]:
    """Index of the place that holds the answer → its question, for lists of questions that link to their answers.

    A list that links to headings which ask by themselves is a table of contents. `asks_itself`: whether the heading
    at an index does.
    """
    links = [(place, found) for place in outline.places if (found := _links(source, place.node))]
    if not links:
        return {}
    targets = _targets(source, outline)
    out: dict[int, Linked] = {}
    taken: Counter[int] = Counter()
    for place, found in links:
        for to, linked in _asking(found):
            at = targets.get(_key(to))
            if at is None or outline.places[at].node is place.node:
                continue
            node = outline.places[at].node
            taken[at] += 1
            if node.kind == "heading" and (asks_itself(at) or _same(heading_text(node), linked.question)):
                taken[at] += 1
            out[at] = linked
    return {at: linked for at, linked in out.items() if taken[at] == 1}


def _links(source: Text, node: Node) -> list[tuple[str, Linked]]:
    """(anchor, question) of the entries of a list, or the lines of a paragraph, that are nothing but such a link."""
    if node.kind not in ("bullet", "paragraph") or "](" not in "".join(source.lines[node.first : node.last]):
        return []
    out = []
    for line in range(node.first, node.last):
        raw = source.lines[line]
        match = _LINK.search(raw)
        if match is None or len(plain(raw[: match.start()] + raw[match.end() :]).split()) > 2:
            continue
        start = source.starts[line] + match.start("words")
        number, words = numbering(match["words"])
        if number is None:
            number, _ = numbering(raw.strip())
        asked = Stretch(start + len(match["words"]) - len(words), start + len(match["words"]))
        out.append((match["to"], Linked(plain(words), asked, number)))
    return out


def _asking(found: list[tuple[str, Linked]]) -> list[tuple[str, Linked]]:
    marked = sum(asks(linked.question) for _, linked in found)
    wanted = [pair for pair in found if is_question(pair[1].question) or is_request(pair[1].question)]
    if len(wanted) >= _REQUESTS * len(found) and marked >= _ASKING * len(found):
        return wanted
    return [pair for pair in found if asks(pair[1].question)]


def _targets(source: Text, outline: Outline) -> dict[str, int]:
    """Anchor → index of the place it names: a heading by its words, any place by `<a name=…>` in or before it."""
    out: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for index, place in enumerate(outline.places):
        node = place.node
        if node.kind == "heading":
            key = _key(plain(node.text))
            out.setdefault(f"{key}{seen[key] or ''}", index)
            seen[key] += 1
        for name in _names(source, node):
            out[_key(name)] = _following(outline, index)
    return out


def _names(source: Text, node: Node) -> Iterator[str]:
    if node.kind != "code":
        for line in source.lines[node.first : node.last]:
            if "<a" in line or "<A" in line:
                yield from (match["name"] for match in _ANCHOR.finditer(line))


def _following(outline: Outline, index: int) -> int:
    """The place itself, or, where it is nothing but an anchor, the next one that says something."""
    for at in range(index, min(len(outline.places), index + 6)):
        node = outline.places[at].node
        if node.kind in ("code", "table") or (node.kind not in ("empty", "rule", "close") and plain(node.text)):
            return at
    return index


def _key(anchor: str) -> str:
    return re.sub(r"[\W_]+", "", unquote(anchor).casefold())


def _same(heading: str, question: str) -> bool:
    return fold(numbering(heading)[1]) == fold(question)


# -- what only leads around

_ANY_LINK = re.compile(
    # possessive: what has two readings, as "![a](b)" has, would be tried in every combination of them
    r"!?\[(?:\[[^\[\]]*+\]|!\[[^\[\]]*+\]\([^()]*+\)|[^\[\]])*+\](?:\([^()]*\)|\[[^\[\]]*\])|<?https?://\S+>?"
)
_TO_ANCHOR = re.compile(r"\]\(#[^()]*[()]")
# an image inside a link is a badge, or a picture with a long text
_IMAGE = re.compile(r"(?<!\[)!\[(?P<alt>[^\[\]]*)\]\((?P<url>[^()]*)\)")
_BADGE_URL = re.compile(r"badge|shields\.io|\.svg\?|travis-ci|codecov|/workflows/", re.I)
_BACK = re.compile(
    r"\W*(?:(?:go|jump)[ ])?(?:back|return|up)[ ](?:to[ ])?(?:the[ ])?"
    r"(?:top|index|start|contents?|table of contents|toc|list|summary|menu|questions|home|readme)\W*",
    re.I,
)


def leads_around(source: Text, node: Node, *, strictly: bool = False) -> bool:
    """Whether a block is only a way to another place: "Back to top", an empty anchor, a list of links to headings.

    `strictly`: with no words beside the links.
    """
    if node.kind not in ("paragraph", "html", "bullet", "quote", "heading"):
        return False
    text = "\n".join(source.lines[node.first : node.last])
    if not _ANY_LINK.search(text):
        words = plain(text)
        marked = "<a" in text or node.kind == "html"
        return marked and (not words or bool(_BACK.fullmatch(words))) and not pictured(text)
    return (_is_contents(text) and not (strictly and _bare(text))) or bool(
        _BACK.fullmatch(plain(text).replace("[", " ").replace("]", " "))
    )


def _is_contents(text: str) -> bool:
    links = _ANY_LINK.findall(text)
    anchors = len(_TO_ANCHOR.findall(text))
    return anchors > 0 and anchors >= 0.8 * len(links) and _bare(text) <= 0.3 * len(links) + 2


def _bare(text: str) -> int:
    words = plain(_ANY_LINK.sub(" ", re.sub(r"[|:\-]{2,}", " ", text)))
    return len(re.findall(r"[A-Za-z]{2,}", words))


def is_structure(source: Text, node: Node) -> bool:
    """Badges, tables of contents, ways around, and stray marks: nothing a question could be about."""
    text = "\n".join(source.lines[node.first : node.last])
    if not any(c.isalnum() for c in text):
        return node.kind not in ("code", "table")
    if node.kind == "code":
        return False
    if leads_around(source, node) or (node.kind == "table" and _is_contents(text)):
        return True
    links = _ANY_LINK.findall(text)
    return bool(links) and _bare(text) == 0 and any("!" in link for link in links) and not _pictures(text)


def _pictures(text: str) -> bool:
    """Whether an image among badges says something: more than a word, and no badge's address."""
    return any(len(m["alt"].split()) > 1 and not _BADGE_URL.search(m["url"]) for m in _IMAGE.finditer(text)) or any(
        len(plain(link).split()) > 3 for link in _ANY_LINK.findall(text)
    )


def place_of(outline: Outline, index: int) -> Place:
    """The place at an index, its own heading in the path where it is one."""
    place = outline.places[index]
    if place.node.kind != "heading":
        return place
    return Place(place.node, (*place.path, heading_text(place.node)), place.section, place.frame)
