"""Questions that lean on the one before: found by their words alone, and completed with what that one was about.

"And its drawbacks?" after "What is optimistic locking?" is read as "the drawbacks of optimistic locking?". A question
that names its own subject is never changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from answering.ground.facts import facts
from retrieval.terms import content_terms

MOST_POINTED = 2
"""Words after "is that", in "is that thread safe?": with more of them "that" is rather a part of what is named."""

LONGEST = 14
"""Words; whoever writes more names the subject."""

MOST_TOPIC = 10
"""Words of an earlier question that are carried over."""

# What is asked of a subject that was named before: these alone are no subject.
_ASPECTS = """
drawback disadvantage downside advantage upside benefit pro con limitation tradeoff trade-off pitfall caveat gotcha
weakness strength alternative example counterexample difference similarity reason consequence implication purpose
definition
"""
# Words of many questions that say nothing of what they are about.
_LIGHT = """
use using used do does doing make made work working need want get give tell show say explain elaborate describe know
think mean happen matter help go come look take put good bad better best worse worst main major biggest big common
typical usual more further short simple detail exactly actually really another other else case time please example
instance sometimes always never ever still also instead prefer choose pick recommend compare apply avoid prevent fix
solve handle implement
"""
_CONNECTIVE = re.compile(r"(?:and|but|or|ok(?:ay)?|so|then)\b[\s,]*", re.IGNORECASE)
_WHAT_ABOUT = re.compile(r"(?:what|how)\s+about\b\s*", re.IGNORECASE)
_WHICH_ONE = re.compile(r"which\s+(?:ones?\b|of\s+(?:them|these|those|the\s+two)\b)", re.IGNORECASE)
_POINTS_AT_ONCE = re.compile(
    r"(?:is|are|was|were|does|do|would|can|will|should)\s+(?:this|that|these|those)\s", re.IGNORECASE
)
_PRONOUN = re.compile(
    r"(?<![\w.`'-])(?P<word>it|its|they|them|their|this|that|these|those)(?![\w`'-]|\.\w)", re.IGNORECASE
)
_LEADING_PRONOUN = re.compile(r"\A(?:(?:it|they|them|these|those)\s+)+", re.IGNORECASE)
_OWNED = re.compile(r"(?P<what>(?:[\w-]+\s+){0,2}?[\w-]+)\s*(?=[?.!]?\s*$|\s+(?:and|or|in|for|when|if|over|than)\b)")
# "is it possible to", "how long does it take to": an "it" that stands for what follows
_EXPLETIVE = re.compile(
    r"\s+(?:(?:really|always|ever|still|even|usually|generally|actually|not)\s+)*"
    r"(?:possible|okay|ok|fine|safe|true|better|best|good|bad|worth|necessary|important|common|normal|wrong|right|fair|enough|hard|easy"
    r"|dangerous|legal|take|takes|mean|means|matter|called|make\s+sense|a\s+\w+|an\s+\w+)\b.*\b(?:to|that|if|when|for|doing|using)\b",
    re.IGNORECASE,
)
# "this approach" speaks of something named before; "this error" may as well be named after it
_POINTING = re.compile(
    r"\s*(?:[?.!]|$|(?:approach|pattern|technique|method|idea|concept|thing|way|case|one|kind|strategy|algorithm|tool|feature|setting)s?\b"
    r"|(?:is|are|was|were|be|do|does|work|works|happen|happens|help|helps|matter|matters|mean|means|better|worse|different|useful"
    r"|necessary|safe|possible|scale|scales|in|for|with|and|or|over|than|compare|compares|relate|relates|affect|affects|always|still|ever|not)\b)",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"(?:what|how|why|when|which|where|who|is|are|does|do|can|could|should|would|will|did)\b", re.IGNORECASE
)
_SCAFFOLD = re.compile(
    r"(?:(?:so|and|but|hey|hi|ok|okay|please|well)\b[\s,]*"
    r"|(?:can|could|would|will)\s+you\s+(?:please\s+)?(?:explain|describe|tell\s+me(?:\s+about)?|give\s+me|show\s+me|define)\s+"
    r"|(?:explain|describe|define|discuss|tell\s+me(?:\s+about)?|walk\s+me\s+through|give\s+me|show\s+me|compare)\s+"
    r"|what\s+(?:kinds?|types?|sorts?)\s+of\s+|what(?:['’]s|\s+(?:is|are|was|were|does|do|did))\s+"
    r"|(?:the\s+)?(?:difference|differences)\s+between\s+|(?:the\s+)?(?:purpose|point|meaning|use|role|definition|idea|concept)\s+(?:of|behind)\s+"
    r"|(?:how|why|when|where)\s+(?:(?:is|are|was|were|does|did|can|could|should|would)(?:n?['’]t)?|do(?:n?['’]t)?(?!\s+(?:you|i|we|one)\b))\s+|which\s+"
    r"|(?:is|are|does|was|were)\s+)",
    re.IGNORECASE,
)
_DOING = re.compile(
    r"(?:(?:how|why|when|where|what)\s+)?(?:do|can|could|would|should|did|will)(?:n?['’]t)?\s+(?:you|i|we|one)\s+"
    r"|(?:how|when|where|what)\s+to\s+",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[?!;:(\n]|[.,](?=\s|$)|\s+(?:and\s+(?:why|how|when|what)|when|because|so\s+that|if|while|whether|instead|mean|means|work|works)\b"
)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question was about, in its own words. `done`: it names what one does ("prevent a cache stampede")."""

    words: str
    done: bool = False


