"""The words by which interview tables, flash cards and quiz exports call their columns; they name no document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

# by part of an item, the most telling first
_NAMES: Mapping[str, tuple[str, ...]] = {
    "question": (
        *(
            "question",
            "questions",
            "interview question",
            "question title",
            "question text",
            "question body",
            "q",
            "clue",
        ),
        *("ques", "prompt", "front", "problem", "problem statement", "instruction", "frage", "pregunta", "pergunta"),
        *("domanda", "вопрос", "问题", "質問", "질문"),
    ),
    "answer": (
        *("answer", "answers", "model answer", "sample answer", "example answer", "ideal answer", "expected answer"),
        *("suggested answer", "best answer", "correct answer", "right answer", "answer text", "answer body", "a"),
        *("ans", "response", "responses", "model response", "sample response", "expected response", "reply", "back"),
        *("solution", "solutions", "completion", "correct", "correct option", "explanation", "rationale", "output"),
        *("answer code", "code answer", "solution code", "answer details", "answer explanation", "code example"),
        *(
            "example code",
            "example",
            "antwort",
            "respuesta",
            "réponse",
            "resposta",
            "risposta",
            "ответ",
            "答案",
            "回答",
        ),
        *("答え", "답변"),
    ),
    "talking_points": (
        *("talking points", "talking point", "key points", "key point", "points to cover", "points to mention", "hint"),
        *("hints", "tip", "what to look for", "what they're looking for", "looking for", "look for", "listen for"),
    ),
    "follow_ups": ("follow ups", "follow up", "followup", "followups", "follow up question", "follow up questions"),
    "red_flags": ("red flags", "red flag", "weak answer", "weak answers", "bad answer", "bad answers", "wrong answer"),
    "options": ("options", "choices", "alternatives", "answer choices", "answer options", "possible answers"),
    "topic": (
        *("topic", "topics", "category", "categories", "subject", "section", "area", "domain", "chapter", "module"),
        *("theme", "skill", "deck", "subtopic", "subcategory", "category name", "topic name"),
    ),
    "difficulty": ("difficulty", "difficulty level", "question difficulty", "complexity"),
    "level": ("level", "seniority", "seniority level", "experience level", "experience", "target level"),
    "company": ("company", "companies", "asked by", "asked at", "asked in", "employer"),
    "tags": ("tags", "tag", "keywords", "labels", "label"),
    "id": (
        *("id", "question id", "question number", "question no", "qid", "number", "no", "nr", "num", "index", "#"),
        *("s no", "sno", "sr no", "sl no", "row"),
    ),
    "term": (
        *("term", "terms", "word", "concept", "acronym", "abbreviation", "command", "commands", "function", "method"),
        *("operator", "keyword", "shortcut", "syntax", "name", "title"),
    ),
    "definition": (
        *("definition", "definitions", "meaning", "description", "purpose", "stands for", "what it does", "expansion"),
        *("details", "summary", "explanation", "usage", "use"),
    ),
}
PARTS = tuple(_NAMES)
"""What a column may be mapped to in front matter and `_meta.yaml`."""

_RANKS: dict[str, list[tuple[str, int]]] = defaultdict(list)  # a name → the parts it may mean, and how telling it is
for _part, _names in _NAMES.items():
    for _rank, _name in enumerate(_names):
        _RANKS[_name].append((_part, _rank))

# where something comes from and when: never an answer, however long
_ORIGINS = frozenset(
    {"source", "sources", "reference", "references", "link", "links", "url", "author", "image", "image url", "date"}
)
# what a list or a group of questions is called
_GROUPS = frozenset({"questions", "interview questions", "faq", "faqs", "quiz", "problems", "cards", "flashcards"})


def meanings(words: str) -> Sequence[tuple[str, int]]:
    """The parts that a name may mean, with how telling it is: 0 most. A plural means what its singular does."""
    return _RANKS.get(words) or _RANKS.get(words.removesuffix("s") if len(words) > 3 else "") or ()


def is_group(words: str) -> bool:
    """Whether a list with this name is one of questions."""
    return words in _GROUPS


def is_origin(words: str) -> bool:
    """Whether a column with this name says where something comes from."""
    return words in _ORIGINS
