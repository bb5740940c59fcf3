"""Which headings and list entries ask a question, judged with their siblings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.blocks import UNMARKED, Node
from ingest.parse.facets import Facets, circle, graded_circles, read_badges
from ingest.parse.labels import bold_lead, numbering, read_label, read_label_heading
from ingest.parse.outline import Outline, heading_text, rank
from ingest.parse.wording import asks, is_inverted, is_prompt, is_question, is_request
from ingest.text import Text, plain

_SIBLINGS = 0.6  # from this share of asking siblings on, a request or a numbered title among them asks too
_NEARLY_ALL = 0.9  # from this share on, so does a title of some words
_RUN = 0.6  # the same for the entries of one list
_MARKED = 0.25  # requests count among the asking only where this share has a question mark
_FOLLOW_UPS = re.compile(r"\bfollow[- ]?ups?\b", re.I)  # such a list belongs to the question before it
# and such a one is advice on what to ask, but for interviewers
_TO_ASK = re.compile(
    r"\bquestions? (?:you |to |for |we )?.{0,24}\b(?:ask|consider|interviewers?)\b|\bask (?:your|them)", re.I
)
_QUOTES = "\"'“”«» "
_QUOTED = re.compile(r"[*_]{0,3}[\"“«][^\"“”«»]{8,400}[\"”»][*_]{0,3}[.?!]?", re.S)
_MAX_BEFORE_ANSWER = 12  # nodes between a question and the label of its answer: what is asked about


@dataclass(frozen=True, slots=True)
class Words:
    """What a heading or entry asks, its label, numbering and badges left out; where that stands, and what they say."""

    number: int | None
    text: str
    start: int
    end: int
    facets: Facets


class Asking:
    """Answers, by index of a place, whether its heading asks, and whether its list entry does."""

    def __init__(self, source: Text, outline: Outline, *, guide: bool) -> None:
        self.source = source
        self.outline = outline
        self.guide = guide
        self._words: dict[int, tuple[Node, Words]] = {}
        self._circles = graded_circles([outline.places[i].node.text for i in outline.headings()])
        self._share = self._shares()
        self._entries = self._runs()

    def words(self, node: Node) -> Words:
        """The words of a heading or of an entry's first line."""
        known = self._words.get(id(node))
        if known is None:
            # with the node itself, so that no other one gets its id
            known = self._words[id(node)] = (node, self._find_words(node))
        return known[1]

    def _find_words(self, node: Node) -> Words:
        text = node.text
        label = read_label(text)
        if label is not None and label.kind == "question" and text[label.rest :].strip(" *_"):
            number, skipped = label.number, label.rest
        else:
            number, words = numbering(text)
            number, skipped = (node.number if node.number is not None else number), len(text) - len(words)
        badged = read_badges(text[skipped:])
        graded = Facets(difficulty=self._circles.get(circle(text) or ""))
        start = node.start + skipped + badged.start
        end = node.start + skipped + badged.end
        if not self.source.text.startswith(text, node.start):
            end = self.source.end_of(node.last - 1)
        words = text[skipped + badged.start : skipped + badged.end]
        return Words(number, words, start, end, badged.facets.over(graded))

    def heading(self, index: int, *, inside: bool = False, awaited: bool = False) -> bool:
        """Whether the heading at `index` asks. `inside`: it stands in an answer, so it must say so itself.

        `awaited`: an answer that follows is that of a question before it.
        """
        node = self.outline.places[index].node
        label = read_label(node.text)
        if label is not None and label.kind == "question":
            return True
        words = self.words(node)
        text = plain(words.text).strip(_QUOTES)
        share = self._share[node.level]
        if asks(text):
            return rank(node) != UNMARKED or share >= _SIBLINGS or not self._over_leads(index)
        if is_prompt(text) and not self._is_title(index):
            return True
        if is_request(text) and self._over_story(index):
            return True
        if not inside and not awaited and self.answered_below(index):
            return True
        if inside:
            return False
        if is_inverted(text) and 4 <= len(text.split()) <= 40:
            return True
        if share >= _NEARLY_ALL and len(text.split()) >= 4:
            return True
        return share >= _SIBLINGS and (
            is_question(text) or is_request(text) or (words.number is not None and rank(node) >= 2)
        )

    def _over_story(self, index: int) -> bool:
        """Whether a STAR story stands right under a heading."""
        below = range(index + 1, min(index + 4, len(self.outline.places)))
        return any(self.outline.stories.get(at) == at for at in below)

    def _is_title(self, index: int) -> bool:
        """Whether a heading opens the document and stands over several others."""
        headings = self.outline.headings()
        return headings[0] == index and len(headings) > 2 and self.outline.section_end(index) > headings[-1]

    def answered_below(self, index: int) -> bool:
        """Whether the first label or heading below a heading announces the answer to it."""
        level = self.outline.places[index].node.level
        for place in self.outline.places[index + 1 : index + 1 + _MAX_BEFORE_ANSWER]:
            node = place.node
            if node.kind == "heading":
                label = read_label_heading(node.text)
                return (
                    node.level > level
                    and label is not None
                    and label.strict
                    and label.number is None
                    and not heading_text(node).lower().endswith("answers")
                )
            label = read_label(node.text[:300]) if node.kind in ("paragraph", "bullet") else None
            if label is not None and label.kind in ("question", "answer"):
                return label.strict and label.number is None and node.kind == "paragraph"
            if node.kind in ("bullet", "paragraph") and asks(node.text[:200].split("\n", 1)[0]):
                return False
        return False

    def _over_leads(self, index: int) -> bool:
        """Whether an unmarked heading stands over bold-lead bullets: a topic of a cheat sheet."""
        following = (self.outline.places[at].node for at in range(index + 1, len(self.outline.places)))
        below = next((node for node in following if node.kind not in ("empty", "close")), None)
        return below is not None and below.kind == "bullet" and bold_lead(below.text) is not None

    def entry(self, index: int) -> bool:
        """Whether the list entry at `index` asks."""
        return self._entries.get(index, False)

    def goes_on(self, index: int) -> bool:
        """Whether the next question of a numbered list stands further down, with no heading between."""
        number = self.outline.places[index].node.number
        if number is None:
            return False
        for at in range(index + 1, len(self.outline.places)):
            node = self.outline.places[at].node
            if node.kind == "heading":
                return False
            if self._entries.get(at):
                return node.number == number + 1
        return False

    def _shares(self) -> dict[int, float]:
        asked: dict[int, list[tuple[bool, bool]]] = defaultdict(list)
        for index in self.outline.headings():
            node = self.outline.places[index].node
            label = read_label(node.text)
            text = plain(self.words(node).text)
            marked = (label is not None and label.kind == "question") or is_question(text)
            asked[node.level].append((marked, is_request(text)))
        return defaultdict(float, {level: _share(flags) for level, flags in asked.items() if len(flags) > 1})

    def _runs(self) -> dict[int, bool]:
        """Judges list entries run by run: a run is a list with nothing but entries in a row."""
        leads = [
            asks(lead.text)
            for place in self.outline.places
            if place.node.kind == "bullet" and (lead := bold_lead(place.node.text)) is not None
        ]
        asking_leads = bool(leads) and sum(leads) / len(leads) >= 0.5
        runs: list[list[int]] = [[]]
        for index, place in enumerate(self.outline.places):
            node = place.node
            if node.kind == "bullet" and (node.children or not (place.path and self._is_advice(place.path[-1]))):
                runs[-1].append(index)
            elif place.node.kind != "empty":
                runs.append([])
        out: dict[int, bool] = {}
        for run in runs:
            self._judge(run, asking_leads, out)
        # "1) What …?" with its answer as a paragraph below, then "2) …": lists of one entry each that count on
        lone = [run[0] for run in runs if len(run) == 1]
        numbered = [i for i in lone if self.outline.places[i].node.number is not None]
        asked = [i for i in numbered if self._entry_asks(self.outline.places[i].node, asking_leads=True)]
        counts_on = any(out.get(i) and self.outline.places[i].node.number is not None for run in runs for i in run)
        if (len(asked) > 1 or counts_on) and len(asked) >= _RUN * len(numbered):
            out.update(dict.fromkeys(asked, True))
        return out

    def _is_advice(self, title: str) -> bool:
        """Whether a heading stands over questions that nobody answers here: follow-ups, what to ask back."""
        return bool(_FOLLOW_UPS.search(title)) or (not self.guide and bool(_TO_ASK.search(title)))

    def _judge(self, run: list[int], asking_leads: bool, out: dict[int, bool]) -> None:
        asks = {index: self._entry_asks(self.outline.places[index].node, asking_leads) for index in run}
        if not run:
            return
        words = {index: _title(self.outline.places[index].node) for index in run}
        inverted = {index: is_inverted(words[index]) for index in run}
        requests = {index: inverted[index] or is_request(words[index]) for index in run}
        enough = len(run) > 1 and _share([(asks[i] or inverted[i], requests[i]) for i in run]) >= _RUN
        for index in run:
            node = self.outline.places[index].node
            alone = asks[index] and (self.guide or bool(node.children))
            among = asks[index] or (requests[index] and any(asks.values()))
            out[index] = (among and (enough or (alone and self.guide))) or (alone and asking_leads)
            if self.guide and _QUOTED.fullmatch(node.text.strip()) and len(node.text.split()) >= 3:
                out[index] = True

    def _entry_asks(self, node: Node, asking_leads: bool) -> bool:
        text = node.text
        if text.lstrip().startswith("[") and "](#" in text:
            return False
        lead = bold_lead(text)
        if lead is not None and asks(lead.text) and text[lead.rest :].strip():
            return asking_leads
        first = plain(text.split("\n", 1)[0])
        return (asks(first) and len(first.split()) >= 3) or is_prompt(first.strip(_QUOTES))


def _title(node: Node) -> str:
    """The words of an entry that is a title: all in bold, or its first line. Empty where it goes on behind a lead."""
    lead = bold_lead(node.text)
    if lead is None:
        first = plain(node.text.split("\n", 1)[0])
        return "" if first.endswith(":") else first
    return "" if node.text[lead.rest :].strip() else lead.text


def _share(flags: Sequence[tuple[bool, bool]]) -> float:
    """The share of those that ask; requests among them count where enough have a question mark."""
    marked = sum(asks for asks, _ in flags)
    if marked < _MARKED * len(flags):
        return marked / len(flags)
    return sum(asks or requests for asks, requests in flags) / len(flags)
