"""What words do, whatever stands around them: ask, request, say nothing.

The word lists are those of the field and of the language; they name no document.
"""

from __future__ import annotations

import re

from ingest.text import plain

_INTERROGATIVE = re.compile(
    r"(?:what|what's|whats|how|how's|why|when|where|which|who|whom|whose|is|are|was|were|can|could|do|does|did|should"
    r"|would|will|have|has|in what|in which|at what|for what|to what|on what|under what)\b",
    re.I,
)
_VERB = r"(?:is|are|was|were|do|does|did|can|could|should|would|will|has|have|had)"
_SUBJECT = r"(?:you|we|they|i|it|he|she|the|an?|your|our|this|that|these|those|there)"
# verb before subject: "What is …", "Which tools do you …", and not "Why JavaScript is …" or "When to use …"
_INVERTED = re.compile(
    rf"(?:(?:in|at|for|to|on|under|by|from) )?(?:what|how|why|when|where|which|who|whom|whose)"
    rf"(?:'s\b| {_VERB}\b|(?: [\w-]+){{1,4}} {_VERB} {_SUBJECT}\b)|{_VERB} {_SUBJECT}\b",
    re.I,
)
_IMPERATIVE = re.compile(
    r"(?:explain|describe|compare|contrast|discuss|define|tell me|tell us|walk me|walk us|talk about|talk me|give|name"
    r"|list|outline|design|implement|write|show|share|summari[sz]e|differentiate|distinguish|justify|suppose|imagine"
    r"|given|find|check|create|build|calculate|compute|convert|count|derive|determine|draw|elaborate|evaluate|identify"
    r"|illustrate|mention|predict|prove|provide|refactor|remove|reverse|rewrite|solve|briefly|please"
    r"|you're|you are given|you have|you need|you notice)\b",
    re.I,
)
_SHORT = re.compile(r"(?:explain|describe|define|discuss|compare) \S", re.I)
# said to a person across the table, and to nobody else
_PROMPT = re.compile(
    r"(?:(?:please )?(?:tell|give) (?:me|us)\b|(?:walk|talk|take) (?:me|us) through\b|talk (?:to me|about a time)\b"
    r"|describe (?:a|an|the last|your most \w+) (?:\w+ ){0,3}(?:time|situation|occasion|instance|when|where|you)\b"
    r"|share (?:a|an) (?:\w+ ){0,2}(?:time|story|example|experience|situation)\b"
    r"|give (?:me )?an example of (?:a time|when|how you)\b)",
    re.I,
)
_ASKS = re.compile(r"\?[\"”’')*_\]]*(?:\s|$)")
_BEHIND = re.compile(r"\?[\"”’')*_\]]*(?:</?[a-z]+>)?(?P<dash>[ \t]*[-–—:→]+)?[ \t]+(?=\S)")


def asks(text: str) -> bool:
    """Whether a short text holds a sentence with a question mark: "What is a CLI? Name three." asks too."""
    return bool(_ASKS.search(plain(text)))


def is_question(text: str) -> bool:
    """Whether a short text asks: with a question mark, or because it starts as a question does and has some length."""
    words = plain(text)
    if asks(words):
        return True
    return bool(_INTERROGATIVE.match(words)) and 3 <= len(words.split()) <= 40 and not words.endswith((".", ":", ";"))


def is_inverted(text: str) -> bool:
    """Whether a short text is a question by the order of its words, with or without a mark: "What tools do you use"."""
    words = plain(text)
    return asks(words) or (bool(_INVERTED.match(words)) and not words.endswith((".", ":", ";")))


def is_request(text: str) -> bool:
    """Whether a short text asks without a question mark: "Explain …", "Walk me through …"."""
    words = plain(text)
    return (bool(_IMPERATIVE.match(words)) and len(words.split()) >= 3) or bool(_SHORT.match(words)) or is_prompt(words)


def is_prompt(text: str) -> bool:
    """Whether a short text is a request that only an interviewer makes: "Tell me about a time when …"."""
    words = plain(text)
    return bool(_PROMPT.match(words)) and len(words.split()) >= 4 and not words.endswith(":")


def answer_behind(line: str) -> tuple[int, int] | None:
    """Where question and answer part on one line, as in "What is a TTL? — A time to live.": (end, start).

    None where nothing stands behind the question, or what does asks on without a dash ("…? Explain your choice.").
    """
    matches = list(_BEHIND.finditer(line))
    if not matches or (not matches[-1]["dash"] and is_request(line[matches[-1].end() :])):
        return None
    return matches[-1].start() + 1, matches[-1].end()


_IMAGE = re.compile(
    r"!\[(?P<alt>[^\[\]]*)\]\([^()]*\)"
    r"|<img\b(?=[^<>]*>)[^<>]*?\balt\s*=\s*[\"'](?P<text>[^\"'<>]*)[^<>]*>",
    re.I,
)
_LINK = re.compile(
    r"\[(?:!?\[[^\[\]]*+\](?:\([^()]*+\))?+|[^\[\]])*+\](?:\([^()]*\)|\[[^\[\]]*\])|<?https?://\S+|</?[A-Za-z][^<>]*>"
)
_PICTURE_WORDS = re.compile(
    r"\b(?:image|img|picture|photo|screen ?shots?|diagram|figure|fig|logo|icon|badge|banner|alt|text"
    r"|[\w-]+\.(?:png|jpe?g|gif|svg|webp))\b|\d+",
    re.I,
)
_OPERATOR = re.compile(r"`[^`\w\s]{1,12}`")  # `<=>` is an answer
_PLACEHOLDER = re.compile(
    r"\b(?:(?:to|will) be (?:completed|done|added|answered|written|filled(?: in)?|continued|determined|announced)"
    r"|coming soon|work in progress|not (?:yet )?(?:answered|available|written)(?: yet)?|no answer(?: yet)?"
    r"|(?:answer )?pending"
    r"|todo|to do|tbd|tba|tbc|wip|n/a|x{3,}"
    r"|(?:useful|further|additional|related|more|other)?\s*(?:resources?|references?|reading|links?|sources?|see also)"
    r"|(?:back|return|go|jump)(?: back)? to (?:the )?(?:top|index|contents?|table of contents|list|summary|menu|toc)"
    r"|answer|solution)\b",
    re.I,
)


def pictured(text: str) -> str:
    """What images say: their alternative texts without mere words for an image. Empty for one word."""
    alts = " ".join(m["alt"] or m["text"] or "" for m in _IMAGE.finditer(text))
    words = _PICTURE_WORDS.sub(" ", alts).split()
    return " ".join(words) if len(words) > 1 else ""


def says_nothing(text: str) -> bool:
    """Whether a text is only a placeholder ("to be completed"), a list of links, or marks: no answer to anything.

    An image says what its alternative text says, unless that is just a word for an image.
    """
    if pictured(text) or _OPERATOR.search(text):
        return False
    rest = _PLACEHOLDER.sub(" ", _LINK.sub(" ", _IMAGE.sub(" ", text)).replace("_", " "))
    return not re.search(r"\w", rest)
