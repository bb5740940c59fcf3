"""What the names in an answer mean, in words for people. Standard library only."""

from __future__ import annotations

REASONS = {
    "no_sources": "nothing in the library fits the question",
    "weak_match": "what was found fits the question only loosely",
    "unsupported_claim": "a part of the answer is not backed by its source",
    "contradicted_claim": "a source contradicts a part of the answer",
    "missing_citation": "a part of the answer cites nothing",
    "invalid_citation": "a citation did not match its document and was dropped",
    "conflicting_sources": "the sources disagree",
    "stale_source": "a source is out of date",
    "index_degraded": "the index could not be used in full (`cuecard doctor` says why)",
    "llm_unavailable": "the language model could not be used",
    "checker_unavailable": "the answer could not be checked",
}
KINDS = {
    "model_answer": "model answer",
    "extractive": "extracted from the sources",
    "generated": "worded by the language model",
    "abstained": "not covered",
}