def completed(question: str, topic: Topic) -> str | None:
    """The question with its subject put in; None where it names one itself."""
    text = question.strip()
    if len(text.split()) > LONGEST or facts(text).identifiers:
        return None
    rest = text[_connective_end(text) :]
    about = _WHAT_ABOUT.match(rest)
    if about:
        return _added(text, topic.words) if not _names_itself(rest[about.end() :]) or len(rest.split()) <= 6 else None
    pronoun = _pronoun(rest)
    if pronoun is not None:
        return _capital(_put_in(rest, pronoun, topic))
    if rest != text and not (_ASKING.match(rest) and _names_itself(rest)):
        return _added(text, topic.words)
    if _leans(rest) or (_WHICH_ONE.match(rest) and len(_subjects(rest)) <= 1):
        return _capital(_of(rest, topic))
    return None


def topic_of(question: str, effective: str | None, before: Topic | None, heading: str = "") -> Topic | None:
    """What a conversation is about after a question: its subject, or still the one before where it had none.

    `heading`: of what answered it, for a question that names nothing.
    """
    if effective is not None and before is not None:
        about = _WHAT_ABOUT.match(question[_connective_end(question) :].strip())
        if about is None:
            return before
    found = _read(question)
    return found or (_read(heading) if heading else None) or before


def _connective_end(text: str) -> int:
    found = _CONNECTIVE.match(text)
    return found.end() if found else 0


@cache
def _known(words: str) -> frozenset[str]:
    return frozenset(content_terms(words))


def _subjects(text: str) -> list[str]:
    """The terms of a text that could name what it is about."""
    return [t for t in content_terms(text) if t not in _known(_LIGHT) and t not in _known(_ASPECTS)]


def _names_itself(text: str) -> bool:
    return bool(_subjects(text))


def _leans(text: str) -> bool:
    """Whether it asks an aspect of something and doesn't say of what, or asks nothing but a question word."""
    if _names_itself(text) or not any(c.isalpha() for c in text):
        return False
    return bool(set(content_terms(text)) & _known(_ASPECTS)) or len(text.split()) <= 5


def _pronoun(text: str) -> re.Match[str] | None:
    """The first word that points back, if nothing in the question itself is likely to be what it means."""
    named = len(_subjects(text))
    for found in _PRONOUN.finditer(text):
        word, after = found.group("word").lower(), text[found.end() :]
        if named > 1 and _names_itself(text[: found.start()]):
            return None
        if word == "it" and _EXPLETIVE.match(after):
            return None
        pointing = word not in ("this", "that", "these", "those") or _POINTING.match(after)
        if pointing or (_POINTS_AT_ONCE.match(text) and named <= MOST_POINTED):
            return found
    return None


def _put_in(text: str, pronoun: re.Match[str], topic: Topic) -> str:
    word = pronoun.group("word").lower()
    before, after = text[: pronoun.start()], text[pronoun.end() :]
    if topic.done:
        return _added(text, topic.words)
    if word in ("its", "their"):
        owned = _OWNED.match(after.lstrip())
        if owned is None:
            return _added(text, topic.words)
        rest = after.lstrip()[owned.end("what") :]
        return f"{before}the {owned.group('what')} of {topic.words}{rest}"
    if word in ("this", "that", "these", "those"):
        noun = re.match(
            r"\s*(?:approach|pattern|technique|method|idea|concept|thing|way|case|one|kind|strategy|algorithm|tool|feature|setting)s?\b",
            after,
        )
        after = after[noun.end() :] if noun else after
    return f"{before}{topic.words}{after}"


def _of(text: str, topic: Topic) -> str:
    """An aspect with what it is an aspect of; anything else with the subject beside it."""
    bare = text.rstrip(" ?.!")
    last = content_terms(bare.split()[-1]) if bare.split() else []
    if last and last[0] in _known(_ASPECTS) and not topic.done:
        return f"{bare} of {topic.words}{text[len(bare) :].strip()}"
    return _added(text, topic.words)


def _added(text: str, topic: str) -> str:
    return f"{text} ({topic})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _read(question: str) -> Topic | None:
    """What a question is about, without the words that only ask."""
    text, acts = " ".join(question.split()), False
    while True:
        doing = _DOING.match(text)
        found = doing or _SCAFFOLD.match(text)
        if found is None or not found.group():
            break
        acts = acts or doing is not None
        text = text[found.end() :]
    text = _LEADING_PRONOUN.sub("", text)
    cut = _CLAUSE.search(text)
    asked = " ".join(text[: cut.start() if cut and cut.start() else len(text)].split()[:MOST_TOPIC]).rstrip(" .?!,'\"")
    if not content_terms(asked):
        return None
    return Topic(asked, acts)
