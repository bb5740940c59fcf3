"""An answer as its template shows it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from api.library import Body
from api.web.markdown import answer_html, plain_text, safe_html
from api.web.pages import source_url
from api.web.words import KINDS, REASONS, VERDICTS


def answer_view(answer: Body) -> dict[str, Any]:
    """What `_answer.html` needs: the answer, its text as HTML, and its codes in words."""
    by_marker = {source["marker"]: source for source in answer["sources"]}
    abstained = answer["kind"] == "abstained"
    return {
        "answer": answer,
        # sanitised there
        "html": Markup(answer_html(answer, source_url)),  # noqa: S704
        "kind": KINDS.get(answer["kind"], answer["kind"]),
        "abstained": abstained,
        "headline": _headline(answer),
        "reasons": [REASONS.get(reason, reason) for reason in answer["reasons"]],
        "claims": [
            {**claim, "words": plain_text(claim["text"]), "word": VERDICTS.get(claim["verdict"], claim["verdict"])}
            for claim in answer["claims"]
            if claim["verdict"] != "not_a_claim"
        ],
        "conflicts": [
            {
                "detail": conflict["detail"],
                "sources": [_side(by_marker[m]) for m in conflict["sources"] if m in by_marker],
            }
            for conflict in answer["conflicts"]
        ],
        "percent": round(answer["confidence"] * 100),
    }


def _side(source: Body) -> dict[str, Any]:
    return {**source, "html": Markup(safe_html(source["quote"]))}  # noqa: S704


def _headline(answer: Body) -> str:
    """What the banner of an answer with low confidence says first."""
    if answer["kind"] != "abstained":
        return "Low confidence"
    if "index_degraded" in answer["reasons"]:
        return "Your notes can't be searched right now"
    return "Your notes don't cover this"
