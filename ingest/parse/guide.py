"""Interviewer guides: phases with their time, levels, criteria. Detected from what the text says of itself."""

from __future__ import annotations

import re

from ingest.blocks import Node
from ingest.parse.drafts import Draft
from ingest.parse.facets import section_facets
from ingest.parse.outline import Outline, heading_text
from ingest.text import Text, plain

_TIME_BOX = re.compile(r"\b\d{1,3}\s*(?:(?:-|–|—|to)\s*\d{1,3}\s*)?(?:min|mins|minutes|hours?|hrs?)\b", re.I)
_STAGE = re.compile(r"(?:phase|stage|round|part|segment|step|block|section|session)\s*(?:\d+|[ivx]+\b)", re.I)
_LEVEL = re.compile(
    r"(?P<level>intern|junior|entry|associate|mid(?:dle)?|intermediate|senior|lead|staff|principal)\b[ -]*"
    r"(?:level|engineers?|candidates?|developers?)?\s*(?:$|[:(–—-])",
    re.I,
)
_YEARS = re.compile(r"\d+\s*(?:\+|(?:-|–|to)\s*\d+)\s*\+?\s*(?:years?|yrs?)\b", re.I)
_CRITERIA = re.compile(
    r"\b(?:evaluation|scoring|assessment|grading|rating|hiring|decision)\s*"
    r"(?:criteria|rubric|scale|score ?card|guide|matrix|bar|signals?|weights?)\b"
    r"|\brubric\b|\bscore ?cards?\b|\bscoring\b",
    re.I,
)
_SIGNALS = re.compile(
    r"(?:red|green|yellow) flags?|(?:strong|weak|positive|negative|warning) (?:signs?|signals?)"
    r"|what (?:good|great|strong|bad|weak) looks like"
    r"|(?:closing|wrap[- ]?up|opening|warm[- ]?up|debrief|calibration)\b",
    re.I,
)
_SPEAKS = re.compile(r"\b(?:you are interviewing|interviewers?|ask the candidate|the candidate(?:'s)?)\b", re.I)


def is_guide(source: Text, outline: Outline, audience: str | None) -> bool:
    """Whether a document tells an interviewer how to interview: at least two independent signs of it.

    Signs: two stages or time boxes, two levels with years, evaluation criteria, a text that speaks to the interviewer,
    `audience: interviewer`.
    """
    titles = [heading_text(outline.places[i].node) for i in outline.headings()]
    titles += [
        plain(p.node.text[:120]) for p in outline.places if p.node.kind == "bullet" and p.node.text.startswith("**")
    ]
    stages = sum(bool(_STAGE.match(t)) or bool(_TIME_BOX.search(t)) for t in titles)
    levels = sum(bool(_LEVEL.match(t)) and bool(_YEARS.search(t)) for t in titles)
    signs = [
        stages >= 2,
        stages >= 2 and sum(bool(_TIME_BOX.search(t)) for t in titles) >= 2,
        levels >= 2,
        any(_CRITERIA.search(t) for t in titles),
        len(_SPEAKS.findall(source.text)) >= 2,
        audience == "interviewer",
    ]
    return sum(signs) >= 3


def is_part(title: str) -> bool:
    """Whether a heading or a bold lead names a part of a guide."""
    return bool(
        _STAGE.match(title)
        or _TIME_BOX.search(title)
        or (_LEVEL.match(title) and len(title.split()) <= 8)
        or _CRITERIA.search(title)
        or _SIGNALS.match(title)
    )


def find_parts(source: Text, outline: Outline) -> list[Draft]:
    """One guide draft for each section that is a part: the innermost ones, with all that stands under them."""
    headings = outline.headings()
    parts = [i for i in headings if is_part(heading_text(outline.places[i].node))]
    drafts = []
    for index in parts:
        end = outline.section_end(index)
        inner = [i for i in parts if index < i < end]
        last = _last_content(outline, index, min([end, *inner]))
        if last is None:
            continue
        place = outline.places[index]
        title = heading_text(place.node)
        draft = Draft("guide", title, place.path, place.node.start, place.node.level)
        draft.end, draft.facets = source.end_of(last.last - 1), section_facets(title)
        drafts.append(draft)
    return drafts


def _last_content(outline: Outline, start: int, end: int) -> Node | None:
    nodes = [
        p.node for p in outline.places[start + 1 : end] if p.node.kind not in ("rule", "empty", "close", "heading")
    ]
    return nodes[-1] if nodes else None
