"""What the answer's codes mean, in words a reader understands."""

from __future__ import annotations

REASONS = {
    "no_sources": "Nothing in your library fits the question.",
    "weak_match": "What was found fits the question only loosely.",
    "unsupported_claim": "A part of the answer isn't backed by its source.",
    "contradicted_claim": "A source contradicts a part of the answer.",
    "missing_citation": "A part of the answer cites nothing.",
    "invalid_citation": "A citation didn't match its document and was dropped.",
    "conflicting_sources": "Your notes disagree with each other.",
    "stale_source": "A source is out of date by its own dates.",
    "index_degraded": "The search index can't be used in full right now.",
    "llm_unavailable": "The language model can't be reached; these are your notes' own sentences.",
    "checker_unavailable": "The answer could not be checked against its sources.",
}

KINDS = {
    "model_answer": "Model answer, word for word",
    "extractive": "Taken from your notes",
    "generated": "Worded by a language model",
    "abstained": "Not covered",
}

ITEM_KINDS = {"qa": "Question", "note": "Note", "guide": "Guide"}

VERDICTS = {
    "supported": "Supported",
    "partial": "Partly supported",
    "contradicted": "Contradicted",
    "unsupported": "Not supported",
    "not_a_claim": "Not a claim",
}
