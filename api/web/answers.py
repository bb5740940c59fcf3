"""An answer as its template shows it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from api.library import Body
from api.web.markdown import answer_html
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
        "reasons": [REASONS.get(reason, reason) for reason in answer["reasons"]],
        "claims": [
            {**claim, "number": number, "word": VERDICTS.get(claim["verdict"], claim["verdict"])}
            for number, claim in enumerate(answer["claims"], 1)
            if claim["verdict"] != "not_a_claim"
        ],
        "conflicts": [
            {"detail": conflict["detail"], "sources": [by_marker[m] for m in conflict["sources"] if m in by_marker]}
            for conflict in answer["conflicts"]
        ],
        "percent": round(answer["confidence"] * 100),
    }
