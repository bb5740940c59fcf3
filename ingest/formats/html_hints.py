"""What one part of a page says of another: where links lead, what a click unfolds, the language of a listing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.formats.html_tree import INLINE, Element, opens
from ingest.formats.inline import slug

HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])

_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|highlight-(?:source-|text-)?|sourceCode\s+|brush:\s*)([A-Za-z][\w+#.-]*)"
)
_NO_LANGUAGE = ("plaintext", "text", "plain", "none", "default", "notranslate")
_NO_TRIGGER = HEADINGS | {"summary", "a", "label", "form", "table", "ul", "ol", "p", "pre"}
_NESTED = re.compile(r"\blst-kix_\w+-(\d)\b")
_SAFE = re.compile(r"[\w.:-]{1,100}")
_GITHUB = "user-content-"  # stands before every id of a page by GitHub, and before none of its links
_MIN_LINK = 2  # words; shorter links lead to notes
_MAX_WRAPS = 6  # elements around what is clicked
_MAX_TRIGGER = 300  # characters


@dataclass(frozen=True, slots=True)
class Anchors:
    """Where links within a page lead. `links`: id → anchor. `loose`: the anchors that stand at no heading."""

    links: dict[str, str]
    loose: frozenset[str]


def find_anchors(root: Element) -> Anchors:
    """The anchors of a page: an id at a heading is that heading's slug; another one stays, if words lead to it."""
    slugs: dict[str, str] = {}
    counts: Counter[str] = Counter()
    named: set[str] = set()
    led_to: set[str] = set()
    waiting: list[str] = []  # ids since the last word: they stand at what comes next
    stack: list[str | Element] = [root]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            waiting = [] if one.strip() else waiting
            continue
        is_heading = one.tag in HEADINGS or one.tag == "summary"
        if one.attrs or is_heading:
            names = [name for e in (one.walk() if is_heading else [one]) for name in names_of(e)]
            named.update(names)
            waiting += names
        if one.tag == "a" and one.attrs.get("href", "").startswith("#") and len(one.words().split()) >= _MIN_LINK:
            led_to.add(one.attrs["href"][1:])
        if not is_heading:
            stack += reversed(one.kids)
            continue
        anchor = slug(one.words())
        numbered = f"{anchor}-{counts[anchor]}" if counts[anchor] else anchor
        counts[anchor] += 1
        for name in (*waiting, *(name.removeprefix(_GITHUB) for name in waiting), numbered):
            slugs.setdefault(name, numbered)
        waiting = []
    loose = frozenset(name for name in led_to & named - slugs.keys() if _SAFE.fullmatch(name))
    return Anchors({**slugs, **{name: name for name in loose}}, loose)


def names_of(element: Element) -> list[str]:
    """The ids by which links name an element."""
    if not element.attrs or element.tag == "meta":
        return []
    return [element.attrs[key] for key in ("id", "name") if element.attrs.get(key)]


def list_depth(element: Element) -> int:
    """How deep a list is that Google Docs writes beside the one it belongs to: it says so in its class."""
    level = _NESTED.search(element.attrs.get("class", ""))
    return int(level[1]) if level else 0


def find_trigger(kids: Sequence[str | Element], at: int) -> Element | None:
    """What is clicked to unfold the block that follows, where the element at `at` is nothing more than that."""
    one = kids[at]
    if isinstance(one, str) or not one.opens:
        return None
    following = (kids[index] for index in range(at + 1, len(kids)))
    panel = next((kid for kid in following if not isinstance(kid, str) or kid.strip()), None)
    if not isinstance(panel, Element) or (panel.tag in INLINE and not panel.holds_block):
        return None
    if panel.tag in ("pre", *HEADINGS) or _clicked(panel) is not None or not panel.words():
        return None
    trigger = one if _is_asked(one, panel) else _clicked(one)
    return trigger if trigger is not None and 0 < len(trigger.words()) <= _MAX_TRIGGER else None


def _is_asked(element: Element, panel: Element) -> bool:
    """Whether microdata says that an element is the question of the answer behind it."""
    answers = panel.attrs.get("itemprop", "") in ("acceptedAnswer", "suggestedAnswer")
    return answers and element.attrs.get("itemprop") == "name" and not any(e.tag in HEADINGS for e in element.walk())


def _clicked(element: Element) -> Element | None:
    """The element that is clicked, where there is nothing beside it."""
    for _ in range(_MAX_WRAPS):
        if element.tag in _NO_TRIGGER or not element.opens:
            return None
        if opens(element.tag, element.attrs):
            return element
        inner = [kid for kid in element.kids if (kid.strip() if isinstance(kid, str) else kid.words())]
        if len(inner) != 1 or isinstance(inner[0], str):
            return None
        element = inner[0]
    return None


def language_of(element: Element) -> str:
    """The language of a listing, as its classes or those around it name it; empty where they don't."""
    inner = [kid for kid in element.kids if isinstance(kid, Element)][:1]
    for one in (*inner, element):
        attrs = one.attrs
        given = attrs.get("data-lang") or attrs.get("data-language")
        named = _LANGUAGE.search(f"{attrs.get('class', '')} {attrs.get('data-syntaxhighlighter-params', '')}")
        language = given or (named[1] if named else "")
        if language and language.lower() not in _NO_LANGUAGE:
            return language
    return ""
