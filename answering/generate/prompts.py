"""What a language model is told: versioned files, and the material marked as material."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from answering.answers import Source

ANSWER, REPAIR = "answer.v1", "repair.v1"
"""The files in use. A prompt that changes gets a new file with the next number."""

NOTHING = "NOT IN SOURCES"
"""What the model writes where the sources do not answer."""

DROP = "DROP"
"""What it writes for a sentence that no source supports in any wording."""

_FOLDER = Path(__file__).with_name("prompts")
# A tag of ours inside of material would end it: its bracket is exchanged for one that looks like it.
_OUR_TAG = re.compile(r"<(?=\s*/?\s*(?:source|question|sentence)\b)", re.IGNORECASE)

# Text that speaks to a language model instead of a reader. Such a sentence supports nothing: it is not shown to the
# model, and what the model says is not checked against it. Patterns of the kinds known from public attack collections.
_SPEAKS_TO_MODELS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:previous|prior|above|earlier|preceding|all|any|your"
    r"|the)\b[^.!?\n]{0,30}\b(?:instruction|prompt|rule|direction|guideline|context|message|polic|source)\w*"
    r"|\b(?:you are|act as|you're|pretend (?:to be|you are)) (?:now|no longer|henceforth)\b|\bfrom now on,? you\b"
    r"|\b(?:new|updated|real|actual|important|urgent)\s+(?:system\s+)?(?:instructions?|prompt)\s*(?::|for\b)"
    r"|\b(?:reveal|print|repeat|output|show|leak)\b[^.!?\n]{0,30}\b(?:system|hidden|initial|your)\s+"
    r"(?:prompt|instructions?|message)"
    r"|\b(?:assistants?|language models?|ai models?|llms?|chatbots?|ai)\b[^.!?\n]{0,20}\b"
    r"(?:must|should|shall|has to|have to|is required to|will)\b[^.!?\n]{0,30}\b"
    r"(?:reply|respond|answer|say|write|output|cite|tell|state|ignore|print)\b"
    r"|\b(?:reply|respond|answer)\b[^.!?\n]{0,20}\b(?:only|exactly|just|solely)\b[^.!?\n]{0,15}\bwith\b"
    r"|^\W{0,4}(?:system|assistant|user|developer|human|ai)\s*:\s"
    r"|<\|[\w ]{2,30}\|>|\[/?INST\]|<</?SYS>>|^#{2,4}\s*(?:system|instruction|response)\s*:?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_TERMINAL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_PARAGRAPH = re.compile(r"(?:[^\n]+\n?)+|\n+")
_STOP = re.compile(r"[.!?]+\s|\n")
_GAP = "[…]"


@cache
def prompt(name: str) -> str:
    """A prompt's text, by name and version."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def without_orders(text: str) -> str:
    """A source without what gives a language model orders: from such a sentence on to the end of its paragraph.

    Characters that nobody sees go too: orders are hidden in them.
    """
    text = _TERMINAL.sub(" ", text)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cf", "Cc", "Co", "Cn"))
    if not _SPEAKS_TO_MODELS.search(text):
        return text
    return "".join(_told_to_people(paragraph) for paragraph in _PARAGRAPH.findall(text))


def _told_to_people(paragraph: str) -> str:
    order = _SPEAKS_TO_MODELS.search(paragraph)
    if order is None:
        return paragraph
    begin = max((m.end() for m in _STOP.finditer(paragraph, 0, order.start() + 1)), default=0)
    return paragraph[: min(begin, order.start())] + _GAP + "\n" * paragraph.endswith("\n")


def readable(source: Source) -> str:
    """What a model is shown of a source; "" where it stands under a heading that gives orders, or says nothing else."""
    titles = (*source.heading, source.question or "")
    if any(_SPEAKS_TO_MODELS.search(f"### {title} ") for title in titles):
        return ""
    text = without_orders(source.quote)
    return text if text.replace(_GAP, "").strip() else ""


def question_message(question: str, sources: Sequence[Source], texts: Mapping[int, str]) -> str:
    """The user's message of an answer. `texts`: what each marker's source is shown as."""
    return f"{_material(sources, texts)}\n\n<question>\n{_safe(question)}\n</question>"


def repair_message(
    question: str, sources: Sequence[Source], texts: Mapping[int, str], refused: Mapping[int, str]
) -> str:
    """The user's message of a repair. `refused`: the sentences by number."""
    wrong = "\n".join(f'<sentence number="{n}">\n{_safe(text)}\n</sentence>' for n, text in refused.items())
    return f"{question_message(question, sources, texts)}\n\n{wrong}"


def _material(sources: Sequence[Source], texts: Mapping[int, str]) -> str:
    return "\n\n".join(
        f'<source number="{s.marker}" about="{_about(s)}">\n{_safe(texts[s.marker])}\n</source>' for s in sources
    )


def _about(source: Source) -> str:
    parts = dict.fromkeys((*source.heading, source.question or ""))
    return _safe(" › ".join(part for part in parts if part)).replace('"', "'").replace("\n", " ")


def _safe(text: str) -> str:
    return _OUR_TAG.sub("‹", text)
